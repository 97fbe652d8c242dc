"""Who is told when delivery logs reach a final status.

A package names a function by its dotted path in its ``AppConfig.ready``. It is called
once per batch with the keys of the logs, inside the transaction that writes their
status, so its own writes stand or fall with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.utils.module_loading import import_string

FinalListener = Callable[[Sequence[int]], None]

_paths: list[str] = []


def register_on_logs_final(path: str) -> None:
    """Have the function at ``path`` called with the keys of logs that became final.

    Registering a path again changes nothing.
    """
    if path not in _paths:
        _paths.append(path)


def unregister_on_logs_final(path: str) -> None:
    """Undo a registration; for tests."""
    if path in _paths:
        _paths.remove(path)


def logs_are_final(log_ids: Sequence[int]) -> None:
    """Tell the listeners, in the caller's transaction. Nothing to tell is fine."""
    if not log_ids:
        return
    for path in _paths:
        import_string(path)(log_ids)
