"""However a run is stopped, it ends with an error, and every file of it says only what is true."""

from __future__ import annotations

import html.parser
import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from conftest import Kit
from faults.stopping import start, wait_until

from runbook import aftermath, simulated
from runbook.runs import RunFolder

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="signals and audit hooks as on Linux"),
    pytest.mark.timeout(400),
]  # several runs, on a machine that may be busy
CASES = yaml.safe_load((Path(__file__).parent.parent / "cases" / "faults" / "stopped.yaml").read_text())


@pytest.fixture
def slow(planned: Kit) -> Iterator[Kit]:
    """A kit with a plan whose tenant answers slowly, and outlives the run."""
    with simulated.serving(planned.state, latency_ms=100):
        yield planned


@pytest.mark.parametrize("engine", ["runbook", pytest.param("nbclient", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", CASES)
def test_stopped(slow: Kit, name: str, engine: str) -> None:
    case = CASES[name]
    run = start(slow, engine, case)
    if "signal" in case:
        alive = wait_until(slow, case["when"])
        provisional = (alive / "record.html").read_text()
        assert RunFolder(alive).is_held()
        run.send_signal(signal.Signals[case["signal"]])
    _, errors = run.communicate(timeout=90)
    folder = slow.newest("apply")
    assert run.returncode == case["exit"], errors
    assert "Traceback" not in errors, errors
    if case["exit"] < 0:
        assert "This run has not finished" in provisional
        assert (folder / "record.html").read_text() == provisional
        check_notebooks(folder, None)
        wait_until_nothing_runs(folder)
        shown = slow("records", "show", folder.name)
        assert shown.returncode == 0, shown.stderr
    check_notebooks(folder, case.get("notebook"))
    result = json.loads((folder / "result.json").read_text())
    assert result["status"] == case["status"]
    assert result["exit_code"] == (130 if case["exit"] in (130, -9) else 1)
    if "error" in case:
        assert any(word in (folder / "record.html").read_text() for word in case["error"])
    check_claims(slow, folder, result)
    assert len(slow.writes()) == case.get("writes", len(slow.writes()))


def wait_until_nothing_runs(folder: Path) -> None:
    """A kernel of papermill's own engine notices within a second that the run that started it is gone."""
    deadline = time.monotonic() + 20
    while RunFolder(folder).is_held():
        assert time.monotonic() < deadline, "something of the run still lives"
        time.sleep(0.05)


def check_notebooks(folder: Path, cut_short: str | None) -> None:
    """Every notebook is valid; its cells ran, then at most one was cut short, and then none has begun."""
    cut = []
    for path in sorted(folder.glob("notebooks/*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        if path.name.endswith(".source.ipynb"):
            assert all(cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
            continue
        order = []
        for cell in notebook.cells:
            if cell.cell_type != "code" or "papermill-error-cell-tag" in cell.metadata.get("tags", []):
                continue
            status = cell.metadata.get("runbook", {}).get("status", "ran")
            if status == "ran":
                assert cell.execution_count and cell.metadata.papermill.status == "completed", path.name
            if status == "not-run":
                assert cell.execution_count is None and cell.outputs == [], path.name
                assert cell.metadata.papermill.status == "pending", path.name
            order.append(status)
        ended = order.index("not-run") if "not-run" in order else len(order)
        assert set(order[ended:]) <= {"not-run"}, (path.name, order)
        assert set(order[: max(0, ended - 1)]) <= {"ran"}, (path.name, order)
        cut += [status for status in order if status not in ("ran", "not-run")]
    assert len(cut) <= 1
    if cut_short is not None:
        assert cut == [cut_short]


class Words(html.parser.HTMLParser):
    """The text of a page, and what its good badges say."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.feed(text)

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def __str__(self) -> str:
        return " ".join(" ".join(self.text).split())


def check_claims(kit: Kit, folder: Path, result: dict[str, Any]) -> None:
    """Hold result and record against the journal and the simulated tenant's own log."""
    page = (folder / "record.html").read_text()
    words = str(Words(page))
    entries = aftermath.whole_entries(folder / "journal.jsonl")
    journal: dict[str, list[tuple[str, str]]] = {}
    for entry in entries:
        if "identity" in entry["data"]:
            journal.setdefault(entry["event"], []).append((entry["data"]["kind"], entry["data"]["identity"]))
    made = [(item["kind"], item["identity"]) for section in result["sections"] for item in section["made"]]
    assert made == journal.get("change-done", [])
    changes = [item for section in result["sections"] for item in section["changes"]]
    begun = journal.get("change-started", [])
    for item in changes:
        key = (item["kind"], item["identity"])
        if key in made:
            assert item["status"] == "changed", item
        elif key in begun:
            assert item["status"] in ("unknown", "interrupted", "failed"), item
        else:
            assert item["status"] == "not-run", item
    open_ended = [item for item in changes if item["status"] in ("unknown", "interrupted")]
    assert f"{len(made)} change" in words
    if open_ended:
        assert f"Of {len(open_ended)} more it is not known whether it took effect" in words
    # A change of the quarantine or a domain is one call; only a rule is two. More cannot have been written.
    assert len(kit.writes()) <= len(made) + len(open_ended) + 1
    verified = {entry["data"]["section"] for entry in entries if entry["event"] == "verified" and entry["data"]["ok"]}
    claimed = {item["section"] for item in result["sections"] if (item["verification"] or {}).get("ok")}
    assert claimed <= verified | ({entries[-1]["data"].get("section")} if entries else set())
    assert page.count('class="badge good">verified<') == 2 * len(claimed)
    assert f"{len(claimed)} of 5 sections verified" in words
    assert {item["status"] for item in result["sections"]} <= {"changed", "failed", "interrupted", "not-run"}
    assert result["sections"][-1]["status"] == "not-run"
    assert "running" not in {item["status"] for item in changes}
    assert "has not finished" not in words
    assert result["journal"] == {"entries": entries[-1]["n"] + 1, "head": entries[-1]["hash"]}


def test_a_run_that_lives_has_no_other_record(slow: Kit) -> None:
    run = start(slow, "runbook", {})
    try:
        folder = wait_until(slow, "opened")
        refused = slow("records", "show", folder.name)
        assert refused.returncode == 2
        assert "has not ended" in refused.stderr
        assert not (folder / "result.json").exists()
    finally:
        run.kill()
        run.communicate(timeout=30)


def test_a_folder_that_is_no_run(slow: Kit) -> None:
    (slow.runs / "other").mkdir()
    refused = slow("records", "show", "other")
    assert refused.returncode == 2 and "not the folder of a run" in refused.stderr
