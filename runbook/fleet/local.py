"""Carry a fleet out on this machine: what is made ready once, which cores are used, and the simulated far ends."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from runbook import simulated
from runbook.engine import can_fork
from runbook.errors import InventoryError, UsageError
from runbook.fleet.carrying import Row, carry_out, enter
from runbook.fleet.crew import Crew
from runbook.fleet.executors import ExecutorCrew, processes
from runbook.fleet.forkedcrew import ForkedCrew
from runbook.fleet.order import Order
from runbook.preloading import preload
from runbook.tenants import TenantEntry

IN_FLIGHT_PER_CORE = 10
"""A tenant waits for the network most of the time: so many share a core unless something else is asked for."""


def local_crew(tutorial: str, *, in_flight: int, tenant_seconds: float | None) -> Crew:
    """Return a crew on this machine: forked where that is safe, else every tenant in a new process."""
    if not can_fork():
        return ExecutorCrew(processes(in_flight), tenant_seconds=tenant_seconds)
    preload(tutorial)
    return ForkedCrew(work, limit_seconds=tenant_seconds)


def work(order: Order, told: Callable[[str], None]) -> Row:
    """Carry out an order in a process that was forked for it."""
    enter(order)
    return carry_out(order, told)


@contextlib.contextmanager
def on_cores(count: int | None) -> Iterator[None]:
    """Use so many cores for this process and all that it starts, for the length of a ``with`` block.

    Nothing happens where the system cannot say which core a process runs on. Raises UsageError for less than one.
    """
    if count is not None and count < 1:
        raise UsageError(f"{count} workers cannot do anything.", "Give at least 1.")
    if count is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def simulated_far_ends(entries: Mapping[str, TenantEntry]) -> Iterator[None]:
    """Serve the simulated tenants of a fleet for the length of a ``with`` block, all that nobody serves by one process.

    Real tenants, and simulated ones at an address of their own, are left alone.
    """
    with contextlib.ExitStack() as served:
        for profile, directories in _by_profile(entries).items():
            served.enter_context(simulated.serving_many(directories, profile=profile))
        yield


def make_simulated(entries: Mapping[str, TenantEntry]) -> None:
    """Make those of the same simulated tenants that do not exist yet, and start nothing. Raises InventoryError."""
    for profile, directories in _by_profile(entries).items():
        missing = [directory for directory in directories if not (directory / "credentials.json").is_file()]
        try:
            if missing:
                simulated.make_many(missing, profile=profile)
        except KeyError:
            raise InventoryError(f"A simulated tenant has no profile {profile!r}.") from None
        except OSError as error:
            raise InventoryError(f"A simulated tenant cannot be made in {error.filename}: {error.strerror}.") from error


def _by_profile(entries: Mapping[str, TenantEntry]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for name, entry in entries.items():
        if entry.simulated is not None and entry.simulated.address is None:
            found.setdefault(entry.simulated.profile, []).append(entry.state_directory(name))
    return found
