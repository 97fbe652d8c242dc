"""Torture: processes, sessions and the database are killed while schedules fire.

Afterwards SQL tells whether every planned instant has exactly one outcome and
every effect happened as often as its workflow promises (docs/reliability.md).
"""
