"""Where a message ends, by which steps, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Place = Literal[
    "gateway-quarantine", "inbox", "junk", "quarantine", "deleted", "redirected", "rejected", "elsewhere", "unknown"
]
Grade = Literal["documented", "conditional", "unknown"]
"""How sure a step is: the vendor says so; it holds if something does that nobody has confirmed; nobody can say."""
_ORDER: tuple[Grade, ...] = ("documented", "conditional", "unknown")

UserRight = Literal["see", "preview", "delete", "release", "request"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens to a message on its way."""

    text: str
    source: str
    """Which fact it rests on."""
    grade: Grade = "documented"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Where a message lies in the end, and what its recipient may do there."""

    place: Place
    quarantine_policy: str = ""
    """Name of the quarantine policy; empty where none applies or it is not known."""
    user_may: frozenset[UserRight] | None = None
    """What the recipient may do with a message in quarantine; None where that is not known, or it is not there."""
    notified: bool | None = None
    """Whether the recipient is told of it; None where that is not known, or it is not in quarantine."""
    policy: str = ""
    """Name of the anti-spam policy that decided; empty where none did."""

    @property
    def text(self) -> str:
        """The place in a few words, with what the recipient may do there."""
        if self.place != "quarantine":
            return _PLACES[self.place]
        if self.user_may is None:
            rights = "what the recipient may do is not known"
        elif "release" in self.user_may:
            rights = "the recipient may release"
        elif "request" in self.user_may:
            rights = "the recipient may ask for release"
        else:
            rights = "administrators only"
        name = f" under {self.quarantine_policy}" if self.quarantine_policy else ""
        return f"Quarantine{name}, {rights}"


_PLACES: dict[Place, str] = {
    "gateway-quarantine": "Cloudflare's own quarantine, administrators only",
    "inbox": "Inbox",
    "junk": "Junk Email folder",
    "quarantine": "Quarantine",
    "deleted": "deleted",
    "redirected": "sent to another address",
    "rejected": "rejected",
    "elsewhere": "elsewhere: not handed to a mailbox of this tenant",
    "unknown": "not known",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All endings that the facts leave open, one where they leave none, and the steps to the likeliest."""

    endings: tuple[Ending, ...]
    steps: tuple[Step, ...]
    rules: tuple[str, ...] = ()
    """Names of the transport rules that act on it on the way that the steps tell."""

    @property
    def ending(self) -> Ending | None:
        """The one ending, or None where several are possible."""
        return self.endings[0] if len(self.endings) == 1 else None

    @property
    def grade(self) -> Grade:
        """The doubt of the most doubtful step; several endings are unknown."""
        if len(self.endings) != 1 or self.endings[0].place == "unknown":
            return "unknown"
        return worst(step.grade for step in self.steps)

    @property
    def text(self) -> str:
        """The ending or, where several are possible, all of them."""
        return " or ".join(dict.fromkeys(ending.text for ending in self.endings))


def worst(grades: Iterable[Grade]) -> Grade:
    """Return the most doubtful of some grades; documented for none."""
    return max(grades, key=_ORDER.index, default="documented")
