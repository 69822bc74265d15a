"""The index over many runs: what each cell says is from the run's own file, and nothing unknown looks well."""

from __future__ import annotations

import html
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, Kit

from runbook.archive import index
from runbook.runs import read_json, write_json

CASES: dict[str, Any] = yaml.safe_load((ROOT / "tests" / "cases" / "records" / "index.yaml").read_text("utf-8"))
NOW = datetime(2026, 11, 25, 16, 30, tzinfo=UTC)


def section(kind: str, number: int) -> dict[str, Any]:
    change = {"kind": "K", "identity": "x", "action": "update", "properties": [{}], "observed": {}}
    check = {"ok": kind != "drift"}
    item = {
        "title": f"Part {number}", "status": "unchanged", "made": [], "error": None,
        "plan": {"problems": [], "changes": [{**change, "action": "none"}]}, "verification": None,
    }  # fmt: skip
    if kind in ("good", "drift"):
        item["verification"] = {"ok": check["ok"], "checks": [check]}
    elif kind == "pending":
        item["plan"] = {"problems": [], "changes": [change]}
    elif kind == "not run":
        item["plan"] = None
    elif kind == "another":
        item |= {"title": "Another", "plan": {"problems": [], "changes": []}}
    else:
        item["status"] = kind
    return item


def written(folder: Path, run: list[Any], number: int) -> Path:
    """Write a made-up run's files and return its folder."""
    tenant, mode, ended, status, kinds = run[:5]
    stamp = ended[:19].replace("-", "").replace(":", "")
    path = folder / f"{stamp}Z-{tenant.replace(' ', '_')}-{mode}-{number:06x}"
    path.mkdir(parents=True)
    if status == "unfinished":
        (path / "journal.jsonl").write_text(f'{{"data": {{"tenant": "{tenant}"}}}}\n')
        return path
    if status == "damaged":
        (path / "result.json").write_text('{"finished": ')
        return path
    result = {
        "finished": ended, "tenant": {"name": tenant}, "mode": mode, "status": status, "plan_hash": "",
        "sections": [section(kind, count) for count, kind in enumerate(kinds, 1)],
        "takes_back": {"run": "r", "rest": False} if "back" in run[5:] else None,
    }  # fmt: skip
    write_json(path / "result.json", result)
    (path / "record.html").write_text("a record")
    return path


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for number, run in enumerate(CASES["runs"]):
        written(tmp_path / "runs", run, number)
    return tmp_path / "runs"


def page_of(base: Path, page: Path | None = None) -> str:
    found = list(index.entries(base, page or base / "index.html"))
    return index.page(found, made=NOW, complain=lambda _: None)


def cells_of(row: str) -> list[str]:
    return [" ".join(re.sub(r"<[^>]*>", " ", html.unescape(cell)).split()) for cell in re.split(r"<t[dh]>", row)[1:]]


def rows_of(text: str, table: str) -> list[list[str]]:
    body = re.search(rf"{table}.*?<tbody>(.*?)</table>", text, re.DOTALL)
    assert body
    return [cells_of(row) for row in body[1].split("<tr>")[1:]]


def test_the_newest_run_of_each_tenant_stands_worst_first_with_what_its_sections_say(base: Path) -> None:
    rows = rows_of(page_of(base), 'class="newest"')
    assert [[row[0], row[2], row[3:]] for row in rows] == CASES["newest"]


def test_nothing_but_what_was_read_back_looks_well(base: Path) -> None:
    text = page_of(base)
    assert set(re.findall(r'badge good">([^<]*)<', text)) == {"verified", "as wanted", "changed", "unchanged"}
    assert "6 of 10 tenants: look at the newest run." in text
    assert ["", ""] not in rows_of(text, 'class="newest"')


@pytest.mark.parametrize("order", ["worst", "time", "tenant"])
def test_every_run_is_in_every_order(base: Path, order: str) -> None:
    rows = rows_of(page_of(base), f'id="{order}"')
    assert sorted(row[0] for row in rows) == sorted(run[0] for run in CASES["runs"])
    key = {"worst": 3, "time": 1, "tenant": 0}[order]
    shown = [row[key].split(" ")[0] if order == "time" else row[key] for row in rows]
    if order == "worst":
        assert shown == sorted(shown, key=index.WORST_FIRST.index)
    else:
        assert shown == sorted(shown, reverse=order == "time")


