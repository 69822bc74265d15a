"""Decide on plain numbers whether a call's turn has come: rates, holds and the circuit of a host; no files, no clock.

All times are seconds since the epoch by the clock of this machine. A clock that was set back never makes anybody
wait longer than once the whole time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

# A call goes out a little after its turn was told to it. Rates are lowered by this much, so that they hold there too.
_SLACK_SHARE = 0.05
_SLACK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Allow at most ``calls`` in any ``seconds`` on end, and at most ``at_once`` of them without a pause.

    After a burst the rest of the calls is spread evenly over the time, so the limit holds wherever a service lets
    its own window begin.
    """

    calls: int
    seconds: float
    at_once: int = 1

    def __post_init__(self) -> None:
        if not (1 <= self.at_once <= self.calls and self.seconds > 0):
            raise ValueError(f"{self}: at_once lies between 1 and calls, and seconds are more than none.")

    @property
    def interval(self) -> float:
        """Return the seconds between two calls when many are waiting."""
        slack = min(_SLACK_SECONDS, _SLACK_SHARE * self.seconds)
        return (self.seconds + slack) / (self.calls - self.at_once + 1)

    def turn(self, due: float, now: float) -> tuple[float, float]:
        """Return when the next call may go, and the new ``due``: when the last given turn would end at this rate."""
        return max(now, due - (self.at_once - 1) * self.interval), max(now, due) + self.interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Say until when nobody may call, and since when that is known."""

    until: float = 0.0
    since: float = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds that are left."""
        return max(0.0, min(self.until - now, self.until - self.since))

    def prolonged(self, seconds: float, now: float) -> Hold:
        """Hold for so many seconds from now, unless it lasts longer already."""
        return Hold(until=now + seconds, since=now) if seconds > self.wait(now) else self


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """Say whether a host is called at all: closed is as usual, open is not.

    It opens when ``failures`` different tenants in a row got nothing out of the host, with no success of anybody in
    between; one tenant alone never opens it. While it is open, one call may try after each cool-down. Any success
    closes it: what is left is ``Circuit()``.
    """

    streak: tuple[str, ...] = ()
    """The tenants for which the host failed since the last success."""
    since: float | None = None
    """When it opened; None while it is closed."""
    rest: float = 0.0
    """When the present cool-down began."""
    trial: float | None = None
    """When a call was let through to try, if no answer is known."""
    by: str = ""
    """The tenant of the last call that tried; after a failure another tenant's turn comes first."""
    reason: str = ""
    """What the last failure was."""

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Circuit:
        """Make it from what :meth:`written` gave."""
        known = {part.name: value[part.name] for part in fields(cls) if part.name in value}
        return cls(**{**known, "streak": tuple(known.get("streak", ()))})

    def written(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)

    def wait(self, tenant: str, now: float, cool_down: float) -> float:
        """Return the seconds until this tenant may try, 0.0 if it may call now."""
        if self.since is None or now < self.rest:
            return 0.0
        # A call that tried and never came back, because its process was killed, blocks nobody for good.
        running = 0.0 if self.trial is None else self.trial + cool_down - now
        # Or a single hung tenant, always the first to try, could keep a host closed to all.
        turn = self.rest + cool_down * (2 if tenant == self.by else 1) - now
        return max(0.0, running, turn)

    def tried(self, tenant: str, now: float) -> Circuit:
        """Note that this tenant's call goes out to try."""
        return replace(self, trial=now, by=tenant)

    def failed(self, tenant: str, reason: str, now: float, failures: int) -> Circuit:
        """Note a failure of the host for a tenant."""
        if self.since is not None:
            if self.trial is None or tenant != self.by:
                return self  # sent before it opened
            return replace(self, rest=now, trial=None, reason=reason)
        streak = self.streak if tenant in self.streak else (*self.streak, tenant)
        if len(streak) < failures:
            return replace(self, streak=streak, reason=reason)
        return Circuit(streak=streak, since=now, rest=now, reason=reason)
