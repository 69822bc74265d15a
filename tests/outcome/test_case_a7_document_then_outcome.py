"""A7: the document against the facts, then the outcome: what the seed promises, and where its messages land."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from outcome.stage import Stage, on_stage, row

from runbook import library

ROOT = Path(__file__).resolve().parents[2]
SEED = ROOT.parent / "shared" / "seed" / "o365-junk-email-and-user-managed-quarantine.md"
TEXTS = ROOT.parent / "shared" / "tutorials"
OWN = ROOT / "runbook" / "tutorials" / f"{library.OWN}.md"
PHISHING = "Quarantine under UserNotifyAdminRelease, the recipient may ask for release"
USERS = "Quarantine under UserNotifyUserRelease, the recipient may release"


def altered(tmp_path: Path, *edits: tuple[str, str]) -> str:
    """The kit's own edition with edits, each of which must find its words once."""
    text = OWN.read_text(encoding="utf-8")
    for old, new in edits:
        assert text.count(old) == 1, (old, text.count(old))
        text = text.replace(old, new)
    path = tmp_path / "altered.md"
    path.write_text(text, encoding="utf-8")
    return str(path)


ONE_LITERAL = ("`SUSPICIOUS`, `BULK`", "`SUSPICIOUS, BULK`")


@pytest.fixture(params=["seed", "a text of our own"])
def as_given(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "seed":
        if not SEED.exists():
            pytest.skip("the user's own tutorial is not beside this checkout")
        return str(SEED)
    return altered(tmp_path, ONE_LITERAL)


def codes(stage: Stage) -> set[str]:
    return {item.code for item in stage.document.compiled.diagnostics}


def test_a7_i_as_given_it_promises_what_it_does_not_do(as_given: str) -> None:
    with on_stage(as_given, split_literal="as-written") as stage:
        told = stage.outlook()
        assert {"promise-not-covered", "literal-holds-list", "contradicts-reference"} <= codes(stage)
    for disposition in ("SUSPICIOUS", "BULK"):
        found = row(told, disposition)
        assert [item["lands"] for item in found["promised"]] == ["junk"], disposition
        assert "never matches" in found["after"]["never"][0] and "SUSPICIOUS, BULK" in found["after"]["never"][0]
        assert found["after"]["text"] == "Inbox" and found["kept"] is False, disposition
    for disposition in ("SPAM", "SPOOF"):
        found = row(told, disposition)
        assert [item["lands"] for item in found["promised"]] == ["user quarantine"], disposition
        assert found["after"]["text"] == "Inbox" and found["kept"] is False, disposition
        assert not found["after"]["never"], "no rule means it at all"


def test_a7_split_the_first_promise_is_kept_and_observed(as_given: str) -> None:
    with on_stage(as_given, split_literal="advised") as stage:
        before = stage.around()
        stage.apply()
        told = stage.outlook(applied=True, before=before)
    for disposition in ("SUSPICIOUS", "BULK"):
        found = row(told, disposition)
        assert found["after"]["text"] == "Junk Email folder" and not found["after"]["never"], disposition
        assert found["kept"] is True and found["observed"]["kept"] is True, disposition
        assert found["after"]["grade"] == "conditional", "an SCL requests, it does not guarantee"
    assert all(item["observed"]["as_predicted"] for item in told["rows"])


def test_a7_ii_the_word_spam_never_matches(tmp_path: Path) -> None:
    text = altered(tmp_path, ("`UCE`, `SPOOF`", "`SPAM`, `SPOOF`"))
    with on_stage(text, add_second_rule=True, use_uce="as-written") as stage:
        assert "header-token-mismatch" in codes(stage)
        told = stage.outlook()
    spam, spoof = row(told, "SPAM"), row(told, "SPOOF")
    assert "looks for 'SPAM', and the header says UCE" in spam["after"]["never"][0]
    assert spam["after"]["text"] == "Inbox" and spam["kept"] is False
    assert spoof["after"]["text"] == USERS and spoof["kept"] is True and not spoof["after"]["never"]


def test_a7_iii_with_the_second_rule_the_user_may_release(as_given: str) -> None:
    with on_stage(as_given, split_literal="advised", add_second_rule=True) as stage:
        before = stage.around()
        planned = stage.outlook()
        stage.apply()
        told = stage.outlook(applied=True, before=before)
    for disposition in ("SPAM", "SPOOF"):
        for one in (row(planned, disposition), row(told, disposition)):
            assert one["after"]["text"] == USERS and one["kept"] is True, disposition
            assert "UserNotifyUserRelease" in one["after"]["endings"][0]["quarantine_policy"]
            assert "release" in one["after"]["endings"][0]["user_may"]
        assert row(told, disposition)["observed"]["kept"] is True
    assert all(item["observed"]["as_predicted"] for item in told["rows"])


def test_a7_iv_from_any_other_host_nothing_matches(as_given: str) -> None:
    with on_stage(as_given, split_literal="advised", add_second_rule=True) as stage:
        before = stage.around()
        stage.apply()
        told = stage.outlook(applied=True, before=before)
    for disposition in ("SUSPICIOUS", "BULK", "SPAM", "SPOOF"):
        found = row(told, disposition, "outside")
        assert found["after"]["text"] == "Inbox" and found["after"]["rules"] == [], disposition
        assert any("SenderIpRanges" in step["text"] for step in found["after"]["steps"]), disposition
        assert found["observed"]["text"] == "Inbox"


def test_a7_v_what_microsoft_calls_phishing_waits_for_an_administrator(as_given: str) -> None:
    with on_stage(as_given, split_literal="advised", add_second_rule=True) as stage:
        before = stage.around()
        stage.apply()
        told = stage.outlook(applied=True, before=before)
    for disposition in ("SUSPICIOUS", "BULK", "SPAM", "SPOOF"):
        found = row(told, disposition, "phishing")
        assert found["after"]["text"] == PHISHING and found["observed"]["text"] == PHISHING, disposition
        assert "release" not in found["after"]["endings"][0]["user_may"]


def test_a7_every_step_of_every_cell_cites_its_source_and_how_sure_it_is(as_given: str) -> None:
    with on_stage(as_given, split_literal="as-written") as stage:
        told = stage.outlook()
    steps: list[dict[str, Any]] = [
        step for item in told["rows"] for name in ("before", "after") for step in item[name]["steps"]
    ]
    assert steps and all(step["text"] and step["source"] for step in steps)
    assert {step["grade"] for step in steps} <= {"documented", "conditional", "unknown"}


@pytest.mark.skipif(not TEXTS.exists(), reason="the collection of texts is not beside this checkout")
def test_the_flow_chart_of_2023_agrees_with_prediction_and_observation() -> None:
    includes = (TEXTS / "uc2-2024-hugo" / "_partials",)
    document = library.load(str(TEXTS / "uc2-2023-mermaid.md"), includes)
    drawn = {item.disposition for item in document.promises if item.source == "flow chart"}
    assert drawn == {"MALICIOUS", "SUSPICIOUS", "BULK", "SPAM", "SPOOF", "none"}
    with on_stage(document) as stage:
        before = stage.around()
        stage.apply()
        told = stage.outlook(applied=True, before=before)
    for disposition in sorted(drawn):
        found = row(told, disposition)
        assert any(item["source"] == "flow chart" for item in found["promised"]), disposition
        assert found["kept"] is True and found["observed"]["kept"] is True, (disposition, found["after"]["text"])
        assert found["observed"]["as_predicted"], disposition
