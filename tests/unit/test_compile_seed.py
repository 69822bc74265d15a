"""The tutorial that the project starts from, against what a careful reader makes of it."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runbook.compile import AdvisedValue, Compiled, compile_tutorial
from runbook.compile.decisions import decide, decision_names, disagreements, load_decisions
from runbook.compile.phrase import SLOT, phrase_of
from runbook.compile.text import render
from runbook.errors import UsageError
from runbook.lexicon import Lexicon, load_lexicon
from runbook.tutorial import Block, read_tutorial

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
SEED = SHARED / "seed" / "o365-junk-email-and-user-managed-quarantine.md"
OWN = ROOT / "runbook" / "tutorials" / "junk-and-user-quarantine.md"
DECISIONS = OWN.with_suffix(".decisions.yaml")

needs_seed = pytest.mark.skipif(not SEED.exists(), reason="the user's own tutorial is not beside this checkout")


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()


@pytest.fixture(scope="module")
def seed(lexicon: Lexicon) -> Compiled:
    return compile_tutorial(read_tutorial(SEED), lexicon)


@pytest.fixture(scope="module")
def own(lexicon: Lexicon) -> Compiled:
    return compile_tutorial(read_tutorial(OWN), lexicon)


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SHARED / "expected" / "seed.json").read_text(encoding="utf-8"))
    return loaded


@needs_seed
def test_resources_and_lines(seed: Compiled, expected: dict[str, Any]) -> None:
    found = seed.as_json()["resources"]
    assert len(found) == len(expected["resources"])
    for got, wanted in zip(found, expected["resources"], strict=True):
        same = ("type", "identity", "for_each", "action", "settings")
        assert {key: got.get(key) for key in same} == {key: wanted.get(key) for key in same}
        assert wanted.get("lines", {}).items() <= got["lines"].items()
        assert got.get("untouched", []) == wanted.get("untouched", got.get("untouched", []))
        assert "blocked_by" not in got


@needs_seed
@pytest.mark.parametrize("part", ["counts", "inputs", "references", "order", "manual"])
def test_parts(seed: Compiled, expected: dict[str, Any], part: str) -> None:
    assert seed.as_json()[part] == expected[part]


@needs_seed
def test_diagnostics(seed: Compiled, expected: dict[str, Any]) -> None:
    found = seed.as_json()["diagnostics"]
    for wanted in expected["diagnostics"]:
        assert any(wanted.items() <= item.items() for item in found), wanted
    assert not [item for item in found if item["severity"] == "blocks"]
    extra = {item["code"] for item in found} - {item["code"] for item in expected["diagnostics"]}
    assert extra == {"portal-generation", "contradicts-reference"}, "what is said beyond the nine is said on purpose"
    page = [(item["severity"], item["line"]) for item in found if item["code"] == "contradicts-reference"]
    assert page == [("tells", 120), ("tells", 121)], "the header's former name, and BULK"
    assert all(item["suggestion"] is None or item["suggestion"]["source"] for item in found)


@needs_seed
def test_nothing_is_added_and_nothing_is_split_without_a_decision(seed: Compiled) -> None:
    (rule,) = [draft for draft in seed.resources if draft.type == "TransportRule"]
    words = rule.setting("HeaderContainsWords")
    assert words is not None and isinstance(words.value, AdvisedValue)
    assert words.value.decisions == ("split-literal",)
    assert decision_names(seed) == ("header-name", "split-literal")
    phishing = seed.resource("HostedContentFilterPolicy:Default").setting("PhishSpamAction")
    assert phishing is not None and phishing.lines == (98,)


@needs_seed
def test_every_line_and_every_item_is_accounted_for(seed: Compiled) -> None:
    assert seed.ledger["closed"] and seed.ledger["lines"] == 135
    readings = [(reading.first, reading.read_as) for reading in seed.readings]
    assert [line for line, _ in readings] == [step.first for step in seed.tutorial.walk()]
    assert not [line for line, how in readings if how in ("unknown", "manual")]
    bearing = {line for line, how in readings if how in ("bound", "input")}
    assert bearing == {
        *range(20, 26), 34, 37, 38, 43, 48, 51, 52, 57, 69, *range(95, 103), 118, 120, 121, 123, 124, 135,
    }  # fmt: skip


@needs_seed
def test_quick_enough(lexicon: Lexicon) -> None:
    took = []
    for _ in range(5):
        start = time.process_time()  # not the clock on the wall: the machine may be busy
        compile_tutorial(read_tutorial(SEED), lexicon)
        took.append(time.process_time() - start)
    assert min(took) < 0.15


@needs_seed
def test_both_editions_say_the_same(seed: Compiled, own: Compiled) -> None:
    def essence(drafts: Any) -> list[Any]:
        return [(d.key, d.action, {s.parameter: s.value for s in d.settings}, d.untouched) for d in drafts]

    assert essence(decide(seed, {"split-literal"})) == essence(decide(own, ()))
    assert [section.heading for section in seed.tutorial.sections] == [s.heading for s in own.tutorial.sections]


@needs_seed
def test_no_sentence_of_the_vendor(seed: Compiled, own: Compiled) -> None:
    """Labels and values are facts and may be the same; the words between them may not."""

    def sentences(compiled: Compiled) -> set[str]:
        texts = [phrase_of(step.pieces).masked for step in compiled.tutorial.walk()]
        blocks = [b for s in compiled.tutorial.sections for b in s.items if isinstance(b, Block)]
        texts += [phrase_of(block.pieces).masked for block in (*compiled.tutorial.preamble, *blocks)]
        parts = [part.strip() for text in texts for part in re.split(rf"[.:]|{SLOT}", text)]
        return {part.casefold() for part in parts if len(part.split()) > 3}

    assert sentences(seed) and sentences(own)
    assert not sentences(seed) & sentences(own)


@needs_seed
def test_second_rule_can_be_offered_to_the_seed(seed: Compiled, own: Compiled) -> None:
    chosen = decide(seed, {"add-second-rule"}, own.resources)
    assert [draft.identity for draft in chosen][-1] == "Area 1 User Quarantine Message"
    assert len(decide(seed, (), own.resources)) == len(seed.resources)


def test_own_edition_leaves_only_true_choices(own: Compiled) -> None:
    asked = [(item.code, item.severity) for item in own.diagnostics if item.severity != "tells"]
    assert asked == [("free-choice", "asks"), ("range-without-value", "asks")]
    assert not own.manual
    assert all(draft.committed_at for draft in own.resources)
    assert not any(setting.certainty == "fuzzy" for draft in own.resources for setting in draft.settings)
    assert own.tutorial.front["facts"], "an edition of our own names where its facts come from"


def test_own_edition_second_rule_is_off_until_it_is_decided(own: Compiled) -> None:
    off, on = decide(own, ()), decide(own, {"add-second-rule"})
    (added,) = [draft for draft in on if draft not in off]
    assert {s.parameter: s.value for s in added.settings} == {
        "HeaderContainsMessageHeader": "X-Area1Security-Disposition",
        "HeaderContainsWords": ("UCE", "SPOOF"),
        "SenderIpRanges": off[-1].settings[2].value,
        "SetSCL": 9,
        "Enabled": True,
    }
    enabled = added.setting("Enabled")
    assert enabled and enabled.lines[0] == max(step.first for step in own.tutorial.walk()), "it is enabled last"


def test_decisions_agree_with_the_text(own: Compiled) -> None:
    decisions = load_decisions(DECISIONS)
    assert disagreements(own, decisions) == ()
    assert all(not decision.default and decision.source for decision in decisions)
    assert disagreements(own, decisions[1:]) != ()


def test_a_decision_bound_to_another_resource_is_found_out(own: Compiled) -> None:
    first, *others = load_decisions(DECISIONS)
    (told,) = disagreements(own, (replace(first, turns_on="TransportRule:Another"), *others))
    assert first.name in told


def test_a_faulty_literal_is_sent_as_written_until_it_is_decided(lexicon: Lexicon) -> None:
    case = ROOT / "tests" / "cases" / "tutorials" / "s30-literal-holds-a-list.md"
    faulty = compile_tutorial(read_tutorial(case), lexicon)
    for taken, words in ((set(), ("ODD, STRANGE",)), ({"split-literal"}, ("ODD", "STRANGE"))):
        (rule,) = decide(faulty, taken)
        found = rule.setting("HeaderContainsWords")
        assert found is not None and found.value == words


def test_a_value_of_several_lines_names_them_all(own: Compiled) -> None:
    for draft in own.resources:
        bits = draft.setting("EndUserQuarantinePermissionsValue")
        assert bits is None or [own.tutorial.lines[n - 1].count("**Select ") for n in bits.lines] == [1, 1]


def test_a_decision_that_decides_nothing_is_refused(own: Compiled) -> None:
    with pytest.raises(UsageError, match="split-literal"):
        decide(own, {"split-literal"})


def test_decisions_file_is_checked(tmp_path: Path) -> None:
    wrong = tmp_path / "d.yaml"
    wrong.write_text("version: 1\ndecisions:\n  - {name: x, default: maybe}\n", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be used"):
        load_decisions(wrong)


def test_text_for_people(own: Compiled) -> None:
    shown = render(own)
    for words in (
        "modify EmailSecurityDomain for each of domains",
        "read from graph:domains/{domain}/",
        "input notification_frequency",
        "(only with the decision add-second-rule)",
        "retention_days: recommended range, 1 to 30, recommended 15 to 30",
        "QuarantinePolicy:* before HostedContentFilterPolicy:Default",
        "lines, closed",
    ):
        assert words in shown
    for setting in (setting for draft in own.resources for setting in draft.settings):
        assert f"line {setting.lines[0]}" in shown or f"lines {setting.lines[0]}" in shown


def test_text_shows_that_a_list_is_added_to(lexicon: Lexicon) -> None:
    case = ROOT / "tests" / "cases" / "tutorials" / "list-is-added-to.md"
    assert "IPAllowList += list egress_ips" in render(compile_tutorial(read_tutorial(case), lexicon))


def test_json_is_json(own: Compiled) -> None:
    assert json.loads(json.dumps(own.as_json()))["ledger"]["closed"] is True


def test_equal_texts_give_equal_results(own: Compiled, lexicon: Lexicon) -> None:
    assert compile_tutorial(read_tutorial(OWN), lexicon) == own
