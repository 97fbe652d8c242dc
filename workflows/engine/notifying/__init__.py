"""What telling operators is made of: who is told, in which words, how it travels."""

from __future__ import annotations
