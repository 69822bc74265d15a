"""The ways in as processes: what the record says is in effect, and where it says that it came from."""

from __future__ import annotations

import json
import random
import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from conftest import Kit
from input_channels import is_plain

from runbook import library, notebooks

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
FILE = FOLDER.parent / "tests" / "cases" / "inputs" / "equality.yaml"
TABLE: dict[str, list[dict[str, Any]]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
NOT_IN_THIS_TEXT = ("note", "needed", "word")
REAL = [
    (name, case) for name, cases in TABLE.items() if name not in NOT_IN_THIS_TEXT for case in cases
    if "⏎" not in case["text"] and case.get("times", 1) == 1 and (is_plain(case["text"]) or case.get("plain"))
]  # fmt: skip
SAMPLE = random.Random(20261128).sample(REAL, 8)


def in_record(folder: Path, name: str) -> tuple[Any, str]:
    """The value and the source that a run's result says; its page must say the same source."""
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    rows = [row for section in result["sections"] for row in section["inputs"] if row["name"] == name]
    assert rows and all(row["value"] == rows[0]["value"] for row in rows)
    page = (folder / "record.html").read_text(encoding="utf-8")
    found = re.search(rf"<tr><th>{name}<td>[^<]*<td>([^<\n]*)", page)
    assert found and unescape(found[1]) == rows[0]["source"], name
    return rows[0]["value"], rows[0]["source"]


def test_a_plan_by_file_is_approved_with_the_same_inputs_by_option(kit: Kit) -> None:
    (kit.folder / "inputs.yaml").write_text("retention_days: 20\ndomains: [example.com]\n", encoding="utf-8")
    assert kit("plan", "--tenant", "demo", "-f", "inputs.yaml").returncode == 3
    by_file = kit.result("plan")["plan_hash"]
    same = ["-p", "retention_days= 20", "-p", "domains=Example.com."]
    assert kit("plan", "--tenant", "demo", *same).returncode == 3
    assert kit.result("plan")["plan_hash"] == by_file, "the same inputs give the same plan, however they are written"
    shutil.rmtree(kit.newest("plan"))
    other = kit("apply", "--tenant", "demo", "--approve", by_file, "-p", "retention_days=21")
    assert other.returncode == 4
    assert "made with other inputs: retention_days" in other.stderr
    done = kit("apply", "--tenant", "demo", "--approve", by_file, *same)
    assert done.returncode == 0, done.stderr
    assert in_record(kit.newest("apply"), "retention_days") == (20, "file inputs.yaml"), "as the plan said"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "case"), SAMPLE, ids=lambda found: str(found)[:40])
def test_the_command_line_as_a_process(kit: Kit, name: str, case: dict[str, Any]) -> None:
    text = case["text"]
    (kit.folder / "inputs.yaml").write_text(f"{name}: {text}\n", encoding="utf-8")
    entry = f"tenants:\n  mine:\n    simulated: {{state: {kit.state}}}\n    inputs:\n      {name}: {text}\n"
    plain = case.get("plain") or case
    ways = [
        (["--tenant", "demo", "-p", f"{name}={text}"], case, "command line"),
        (["--tenant", "demo", "-f", "inputs.yaml"], plain, "file inputs.yaml"),
        (["--tenant", "mine"], plain, "tenants.yaml"),
    ]
    for words, expected, source in ways:
        (kit.folder / "tenants.yaml").write_text(entry if "mine" in words else "tenants: {}\n", encoding="utf-8")
        done = kit.python("-m", "runbook", "plan", *words)
        if "says" in expected:
            assert done.returncode == 2, f"{words}: {done.stdout}"
            assert expected["says"] in done.stderr, words
        else:
            assert done.returncode != 2, f"{words}: {done.stderr}"
            assert in_record(kit.newest("plan"), name) == (expected["gives"], source), words


@pytest.mark.slow
@pytest.mark.parametrize(("name", "case"), SAMPLE, ids=lambda found: str(found)[:40])
def test_papermill_as_a_process(kit: Kit, name: str, case: dict[str, Any]) -> None:
    text, document = case["text"], library.load()
    section = next(part for part in document.sections if name in {field.name for field in document.fields(part.id)})
    notebook = FOLDER / notebooks.file_name(document, section)
    (kit.folder / "read.yaml").write_text(f"{name}: {text}\n", encoding="utf-8")
    ways = [
        (["-r", name, text], case),
        (["-p", name, text], case.get("typed", case)),
        (["-f", "read.yaml"], case.get("read") or case),
        (["-y", f"{name}: {text}"], case.get("read") or case),
    ]
    for words, expected in ways:
        done = kit.python("-m", "papermill", str(notebook), "out.ipynb", "--no-progress-bar", *words)
        if "says" in expected:
            assert done.returncode != 0, words
            outputs = json.dumps([cell.get("outputs") for cell in nbformat.read(kit.folder / "out.ipynb", 4).cells])
            assert json.dumps(expected["says"])[1:-1] in outputs, words
            assert kit.writes() == []
            continue
        newest = max(kit.runs.glob("*/sections/*.json"), key=lambda path: path.stat().st_mtime_ns)
        rows = json.loads(newest.read_text(encoding="utf-8"))["inputs"]
        found = next((row["value"], row["source"]) for row in rows if row["name"] == name)
        assert found == (expected["gives"], "papermill"), words