def test_a_rollback_and_a_plan_are_never_called_verified(base: Path) -> None:
    for row in rows_of(page_of(base), 'id="time"'):
        assert ("verified" in row[5]) == (row[2] in ("apply", "verify") and row[5] != "-"), row
        if row[2] == "rollback":
            assert row[5] == "2 of 2 as before"


def test_links_lead_to_the_records_from_wherever_the_page_is(base: Path, tmp_path: Path) -> None:
    for page in (base / "index.html", tmp_path / "elsewhere" / "deep" / "index.html"):
        links = re.findall(r'<a href="([^#"][^"]*)"', page_of(base, page))
        assert links and all((page.parent.resolve() / link).resolve().is_file() for link in set(links))
        assert not [link for link in links if link.startswith("/") or ":" in link]


def test_it_stands_alone(base: Path) -> None:
    text = page_of(base)
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|https?://| on\w+=| style=", text)
    assert "default-src 'none'; style-src 'sha256-" in text


def test_names_that_mean_harm_are_text(tmp_path: Path) -> None:
    name = '<script>alert(1)</script>"\u202e'
    run = ["x", "verify", "2026-11-24T10:00:00.000Z", "drift", ["good"]]
    path = written(tmp_path, run, 1) / "result.json"
    path.write_text(path.read_text().replace('"name": "x"', '"name": "<script>alert(1)</script>\\"\\u202e"'))
    text = page_of(tmp_path)
    assert "<script" not in text and name[-1] not in text and "&lt;script&gt;" in text


def test_a_thousand_runs_take_less_than_two_seconds_of_work(tmp_path: Path) -> None:
    filler = [{"text": "a step of a tutorial, as a result has many", "line": number} for number in range(1200)]
    for number in range(1000):
        run = [f"t{number % 90}", "verify", f"2026-11-{1 + number % 28:02}T10:00:00.000Z", "drift", ["good", "drift"]]
        path = written(tmp_path, run, number) / "result.json"
        write_json(path, {**read_json(path), "filler": filler})
    began = time.process_time()
    text = page_of(tmp_path)
    assert time.process_time() - began < 2
    assert len(text.encode()) < 1_000_000


def test_the_command_writes_the_page_takes_filters_and_refuses_an_empty_folder(kit: Kit) -> None:
    done = kit("records", "index")
    assert (done.returncode, "it has no run" in done.stderr) == (2, True)
    for number, run in enumerate(CASES["runs"]):
        written(kit.runs, run, number)
    done = kit("records", "index")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(kit.runs / "index.html") and "says damaged" in done.stderr
    assert len(rows_of((kit.runs / "index.html").read_text(), 'id="time"')) == len(CASES["runs"])
    done = kit("records", "index", "--tenant", "broken", "--status", "failed", "-o", "own.html")
    assert done.returncode == 0, done.stderr
    text = (kit.folder / "own.html").read_text()
    assert [row[0] for row in rows_of(text, 'id="time"')] == ["broken"]
    assert "Only runs with tenant broken, status failed." in text
    assert kit("records", "index", "--tenant", "nobody").returncode == 2
    assert kit("records", "index", "--status", "good").returncode == 2
    assert "runbook records index --since 7d" in kit("records", "index", "--help").stdout
    assert [name for name in kit.runs.iterdir() if name.name.startswith(".index")] == []


def test_an_unfinished_run_is_as_new_as_its_last_sign_of_life(tmp_path: Path) -> None:
    written(tmp_path, ["late", "plan", "2026-11-25T10:00:00.000Z", "unchanged", ["good"]], 1)
    cut = written(tmp_path, ["late", "walkthrough", "2026-11-25T01:00:00Z", "unfinished", []], 2)
    with (cut / "journal.jsonl").open("a") as journal:
        journal.write('{"at": "2026-11-25T12:00:00.000Z", "event": "change-done", "data": {}}\n')
    (newest,) = index.newest(index.entries(tmp_path, tmp_path / "index.html"))
    assert newest.row.status == "unfinished"
