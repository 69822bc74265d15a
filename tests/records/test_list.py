"""The list finds last Tuesday's runs, and whatever else it is asked for; the clock is an argument."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, Kit

from runbook.archive import listing, when
from runbook.cli.filters import list_filter
from runbook.errors import UsageError
from runbook.runs import write_json

CASES = ROOT / "tests" / "cases" / "records"
WHEN = yaml.safe_load((CASES / "when.yaml").read_text(encoding="utf-8"))
LIST = yaml.safe_load((CASES / "list.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", WHEN["understood"])
def test_a_day_or_a_time_is_understood(text: str) -> None:
    span = when.parse(text, now=datetime.fromisoformat(WHEN["now"]))
    assert [span.first.isoformat(), span.last.isoformat()] == WHEN["understood"][text]


@pytest.mark.parametrize("text", [str(text) for text in WHEN["refused"]])
def test_what_is_not_understood_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(UsageError, match="is not understood") as caught:
        when.parse(text, now=datetime.fromisoformat(WHEN["now"]))
    assert "last tuesday" in caught.value.remedy


def test_the_days_are_those_of_utc_wherever_the_clock_stands() -> None:
    late = datetime.fromisoformat("2026-11-25T23:30:00-05:00")  # in UTC it is Thursday
    assert when.parse("today", now=late).first.isoformat() == "2026-11-26T00:00:00+00:00"


def result(tenant: str, mode: str, finished: str, status: str) -> dict[str, Any]:
    change = {"kind": "TransportRule", "identity": "x", "action": "create"}
    section = {
        "made": [change] if status == "changed" else [],
        "plan": {"changes": [change, {**change, "action": "none"}]},
        "verification": {"ok": status != "drift", "checks": [{}]},
    }
    return {
        "finished": finished,
        "tenant": {"name": tenant},
        "mode": mode,
        "status": status,
        "plan_hash": "ab" * 32,
        "sections": [section],
    }


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for number, (tenant, mode, finished, status) in enumerate(LIST["runs"].values()):
        compact = finished[:19].replace("-", "").replace(":", "")
        folder = tmp_path / f"{compact}Z-{tenant}-{mode}-00000{number}"
        if status == "unfinished":
            folder.mkdir()
            (folder / "journal.jsonl").write_text("")
        else:
            write_json(folder / "result.json", result(tenant, mode, finished, status))
    return tmp_path


def found(base: Path, **options: str | None) -> list[listing.Row]:
    empty = dict.fromkeys(("tenant", "mode", "status", "since", "until", "on"))
    wanted = list_filter({**empty, **options}, datetime.fromisoformat(LIST["now"]))
    return listing.select(listing.rows(base, pytest.fail), wanted)


@pytest.mark.parametrize(("options", "names"), LIST["finds"], ids=[str(case[0]) for case in LIST["finds"]])
def test_a_filter_finds_its_runs_newest_first(base: Path, options: dict[str, str], names: list[str]) -> None:
    letters = dict(zip(["0", "1", "2", "3", "4", "5"], LIST["runs"], strict=True))
    assert [letters[row.run[-1]] for row in found(base, **options)] == names


def test_a_row_says_what_was_changed_and_what_was_verified(base: Path) -> None:
    rows = {row.status: row for row in found(base)}
    assert (rows["changed"].changes, rows["changed"].pending, rows["changed"].verified) == (1, 0, 1)
    assert (rows["drift"].changes, rows["drift"].pending, rows["drift"].verified) == (0, 1, 0)
    shown = {line.split("  ")[0]: line for line in listing.lines(list(rows.values()))}
    assert "1 changed" in shown["2026-11-24T23:59:59Z"]
    assert "0 changed, 1 pending" in shown["2026-11-23T23:59:59Z"]
    assert "unfinished" in shown["2026-11-17T09:00:00Z"]


@pytest.mark.parametrize("content", ["[]", "{", '{"finished": "soon"}', "[" * 100_000, "", '"x"'])
def test_what_is_no_result_is_named_and_passed_over(base: Path, content: str) -> None:
    (base / "odd").mkdir()
    (base / "odd" / "result.json").write_text(content)
    told: list[str] = []
    assert len(list(listing.rows(base, told.append))) == len(LIST["runs"])
    assert told == [f"{base / 'odd' / 'result.json'} is not a run's result; passed over"]


def test_a_status_that_no_run_has_and_a_day_twice_are_refused(base: Path) -> None:
    with pytest.raises(UsageError, match="No run has the status 'good'"):
        found(base, status="good")
    with pytest.raises(UsageError, match="cannot be given with"):
        found(base, on="monday", since="monday")


def test_the_command_prints_lines_json_and_csv(kit: Kit) -> None:
    assert kit("records", "list").stdout == ""
    finished = "2026-11-24T10:00:00.000Z"
    write_json(
        kit.runs / "20261124T100000Z-demo-plan-000001" / "result.json", result("=1+1", "plan", finished, "drift")
    )
    lines = kit("records", "list", "--since", "2026-11-24").stdout.splitlines()
    assert [line.split()[:4] for line in lines] == [["2026-11-24T10:00:00Z", "=1+1", "plan", "drift"]]
    told = json.loads(kit("records", "list", "--json").stdout)
    assert told[0]["when"] == "2026-11-24T10:00:00Z" and told[0]["tenant"] == "=1+1"
    rows = list(csv.DictReader(io.StringIO(kit("records", "list", "--csv").stdout)))
    assert rows[0]["tenant"] == "'=1+1" and rows[0]["pending"] == "1"
    assert kit("records", "list", "--on", "someday").returncode == 2


def test_a_run_is_found_by_a_part_of_its_name_that_no_other_has(base: Path) -> None:
    assert listing.find_run("contoso-apply", base).name.endswith("000002")
    whole = "20261117T090000Z-demo-apply-000005"
    assert listing.find_run(whole, base) == base / whole
    assert listing.find_run(str(base / whole), base / "nowhere") == base / whole
    (base / (whole + "7")).mkdir()
    assert listing.find_run(whole, base) == base / whole
    for text, words in (("demo", "runs have"), ("nobody", "There is no run"), (".", "not the folder of a run")):
        with pytest.raises(UsageError, match=words):
            listing.find_run(text, base)
