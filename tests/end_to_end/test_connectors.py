"""A text whose first section makes connectors, whose second sets enhanced filtering on one, and whose third adds rules.

Planned, approved as one, applied section by section, verified, found to drift, and taken back; stopped half way and
gone on with; met by somebody else in between. The drafts are written by hand; all that handles them is real.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from in_process import connected
from section_runs import Runs, draft
from wire import contract

from runbook import library
from runbook.errors import DriftFound, PlanRefused
from runbook.outcome.message import Message, Recipient
from runbook.outcome.predict import outcome
from runbook.outcome.surroundings import with_plans
from runbook.plan import plan_from_json, plan_json
from runbook.section.around import look_around
from simtenant.app import Reply
from simtenant.local import LocalTenant
from simtenant.transcript import Transcript
from simtenant.wire import Request

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
TEXT = """---
title: Take mail from the gateway alone
---

## Create the connectors

1. Look at the connectors.

## Enable enhanced filtering

1. Look at enhanced filtering.

## Create the rules

1. Look at the rules.
"""
INBOUND, OUTBOUND, RULE = "InboundConnector", "OutboundConnector", "TransportRule"
MAKE: dict[str, Any] = {
    "ConnectorType": "Partner",
    "Comment": "Only from the gateway",
    "SenderDomains": ["*"],
    "SenderIPAddresses": ["198.51.100.0/24", "203.0.113.7"],
    "RequireTls": True,
    "RestrictDomainsToIPAddresses": True,
    "Enabled": True,
}
FILTERING: dict[str, Any] = {"EFSkipLastIP": True, "EFUsers": []}
RELAY: dict[str, Any] = {
    "RecipientDomains": ["partner.example"],
    "UseMXRecord": False,
    "SmartHosts": ["relay.partner.example"],
    "TlsSettings": "CertificateValidation",
}
MARK: dict[str, Any] = {
    "FromScope": "NotInOrganization",
    "ExceptIfSenderDomainIs": ["partner.example"],
    "SetHeaderName": "X-Outside",
    "SetHeaderValue": "yes",
    "Enabled": True,
}
HOLD: dict[str, Any] = {
    "HeaderContainsMessageHeader": "X-Outside",
    "HeaderContainsWords": ["yes"],
    "SenderDomainIs": ["sender.example"],
    "Quarantine": True,
    "StopRuleProcessing": True,
    "Enabled": True,
}
DRAFTS = (
    (1, "create", INBOUND, "From the gateway", MAKE),
    (1, "create", OUTBOUND, "To the partner", RELAY),
    (2, "modify", INBOUND, "From the gateway", FILTERING),
    (3, "create", RULE, "Mark", MARK),
    (3, "create", RULE, "Hold", HOLD),
)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    text = tmp_path / "text.md"
    text.write_text(TEXT, encoding="utf-8")
    document = library.load(str(text))
    drafts = tuple(draft(document, *item) for item in DRAFTS)
    document = replace(document, compiled=replace(document.compiled, resources=drafts))
    far = Noted(tmp_path / "transcript.jsonl")
    with connected(far) as services:
        yield Runs(document, far, services, tmp_path / "runs")
    far.close()
    keeps_its_contract(tmp_path / "transcript.jsonl")


class Noted(LocalTenant):
    """A tenant in this process, every call of whose clients is written down."""

    def __init__(self, path: Path) -> None:
        super().__init__(clock=lambda: NOW)
        self._transcript = Transcript(path)

    def respond(self, request: Request) -> Reply:
        reply = super().respond(request)
        self._transcript.add(request, reply.answer, fault=None, lenient=False)
        return reply


def keeps_its_contract(path: Path) -> None:
    """Hold what the clients sent, on the way there and back, against what is documented; see `contract`."""
    if not contract.FACTS.is_dir():
        return
    contracts, tally = contract.Contracts.read(), contract.Tally()
    for line in path.read_text(encoding="utf-8").splitlines():
        contracts.check(json.loads(line), tally, "tenantapi/")
    assert tally.counts["exchange answers"] > 0
    assert tally.violations == []


def pending(approval: Mapping[str, Any]) -> list[tuple[int, str, str, bool]]:
    return [
        (number, change["action"], change["identity"], bool(change.get("awaits")))
        for number, section in enumerate(approval["sections"], 1)
        for change in section["changes"]
        if change["action"] != "none"
    ]


def test_made_in_one_section_and_changed_in_the_next(runs: Runs) -> None:
    before = runs.held()
    approval = runs.plan()
    assert pending(approval) == [
        (1, "create", "From the gateway", False),
        (1, "create", "To the partner", False),
        (2, "update", "From the gateway", True),
        (3, "create", "Mark", False),
        (3, "create", "Hold", False),
    ]
    assert approval["sections"][1]["changes"][0]["reason"] == (
        "it is not there yet; the section 'create-the-connectors' makes it"
    )
    assert runs.held() == before
    run = runs.apply(approval)
    assert runs.writes() == [
        "New-InboundConnector", "Set-InboundConnector", "New-OutboundConnector", "Set-OutboundConnector",
        "Set-InboundConnector", "New-TransportRule", "Enable-TransportRule", "New-TransportRule",
        "Enable-TransportRule",
    ]  # fmt: skip
    assert runs.connector()["EFSkipLastIP"] is True and runs.connector()["Enabled"] is True
    assert pending(runs.plan()) == []
    runs.verify()
    runs.roll_back(run)
    assert runs.held() == before


@pytest.mark.parametrize(
    ("kind", "name", "changed", "value"),
    [
        (INBOUND, "From the gateway", "SenderIPAddresses", ["198.51.100.0/24"]),
        (INBOUND, "From the gateway", "EFSkipLastIP", False),
        (INBOUND, "From the gateway", "Enabled", False),
        (INBOUND, "From the gateway", "AssociatedAcceptedDomains", ["example.org"]),
        (OUTBOUND, "To the partner", "SmartHosts", ["relay.elsewhere.example"]),
        (RULE, "Mark", "SetHeaderValue", "no"),
        (RULE, "Mark", "ExceptIfSenderDomainIs", ["example"]),
        (RULE, "Hold", "SenderDomainIs", None),
        (RULE, "Hold", "SubjectContainsWords", ["invoice"]),
    ],
)
def test_a_property_that_somebody_changes_is_found(runs: Runs, kind: str, name: str, changed: str, value: Any) -> None:
    runs.apply(runs.plan())
    runs.verify()
    runs.far.set_property(kind, name, changed, value)
    with pytest.raises(DriftFound, match="AlsoSet" if changed in ("AssociatedAcceptedDomains", "SubjectContainsWords")
                       else changed):  # fmt: skip
        runs.verify()


def test_what_is_made_later_is_refused_alone(runs: Runs) -> None:
    approval = runs.plan()
    with pytest.raises(PlanRefused, match="not there yet; the section 'create-the-connectors' makes it"):
        runs.apply(approval, (2,))
    assert runs.writes() == []


@pytest.mark.parametrize("numbers", [(1,), (1, 2)])
def test_a_run_that_was_stopped_is_gone_on_with(runs: Runs, numbers: tuple[int, ...]) -> None:
    before = runs.held()
    run = runs.apply(runs.plan(), numbers)
    runs.resume(run)
    assert pending(runs.plan()) == []
    assert runs.writes().count("New-InboundConnector") == 1
    runs.roll_back(run)
    assert runs.held() == before


def test_a_run_that_was_stopped_between_is_taken_back(runs: Runs) -> None:
    before = runs.held()
    run = runs.apply(runs.plan(), (1,))
    runs.roll_back(run)
    assert runs.held() == before


def test_a_way_back_that_was_stopped_is_gone_on_with(runs: Runs) -> None:
    before = runs.held()
    run = runs.apply(runs.plan())
    back = runs.roll_back(run, (3, 2))
    assert runs.connector()["EFSkipLastIP"] is False
    for _ in range(2):  # the second time there is nothing left, and the lists of connectors are empty
        runs.resume(back)
        assert runs.held() == before


def test_another_connector_in_its_place_is_not_changed(runs: Runs) -> None:
    def swap() -> None:
        row = runs.connector()
        given = {name: row[name] for name in ("ConnectorType", "Comment", "SenderIPAddresses", "SenderDomains")}
        runs.services.exchange.invoke("Remove-InboundConnector", {"Identity": row["Guid"]}, write=True)
        twin = {"Name": row["Name"], **given, "RestrictDomainsToIPAddresses": True}
        runs.services.exchange.invoke("New-InboundConnector", twin, write=True)

    runs.between[2] = swap
    with pytest.raises(PlanRefused):
        runs.apply(runs.plan())
    assert runs.connector().get("EFSkipLastIP") is not True


def test_a_connector_that_somebody_changed_in_between_is_not_changed(runs: Runs) -> None:
    runs.between[2] = lambda: runs.far.set_property(INBOUND, "From the gateway", "SenderIPAddresses", ["192.0.2.1"])
    with pytest.raises(PlanRefused, match="SenderIPAddresses"):
        runs.apply(runs.plan())
    assert runs.connector().get("EFSkipLastIP") is not True


@pytest.fixture
def adopting(runs: Runs) -> Iterator[tuple[Runs, dict[str, Any]]]:
    """A connector of that name is there, with another comment, and the text takes it over."""
    there = {**MAKE, "Name": "From the gateway", "Comment": "by hand", "EFUsers": ["one@example.com"]}
    runs.services.exchange.invoke("New-InboundConnector", there, write=True)
    yield runs, {"adopt": ["From the gateway"]}


def test_two_sections_change_the_same_thing(adopting: tuple[Runs, dict[str, Any]]) -> None:
    runs, parameters = adopting
    before = runs.held()
    run = runs.apply(runs.plan(parameters))
    found = runs.connector()
    assert (found["Comment"], found["EFSkipLastIP"], found["EFUsers"]) == ("Only from the gateway", True, [])
    assert pending(runs.plan(parameters)) == []
    runs.roll_back(run)
    kept = runs.held()
    assert {k: {n: v for n, v in body.items() if v not in (None, False)} for k, body in kept.items()} == {
        k: {n: v for n, v in body.items() if v not in (None, False)} for k, body in before.items()
    }


def test_two_sections_change_the_same_thing_and_the_run_is_stopped_between(
    adopting: tuple[Runs, dict[str, Any]],
) -> None:
    runs, parameters = adopting
    run = runs.apply(runs.plan(parameters), (1,))
    runs.resume(run)
    assert pending(runs.plan(parameters)) == []


def test_what_is_renamed_is_changed_under_its_new_name(runs: Runs) -> None:
    parameters = {"rename": ["From the gateway=Ours"]}
    assert runs.document.fields(runs.document.sections[1].id)[-1].name == "rename"
    runs.apply(runs.plan(parameters))
    assert (runs.connector()["Name"], runs.connector()["EFSkipLastIP"]) == ("Ours", True)
    assert pending(runs.plan(parameters)) == []


def test_where_mail_lands_is_as_it_was_predicted(runs: Runs) -> None:
    plans = [{"changes": item["changes"]} for item in runs.plan()["sections"]]
    found = look_around(runs.services, ("example.com",), "2026-03-04T05:06:07Z")
    will = with_plans(found, plans)
    runs.apply(runs.plan())
    is_now = look_around(runs.services, ("example.com",), "2026-03-04T05:06:07Z")
    for sender, address in (("a@sender.example", "198.51.100.1"), ("a@sender.example", "192.0.2.1"),
                            ("a@partner.example", "198.51.100.1"), ("a@other.example", "203.0.113.7")):  # fmt: skip
        seen = runs.far.deliver({"to": "clerk@example.com", "from": sender, "via": "direct", "connecting_ip": address})
        message = Message(
            recipient=Recipient(domain="example.com", address="clerk@example.com"), via="direct",
            connecting_ip=address, sender=sender,
        )  # fmt: skip
        for surroundings in (will, is_now):
            predicted = outcome(surroundings, message, NOW)
            assert [ending.place for ending in predicted.endings] == [seen["place"]], (sender, address)


def test_a_rule_of_another_section_is_no_stranger_in_the_way(runs: Runs) -> None:
    section = runs.document.sections[1].id
    drafts = tuple(
        replace(item, section=section) if item.identity == "Hold" else item for item in runs.document.compiled.resources
    )
    runs.document = replace(runs.document, compiled=replace(runs.document.compiled, resources=drafts))
    runs.apply(runs.plan())
    runs.far.set_property(RULE, "Hold", "HeaderContainsMessageHeader", None)
    runs.far.set_property(RULE, "Hold", "HeaderContainsWords", None)
    runs.far.set_property(RULE, "Hold", "SenderDomainIs", None)
    plans = runs.plan()["sections"]
    assert [item["reason"] for item in plans[2]["problems"]] == []


def test_the_plan_of_a_waiting_change_survives_its_file(runs: Runs) -> None:
    stored = runs.plan()["sections"][1]
    assert plan_json(plan_from_json(stored)) == {k: v for k, v in stored.items() if k != "hash"}
