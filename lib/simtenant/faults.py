"""Misbehaviour on demand: what to do wrong, at which call, and how often.

A fault looks at the vendor calls that match it and counts them from the moment it is set. ``at`` is the first
of them that goes wrong (1 when it is null), ``times`` how many do from there on (null: all). With a ``share``
each call from ``at`` on goes wrong with that chance, drawn from ``seed`` and the call's number alone, until
``times`` of them have (all that are drawn when it is not given). What a struck call is answered is in
``fault_answers``.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from simtenant import entra
from simtenant.wire import Request

BEFORE: Mapping[str, str] = MappingProxyType(
    {
        "status": "answer with a status before anything is done",
        "timeout-before": "keep the caller waiting, nothing is done",
        "drop-before": "cut the connection, nothing is done",
        "refuse": "reset the connection as if nobody listened, nothing is done",
        "html": "answer with a status and a page of HTML before anything is done",
        "throttle": "answer 429 before anything is done, with Retry-After when retry_after is given",
        "expired-token": "answer 401 in the service's own form, as if the token had just expired",
        "wrong-secret": "answer 401 in the service's own form, as for a secret or a token that was never good",
        "embedded-error": "do nothing and answer 200 with an error inside",
        "unmodified": "do nothing and answer 200 with nothing but a warning that nothing was modified",
    }
)
"""Kinds for which the call is not carried out."""
AFTER: Mapping[str, str] = MappingProxyType(
    {
        "status-after": "do the work, then answer with a status",
        "timeout-after": "do the work, then keep the caller waiting",
        "drop-after": "do the work, then cut the connection",
        "malformed": "do the work, then answer with half of the JSON",
        "not-json": "do the work, then answer with the same status and a text that is no JSON",
        "html-after": "do the work, then answer with a status and a page of HTML",
        "warning-only": "do the work, then answer 200 with a warning and without rows",
        "empty-list": "do the work, then answer a list without its rows",
        "ignored": "answer as if the work were done, and keep nothing of it",
        "partial": "of a Set or PATCH keep one property only (the first, or keep: last); answer as if all were done, "
        "or with the status given",
        "stale-reads": "do the work, and show what was before to the next reads (their number is in reads)",
    }
)
"""Kinds for which the call is carried out first."""
SLOW = "slow"
EDIT = "edit"
KINDS: Mapping[str, str] = MappingProxyType(
    {
        **BEFORE,
        **AFTER,
        SLOW: "answer later by seconds; goes together with any other fault",
        EDIT: "let another administrator change a property just before: edit holds kind, identity, property, value",
    }
)

_KEYS = {"at", "match", "kind", "status", "retry_after", "times", "seconds", "reads", "keep", "edit", "share", "seed"}
_MATCH_KEYS = {"cmdlet", "path", "method", "write"}
_EDIT_KEYS = {"kind", "identity", "property", "value"}
_USUAL_STATUS: Mapping[str, int] = MappingProxyType({"html": 502, "html-after": 200, "partial": 200})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One misbehaviour."""

    kind: str
    at: int = 1
    times: int | None = 1
    cmdlet: str | None = None
    """Whole name of a cmdlet, any letter case."""
    path: str | None = None
    """Part of the path, any letter case."""
    method: str | None = None
    write: bool | None = None
    """True: calls that would change something only; False: the others only, sign-ins among them."""
    status: int = 503
    retry_after: int | None = None
    seconds: float = 120.0
    """How long a time-out keeps the caller waiting before the connection is cut, or how late ``slow`` answers."""
    reads: int = 1
    """How many reads still show what was before."""
    keep: str = "first"
    edit: Mapping[str, Any] | None = None
    """What another administrator changes: kind, identity, property, value."""
    share: float | None = None
    """Chance of a call to be struck, from 0 to 1; None: every call."""
    seed: int = 0

    def matches(self, request: Request, cmdlet: str | None) -> bool:
        """Tell whether a call is one this fault counts."""
        if self.cmdlet is not None and (cmdlet is None or cmdlet.casefold() != self.cmdlet.casefold()):
            return False
        if self.path is not None and self.path.casefold() not in request.path.casefold():
            return False
        if self.write is not None and self.write != writes(request, cmdlet):
            return False
        return self.method is None or self.method.upper() == request.method

    def due(self, counted: int, struck: int) -> bool:
        """Tell whether the call of this number goes wrong, when so many before it have."""
        over = counted - self.at
        if over < 0:
            return False
        if self.share is None:
            return self.times is None or over < self.times
        return (self.times is None or struck < self.times) and _drawn(self.seed, counted) < self.share


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """What a call meets."""

    fault: Fault | None = None
    delay_seconds: float = 0.0


