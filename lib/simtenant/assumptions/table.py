"""What a row of the table of assumptions is, and how it is told which calls relied on it."""

from __future__ import annotations

import functools
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

EVERY_CMDLET = ("Get-*", "New-*", "Set-*", "Remove-*", "Enable-*", "Disable-*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """One unconfirmed behaviour."""

    id: str
    statement: str
    """What the simulated tenant does, as a sentence."""
    why: str
    """Why it is not confirmed, with the source of what is known."""
    switch: str | None = None
    """The switch that makes the tenant behave the other way; None when there is no other way to choose."""
    refused: bool = False
    """Whether only a call that was refused relied on it: it is about the form or the ground of a refusal."""
    hosts: tuple[str, ...] = ()
    """Hosts it is about; empty for any."""
    calls: tuple[str, ...]
    """Cmdlet names, or ``METHOD part-of-path`` for the other services; ``*`` stands for any text."""

    def concerns(self, row: Mapping[str, Any], turned: Container[str] = ()) -> bool:
        """Tell whether a row of the request log relied on this behaviour, or on the other way of a turned switch."""
        refused = row["status"] is not None and row["status"] >= 400
        if self.refused and not refused and self.switch not in turned:
            return False
        if self.hosts and not any(_like(host, str(row["host"]).partition(":")[0]) for host in self.hosts):
            return False
        return any(_matches(pattern, row) for pattern in self.calls)

    def told(self, turned: Mapping[str, str | int]) -> str:
        """Say what the tenant does; ``turned`` are its switches that are not at their default."""
        if self.switch is None or self.switch not in turned:
            return self.statement
        return f"Not so here, for the switch {self.switch} is {turned[self.switch]}: {self.statement}"

    def compiled(self) -> None:
        """Make the patterns ready, which a process that forks others does once for all."""
        for pattern in (*self.hosts, *self.calls):
            method, _, path = pattern.partition(" ")
            for part in (method, f"*{path}*") if path else (method,):
                _compiled(part)


def _matches(pattern: str, row: Mapping[str, Any]) -> bool:
    method, blank, path = pattern.partition(" ")
    if not blank:
        return row.get("cmdlet") is not None and _like(method, str(row["cmdlet"]))
    if row.get("cmdlet") is not None:
        return False
    return _like(method, str(row["method"])) and _like(f"*{path}*", str(row["path"]))


def _like(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*"), re.IGNORECASE)
