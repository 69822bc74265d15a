"""Decide how long to wait before a call, and whether to repeat it at all.

Cloudflare announces its budget in ``Ratelimit`` (limit page of 2026-04-20); all services may send
``Retry-After``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from tenantapi.calls import Answer, Order
from tenantapi.errors import ApiError, ApiTimeoutError, Service, UnreachableError

# 408, 500, 503, 504 [facts 1.6, code]; 502 is what a proxy on the way says.
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_POLICY = re.compile(r'"[^"]*"\s*((?:;\s*[a-z]+\s*=\s*\d+\s*)+)', re.IGNORECASE)
_PART = re.compile(r"([a-z]+)\s*=\s*(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Say how often a call is tried and how long waiting is worth while; all times are seconds."""

    tries: int = 4
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    first_pause: float = 1.0
    longest_pause: float = 30.0
    longest_wish: float = 120.0
    """A service that asks for more than this is not waited for; the caller learns the time instead."""

    def pause(
        self, failure: Answer | ApiError, *, safe: bool, tried: int, wish: float | None, jitter: float
    ) -> float | None:
        """Return the seconds to wait before the next try, or None when there is to be none.

        A write is repeated only after 429, which a service says before it begins to work. ``jitter`` lies
        between 0 and 1 and spreads callers that were all turned away at the same moment.
        """
        if tried >= self.tries or not _worth_repeating(failure, safe=safe):
            return None
        if wish is not None:
            return wish if wish <= self.longest_wish else None
        pause = min(self.longest_pause, self.first_pause * 2.0 ** (tried - 1))
        return pause * (0.5 + jitter / 2)


def _worth_repeating(failure: Answer | ApiError, *, safe: bool) -> bool:
    if isinstance(failure, Answer):
        return failure.status in _TRANSIENT if safe else failure.status == 429
    return safe and isinstance(failure, (ApiTimeoutError, UnreachableError))


def retry_after(answer: Answer, now: float) -> float | None:
    """Read ``Retry-After`` in seconds: a number, or a date by the service's own clock where it shows one."""
    text = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    until = _epoch(text)
    if until is None:
        return None
    # Our clock may be wrong by minutes; the difference between two times of theirs is not.
    there = _epoch(answer.headers.get("date", ""))
    return max(0.0, until - (now if there is None else there))


def _epoch(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError):
        return None


def empty_for(answer: Answer) -> float | None:
    """Read for how many seconds no calls are left by ``Ratelimit: "default";r=50;t=30``; None where it is not told.

    ``r`` calls are left for the next ``t`` seconds; where several policies have none left, the longest counts.
    """
    text = answer.headers.get("ratelimit")
    if text is None:
        return None
    waits = [0.0]
    for policy in _POLICY.finditer(text):
        parts = {name.lower(): int(value) for name, value in _PART.findall(policy[1])}
        if parts.get("r") == 0:
            waits.append(float(parts.get("t", 0)))
    return max(waits)


class Budget:
    """Be the traffic rules of one connection alone: remember which service has no calls left, and until when."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._until: dict[Service, float] = {}

    def wait(self, order: Order, *, patience: float) -> float:
        """Return the seconds until the service takes calls again."""
        now = self._clock()
        return max(0.0, self._until.get(order.service, now) - now)

    def answered(self, answer: Answer) -> None:
        """Take note of what the service says of its budget; a later answer counts for more than an earlier one."""
        wait = empty_for(answer)
        if wait is not None:
            self._until[answer.order.service] = self._clock() + wait

    def failed(self, order: Order, error: ApiError) -> None:
        """Learn nothing: a call that had no answer says nothing about the budget."""
