"""Keep families of processes together: no child outlives the parent it works for."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def die_with_parent(sig: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel to send us a signal when our parent ends (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(sig), 0, 0, 0)


def bind_children_to_us() -> None:
    """Let every process forked from here on die together with its parent.

    A queue whose main process or sentinel is killed would otherwise go on working
    unguarded beside its successor.
    """
    parent = [os.getpid()]

    def remember() -> None:
        parent[0] = os.getpid()

    def bind() -> None:
        die_with_parent()
        if os.getppid() != parent[0]:  # it ended before we could ask
            os._exit(1)

    os.register_at_fork(before=remember, after_in_child=bind)
