"""The linter on altered texts: each planted defect is found on its line, and nothing else is made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook.compile import Compiled, compile_tutorial
from runbook.compile.decisions import decision_names
from runbook.compile.findings import SEVERITY
from runbook.compile.offers import offers
from runbook.compile.result import Diagnostic
from runbook.errors import UsageError
from runbook.lexicon import load_lexicon
from runbook.lint import check_decided, exit_code, lint, render
from runbook.tutorial import parse_tutorial

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
BASES = {
    "own": ROOT / "runbook" / "tutorials" / "junk-and-user-quarantine.md",
    "seed": SHARED / "seed" / "o365-junk-email-and-user-managed-quarantine.md",
    "second-rule": SHARED / "tutorials" / "uc2-2022-with-second-rule.md",
    "first-case": SHARED / "tutorials" / "uc1-2022.md",
}
CASES: dict[str, dict[str, Any]] = {}
for _file in sorted((ROOT / "tests" / "cases" / "lint").glob("*.yaml")):
    for _name, _case in yaml.safe_load(_file.read_text(encoding="utf-8")).items():
        assert _name not in CASES, f"{_name} is there twice"
        CASES[_name] = _case
KEYS = {"base", "edits", "found", "also", "not_found", "gone"}


def altered(lines: list[str], edits: list[dict[str, Any]]) -> tuple[list[str], dict[int, int]]:
    """Carry out the edits, whose lines are those of the base; also give where each line of the base is now."""
    rows: list[list[tuple[int, str]]] = [[(0, "")]] + [[(at, line)] for at, line in enumerate(lines, start=1)]
    for edit in edits:
        if "is" in edit:
            rows[edit["line"]] = [(edit["line"], edit["is"])]
        elif "from" in edit:
            old = rows[edit["line"]][0][1]
            assert edit["from"] in old, f"line {edit['line']} does not hold {edit['from']!r}: {old!r}"
            rows[edit["line"]][0] = (edit["line"], old.replace(edit["from"], edit["to"]))
        elif "insert" in edit:
            rows[edit["after"]] += [(0, line) for line in edit["insert"].removesuffix("\n").split("\n")]
        else:
            first, last = edit.get("lines", [edit.get("line")] * 2)
            taken = [row for at in range(first, last + 1) for row in rows[at]]
            rows[first : last + 1] = [[] for _ in range(first, last + 1)]
            if "move_after" in edit:
                rows[edit["move_after"]] += taken
            else:
                assert edit["delete"] is True
    flat = [row for group in rows[1:] for row in group]
    return [text for _, text in flat], {was: now for now, (was, _) in enumerate(flat, start=1) if was}


@cache
def compiled_of(base: str) -> Compiled:
    return compile_tutorial(parse_tutorial(BASES[base].read_bytes()), load_lexicon())


def matches(item: Diagnostic, wanted: Mapping[str, Any] | str) -> bool:
    if isinstance(wanted, str):
        return item.code == wanted
    return (
        item.code == wanted["code"]
        and wanted.get("severity", item.severity) == item.severity
        and ("line" not in wanted or wanted["line"] in item.lines)
        and wanted.get("says", "") in item.message
        and wanted.get("decision", item.decision) == item.decision
    )


def assert_sound(text: Compiled) -> None:
    """No line is lost, what blocks is never applied, and every decision that is named can be taken."""
    assert text.ledger["closed"]
    refused = {line for item in text.diagnostics if item.severity == "blocks" for line in item.lines}
    for draft in text.resources:
        lines = {line for setting in draft.settings for line in setting.lines} | {draft.opened_at}
        assert draft.blocked_by or not refused & lines, f"{draft.key} would be applied: {refused & lines}"
    named = {item.decision for item in text.diagnostics if item.decision}
    assert named <= {*decision_names(text), *(draft.optional for draft in offers(text, compiled_of("own")))}


def shown(items: Any) -> str:
    return "\n".join(f"  {item.severity} {item.code} {item.lines}: {item.message}" for item in items)


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    case = CASES[name]
    assert set(case) <= KEYS and (case.get("found") or case.get("not_found") or case.get("gone"))
    if not BASES[case["base"]].is_file():
        pytest.skip(f"the given text {BASES[case['base']].name} is not beside this checkout")
    base = compiled_of(case["base"])
    lines, now = altered(BASES[case["base"]].read_text(encoding="utf-8").split("\n"), case["edits"])
    text = compile_tutorial(parse_tutorial("\n".join(lines).encode()), load_lexicon())
    found = text.diagnostics
    assert_sound(text)
    for wanted in case.get("found", []):
        assert any(matches(item, wanted) for item in found), f"{wanted} is not among\n{shown(found)}"
    for unwanted in case.get("not_found", []):
        assert not any(matches(item, unwanted) for item in found), f"{unwanted} is among\n{shown(found)}"
    for gone in case.get("gone", []):
        was = {at: line for line, at in now.items()}.get(gone["line"], gone["line"])
        assert any(matches(item, {**gone, "line": was}) for item in base.diagnostics), f"the base has no {gone}"
        assert not any(matches(item, gone) for item in found), f"{gone} is still among\n{shown(found)}"
    before = {(item.code, tuple(now.get(line) for line in item.lines)) for item in base.diagnostics}
    explained = [*case.get("found", []), *case.get("also", [])]
    new = [
        item
        for item in found
        if item.severity != "tells"
        and (item.code, item.lines) not in before
        and not any(matches(item, wanted) for wanted in explained)
    ]
    assert not new, f"not explained by the defect:\n{shown(new)}"


def test_every_code_is_reached_by_a_case() -> None:
    reached = {wanted["code"] for case in CASES.values() for wanted in case.get("found", [])}
    assert reached == set(SEVERITY)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the list of codes is not beside this checkout")
def test_the_codes_are_those_that_were_agreed() -> None:
    text = (SHARED / "expected" / "README.md").read_text(encoding="utf-8").split("Diagnostic codes:")[1]
    assert set(re.findall(r"[a-z]+(?:-[a-z]+)+|branch", text)) == set(SEVERITY)


def test_there_are_cases_enough_and_most_need_nothing_from_outside() -> None:
    alone = [case for case in CASES.values() if case["base"] == "own" and case.get("found")]
    assert len(alone) >= 40


def test_the_kits_own_edition_has_nothing_that_blocks() -> None:
    assert not [item for item in compiled_of("own").diagnostics if item.severity == "blocks"]


@pytest.mark.parametrize("name", ["seed", "second-rule", "first-case"])
def test_a_sound_text_has_nothing_that_blocks(name: str) -> None:
    if not BASES[name].is_file():
        pytest.skip(f"the given text {BASES[name].name} is not beside this checkout")
    assert not [item for item in compiled_of(name).diagnostics if item.severity == "blocks"]
    assert not any(draft.blocked_by for draft in compiled_of(name).resources)


# What is printed, and when a finding asks no more


def with_edit(name: str) -> Compiled:
    """The altered text of a case that needs nothing from outside."""
    lines, _ = altered(BASES["own"].read_text(encoding="utf-8").split("\n"), CASES[name]["edits"])
    return compile_tutorial(parse_tutorial("\n".join(lines).encode(), path="text.md"), load_lexicon())


SPAM = "two names in one literal, and one of them is SPAM"


def test_a_finding_is_printed_as_a_compiler_prints_it() -> None:
    shown = render(lint(with_edit(SPAM))).split("\n")
    at = shown.index(
        "text.md:133: asks header-token-mismatch: The rule looks for SPAM; the header carries UCE instead."
    )
    assert shown[at + 1] == "    - **Enter words**: `SPAM, SPOOF` > **Add** > **Save**"
    assert shown[at + 2].startswith("    suggestion: Look for UCE") and "Dispositions and attributes" in shown[at + 2]
    assert shown[at + 3] == "    decision: use-uce"
    assert re.fullmatch(r"4 asks, \d+ tells", shown[-1])


@pytest.mark.parametrize(
    ("name", "parameter", "op", "value"),
    [
        ("an address of one's own on the allow list", "IPAllowList", "add", ("203.0.113.0/24",)),
        ("a list replaced that others may have filled", "IPBlockList", "set", ("203.0.113.0/24",)),
        ("a list emptied that others may have filled", "IPBlockList", "set", ()),
    ],
)
def test_a_list_is_added_to_unless_the_text_replaces_it(
    name: str, parameter: str, op: str, value: tuple[str, ...]
) -> None:
    setting = with_edit(name).resource("HostedConnectionFilterPolicy:Default").setting(parameter)
    assert setting is not None and (setting.op, setting.value) == (op, value)


def test_lines_ascend() -> None:
    lines = [finding.line for finding in lint(with_edit(SPAM)) if finding.diagnostic.lines]
    assert lines == sorted(lines)


ANSWERS: list[tuple[set[str], dict[str, Any], set[str]]] = [
    (set(), {}, {"header-token-mismatch", "literal-holds-list", "free-choice", "range-without-value"}),
    ({"use-uce"}, {}, {"literal-holds-list", "free-choice", "range-without-value"}),
    (set(), {"use_uce": "as-written", "split_literal": "advised"}, {"free-choice", "range-without-value"}),
    (set(), {"retention_days": 30, "notification_frequency": ""},
     {"header-token-mismatch", "literal-holds-list", "free-choice"}),
    ({"use-uce", "split-literal"}, {"retention_days": 30, "notification_frequency": "1 day"}, set()),
]  # fmt: skip


@pytest.mark.parametrize(("decided", "given", "open_"), ANSWERS)
def test_what_is_answered_asks_no_more(decided: set[str], given: dict[str, Any], open_: set[str]) -> None:
    findings = lint(with_edit(SPAM), decided=decided, given=given)
    assert {finding.diagnostic.code for finding in findings if finding.severity == "asks"} == open_
    assert exit_code(findings) == (3 if open_ else 0)
    assert len(findings) == len(lint(with_edit(SPAM))), "an answered finding is still shown"


def test_what_blocks_wins_and_no_answer_takes_it_away() -> None:
    text = with_edit("kept for 45 days")
    assert exit_code(lint(text)) == exit_code(lint(text, given={"retention_days": 30})) == 1


def test_a_decision_that_nothing_has_is_refused() -> None:
    check_decided(["split-literal", "use-uce", "add-second-rule", "header-name"], [with_edit(SPAM)])
    with pytest.raises(UsageError, match="use-uce"):
        check_decided(["use-uce"], [compiled_of("own")])


def test_json_has_what_the_text_has() -> None:
    findings = [finding.as_json() for finding in lint(with_edit(SPAM), decided={"use-uce"}, path="a.md")]
    (mismatch,) = [item for item in findings if item["code"] == "header-token-mismatch"]
    assert (mismatch["file"], mismatch["line"], mismatch["severity"]) == ("a.md", 133, "tells")
    assert mismatch["answered"] == "the decision use-uce is taken"
    assert mismatch["source_line"].strip().startswith("- **Enter words**")


def test_nothing_to_say_is_said() -> None:
    assert render([]) == "nothing found" and exit_code([]) == 0
