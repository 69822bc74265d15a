"""Where a message ended, and what its recipient may do there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

PLACES = (
    "gateway-quarantine",
    "inbox",
    "junk",
    "quarantine",
    "deleted",
    "redirected",
    "rejected",
    "elsewhere",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What the recipient may do with a message in quarantine."""

    see: bool = False
    preview: bool = False
    delete: bool = False
    release: bool = False
    request: bool = False
    """Ask an administrator to release it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of a message's way."""

    place: str
    """One of ``PLACES``."""
    quarantine_policy: str | None = None
    user_may: Rights | None = None
    """None when the message is in no quarantine."""
    notified: bool | None = None
    policy: str | None = None
    """The anti-spam policy that won, by name; None when none was asked."""
    rules: tuple[str, ...] = ()
    """The transport rules that acted, in their order."""
    scl: int | None = None
    """What a rule asked for, or -1 by the allow list; None when nobody said anything."""
    steps: tuple[str, ...] = ()

    def told(self) -> Mapping[str, Any]:
        """Give the outcome as the control endpoint answers it."""
        return {
            "place": self.place,
            "quarantine_policy": self.quarantine_policy,
            "user_may": None if self.user_may is None else asdict(self.user_may),
            "notified": self.notified,
            "policy": self.policy,
            "rules": list(self.rules),
            "scl": self.scl,
            "steps": list(self.steps),
        }
