"""Runs as a frame of pandas: a row a run and section, in types that can be counted with; files do no harm."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas
import pytest
from conftest import Kit
from fleet import made

from runbook.archive import listing
from runbook.archive.frame import TYPES, frame
from runbook.archive.when import Span
from runbook.runs import write_json

FLEET = "20261127T223000Z-verify-000001"


def written(base: Path, tenant: str, day: int, status: str, kinds: list[str], **more: Any) -> Path:
    folder = base / f"202611{day}T100000Z-x-verify-{day:06x}"
    content = made.result(tenant, "verify", status, 3, kinds, **more)
    write_json(folder / "result.json", {**content, "finished": f"2026-11-{day}T10:00:00.250Z"})
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    runs = tmp_path / "runs"
    written(runs, "contoso", 25, "drift", ["good", "drift"], fleet=FLEET)
    written(runs, "fabrikam", 26, "unchanged", ["good", "manual"])
    cut = runs / "20261127T100000Z-contoso-apply-0000aa"
    cut.mkdir()
    (cut / "journal.jsonl").write_text(json.dumps({"data": {"tenant": "contoso", "fleet": FLEET}}) + "\n")
    torn = runs / "20261128T100000Z-contoso-apply-0000ab"
    torn.mkdir()
    (torn / "journal.jsonl").write_text('{"data": {"te')
    (runs / "ticks").mkdir()
    (runs / "fleets" / FLEET / "done").mkdir(parents=True)
    return runs


def test_there_is_a_row_a_run_and_section_newest_first(base: Path) -> None:
    found = frame(base, complain=pytest.fail)
    assert list(found.columns) == list(TYPES)
    assert [str(found[name].dtype) for name in TYPES] == list(TYPES.values())
    told = found[["tenant", "status", "section", "verified", "changed", "pending", "drift", "fleet"]]
    first, second = list(made.TITLES)[:2]
    assert told.to_numpy().tolist() == [
        ["contoso", "unfinished", "", False, 0, 0, 0, ""],
        ["contoso", "unfinished", "", False, 0, 0, 0, FLEET],
        ["fabrikam", "unchanged", first, True, 0, 0, 0, ""],
        ["fabrikam", "unchanged", second, False, 0, 0, 0, ""],
        ["contoso", "drift", first, True, 0, 0, 0, FLEET],
        ["contoso", "drift", second, False, 0, 1, 3, FLEET],
    ]
    assert found["when"].iloc[-1] == pandas.Timestamp("2026-11-25T10:00:00.250Z")
    assert found.loc[found["fleet"] != "", "drift"].sum() == 3


def test_filters_are_those_of_the_list(base: Path) -> None:
    day = Span(
        pandas.Timestamp("2026-11-26T00:00Z").to_pydatetime(), pandas.Timestamp("2026-11-26T23:59Z").to_pydatetime()
    )
    assert set(frame(base, listing.Filter(tenant="contoso", status="drift"))["run"]) == {
        "20261125T100000Z-x-verify-000019"
    }
    assert set(frame(base, listing.Filter(since=day, until=day))["tenant"]) == {"fabrikam"}


def test_no_run_is_a_frame_with_the_same_columns_and_types(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        found = frame(folder)
        assert len(found) == 0 and {name: str(kind) for name, kind in found.dtypes.items()} == TYPES


@pytest.mark.parametrize("content", ["[]", "{", '{"finished": "soon"}', "[" * 100_000, ""])
def test_what_is_no_result_is_named_and_passed_over(base: Path, content: str) -> None:
    (base / "odd").mkdir()
    (base / "odd" / "result.json").write_text(content)
    told: list[str] = []
    assert len(frame(base, complain=told.append)) == 6
    assert told == [f"{base / 'odd' / 'result.json'} is not a run's result; passed over"]


def test_pandas_is_loaded_when_a_frame_is_made_and_not_before() -> None:
    code = "import sys, runbook.archive.frame, runbook.cli.records; assert 'pandas' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_command_prints_and_writes(kit: Kit) -> None:
    assert (kit("records", "frame").stdout, kit("records", "frame").returncode) == ("", 0)
    written(kit.runs, "=1+1\u202e", 25, "drift", ["drift"], fleet=FLEET)
    written(kit.runs, "fabrikam", 26, "unchanged", ["good"])
    done = kit("records", "frame")
    lines = done.stdout.splitlines()
    assert lines[0].split() == list(TYPES) and len(lines) == 3, done.stderr
    assert "\u202e" not in done.stdout and "=1+1\\u202e" in lines[2] and "2026-11-25T10:00:00Z" in lines[2]

    done = kit("records", "frame", "--status", "drift", "-o", "own.csv")
    assert (done.returncode, done.stdout) == (0, "own.csv\n"), done.stderr
    (line,) = csv.DictReader(io.StringIO((kit.folder / "own.csv").read_text("utf-8")))
    assert (line["tenant"], line["drift"], line["verified"]) == ("'=1+1\\u202e", "3", "False")

    assert kit("records", "frame", "-o", "deep/own.pkl").returncode == 0
    back = pandas.read_pickle(kit.folder / "deep" / "own.pkl")
    pandas.testing.assert_frame_equal(back, frame(kit.runs))
    assert [path.name for path in (kit.folder / "deep").iterdir()] == ["own.pkl"]


def test_a_file_that_cannot_be_written_is_refused_in_words(kit: Kit) -> None:
    done = kit("records", "frame", "-o", "own.xlsx")
    assert done.returncode == 2 and ".parquet, .csv, .pkl" in done.stderr
    (kit.folder / "taken").write_text("")
    done = kit("records", "frame", "-o", "taken/own.csv")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert kit("records", "frame", "--status", "good").returncode == 2


def test_parquet_comes_back_or_says_what_is_missing(kit: Kit) -> None:
    written(kit.runs, "contoso", 25, "drift", ["good", "drift"], fleet=FLEET)
    done = kit("records", "frame", "-o", "own.parquet")
    if importlib.util.find_spec("pyarrow"):
        assert done.returncode == 0, done.stderr
        pandas.testing.assert_frame_equal(pandas.read_parquet(kit.folder / "own.parquet"), frame(kit.runs))
    else:
        assert done.returncode == 2 and "pip install pyarrow" in done.stderr
        assert not (kit.folder / "own.parquet").exists()
