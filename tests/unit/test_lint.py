"""The linter on altered texts: each planted defect is found on its line, and nothing else is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook.compile import Compiled, compile_tutorial
from runbook.compile.result import Diagnostic
from runbook.lexicon import load_lexicon
from runbook.tutorial import parse_tutorial

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
BASES = {
    "own": ROOT / "runbook" / "tutorials" / "junk-and-user-quarantine.md",
    "seed": SHARED / "seed" / "o365-junk-email-and-user-managed-quarantine.md",
    "second-rule": SHARED / "tutorials" / "uc2-2022-with-second-rule.md",
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
    found = compile_tutorial(parse_tutorial("\n".join(lines).encode()), load_lexicon()).diagnostics
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
