"""Where one message ends, by what a tenant holds; one case each in ``cases/outcome/endings.yaml``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook.outcome.message import Message, Recipient
from runbook.outcome.predict import outcome
from runbook.outcome.surroundings import PARTS, Part, Surroundings, as_json, from_json

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "outcome" / "endings.yaml").read_text(encoding="utf-8"))
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ORDINARY: dict[str, list[dict[str, Any]]] = {
    "EmailSecurityDomain": [
        {
            "domain": "example.com", "transport": "mx.example.com", "allowed_delivery_modes": ["DIRECT"],
            "drop_dispositions": ["MALICIOUS"],
        }
    ],
    "ExpectedMailExchange": [{"domain": "example.com", "mail_exchange": "mx.example.com"}],
    "HostedContentFilterPolicy": [
        {
            "Name": "Default", "SpamAction": "MoveToJmf", "HighConfidenceSpamAction": "Quarantine",
            "HighConfidenceSpamQuarantineTag": "Let go", "HighConfidencePhishAction": "Quarantine",
            "HighConfidencePhishQuarantineTag": "Ask",
        }
    ],
    "QuarantinePolicy": [
        {"Name": "Let go", "EndUserQuarantinePermissions": 7, "ESNEnabled": True},
        {"Name": "Ask", "EndUserQuarantinePermissions": 11, "ESNEnabled": True},
    ],
    "HostedConnectionFilterPolicy": [{"Name": "Default"}],
}  # fmt: skip


def held(case: dict[str, Any]) -> Surroundings:
    rows: dict[str, list[dict[str, Any]]] = {**{name: [] for name in PARTS}, **ORDINARY, **case.get("parts", {})}
    rules = [
        {"Name": f"Rule {number}", "Priority": number, "State": "Enabled", "Mode": "Enforce", **rule}
        for number, rule in enumerate(case.get("rules", ()))
    ]
    parts = {name: Part(rows=tuple(value)) for name, value in {**rows, "TransportRule": rules}.items()}
    parts |= {name: Part(unknown=why) for name, why in case.get("unknown", {}).items()}
    return Surroundings(read_at="2026-03-04T05:06:07Z", parts=parts)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_ending(case: dict[str, Any]) -> None:
    given = dict(case["message"])
    domain, groups = given.pop("domain", "example.com"), frozenset(given.pop("open_groups", ()))
    message = Message(
        recipient=Recipient(domain=domain, open_groups=groups), connecting_ip="198.51.100.7",
        sender="someone@sender.example", **given,
    )  # fmt: skip
    found = outcome(held(case), message, NOW)
    assert sorted({ending.text for ending in found.endings}) == sorted(case["ends"])
    assert found.grade == case["grade"], [(step.text, step.grade) for step in found.steps]
    assert case.get("says", "") in " | ".join(step.text for step in found.steps)
    assert all(step.source for step in found.steps)


def test_what_was_found_survives_its_file() -> None:
    found = held(CASES[0])
    assert from_json(as_json(found)) == found


def test_names_of_cases_are_unique() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES)
