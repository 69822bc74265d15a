"""What stands beside our rules, the presets for a reviewer, and what a person saw of real messages."""

from __future__ import annotations

from pathlib import Path

import pytest
from outcome.stage import on_stage, row

from runbook import library
from runbook.errors import UsageError
from runbook.outcome.evidence import read_evidence
from runbook.outcome.outlook import About, Seen, outlook
from runbook.outcome.recipients import read_roster
from runbook.plan import plan_json


def test_an_allow_list_and_a_connector_are_told_with_both_names() -> None:
    with on_stage(library.OWN) as stage:
        exchange = stage.services.exchange
        filled = {"Identity": "Default", "IPAllowList": ["104.30.32.0/24", "192.0.2.0/24"]}
        exchange.invoke("Set-HostedConnectionFilterPolicy", filled, write=True)
        connector = {
            "Name": "From Cloudflare",
            "ConnectorType": "Partner",
            "SenderDomains": ["*"],
            "EFSkipLastIP": True,
        }
        exchange.invoke("New-InboundConnector", connector, write=True)
        told = stage.outlook()
    found = {(item["rule"], item["other"]): item["why"] for item in told["beside"]}
    rule = "Area 1 Deliver to Junk Email folder"
    assert "it holds 1 of 8 of the gateway's ranges" in found[(rule, "the connection filter Default, IPAllowList")]
    assert "enhanced filtering" in found[(rule, "the inbound connector From Cloudflare")]
    assert len(found) == 2


def test_nothing_beside_it_is_told_where_there_is_nothing() -> None:
    with on_stage(library.OWN) as stage:
        assert stage.outlook()["beside"] == []


def test_the_presets_are_set_against_the_result() -> None:
    with on_stage(library.OWN) as stage:
        told = {item["name"]: item for item in stage.outlook()["presets"]}
    assert told["SpamAction"]["milder_than"] == ["Strict"], "Strict quarantines what SCL 5 asks for"
    assert told["HighConfidencePhishQuarantineTag"]["milder_than"] == ["Standard", "Strict"], (
        "a request is more than none"
    )
    assert "PhishQuarantineTag" in told and told["PhishQuarantineTag"]["milder_than"] == []
    assert told["QuarantineRetentionPeriod"]["milder_than"] == ["Standard", "Strict"]
    assert "HighConfidenceSpamAction" not in told, "it is the presets' own"


def test_evidence_fills_the_table_of_a_real_tenant(tmp_path: Path) -> None:
    path = tmp_path / "seen.csv"
    path.write_text(
        "disposition,place,quarantine_policy,user_may,recipients,by,at,reference\n"
        "SUSPICIOUS,junk,,,example.com,Ann Admin,2026-11-25T09:30:00Z,trace 4711\n"
        "SPAM,inbox,,,,Ann Admin,2026-11-25T09:31:00Z,\n",
        encoding="utf-8",
    )
    with on_stage(library.OWN) as stage:
        around, plans = stage.around(), [plan_json(plan) for plan in stage.plans()]
        about = About(promises=stage.document.promises, domains=stage.domains)
        told = outlook(Seen(before=around, plans=plans, landed=read_evidence(path)), about, stage.now)
    suspicious, spam, bulk = (row(told, name)["observed"] for name in ("SUSPICIOUS", "SPAM", "BULK"))
    assert suspicious["text"] == "Junk Email folder" and suspicious["kept"] is True and suspicious["as_predicted"]
    assert suspicious["by"] == "Ann Admin, trace 4711"
    assert spam["text"] == "Inbox" and spam["kept"] is False
    assert bulk is None, "not observed"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("HAM,inbox,,,,Ann,2026-11-25T09:30:00Z,", "line 2, disposition"),
        ("SPAM,nowhere,,,,Ann,2026-11-25T09:30:00Z,", "line 2, place"),
        ("SPAM,inbox,,,,,2026-11-25T09:30:00Z,", "line 2, by"),
        ("SPAM,inbox,,,,Ann,yesterday,", "line 2, at"),
        ("SPAM,inbox,,,,Ann,2026-11-25T09:30:00,", "line 2, at"),
        ("SPAM,quarantine,X,see everything,,Ann,2026-11-25T09:30:00Z,", "line 2, user_may"),
        ("SPAM,inbox,,,,Ann,2026-11-25T09:30:00Z,,more", "line 2"),
    ],
)
def test_evidence_that_cannot_be_used(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "seen.csv"
    head = "disposition,place,quarantine_policy,user_may,recipients,by,at,reference\n"
    path.write_text(head + line + "\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_evidence(path)
    assert says in caught.value.detail


def test_a_list_of_recipients(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("address,groups\nAnn@Example.com,staff@example.com (all@example.com)\n", encoding="utf-8")
    (ann,) = read_roster(path).recipients
    assert (ann.address, ann.domain) == ("ann@example.com", "example.com")
    assert ann.groups == {"staff@example.com"} and ann.open_groups == {"all@example.com"}
    path.write_text("address,groups\nnobody,\n", encoding="utf-8")
    with pytest.raises(Exception, match="line 2: 'nobody' is no address"):
        read_roster(path)
