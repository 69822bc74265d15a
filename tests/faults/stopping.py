"""Stop a run in a chosen way, by what any process on the machine could do to it; nothing of the kit is replaced."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import Kit

from runbook import aftermath

# Python imports a module of this name at its start, wherever it is found. In the process that runs the cells, the
# hook acts when the journal is opened for one more entry, once so many changes were begun.
HOOK = """
import os, signal, sys, time

FIRST = os.getpid()
ACTION, AFTER = os.environ["STOP_INSIDE"].split(":")
done = []

def runs_cells():
    return os.getpid() != FIRST or "kernel.json" in " ".join(sys.orig_argv)

def hook(event, arguments):
    if event != "open" or done or not str(arguments[0]).endswith("journal.jsonl") or not runs_cells():
        return
    done.append(1)
    with open(arguments[0]) as file:
        begun = file.read().count('"change-started"')
    if begun < int(AFTER):
        done.clear()
    elif ACTION == "sleep":
        time.sleep(100)
    elif ACTION == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        sys.exit()

sys.addaudithook(hook)
"""
# What `runbook apply` does, with less patience for a cell.
IMPATIENT = """
import sys
from runbook.run import run
from runbook.task import Request
request = Request(tenant="demo", mode="apply", approve=sys.argv[1], engine=sys.argv[2], cell_timeout_seconds=8)
sys.exit(run(request).exit_code)
"""


def start(kit: Kit, engine: str, case: dict[str, Any]) -> subprocess.Popen[str]:
    """Start to apply the plan that the kit has, with a hook inside if the case wants one."""
    approved = kit.result("plan")["plan_hash"]
    environment = kit.environment()
    command = [sys.executable, "-m", "runbook", "apply", "--tenant", "demo", "--approve", approved, "--engine", engine]
    if "inside" in case:
        folder = kit.folder / "hook"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(HOOK)
        environment["PYTHONPATH"] = os.pathsep.join([str(folder), environment.get("PYTHONPATH", "")])
        environment["STOP_INSIDE"] = f"{case['inside']}:{case['after']}"
        if case["inside"] == "sleep":
            command = [sys.executable, "-c", IMPATIENT, approved, engine]
    return subprocess.Popen(
        command,
        env=environment,
        cwd=kit.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background has them ignore SIGINT; a person's terminal does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def _count(folder: Path, event: str) -> int:
    return sum(1 for entry in aftermath.whole_entries(folder / "journal.jsonl") if entry["event"] == event)


def _phase(folder: Path, number: int) -> str:
    found = list(folder.glob(f"sections/{number:02}-*.json"))
    return str(json.loads(found[0].read_text())["phase"]) if found else ""


REACHED: dict[str, Callable[[Path], bool]] = {
    "opened": lambda folder: _count(folder, "section-opened") == 1,
    "applying": lambda folder: _count(folder, "change-started") == 3,
    "applied": lambda folder: _phase(folder, 1) == "applied",
}


def wait_until(kit: Kit, when: str) -> Path:
    """Wait until the newest run has come so far, and return its folder."""
    deadline = time.monotonic() + 80
    while time.monotonic() < deadline:
        for folder in kit.runs.glob("*-apply-*"):
            if REACHED[when](folder):
                return folder
        time.sleep(0.01)
    raise AssertionError(f"the run never was {when}")
