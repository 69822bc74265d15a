"""Test messages of a tenant: handed in, delivered, kept, listed. None of its objects changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from simtenant.mailflow.delivery import deliver
from simtenant.mailflow.message import parse
from simtenant.mailflow.tenant import read
from simtenant.mailflow.ways import chosen_ways
from simtenant.store import Body, Transaction
from simtenant.wire import moment_text


def send(tx: Transaction, values: Iterable[object], now: datetime) -> list[dict[str, Any]]:
    """Deliver messages to the tenant as it is, and keep them; raises ValueError for the first that is none."""
    tenant, ways = read(tx), chosen_ways(tx)
    told = []
    for value in values:
        message = parse(value, now)
        outcome = dict(deliver(tenant, message, ways).told())
        tx.add_message(moment_text(now), {"message": message.told(), "outcome": outcome})
        told.append(outcome)
    return told


def logged(tx: Transaction, since: int = 0) -> list[Body]:
    """Give the messages as rows like those of the request log, for the table of assumptions.

    ``message`` is the message's own number. Given are those that came after the vendor call ``since``.
    """
    return [
        {
            "message": number,
            "at": at,
            "method": "POST",
            "host": "",
            "path": "/_sim/messages",
            "cmdlet": None,
            "status": 200,
            "write": False,
        }
        for number, at in tx.sent_after(since)
    ]
