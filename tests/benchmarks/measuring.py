"""Cost of work done in child processes: wall time, CPU of the whole tree, peak of its proportional set size (Linux)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What one way of doing the work cost."""

    wall_seconds: float
    cpu_seconds: float
    peak_megabytes: float
    megabytes_each: float = 0.0
    """What one more tenant in flight adds to the peak; 0 where nobody looked."""


class MemorySampler(threading.Thread):
    """Sample the memory of all processes below this one, except those that are not part of the measurement."""

    def __init__(self, excluded: Collection[int], every_seconds: float) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._excluded = {os.getpid(), *excluded}
        self._every = every_seconds
        self._stop_asked = threading.Event()

    def run(self) -> None:
        while not self._stop_asked.wait(self._every):
            self.peak = max(self.peak, sum(_pss(pid) for pid in _descendants(os.getpid()) - self._excluded))

    def finish(self) -> float:
        self._stop_asked.set()
        self.join()
        return self.peak / 1024


def _descendants(root: int) -> set[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.parent.name)] = int(fields[1])
    found = {root}
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} | found
        grown, found = more != found, more
    return found


def _pss(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def measure(work: Callable[[], None], excluded: Collection[int], *, every_seconds: float | None = 0.02) -> Cost:
    """Time a piece of work that runs in child processes; `every_seconds` None leaves their memory alone.

    To look at the memory of many processes costs more than some of what is measured here.
    """
    sampler = MemorySampler(excluded, every_seconds) if every_seconds else None
    if sampler:
        sampler.start()
    before, start = os.times(), time.perf_counter()
    work()
    wall, after = time.perf_counter() - start, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(wall, cpu, sampler.finish() if sampler else 0.0)
