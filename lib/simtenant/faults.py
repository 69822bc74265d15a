"""Misbehaviour on demand: what to do wrong, at which call, and how often.

A fault looks at the vendor calls that match it and counts them from the moment it is set. ``at`` is the first
of them that goes wrong (1 when it is null), ``times`` how many do from there on (null: all).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simtenant.cloudflare_envelope import throttled
from simtenant.wire import Answer, Headers, Request, json_answer, text_answer

KINDS: Mapping[str, str] = {
    "status": "answer with a status before anything is done",
    "status-after": "do the work, then answer with a status",
    "timeout-before": "keep the caller waiting, nothing is done",
    "timeout-after": "do the work, then keep the caller waiting",
    "drop-before": "cut the connection, nothing is done",
    "drop-after": "do the work, then cut the connection",
    "malformed": "do the work, then answer with half of the JSON",
    "html": "answer with a status and a page of HTML before anything is done",
    "throttle": "answer 429 before anything is done, with Retry-After when retry_after is given",
    "ignored": "answer as if the work were done, and keep nothing of it",
    "embedded-error": "do nothing and answer 200 with an error inside",
    "partial": "of a Set or PATCH keep the first property only; answer as if all were done, or with the status given",
}
AFTER = frozenset({"status-after", "timeout-after", "drop-after", "malformed", "ignored", "partial"})
"""Kinds for which the call is carried out first."""

_PAGE = "<!DOCTYPE html><html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
_KEYS = {"at", "match", "kind", "status", "retry_after", "times", "seconds"}
_MATCH_KEYS = {"cmdlet", "path", "method"}


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
    status: int = 503
    retry_after: int | None = None
    seconds: float = 120.0
    """How long a time-out keeps the caller waiting before the connection is cut."""

    def matches(self, method: str, path: str, cmdlet: str | None) -> bool:
        """Tell whether a call is one this fault counts."""
        if self.cmdlet is not None and (cmdlet is None or cmdlet.casefold() != self.cmdlet.casefold()):
            return False
        if self.path is not None and self.path.casefold() not in path.casefold():
            return False
        return self.method is None or self.method.upper() == method


class Faults:
    """The faults in force, with their counts; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[tuple[Fault, list[int]]] = []

    def set(self, faults: Sequence[Fault]) -> None:
        """Add faults; each counts from now on."""
        with self._lock:
            self._faults += [(fault, [0]) for fault in faults]

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._faults.clear()

    def next(self, method: str, path: str, cmdlet: str | None) -> Fault | None:
        """Count a call and give the fault it meets, the one set first if there are several."""
        hit: Fault | None = None
        with self._lock:
            for fault, count in self._faults:
                if not fault.matches(method, path, cmdlet):
                    continue
                count[0] += 1
                over = count[0] - fault.at
                if hit is None and over >= 0 and (fault.times is None or over < fault.times):
                    hit = fault
        return hit


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
    for name in ("at", "times", "status", "retry_after"):
        number = item.get(name)
        if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 0):
            raise ValueError(f"{name} is a whole number or null")
    return Fault(
        kind=item["kind"],
        at=item.get("at") or 1,
        times=item.get("times", 1),
        cmdlet=match.get("cmdlet"),
        path=match.get("path"),
        method=match.get("method"),
        status=item.get("status") or {"html": 502, "partial": 200}.get(item["kind"], 503),
        retry_after=item.get("retry_after"),
        seconds=float(item.get("seconds", 120.0)),
    )


def peek_cmdlet(request: Request) -> str | None:
    """Read which cmdlet a request is about without judging the request."""
    if not request.path.lower().endswith("/invokecommand"):
        return None
    try:
        name = request.json()["CmdletInput"]["CmdletName"]
    except (ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None


def part_of(request: Request) -> Request:
    """Cut a change down to its first property; a request that is no change, or has one only, stays whole."""
    try:
        value = request.json()
        settings = value["CmdletInput"]["Parameters"] if "CmdletInput" in value else value
        name = str(value["CmdletInput"]["CmdletName"]) if "CmdletInput" in value else request.method
        named = [key for key in settings if key.lower() == "identity"]
        others = [key for key in settings if key not in named and "@" not in key]
    except (ValueError, KeyError, TypeError, AttributeError):
        return request
    if not (name == "PATCH" or name.lower().startswith("set-")) or len(others) < 2:
        return request
    kept = {key: settings[key] for key in (*named, others[0])}
    whole = {"CmdletInput": {**value["CmdletInput"], "Parameters": kept}} if "CmdletInput" in value else kept
    return replace(request, body=json.dumps(whole).encode())


def refusal(request: Request, fault: Fault) -> Answer:
    """Give the answer of a fault that strikes before the work."""
    if fault.kind == "html":
        return text_answer(fault.status, _PAGE.format(status=fault.status), content_type="text/html; charset=utf-8")
    if fault.kind == "throttle":
        return _throttled(request, fault)
    if fault.kind == "embedded-error":
        return _embedded(request)
    return Answer(status=fault.status, headers=retry_headers(fault))


def cut_short(answer: Answer) -> Answer:
    """Give the first half of an answer as if it were all of it."""
    return Answer(status=answer.status, headers=answer.headers, body=answer.body[: max(1, len(answer.body) // 2)])


def retry_headers(fault: Fault) -> Headers:
    """Give Retry-After when the fault has one."""
    return () if fault.retry_after is None else (("Retry-After", str(fault.retry_after)),)


def _throttled(request: Request, fault: Fault) -> Answer:
    """Refuse for too many calls; Exchange does so in plain text [EXOH, SCUBA]."""
    vendor = _vendor(request)
    if vendor == "cloudflare":
        return throttled(fault.retry_after)
    headers = retry_headers(fault)
    if vendor == "graph":
        value = {"error": {"code": "TooManyRequests", "message": "Too many requests", "innerError": {}}}
        scope = ("x-ms-throttle-scope", "Tenant_Application/ReadWrite")
        return json_answer(429, value, *headers, scope, ("x-ms-throttle-information", "CPULimitExceeded"))
    return text_answer(429, "The maximum number of concurrent requests per tenant was exceeded.", *headers)


def _embedded(request: Request) -> Answer:
    """Report a failure under status 200, as each service has been seen to do [SCUBA, RUN]."""
    if _vendor(request) == "cloudflare":
        errors = [{"code": 10000, "message": "Authentication error"}]
        return json_answer(200, {"success": False, "errors": errors, "messages": [], "result": None})
    error = {"code": "InternalServerError", "message": "Error executing cmdlet", "details": []}
    value = {"adminapi.warnings@odata.type": "#Collection(String)", "@adminapi.warnings": [], "error": error}
    return json_answer(200, value)


def _vendor(request: Request) -> str:
    path = request.path.lower()
    if path.startswith("/client/v4/"):
        return "cloudflare"
    return "graph" if path.startswith("/v1.0/") else "exchange"