class Faults:
    """The faults in force, with their counts; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[tuple[Fault, list[int]]] = []

    def set(self, faults: Sequence[Fault]) -> None:
        """Add faults; each counts from now on."""
        with self._lock:
            self._faults += [(fault, [0, 0]) for fault in faults]

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._faults.clear()

    def next(self, request: Request, cmdlet: str | None) -> Strike:
        """Count a call and give what it meets: all delays, and of other faults the one set first."""
        hit: Fault | None = None
        delay = 0.0
        with self._lock:
            for fault, count in self._faults:
                if not fault.matches(request, cmdlet):
                    continue
                count[0] += 1
                if not fault.due(count[0], count[1]):
                    continue
                if fault.kind == SLOW:
                    delay += fault.seconds
                elif hit is None:
                    hit = fault
                else:
                    continue
                count[1] += 1
        return Strike(fault=hit, delay_seconds=delay)

    def told(self) -> list[dict[str, Any]]:
        """List the faults in force, each with how many calls it has counted and how many it has struck."""
        with self._lock:
            return [
                {"kind": fault.kind, "at": fault.at, "times": fault.times, "counted": counted, "struck": struck}
                for fault, (counted, struck) in self._faults
            ]


def parse(value: Any) -> tuple[Fault, ...]:
    """Read faults from JSON; raises ValueError saying which key or kind is not known."""
    if not isinstance(value, list):
        raise ValueError("faults are a list")
    return tuple(_parse_one(item) for item in value)


def _parse_one(item: Any) -> Fault:
    if not isinstance(item, Mapping) or item.get("kind") not in KINDS:
        raise ValueError(f"a fault needs a kind: {', '.join(KINDS)}")
    match = item.get("match") or {}
    if not isinstance(match, Mapping):
        raise ValueError("match is an object")
    unknown = sorted((set(item) - _KEYS) | (set(match) - _MATCH_KEYS))
    if unknown:
        raise ValueError(f"unknown keys: {', '.join(unknown)}")
    _check_values(item, match)
    return Fault(
        kind=item["kind"],
        at=item.get("at") or 1,
        times=item.get("times", 1 if item.get("share") is None else None),
        cmdlet=match.get("cmdlet"),
        path=match.get("path"),
        method=match.get("method"),
        write=match.get("write"),
        status=item.get("status") or _USUAL_STATUS.get(item["kind"], 503),
        retry_after=item.get("retry_after"),
        seconds=float(item.get("seconds", 120.0)),
        reads=item.get("reads") or 1,
        keep=item.get("keep") or "first",
        edit=item.get("edit"),
        share=item.get("share"),
        seed=item.get("seed") or 0,
    )


def _check_values(item: Mapping[str, Any], match: Mapping[str, Any]) -> None:
    for name in ("at", "times", "status", "retry_after", "reads", "seed"):
        number = item.get(name)
        if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 0):
            raise ValueError(f"{name} is a whole number or null")
    seconds = item.get("seconds", 0)
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 0:
        raise ValueError("seconds is a number of at least 0")
    share = item.get("share")
    if share is not None and (not isinstance(share, int | float) or isinstance(share, bool) or not 0 <= share <= 1):
        raise ValueError("share is a number from 0 to 1")
    edit = item.get("edit")
    if (item["kind"] == EDIT) is not (isinstance(edit, Mapping) and set(edit) == _EDIT_KEYS):
        raise ValueError(f"edit is for the kind edit and holds {', '.join(sorted(_EDIT_KEYS))}")
    if item.get("keep") not in {None, "first", "last"}:
        raise ValueError("keep is first or last")
    for name in ("cmdlet", "path", "method"):
        if not isinstance(match.get(name), str | None):
            raise ValueError(f"match.{name} is a text")
    if not isinstance(match.get("write"), bool | None):
        raise ValueError("match.write is true or false")


def _drawn(seed: int, number: int) -> float:
    """Draw a number below 1 that is the same in every process."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}".encode()).digest()[:6]) / 2**48


def peek_cmdlet(request: Request) -> str | None:
    """Read which cmdlet a request is about without judging the request."""
    if not request.path.lower().endswith("/invokecommand"):
        return None
    try:
        name = request.json()["CmdletInput"]["CmdletName"]
    except (ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None


def writes(request: Request, cmdlet: str | None) -> bool:
    """Tell whether a call would change something; a sign-in would not."""
    if cmdlet is not None:
        return not cmdlet.lower().startswith("get-")
    return request.method not in {"GET", "HEAD"} and not entra.serves(request.path)
