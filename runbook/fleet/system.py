"""What a supervisor of many processes asks of the system."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def adopt_orphans() -> None:
    """Become the parent of what a child leaves behind (Linux); elsewhere its closed pipes have to end it."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def open_more_files() -> None:
    """Have as many files open as this process may: two pipes a child come to more than the 1,024 that are usual."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def children_of_this_process() -> list[int]:
    """Return the processes that this one is the parent of; none where the system cannot say (Linux can)."""
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    try:
        return [int(word) for word in path.read_text().split()]
    except OSError:
        return []
