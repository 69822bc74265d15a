"""A fleet run that its failures have stopped: what it says, and by whose word it is gone on with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from fleet.crews import Notes, Said

from runbook import journal, library
from runbook.cli.fleet import resume, show
from runbook.errors import UsageError
from runbook.fleet.asking import Wish, begin
from runbook.fleet.crew import Ended, Event
from runbook.fleet.fleet import Outcome, go_on
from runbook.fleet.folder import FleetFolder
from runbook.fleet.inventory import read_inventory
from runbook.fleet.stopping import Switch
from runbook.runs import Grant, person, read_json

CASES = yaml.safe_load(
    (Path(__file__).resolve().parent.parent / "cases" / "fleet" / "resuming.yaml").read_text(encoding="utf-8")
)


@dataclass
class Finishing(Said):
    """A crew that also marks its tenants as finished, as a tenant's process does; one that was interrupted is not."""

    folder: FleetFolder | None = None

    def wait(self, seconds: float) -> list[Event]:
        events = super().wait(seconds)
        for event in events:
            row = event.row if isinstance(event, Ended) else None
            if row is not None and row["exit_code"] != 130 and self.folder is not None:
                self.folder.finish(row)
        return events


def begun(case: dict[str, Any], path: Path) -> FleetFolder:
    """Begin an apply over the rings of a case; nobody is asked anything."""
    inventory = path / "fleet.yaml"
    rings = case["rings"]
    tenants = {name: {"group": ring, "tenant_id": name} for ring, names in rings.items() for name in names}
    inventory.write_text(yaml.safe_dump({"rings": list(rings), "tenants": tenants}), encoding="utf-8")
    read = read_inventory(inventory, known={})
    grants = {
        name: Grant(plan="1" * 64, made_by=path, approver="Jane")
        for name in tenants
        if name not in case.get("unapproved", ())
    }
    wish = Wish(mode="apply", inventory=read, grants=grants, max_failures=case.get("allowed", ""))
    return begin(wish, library.load(read.tutorial), path / "runs")


def going_on(folder: FleetFolder, crew: Said, max_failures: str = "") -> Outcome:
    return go_on(
        folder, lambda: crew, Notes(), asked_to_stop=Switch(folder.stop).asked, max_failures=max_failures
    )  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_gone_on_with(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    folder = begun(case, tmp_path)
    first = going_on(folder, Finishing(case["ends"], folder=folder))
    offers = case["offers"]
    offered = "" if offers is None else f"runbook fleet resume {folder.name} {offers}".rstrip()
    assert first.summary["to_go_on"] == offered, name
    crew = Finishing(case["ends"], folder=folder)
    before = folder.journal.read_bytes()
    if "refused" in case:
        with pytest.raises(UsageError) as caught:
            going_on(folder, crew, case.get("anew", ""))
        for words in case["refused"]:
            assert words in str(caught.value), (name, str(caught.value))
        assert (crew.begun, folder.journal.read_bytes()) == ([], before), name
        return
    again = going_on(folder, crew, case.get("anew", ""))
    assert (crew.begun, again.summary["stopped"]) == (case["begun"], case.get("stopped", "")), name
    for tenant in set(case["ends"]) - set(crew.begun):
        assert again.summary["tenants"] and folder.row(tenant) in again.summary["tenants"], (name, tenant)


def test_the_word_stands_in_the_journal_with_a_name_and_holds_the_next_time(tmp_path: Path) -> None:
    folder = begun({"rings": {"canary": ["a"], "rest": ["b", "c"]}, "allowed": "1"}, tmp_path)
    asked = folder.asked.read_bytes()
    going_on(folder, Finishing({"a": 1}, folder=folder))
    interrupted = going_on(folder, Finishing({"b": 130}, folder=folder), "1")
    assert interrupted.summary["to_go_on"] == f"runbook fleet resume {folder.name}"
    said = [entry["data"] for entry in journal.read(folder.journal) if entry["event"] == "failures-allowed"]
    assert said == [{"max_failures": "1", "failed": ["a"], "by": person()}]
    assert folder.asked.read_bytes() == asked
    crew = Finishing({}, folder=folder)
    assert going_on(folder, crew).summary["to_go_on"] == ""
    assert crew.begun == ["b", "c"]


def test_a_supervisor_that_was_killed_before_it_could_tell_is_gone_on_with(tmp_path: Path) -> None:
    folder = begun({"rings": {"all": ["a", "b"]}}, tmp_path)
    going_on(folder, Finishing({"a": 1}, folder=folder))
    folder.summary.unlink()
    again = going_on(folder, Finishing({}, folder=folder))
    assert again.summary["stopped"] == "1 tenant failed, which is more than was allowed"
    with pytest.raises(UsageError):
        going_on(folder, Finishing({}, folder=folder))


def test_show_names_the_way_on_and_the_command_line_goes_it(tmp_path: Path) -> None:
    folder = begun({"rings": {"all": ["a", "b"]}}, tmp_path)
    shown = CliRunner().invoke(show, [str(folder.path)])
    assert "cut short" in str(shown.exception) and f"fleet resume {folder.name}" in str(shown.exception)
    with folder.hold():
        shown = CliRunner().invoke(show, [str(folder.path)])
    assert "still runs" in str(shown.exception) and "fleet resume" not in str(shown.exception)
    going_on(folder, Finishing({"a": 1}, folder=folder))
    shown = CliRunner().invoke(show, [str(folder.path)])
    assert f"    runbook fleet resume {folder.name} --max-failures 1\n" in shown.output
    assert "once somebody has seen why these failed" in shown.output
    with folder.hold():
        shown = CliRunner().invoke(show, [str(folder.path)])
    assert "is being gone on with; this is how it stood before" in shown.stderr
    for more, says in (((), "was stopped by its failures"), (("--max-failures", "0"), "less than what failed")):
        done = CliRunner().invoke(resume, [str(folder.path), "-q", *more])
        assert isinstance(done.exception, UsageError) and says in str(done.exception)
    assert read_json(folder.summary)["counts"] == {"failed": 1, "not started": 1}
