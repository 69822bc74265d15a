"""Where the texts say that mail lands: every statement with its line and its source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook.compile import Compiled, compile_tutorial
from runbook.compile.text import render
from runbook.lexicon import load_lexicon
from runbook.tutorial import parse_tutorial, read_tutorial

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
CASES: dict[str, Any] = yaml.safe_load((ROOT / "tests" / "cases" / "promises.yaml").read_text(encoding="utf-8"))
LEXICON = load_lexicon()


def told(compiled: Compiled) -> list[str]:
    """One line a promise: line, source, disposition (- where none is named), place, and the chart's way."""
    rows = []
    for item in compiled.promises:
        way = f" by {item.via.as_json()}" if item.via else ""
        rows.append(f"{item.line} {item.source}: {item.disposition or '-'} to {item.destination}{way}")
    return rows


@pytest.mark.parametrize("name", CASES["files"])
def test_promises_of_a_file(name: str) -> None:
    path = ROOT / name if name.startswith("runbook/") else SHARED / name
    if not path.exists():
        pytest.skip("the collection of texts is not beside this checkout")
    compiled = compile_tutorial(read_tutorial(path), LEXICON)
    assert told(compiled) == CASES["files"][name]
    assert [row["line"] for row in compiled.as_json()["promises"]] == [item.line for item in compiled.promises]
    assert "\nPromises\n" in render(compiled)


@pytest.mark.parametrize("name", CASES["texts"])
def test_promises_of_a_text(name: str) -> None:
    case = CASES["texts"][name]
    text = f"{case['text']}\n## A section\n\n1. Go.\n"
    compiled = compile_tutorial(parse_tutorial(text.encode()), LEXICON)
    assert told(compiled) == case["promises"], name
    found = [f"{item.code} {list(item.lines)}" for item in compiled.diagnostics if item.code in case["codes"]]
    assert found == case["findings"], name


def test_each_destination_and_odd_disposition_names_its_source() -> None:
    assert all(row.source for row in LEXICON.promises.destinations)
    assert all(row.source for row in LEXICON.promises.dispositions if row.header != row.drop)
