"""Small tutorials, one behaviour each: what the compiler makes of them stands beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook.compile import Compiled, compile_tutorial
from runbook.compile.values import plain_json
from runbook.errors import TutorialError
from runbook.lexicon import Lexicon, load_lexicon
from runbook.tutorial import read_tutorial

CASES = Path(__file__).parent.parent / "cases" / "tutorials"
NAMES = sorted(path.stem for path in CASES.glob("*.md"))
KNOWN = {"about", "error", "resources", "diagnostics", "inputs", "references", "manual", "order", "classes"}


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()


def expected_of(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CASES / f"{name}.expected.yaml").read_text(encoding="utf-8"))
    assert set(loaded) <= KNOWN, f"{name}: unknown keys {set(loaded) - KNOWN}"
    return loaded


def shown(compiled: Compiled, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each resource in the keys that the case asks for; key, settings, blocked and optional always count."""
    rows = []
    for at, draft in enumerate(compiled.resources):
        asked = wanted[at] if at < len(wanted) else {}
        row: dict[str, Any] = {
            "key": draft.key,
            "settings": {item.parameter: plain_json(item.value) for item in draft.settings},
        }
        row |= {"blocked": True} if draft.blocked_by else {}
        row |= {"optional": draft.optional} if draft.optional else {}
        lines = dict(draft.lines)
        row |= {"lines": {name: lines.get(name) for name in asked["lines"]}} if "lines" in asked else {}
        row |= {"untouched": list(draft.untouched)} if "untouched" in asked else {}
        row |= {"action": draft.action} if "action" in asked else {}
        if "certainty" in asked:
            found = {item.parameter: item.certainty for item in draft.settings}
            row["certainty"] = {name: found[name] for name in asked["certainty"]}
        rows.append(row)
    return rows


def diagnostics(compiled: Compiled) -> list[str]:
    return [f"{item.code} {item.severity} {item.lines[0] if item.lines else '-'}" for item in compiled.diagnostics]


@pytest.mark.parametrize("name", NAMES)
def test_case(name: str, lexicon: Lexicon) -> None:
    wanted = expected_of(name)
    if "error" in wanted:
        with pytest.raises(TutorialError) as caught:
            read_tutorial(CASES / f"{name}.md")
        assert wanted["error"] in str(caught.value)
        assert caught.value.remedy
        return
    compiled = compile_tutorial(read_tutorial(CASES / f"{name}.md"), lexicon)
    assert shown(compiled, wanted.get("resources", [])) == wanted.get("resources", [])
    assert diagnostics(compiled) == wanted.get("diagnostics", [])
    assert [item.as_json() for item in compiled.inputs] == wanted.get("inputs", [])
    assert [item.name for item in compiled.references] == wanted.get("references", [])
    assert [item.lines[0] for item in compiled.manual] == wanted.get("manual", [])
    if "order" in wanted:
        assert [list(pair) for pair in compiled.order] == wanted["order"]
    if "classes" in wanted:
        assert compiled.ledger["classes"] == wanted["classes"]
    assert_nothing_lost(compiled)


def assert_nothing_lost(compiled: Compiled) -> None:
    """Every line has a class, every list item a reading, every blocked resource a blocking diagnostic."""
    assert compiled.ledger["closed"]
    read = {reading.first for reading in compiled.readings}
    assert read >= {step.first for step in compiled.tutorial.walk()}
    blocks = [item for item in compiled.diagnostics if item.severity in ("blocks", "asks")]
    assert all(blocks for draft in compiled.resources if draft.blocked_by)


def test_every_case_has_its_expectation() -> None:
    assert NAMES, "there are cases"
    assert {path.name.removesuffix(".expected.yaml") for path in CASES.glob("*.expected.yaml")} == set(NAMES)
