"""Cloudflare's request allowance: 1200 calls per five minutes, then refusals until the time is over [DOC]."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a caller stands after a call was counted."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Give the headers every answer carries since 2025-09-03 [DOC]."""
        return (
            ("Ratelimit", f'"default";r={self.remaining};t={self.reset_seconds}'),
            ("Ratelimit-Policy", f'"default";q={self.limit};w={int(WINDOW.total_seconds())}'),
        )


class Allowance:
    """Counts the calls of one server process; the count starts anew with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began: datetime | None = None
        self._used = 0

    def take(self, now: datetime, limit: int) -> Standing:
        """Count one call; the window opens with the first call after the last one ended."""
        with self._lock:
            if self._began is None or now - self._began >= WINDOW:
                self._began, self._used = now, 0
            self._used += 1
            if self._used == limit + 1:
                # Going over the limit blocks for a full window from that moment [DOC].
                self._began = now
            reset = max(1, int((self._began + WINDOW - now).total_seconds()))
            return Standing(
                allowed=self._used <= limit,
                limit=limit,
                remaining=max(0, limit - self._used),
                reset_seconds=reset,
            )
