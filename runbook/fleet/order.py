"""What is asked for one tenant of a fleet: plain values that go through a pipe, or to another machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from runbook.runs import Grant
from runbook.task import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One tenant's part of a fleet run. All paths are absolute."""

    fleet: str
    """Name of the fleet run."""
    folder: str
    """Its folder, which every process of the fleet must be able to reach."""
    tenant: str
    group: str
    ring: str
    mode: str
    tutorial: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    grant: Mapping[str, str] | None = None
    """The approval to apply by: ``plan``, ``made_by``, ``approver`` and ``expires``."""
    cell_timeout_seconds: float = 900.0
    store: str = ""
    """Address that a finished run's folder is also put to."""
    close: bool = False
    """True to make the record of what a killed process has left, and to begin nothing."""
    why: str = ""
    """How that process ended."""
    seconds: float = 0.0
    """How long it ran."""

    def request(self, *, resume: Path | None = None, announce: Callable[[Path], None] = lambda path: None) -> Request:
        """Return the run that this asks for: a new one, whose folder is announced, or one to go on with."""
        if resume is not None:
            return Request(
                tenant=self.tenant, mode="apply", resume=resume, cell_timeout_seconds=self.cell_timeout_seconds
            )
        grant = None
        if self.grant is not None:
            grant = Grant(
                plan=self.grant["plan"],
                made_by=Path(self.grant["made_by"]),
                approver=self.grant["approver"],
                expires=self.grant["expires"] or None,
            )
        return Request(
            tenant=self.tenant,
            mode=self.mode,
            tutorial=self.tutorial,
            parameters=self.parameters,
            sources=self.sources,
            grant=grant,
            fleet=self.fleet,
            announce=announce,
            cell_timeout_seconds=self.cell_timeout_seconds,
        )

    def as_json(self) -> dict[str, Any]:
        """Return it in plain JSON values; `Order(**values)` is the way back."""
        return asdict(self)
