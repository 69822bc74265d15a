"""What a process remembers of a prediction never stands for another tenant, another moment or another assumption."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from runbook.outcome.assumed import USUAL, Assumed
from runbook.outcome.matrix import rows
from runbook.outcome.surroundings import PARTS, Part, Surroundings

BEFORE = datetime(2026, 1, 30, tzinfo=UTC)
AFTER = datetime(2026, 2, 1, tzinfo=UTC)
RULE = {
    "Name": "Until January", "Priority": 0, "State": "Enabled", "Mode": "Enforce", "SetSCL": 9,
    "HeaderContainsMessageHeader": "X-CFEmailSecurity-Disposition", "HeaderContainsWords": ["SPOOF"],
    "SenderIpRanges": ["198.51.100.0/24"], "ExpiryDate": "2026-01-31T00:00:00Z",
}  # fmt: skip
POLICY = {"Name": "Default", "HighConfidenceSpamAction": "MoveToJmf"}
HELD: dict[str, list[dict[str, Any]]] = {
    "EmailSecurityDomain": [
        {"domain": "example.com", "transport": "mx.example.com", "allowed_delivery_modes": ["DIRECT"]}
    ],
    "ExpectedMailExchange": [{"domain": "example.com", "mail_exchange": "mx.example.com"}],
    "TransportRule": [RULE],
    "HostedContentFilterPolicy": [POLICY],
    "HostedConnectionFilterPolicy": [{"Name": "Default"}],
}


def held(**other: list[dict[str, Any]]) -> Surroundings:
    parts = {name: Part(rows=tuple({**HELD, **other}.get(name, ()))) for name in PARTS}
    return Surroundings(read_at="2026-01-30T00:00:00Z", parts=parts)


def lands(found: Surroundings, now: datetime = BEFORE, assumed: Assumed = USUAL) -> str:
    told = rows(found, found, (), ("example.com",), now, assumed)
    return next(str(row["after"]["text"]) for row in told if (row["disposition"], row["case"]) == ("SPOOF", "gateway"))


OTHERS = {
    "another moment": lambda: lands(held(), AFTER),
    "another action": lambda: lands(held(HostedContentFilterPolicy=[{**POLICY, "HighConfidenceSpamAction": "Delete"}])),
    "another range": lambda: lands(held(TransportRule=[{**RULE, "ExceptIfSenderIpRanges": ["198.51.100.0/24"]}])),
    "another assumption": lambda: lands(held(), assumed=replace(USUAL, scl_is_heeded=False)),
}


@pytest.mark.parametrize("other", OTHERS)
def test_only_what_is_the_same_in_all_is_remembered(other: str) -> None:
    first = lands(held())
    assert "junk" in first.lower()
    assert OTHERS[other]() != first, other
    assert lands(held()) == first


def test_what_is_done_to_a_row_is_not_done_to_the_next_one() -> None:
    first = rows(held(), held(), (), ("example.com",), BEFORE)
    for row in first:
        for cell in (row["before"], row["after"]):
            cell["steps"].clear()
            cell["endings"].clear()
            cell["never"].append("altered")
    assert all(
        cell["steps"] and cell["endings"] and "altered" not in cell["never"]
        for row in rows(held(), held(), (), ("example.com",), BEFORE)
        for cell in (row["before"], row["after"])
    )
