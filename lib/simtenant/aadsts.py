"""Refusals of the sign-in service: an OAuth error, a number, and the JSON that carries both.

Numbers 7000215, 90002, 65001 and 53003 are widely seen [CIPP Get-NormalizedError]; the others are
second-hand, as are their texts (assumption ``aadsts-codes``).
"""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from simtenant.wire import Answer, json_answer, moment_text


class RefusedError(Exception):
    """A sign-in that fails; becomes the JSON that msal turns into a dict."""

    def __init__(self, number: int, error: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.number = number
        self.error = error
        self.text = text
        self.status = status


def bad_client(number: int, text: str) -> RefusedError:
    """Refuse an application's own credential: 401, as OAuth wants it."""
    return RefusedError(number, "invalid_client", text, 401)


def answer(refusal: RefusedError, now: datetime) -> Answer:
    """Wrap a refusal the way the sign-in service does."""
    trace, correlation = str(uuid4()), str(uuid4())
    moment = moment_text(now)
    value = {
        "error": refusal.error,
        "error_description": f"AADSTS{refusal.number}: {refusal.text} Trace ID: {trace} "
        f"Correlation ID: {correlation} Timestamp: {moment}",
        "error_codes": [refusal.number],
        "timestamp": moment,
        "trace_id": trace,
        "correlation_id": correlation,
    }
    return json_answer(refusal.status, value)
