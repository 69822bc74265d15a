"""The record's page: what it says of a run in words that are true of it, and that it stands alone and is small."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from conftest import ROOT, Kit

from runbook.record import evidence
from runbook.record.exporter import exporter
from runbook.record.page import from_notebook, from_result

CASES: dict[str, Any] = yaml.safe_load((ROOT / "tests" / "cases" / "records" / "page.yaml").read_text("utf-8"))
SEED = ROOT.parent / "shared" / "seed"
OWN, WHOLE, OTHER = "5" * 64, "a" * 64, "b" * 64
KEY = {"kind": "HostedContentFilterPolicy", "identity": "Default"}


def section(kind: str, number: int) -> dict[str, Any]:
    """A made-up section of one property: good, pending, drift, changed, unended or not run."""
    item: dict[str, Any] = {
        "number": number, "section": f"part-{number}", "title": f"Part {number}", "status": "unchanged", "inputs": [],
        "plan": None, "approval": None, "changes": [], "made": [], "by_hand": [], "verification": None, "error": None,
    }  # fmt: skip
    if kind == "not run":
        return {**item, "status": "not-run"}
    found = 7 if kind in ("drift", "pending") else 6
    prop = {
        "name": "BulkThreshold", "before": 7 if kind != "good" else 6, "after": 6, "changed": kind != "good",
        "lines": [5], "words": "Bulk: 6", "note": "",
    }  # fmt: skip
    change = {
        **KEY, "action": "none" if kind == "good" else "update", "reason": "because", "notes": [], "properties": [prop],
        "observed": {"BulkThreshold": 7},
    }  # fmt: skip
    check = {**KEY, "name": "BulkThreshold", "wanted": 6, "found_text": str(found), "ok": found == 6, "lines": [5]}
    item |= {
        "inputs": [{"name": "tenant", "value": "demo", "source": "parameter", "help": ""}],
        "plan": {"hash": OWN, "changes": [change], "problems": []},
    }
    if kind in ("good", "drift", "changed"):
        item["verification"] = {"at": "then", "ok": check["ok"], "checks": [check], "problems": []}
    if kind == "changed":
        item |= {"status": "changed", "made": [{**KEY, "action": "update"}]}
        item |= {"changes": [{**KEY, "status": "changed"}]}
        item["approval"] = {"plan": OWN, "approved_by": "Ann Admin", "how": "approved plan"}
    if kind == "unended":
        item |= {"status": "interrupted", "changes": [{**KEY, "status": "unknown"}]}
    if kind == "drift":
        item["status"] = "refused"
    return item


def page_of(case: dict[str, Any]) -> str:
    """The page of a case, laid out."""
    sections = [section(kind, number) for number, kind in enumerate(case["sections"], 1)]
    if case.get("decision") and "not run" not in case["sections"]:
        sections[0]["inputs"].append({"name": "add_second_rule", "value": False, "source": "kit's default", "help": ""})
    finding = {
        "code": "promise-not-covered", "severity": "tells", "where": "line 9", "suggestion": "", "answer": "",
        "message": "SPAM waits for add-second-rule.", "decision": "add-second-rule",
    }  # fmt: skip
    approved = {"same": WHOLE, "other": OTHER}.get(case.get("approval", ""))
    result = {
        "status": case["status"], "mode": case["mode"], "run": "r", "finished": "f", "sections": sections,
        "tutorial": {"title": "T", "sha256": "0" * 64, "name": "t"}, "tenant": {"name": "demo", "simulated": False},
        "kit": {"version": "1", "python": "3", "platform": "p"}, "assumptions": [], "outlook": None,
        "journal": {"entries": 1, "head": "h"}, "plan_hash": WHOLE,
        "diagnostics": [finding] if "decision" in case else [],
        "approval": approved and {"plan": approved, "approved_by": "Ann Admin", "approved_at": "now"},
    }  # fmt: skip
    content = from_result(result, case.get("approved"))
    return str(exporter().from_notebook_node(nbformat.v4.new_notebook(), {"page": content})[0])


@pytest.mark.parametrize("name", CASES)
def test_it_says_what_is_so_in_words_that_are_true(name: str) -> None:
    shown = re.sub(r"<style>.*?</style>", "", html.unescape(page_of(CASES[name])))
    assert [words for words in CASES[name]["says"] if words not in shown] == [], name
    assert [words for words in CASES[name]["never"] if words in shown] == [], name


def test_a_runs_page_is_what_nbconvert_would_make_of_it() -> None:
    content = from_notebook(nbformat.v4.new_notebook())
    outputs = [
        nbformat.v4.new_output("stream", name="stderr", text="one\n<two>\n"),
        nbformat.v4.new_output("execute_result", data={"text/plain": "a\x1b[1mb"}, execution_count=1),
        nbformat.v4.new_output("error", ename="E", evalue="v", traceback=["t", "u"]),
    ]
    cells = [nbformat.v4.new_code_cell("print()", outputs=outputs, execution_count=1), nbformat.v4.new_code_cell("2")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    assert exporter().record(notebook, content) == exporter().from_notebook_node(notebook, {"page": content})[0]


def test_a_section_is_open_exactly_where_it_needs_attention() -> None:
    case = {"mode": "verify", "status": "drift", "sections": ["good", "drift", "not run"]}
    assert re.findall(r"<details class=section( open)?>", page_of(case)) == ["", " open", " open"]


def test_its_policy_allows_its_own_style_and_nothing_else() -> None:
    text = page_of({"mode": "verify", "status": "unchanged", "sections": ["good"]})
    policy = re.search(r'http-equiv="?Content-Security-Policy"? content="([^"]*)"', text)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert policy and style
    mark = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1] == f"default-src 'none'; style-src 'sha256-{mark}'"
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|https?://| on\w+=| style=", text)


def test_every_table_has_a_label_for_each_cell_on_a_narrow_screen() -> None:
    """A label is in the style, by the table's class and the cell's place; a table of a new class must get its own."""
    folder = ROOT / "runbook" / "record" / "templates" / "runbook"
    style = (folder / "style.css").read_text("utf-8")
    for path in folder.glob("*.j2"):
        for classes, head in re.findall(r'<table class="([^"]+)".*?<thead><tr>(.*?)\n', path.read_text("utf-8"), re.S):
            name, cells = re.split(r"\W", classes)[0], len(re.findall("<th>", head))
            labelled = {int(number) for number in re.findall(rf"\.{name}(?:\.back)? td:nth-child\((\d)\)", style)}
            first = 1 if name in ("wrong", "checks", "supposed") else 2  # others begin with a heading
            assert labelled >= set(range(first, cells + 1)), (path.name, name)


def test_evidence_leaves_out_only_lines_that_stand_elsewhere_letter_by_letter() -> None:
    said: evidence.Said = {}
    long = "a line that is as long as such lines are, " * 2
    evidence.note(said, f"{long}1\n{long}2", "the plan above")
    assert evidence.pieces(f"{long}1\n{long}2", said) == [("above", "[2 lines: the plan above]")]
    assert evidence.pieces(f"{long}1\n{long}3", said) == [("above", "[1 line: the plan above]"), ("text", f"{long}3")]
    assert evidence.pieces(f"{long}1 ", said) == [("text", f"{long}1 ")]
    evidence.note(said, "short", "the plan above")
    assert evidence.pieces("short", said) == [("text", "short")]


def test_the_demo_s_records_are_small(applied: Kit) -> None:
    applied("verify", "--tenant", "demo")
    sizes = {mode: (applied.newest(mode) / "record.html").stat().st_size for mode in ("plan", "apply", "verify")}
    assert max(sizes["plan"], sizes["verify"]) < 60_000, sizes
    assert sizes["apply"] < 64_000, sizes  # of which 9,000 are the simulated tenant's assumptions


@pytest.mark.skipif(not SEED.is_dir(), reason="the seed does not lie beside this checkout")
def test_the_seed_s_record_is_small(kit: Kit) -> None:
    text: Path = next(SEED.glob("*.md"))
    kit("plan", "--tenant", "demo", "--tutorial", str(text))
    assert (kit.newest("plan") / "record.html").stat().st_size < 60_000
