"""Decisions on any text: as written until they are taken, each by itself, and shown where they act."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runbook import library
from runbook.compile import AdvisedValue, Compiled, compile_tutorial
from runbook.compile.decisions import decide, decision_names, load_decisions
from runbook.compile.offers import offers
from runbook.compile.text import render
from runbook.desired import wanted
from runbook.inputs import effective, section_fields
from runbook.lexicon import load_lexicon
from runbook.tutorial import parse_tutorial

OWN = Path(library.__file__).parent / "tutorials" / "junk-and-user-quarantine.md"
RULES = "create-transport-rules"
SECOND = "Area 1 User Quarantine Message"
HEADER, WORDS = "HeaderContainsMessageHeader", "HeaderContainsWords"


def text(*changes: tuple[str, str], upto: int | None = None) -> str:
    """The kit's own edition with some words changed, or without its end."""
    whole = "\n".join(OWN.read_text(encoding="utf-8").split("\n")[:upto])
    for old, new in changes:
        assert old in whole
        whole = whole.replace(old, new)
    return whole


def compiled(written: str) -> Compiled:
    return compile_tutorial(parse_tutorial(written.encode()), load_lexicon())


FAULTY = text(("`UCE`, `SPOOF`", "`SPAM, SPOOF`"))
SETTLED = [
    (set(), ("SPAM, SPOOF",)),
    ({"split-literal"}, ("SPAM", "SPOOF")),
    ({"use-uce"}, ("UCE, SPOOF",)),
    ({"split-literal", "use-uce"}, ("UCE", "SPOOF")),
]


@pytest.mark.parametrize(("taken", "words"), SETTLED)
def test_two_corrections_of_one_value_are_taken_apart(taken: set[str], words: tuple[str, ...]) -> None:
    found = {draft.identity: draft for draft in decide(compiled(FAULTY), {"add-second-rule", *taken})}
    setting = found[SECOND].setting(WORDS)
    assert setting is not None and setting.value == words


def test_a_phrase_that_is_no_verdict_keeps_its_words() -> None:
    written = compiled(text(("`UCE`, `SPOOF`", "`SPAM`, `spam report`, `SPOOF`")))
    (rule,) = [d for d in decide(written, {"use-uce", "add-second-rule"}) if d.identity == SECOND]
    setting = rule.setting(WORDS)
    assert setting is not None and setting.value == ("UCE", "spam report", "SPOOF")


def test_a_value_as_written_has_both_readings_in_the_printed_form() -> None:
    rule = compiled(FAULTY).resource(f"TransportRule:{SECOND}")
    assert rule.as_json()["settings"][WORDS] == {"as_written": ["SPAM, SPOOF"], "advised": ["UCE", "SPOOF"]}


def resolved(written: Compiled, **given: Any) -> tuple[dict[str, Any], list[str], list[str]]:
    """The values of the second rule in a run with these inputs, the notes beside them, and what stays open."""
    fields = section_fields(written, RULES, {"egress_region": {"default": "us"}})
    values = {item.field.name: item.value for item in effective(fields, {"add_second_rule": True, **given}, {})}
    drafts = [draft for draft in written.resources if draft.identity == SECOND]
    found = wanted(drafts, values, ["example.com"], lambda source, identity: (None, "not asked"))
    attributes = found.resources[0].attributes if found.resources else ()
    notes = [attribute.note for attribute in attributes if "decision" in attribute.note]
    return {item.name: item.value for item in attributes}, notes, [problem.reason for problem in found.problems]


def test_a_run_waits_for_each_answer_and_notes_it() -> None:
    faulty = compiled(FAULTY)
    _, _, (problem,) = resolved(faulty)
    assert "set split_literal to advised ('SPAM' and 'SPOOF') or as-written ('SPAM, SPOOF')" in problem
    _, _, (problem,) = resolved(faulty, split_literal="advised")
    assert "set use_uce to advised" in problem
    values, notes, problems = resolved(faulty, split_literal="advised", use_uce="as-written")
    assert not problems and values[WORDS] == ["SPAM", "SPOOF"]
    assert "decision split-literal: advised; decision use-uce: as-written" in notes
    assert resolved(faulty, split_literal="as-written", use_uce="advised")[0][WORDS] == ["UCE, SPOOF"]


