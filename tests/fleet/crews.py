"""A crew that does nothing but say how each tenant ended, in the order of asking; and a watch that notes all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runbook.fleet.crew import Ended, Event
from runbook.fleet.order import Order


def order(tenant: str, ring: str = "all", mode: str = "apply", **more: Any) -> Order:
    return Order(
        fleet="20260101T000000Z-apply-aaaaaa",
        folder="/nowhere",
        tenant=tenant,
        group=ring,
        ring=ring,
        mode=mode,
        tutorial="any",
        **more,
    )


def row(order: Order, exit_code: int | None, status: str) -> dict[str, Any]:
    return {
        "tenant": order.tenant, "group": order.group, "ring": order.ring, "status": status,
        "exit_code": 4 if exit_code is None else exit_code,
        "reason": "", "run": "", "plan": "", "seconds": 0.0, "attempts": 1, "sections": [], "outlook": None,
    }  # fmt: skip


STATUS: dict[int | None, str] = {
    None: "not started",
    0: "changed",
    1: "failed",
    3: "drift",
    4: "refused",
    5: "unknown",
    130: "interrupted",
}


@dataclass
class Said:
    """A crew whose tenants end as `codes` says; None is a process that ends without a row."""

    codes: Mapping[str, int | None]
    begun: list[str] = field(default_factory=list)
    most: int = 0
    interrupted: int = 0
    killed: int = 0
    _running: list[Order] = field(default_factory=list)

    def start(self, order: Order) -> None:
        self.begun.append(f"{order.tenant} again" if order.close else order.tenant)
        self._running.append(order)
        self.most = max(self.most, len(self._running))

    def running(self) -> int:
        return len(self._running)

    def wait(self, seconds: float) -> list[Event]:
        order = self._running.pop(0)
        code = self.codes.get(order.tenant, 0)
        if code is None and order.close:
            found = {**row(order, 1, "killed"), "reason": order.why}
        else:
            found = None if code is None else row(order, code, STATUS[code])
        return [Ended(order=order, row=found, how="" if found else "it fell over", too_long=False, seconds=1.0)]

    def interrupt(self) -> None:
        self.interrupted += 1

    def kill(self) -> None:
        self.killed += 1

    def close(self) -> None:
        assert not self._running


@dataclass
class Notes:
    """A watch that notes what it is told."""

    told: list[str] = field(default_factory=list)

    def ring(self, name: str, count: int) -> None:
        self.told.append(f"ring {name} {count}")

    def started(self, tenant: str) -> None:
        self.told.append(f"started {tenant}")

    def ended(self, row: dict[str, Any]) -> None:
        self.told.append(f"ended {row['tenant']} {row['status']}")

    def tick(self) -> None:
        """Nothing is noted."""

    def close(self) -> None:
        """Nothing is noted."""
