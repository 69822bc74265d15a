"""What a text promises: mail of this disposition lands there, and where the text says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

PromiseSource = Literal["title", "meta title", "introduction", "flow chart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Via:
    """What a flow chart draws between a disposition and its place; empty where the chart draws nothing."""

    scl: int | None = None
    """The spam confidence level that a rule on the way sets."""
    verdict: str = ""
    """The verdict class on the way, in the chart's words."""

    def as_json(self) -> dict[str, Any]:
        """Give the printed form; what the chart does not say is left out."""
        return ({"scl": self.scl} if self.scl is not None else {}) | ({"verdict": self.verdict} if self.verdict else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One statement of the text. The same may be promised several times, and then stands here several times.

    A disposition with several places in one flow chart may land in any of them.
    """

    disposition: str | None
    """As the gateway's own settings name it; None where a place is named and not whose mail goes there."""
    destination: str
    """A name from the lexicon's destinations."""
    line: int | str
    source: PromiseSource
    via: Via | None = None

    def as_json(self) -> dict[str, Any]:
        """Give the printed form; `via` is there only for a flow chart's promise."""
        result: dict[str, Any] = {
            "disposition": self.disposition, "destination": self.destination, "line": self.line, "source": self.source,
        }  # fmt: skip
        return result | ({"via": self.via.as_json()} if self.via is not None else {})