def test_the_headers_name_is_as_written_until_it_is_decided() -> None:
    own = compiled(text())
    assert resolved(own)[0][HEADER] == "X-Area1Security-Disposition", "a run need not wait for this answer"
    values, notes, _ = resolved(own, header_name="advised")
    assert values[HEADER] == "X-CFEmailSecurity-Disposition"
    assert "decision header-name: advised; the tutorial has 'X-Area1Security-Disposition'" in notes
    decided = {d.identity: d.setting(HEADER) for d in decide(own, {"header-name"}) if d.type == "TransportRule"}
    assert {setting.value for setting in decided.values() if setting} == {"X-CFEmailSecurity-Disposition"}
    assert "or X-CFEmailSecurity-Disposition with the decision header-name" in render(own)
    provenance = own.resource(f"TransportRule:{SECOND}").as_json()["provenance"][HEADER]
    assert (provenance["alternative"], provenance["decision"]) == ("X-CFEmailSecurity-Disposition", "header-name")


def test_a_run_that_is_given_no_answer_at_all_takes_the_header_as_written() -> None:
    drafts = [draft for draft in compiled(text()).resources if draft.identity == SECOND]
    values = {"add_second_rule": True, "egress_region": "us"}
    (rule,) = wanted(drafts, values, [], lambda source, identity: (None, "not asked")).resources
    assert {item.name: item.value for item in rule.attributes}[HEADER] == "X-Area1Security-Disposition"


def test_a_run_waits_where_no_page_names_the_header() -> None:
    odd = compiled(text(("X-Area1Security-Disposition", "X-Area1-Disposition")))
    assert "set header_name to advised ('X-CFEmailSecurity-Disposition')" in resolved(odd)[2][0]
    assert resolved(odd, header_name="as-written")[0][HEADER] == "X-Area1-Disposition"


def test_the_present_name_is_not_asked_about() -> None:
    new = compiled(text(("X-Area1Security-Disposition", "X-CFEmailSecurity-Disposition")))
    assert "header-name" not in decision_names(new)


LACKING = text(upto=123)


def test_a_text_without_the_second_rule_is_offered_it(tmp_path: Path) -> None:
    path = tmp_path / "lacking.md"
    path.write_text(LACKING, encoding="utf-8")
    document = library.load(str(path))
    assert all(draft.identity != SECOND for draft in document.compiled.resources), "the text itself has no such rule"
    (rule,) = [draft for draft in document.drafts(RULES) if draft.optional]
    assert rule.identity == SECOND and {line for _, line in rule.lines} == {15}
    assert all("kit's own edition" in setting.assumption for setting in rule.settings)
    assert "add_second_rule" in {field.name for field in document.fields(RULES)}
    (field,) = [field for field in document.fields(RULES) if field.name == "add_second_rule"]
    assert field.default is False and "quarantine" in field.help


def test_an_offered_rule_reads_the_header_that_the_text_reads() -> None:
    own = compiled(text())
    lacking = compiled(LACKING.replace("X-Area1Security-Disposition", "X-CFEmailSecurity-Disposition"))
    (rule,) = offers(lacking, own)
    setting = rule.setting(HEADER)
    assert setting is not None and setting.value == "X-CFEmailSecurity-Disposition" and setting.alternative is None


def test_nothing_is_offered_that_the_text_has_or_has_no_place_for() -> None:
    own = compiled(text())
    assert offers(own, own) == ()
    assert offers(compiled(text(upto=101)), own) == (), "no section makes rules"
    junk = LACKING.replace("`SUSPICIOUS`, `BULK`", "`SUSPICIOUS`").replace("spam and spoof", "all other")
    assert offers(compiled(junk), own) == (), "the open promise is another one"
    assert offers(compiled(text(("> _9_", "> _3_"))), own) == (), "the name is taken"


def test_every_decision_of_a_correction_is_in_the_kits_list() -> None:
    listed = {decision.name for decision in load_decisions(OWN.with_suffix(".decisions.yaml"))}
    lexicon = load_lexicon()
    named = {row.decision for table in lexicon.labels_file.labels for row in table.rows if row.decision}
    named |= {item.decision for item in lexicon.promises.dispositions if item.decision}
    named |= {lexicon.promises.header.decision, lexicon.promises.suggestion.decision}
    assert named == listed


def test_equal_decisions_give_equal_values() -> None:
    value = AdvisedValue(as_written=("a b",), advised=("a", "c"), decisions=("x", "y"),
                         between=((("x",), ("a", "b")), (("y",), ("a c",))))  # fmt: skip
    assert [value.settled(taken) for taken in ([], ["x"], ["y"], ["y", "x"], ["z"])] == [
        ("a b",), ("a", "b"), ("a c",), ("a", "c"), ("a b",),
    ]  # fmt: skip
