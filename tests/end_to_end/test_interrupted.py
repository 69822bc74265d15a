"""A run that is stopped in the middle: what it leaves behind is true, and nothing is begun after it ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Kit

from runbook import journal, simulated

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="signals as Linux sends them")


@pytest.fixture
def slow(planned: Kit) -> Iterator[Kit]:
    """A kit with a plan, whose tenant answers slowly."""
    with answering_slowly(planned):
        yield planned


def answering_slowly(kit: Kit) -> contextlib.AbstractContextManager[str]:
    return simulated.serving(kit.state, latency_ms=150)


def start(kit: Kit, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "runbook", "apply", "--tenant", "demo"]
    command += ["--approve", kit.result("plan")["plan_hash"], *more]
    return subprocess.Popen(
        command,
        env=kit.environment(),
        cwd=kit.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background has them ignore SIGINT; a person's terminal does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for_writes(kit: Kit, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(kit.writes()) < count:
        assert time.monotonic() < deadline, "the run wrote nothing"
        time.sleep(0.02)


def entries(folder: Path) -> list[str]:
    return [entry["event"] for entry in journal.read(folder / "journal.jsonl")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_to_stop_it_writes_a_true_record(slow: Kit, number: signal.Signals) -> None:
    run = start(slow)
    wait_for_writes(slow, 3)
    os.kill(run.pid, number)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 130, errors
    assert "Traceback" not in errors
    result = slow.result("apply")
    assert result["status"] == "interrupted"
    folder = slow.newest("apply")
    assert entries(folder)[-1] == "run-finished"
    assert slow("records", "check", folder.name).returncode == 0
    statuses = [item["status"] for item in result["sections"]]
    assert "interrupted" in statuses
    assert statuses[-1] == "not-run"
    changed = sum(len(item["made"]) for item in result["sections"])
    record = (folder / "record.html").read_text()
    assert f"Interrupted. {changed} change" in record
    open_ended = [c for item in result["sections"] for c in item["changes"] if c["status"] == "interrupted"]
    assert len(slow.writes()) <= changed + len(open_ended)


def test_killed_it_begins_no_further_change(planned: Kit) -> None:
    with answering_slowly(planned):
        run = start(planned)
        wait_for_writes(planned, 1)
        run.kill()
        run.communicate(timeout=60)
        time.sleep(1)
        count = len(planned.writes())
        time.sleep(2)
        assert len(planned.writes()) == count
    killed = planned.newest("apply")
    assert entries(killed), "the chain is whole up to where it stopped"
    checked = planned("records", "check", killed.name)
    assert checked.returncode == 1
    assert "the run did not come to its end" in checked.stdout
    assert "journal.jsonl: " not in checked.stdout
    assert killed.name in planned("records", "list", "--status", "unfinished").stdout
    # The tenant is then as it is; a new plan says what is left, and finishes it.
    assert planned("plan", "--tenant", "demo").returncode == 3
    assert planned("apply", "--tenant", "demo", "--approve", planned.result("plan")["plan_hash"]).returncode == 0
