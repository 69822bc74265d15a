"""The notebooks without our command line: plain papermill, as somebody types it who keeps papermill."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from conftest import Kit

from runbook import simulated

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NAMES = sorted(path.name for path in FOLDER.glob("0[1-9]-*.ipynb"))


def typed(kit: Kit, name: str, *arguments: str) -> tuple[int, str]:
    done = kit.python("-m", "papermill", str(FOLDER / name), "out.ipynb", "--no-progress-bar", *arguments)
    return done.returncode, done.stderr


def outputs(kit: Kit) -> str:
    notebook = nbformat.read(kit.folder / "out.ipynb", 4)
    return "\n".join(json.dumps(cell.get("outputs", [])) for cell in notebook.cells)


def test_run_all_with_defaults_changes_nothing(kit: Kit) -> None:
    code, errors = typed(kit, NAMES[0])
    assert code == 0, errors
    assert "Not approved" in outputs(kit)
    assert "Not run: there is no approved plan" in outputs(kit)
    assert kit.writes() == []


def test_no_widget_is_made_where_nobody_is_watching(kit: Kit) -> None:
    typed(kit, NAMES[3])
    notebook = nbformat.read(kit.folder / "out.ipynb", 4)
    assert "widgets" not in notebook.metadata
    assert "widget-view" not in outputs(kit)


def test_an_approved_hash_is_applied_and_verified(kit: Kit) -> None:
    typed(kit, NAMES[1], "-p", "mode", "plan")
    plan_hash = json.loads(next(kit.newest("plan").glob("sections/*.json")).read_text())["plan"]["hash"]
    code, errors = typed(kit, NAMES[1], "-p", "mode", "apply", "-p", "approve", plan_hash)
    assert code == 0, errors
    section = json.loads(next(kit.newest("apply").glob("sections/*.json")).read_text())
    assert section["status"] == "changed"
    assert section["verification"]["ok"] is True
    assert [row["cmdlet"] for row in kit.writes()] == ["New-QuarantinePolicy", "New-QuarantinePolicy"]


def test_mode_apply_without_approval_writes_nothing(kit: Kit) -> None:
    code, errors = typed(kit, NAMES[1], "-p", "mode", "apply")
    assert code != 0
    assert "Nobody has approved the plan" in errors
    assert kit.writes() == []


@pytest.mark.parametrize(
    ("parameter", "value", "words"),
    [
        ("retentoin_days", "15", "Did you mean 'retention_days'"),
        ("retention_days", "99", "from 1 to 30"),
        ("tenant", "dmeo", "Did you mean 'demo'"),
    ],
)
def test_a_bad_parameter_stops_the_notebook_with_one_message(kit: Kit, parameter: str, value: str, words: str) -> None:
    code, _ = typed(kit, NAMES[3], "-p", parameter, value)
    assert code != 0
    text = outputs(kit)
    assert words in text
    assert "opening.py" not in text, "the operator sees our call stack"
    assert kit.writes() == []
    assert sys.executable not in text


def test_a_tenant_served_in_another_terminal_is_used(kit: Kit) -> None:
    serving = subprocess.Popen(
        [sys.executable, "-m", "runbook", "sim", "serve"],
        env=kit.environment(),
        cwd=kit.folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert serving.stdout is not None
        line = serving.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:")
        pid = simulated.read_address(kit.state)["pid"]
        code, errors = typed(kit, NAMES[0])
        assert code == 0, errors
        assert simulated.read_address(kit.state)["pid"] == pid, "a second server took the place of the first"
        assert len(simulated.requests_log(kit.state)) > 0
        assert kit("sim", "serve").returncode == 2
    finally:
        serving.terminate()
        serving.wait(timeout=10)
        serving.stdout.close()
    assert not (kit.state / "address.json").exists()
