"""Whatever carries out orders side by side, and what it tells of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from runbook.fleet.order import Order

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A tenant's process says what begins."""

    order: Order
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A tenant's process has ended."""

    order: Order
    row: Row | None
    """The tenant's row; None when the process ended without one."""
    how: str
    """One sentence on how the process ended, and what it printed last; empty when it gave a row."""
    too_long: bool
    """Whether it was stopped because it ran longer than it may."""
    seconds: float
    begun: bool = True
    """False for an order that was taken back before anything was done of it."""


Event = Told | Ended


class Crew(Protocol):
    """Whatever carries out orders side by side."""

    def start(self, order: Order) -> None:
        """Begin; returns at once."""

    def running(self) -> int:
        """Say how many have begun and not ended."""

    def wait(self, seconds: float) -> list[Event]:
        """Return what happened, waiting for something at most so long."""

    def interrupt(self) -> None:
        """Ask all that run to stop and to write their records."""

    def kill(self) -> None:
        """Stop all that run at once."""

    def close(self) -> None:
        """Let go of everything. What still runs, because something failed here, may write its record."""
