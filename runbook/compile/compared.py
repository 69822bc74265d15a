"""What came of holding a page's portal steps against its own PowerShell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

COUNTS = ("calls", "compared", "agreeing", "differing", "one_sided", "left_open")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRead:
    """A statement of the PowerShell half that was compared with nothing, and why."""

    line: int | str
    text: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Oracle:
    """What came of holding both halves against each other. Calls are counted, and values one by one."""

    calls: int = 0
    """Calls of cmdlets that change something of a kind that is known."""
    compared: int = 0
    """Those of them that stand for a resource of the portal steps."""
    agreeing: int = 0
    """Values that both halves give, and alike."""
    differing: int = 0
    one_sided: int = 0
    """Values that only one half gives."""
    left_open: int = 0
    """Values that one half leaves to its reader, or has on another page."""
    unread: tuple[NotRead, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Give the printed form."""
        counts = {name: getattr(self, name) for name in COUNTS}
        return counts | {"unread": [{"line": row.line, "text": row.text, "why": row.why} for row in self.unread]}
