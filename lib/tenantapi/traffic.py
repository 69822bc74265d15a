"""Name what every call is asked of before it is sent: whether it is its turn."""

from __future__ import annotations

from typing import Protocol

from tenantapi.calls import Answer, Order
from tenantapi.errors import ApiError


class Traffic(Protocol):
    """Be the traffic rules that a connection keeps to; it is asked before each attempt and told how each ended."""

    def wait(self, order: Order, *, patience: float) -> float:
        """Return the seconds until this attempt may be sent; 0.0 means now, and that it counts as sent.

        Whoever is told to wait asks again afterwards, with the same order, for others may have learned more
        meanwhile. A wait beyond ``patience`` seconds will not be waited for, so that no turn is kept. Raises
        ``CircuitOpenError`` for a host that is not to be called at all.
        """

    def answered(self, answer: Answer) -> None:
        """Take note of an answer, whatever its status; never raises."""

    def failed(self, order: Order, error: ApiError) -> None:
        """Take note of an attempt that had no answer; never raises."""
