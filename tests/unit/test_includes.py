"""Texts put together from several files: what is taken in, what stays out, and where each line stands."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook import library, notebooks
from runbook.compile import Compiled, compile_tutorial
from runbook.compile.text import render
from runbook.compile.values import plain_json
from runbook.difference import lines_text
from runbook.lexicon import load_lexicon
from runbook.tutorial import parse_tutorial, read_tutorial
from runbook.tutorial.includes import folders

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ROOT.parent / "shared" / "tutorials"
HOME = ROOT / "tests" / "cases" / "includes"
CASES: dict[str, Any] = yaml.safe_load((HOME / "cases.yaml").read_text(encoding="utf-8"))
HUGO: dict[str, Any] = yaml.safe_load((HOME / "uc2-2024-hugo.expected.yaml").read_text(encoding="utf-8"))
KNOWN = {"files", "links", "resources", "places", "findings", "ledger", "promises"}
LEXICON = load_lexicon()


def put(files: dict[str, str], links: dict[str, str], folder: Path) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for name, target in links.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(target)
    return folder / "text.md"


def resources(compiled: Compiled) -> dict[str, Any]:
    return {
        draft.key: {"blocked": True}
        if draft.blocked_by
        else {item.parameter: plain_json(item.value) for item in draft.settings}
        for draft in compiled.resources
    }


def places(compiled: Compiled, wanted: dict[str, Any]) -> dict[str, Any]:
    found = {draft.key: dict(draft.lines) for draft in compiled.resources}
    return {key: {name: found[key].get(name) for name in names} for key, names in wanted.items()}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    assert set(case) <= KNOWN, name
    path = put(case["files"], case.get("links", {}), tmp_path)
    compiled = compile_tutorial(read_tutorial(path), LEXICON)
    assert resources(compiled) == case["resources"], name
    assert places(compiled, case.get("places", {})) == case.get("places", {}), name
    told = [
        f"{item.code} {item.severity} {lines_text(item.lines).removeprefix('line ')}: {item.message}"
        for item in compiled.diagnostics
    ]
    assert len(told) == len(case["findings"]), told
    for row, wanted in zip(told, case["findings"], strict=True):
        where, _, words = wanted.partition(": ")
        assert row.startswith(where) and words in row, (row, wanted)
    assert [f"{item.disposition} {item.line}" for item in compiled.promises] == case.get("promises", []), name
    assert_closed(compiled, path)
    if case.get("ledger"):
        found = {file.file or "text.md": counts for file, counts in compiled.tutorial.ledgers}
        assert found == case["ledger"], name


def assert_closed(compiled: Compiled, path: Path) -> None:
    """Every line of every file has one class, and every list item of the whole text a reading."""
    assert compiled.ledger["closed"]
    text = compiled.tutorial
    assert {step.first for step in text.walk()} <= {reading.first for reading in compiled.readings}
    for file, counts in text.ledgers:
        beside = path.parent / "_partials" / file.file if file.file else path
        source = beside if beside.exists() else path.parent / file.file
        assert sum(counts.values()) % len(source.read_text(encoding="utf-8").splitlines()) == 0
    assert render(compiled).rstrip().endswith("closed")


@pytest.mark.skipif(not TEXTS.exists(), reason="the collection of texts is not beside this checkout")
def test_the_hugo_edition_of_2024() -> None:
    path = TEXTS / "uc2-2024-hugo" / "two-junk-user-quarantine.md"
    compiled = compile_tutorial(read_tutorial(path), LEXICON)
    assert resources(compiled) == {key: row["settings"] for key, row in HUGO["resources"].items()}
    wanted = {
        key: {name: f"{row['file']} line {line}, via line {row['via']}" for name, line in row["lines"].items()}
        for key, row in HUGO["resources"].items()
    }
    assert places(compiled, wanted) == wanted
    assert [
        f"{item.code} {item.severity} {lines_text(item.lines)}" for item in compiled.diagnostics
    ] == HUGO["diagnostics"]  # fmt: skip
    assert not compiled.manual
    assert len(compiled.tutorial.sections) == 5
    assert_closed(compiled, path)
    # Where it says the same as the edition of 2022, it means the same.
    before = resources(compile_tutorial(read_tutorial(TEXTS / "uc2-2022-with-second-rule.md"), LEXICON))
    now = resources(compiled)
    assert now.keys() == before.keys()
    other = {(key, name) for key, row in now.items() for name in row if row[name] != before[key].get(name)}
    assert other == {("TransportRule:Area 1 User Quarantine Message", "HeaderContainsWords")}
    # The edition with the chart has the same steps, in files beside another text.
    charted = read_tutorial(TEXTS / "uc2-2023-mermaid.md", [path.parent / "_partials"])
    with_chart = compile_tutorial(charted, LEXICON)
    assert resources(with_chart) == now
    codes = {item.code for item in with_chart.diagnostics}
    assert not codes & {"promise-not-covered", "document-inconsistent", "unknown-step"}


TWO = {"text.md": '## A\n\n{{<render file="a.md">}}\n', "_partials/a.md": "1. Go.\n"}


def test_the_hash_of_a_text_covers_what_it_includes(tmp_path: Path) -> None:
    path = put(TWO, {}, tmp_path)
    before = read_tutorial(path)
    assert [file.sha256 for file in before.files] == [
        hashlib.sha256(TWO[name].encode()).hexdigest() for name in ("text.md", "_partials/a.md")
    ]
    assert before.sha256 not in {file.sha256 for file in before.files}
    (tmp_path / "_partials" / "a.md").write_text("1. Go on.\n")
    after = read_tutorial(path)
    assert after.files[0] == before.files[0] and after.sha256 != before.sha256
    (tmp_path / "_partials" / "a.md").unlink()
    alone = read_tutorial(path)
    assert alone.sha256 == before.files[0].sha256 and not alone.files


def test_folders_are_looked_into_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put({**TWO, "first/a.md": "1. Stop.\n", "second/a.md": "1. Wait.\n"}, {}, tmp_path)
    named = (tmp_path / "first", tmp_path / "second")
    assert [step.text for step in read_tutorial(path, named).walk()] == ["Stop."]
    assert [step.text for step in read_tutorial(path, named[1:]).walk()] == ["Wait."]
    assert [step.text for step in library.load(str(path)).compiled.tutorial.walk()] == ["Go."]
    monkeypatch.setenv("RUNBOOK_INCLUDES", str(named[1]))
    assert [step.text for step in library.load(str(path)).compiled.tutorial.walk()] == ["Wait."]


def test_without_a_way_to_fetch_nothing_is_taken_in() -> None:
    tutorial = parse_tutorial(TWO["text.md"].encode())
    assert not tutorial.files and tutorial.ledger_counts["include"] == 1


def test_includes_that_multiply_end(tmp_path: Path) -> None:
    """Each file includes the next one many times; the whole is cut off, and says so."""
    call = '{{{{<render file="{}.md">}}}}\n\n'
    files = {f"_partials/{n}.md": call.format(n + 1) * 30 for n in range(9)} | {"_partials/9.md": "1. Go.\n" * 400}
    path = put({"text.md": "## A\n\n1. Go.\n\n" + call.format(0), **files}, {}, tmp_path)
    tutorial = read_tutorial(path)
    assert len(tutorial.lines) < 30_000 and len(tutorial.files) <= 201
    assert any("more than" in remark.text for remark in tutorial.remarks)
    assert sum(tutorial.ledger_counts.values()) == len(tutorial.lines)


def test_a_notebook_names_the_file_of_each_step(tmp_path: Path) -> None:
    case = CASES["parameters inside and around markup"]
    document = library.load(str(put(case["files"], {}, tmp_path)))
    _, text = notebooks.generate(document).values()
    assert "*(policy.md line 7, via line 5)*" in text
    assert "a/policy.md:7-7" in text and "lines 3 to 5 of `text.md`" in text


def test_a_name_is_not_looked_for_outside(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out.md").write_text("1. Go.\n")
    fetch = folders(tmp_path / "in")
    for name in ("../out.md", str(tmp_path / "out.md"), "../in/../out.md"):
        assert "leads out" in str(fetch(name)), name
    assert "there is no file" in str(fetch("x.md"))


def test_a_file_that_cannot_be_opened_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "loop.md").symlink_to("loop.md")
    fetch = folders(tmp_path)
    for name in ("loop.md", "x" * 5000, "\0"):
        assert isinstance(fetch(name), str), name
