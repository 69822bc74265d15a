"""--json: one document on standard output for every command and every exit code, and the message where it always is."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Kit
from console.scenes import CASES

from runbook import simulated

pytestmark = pytest.mark.timeout(400)
DEMO = ("--tenant", "demo")
WAITS = str(CASES / "waits.md")
LEFT = str(ROOT / "tests" / "cases" / "left" / "two-rules.md")
OPEN_TEXT = """# A text that leaves something open

## Configure quarantine notifications

1. Open the [Microsoft 365 Defender console](https://security.microsoft.com/).
2. Go to **Email & collaboration** > **Policies & rules** > **Threat policies**.
3. Under **Rules**, choose **Quarantine policies**.
4. Open **Global settings**.
5. Under **Send end-user spam notifications**, choose how often: **Within 4 hours**, **Daily** or **Weekly**.
6. Finish with **Save**.
"""


def document(done: subprocess.CompletedProcess[str], code: int) -> Any:
    """Return what a command printed, which must be one JSON document and nothing else."""
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """A kit with a plan, an apply, a verify and texts of its own; its tenant must not be written to."""
    made = Kit(Path(tmp_path_factory.mktemp("used")))
    simulated.reset(made.state)
    (made.folder / "open.md").write_text(OPEN_TEXT)
    (made.folder / "empty.md").write_text("")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        gone = f'{{address: "http://127.0.0.1:{probe.getsockname()[1]}", state: {made.state}}}'
    (made.folder / "tenants.yaml").write_text(f"tenants:\n  gone:\n    simulated: {gone}\n")
    assert made.apply().returncode == 0
    assert made("verify", *DEMO).returncode == 0
    return made


REFUSED = [
    ("plan --json --tenant nobody", 2),
    ("plan --json", 2),
    ("plan --json --as json --tenant demo", 2),
    ("plan --json --no-such-option", 2),
    ("plan --json --tenant demo -p retention_days=99", 2),
    ("apply --json --tenant demo", 4),
    ("apply --json --tenant demo --approve yes", 4),
    ("apply --json --tenant demo --approve 0123456789ab --approval none.yaml", 2),
    ("verify --json --tenant nobody", 2),
    ("rollback --json nowhere", 2),
    ("preflight --json --tenant nobody", 2),
    ("lint --json missing.md", 2),
    ("lint --json empty.md", 2),
    ("tick --json --tenant demo --by Ann", 2),
    ("records list --json --status nonsense", 2),
    ("records check --json nowhere", 2),
    ("records diff --json nowhere nowhere", 2),
    ("compile --json missing.md", 2),
    ("compile --json open.md -o open.md/below", 2),
    ("diff-tutorial --json missing.md open.md", 2),
    ("no-such-command --json", 2),
]


@pytest.mark.parametrize(("line", "code"), REFUSED, ids=[line for line, _ in REFUSED])
def test_an_error_is_a_document_too(used: Kit, line: str, code: int) -> None:
    done = used(*line.split())
    said = document(done, code)
    assert set(said) == {"error", "exit_code"} and said["exit_code"] == code
    assert said["error"]["detail"] and said["error"]["type"]
    assert said["error"]["detail"].split("\n")[0] in done.stderr, "the message is told on standard error, too"


ENDED = [
    ("plan --json --tenant demo", 0),
    ("plan --json --tenant demo -p retention_days=20", 3),
    (f"plan --json --tenant demo --tutorial {WAITS}", 3),
    ("plan --json --tenant demo --tutorial open.md", 4),
    ("plan --json --tenant gone", 5),
    ("verify --json --tenant demo", 0),
    ("verify --json --tenant demo -p retention_days=20", 3),
    ("verify --json --tenant gone", 5),
]


@pytest.mark.parametrize(("line", "code"), ENDED, ids=[line.replace(WAITS, "waits.md") for line, _ in ENDED])
def test_a_run_prints_its_result(used: Kit, line: str, code: int) -> None:
    said = document(used(*line.split()), code)
    folder = Path(said.pop("folder"))
    assert said == json.loads((folder / "result.json").read_text("utf-8"))
    assert said["exit_code"] == code
    if said["plan_hash"]:
        assert json.loads((folder / "plan.json").read_text("utf-8"))["hash"] == said["plan_hash"]


def test_what_a_text_wants_to_wait_for_stands_in_the_result(used: Kit) -> None:
    said = document(used("plan", "--json", *DEMO, "--tutorial", WAITS), 3)
    text = "The text wants a wait first: 24 hours after all domains have been onboarded."
    assert said["sections"][0]["waits"] == [{"text": text, "lines": [5]}]


LISTED = [
    ("preflight --json --tenant demo", 0),
    ("preflight --json --tenant gone", 5),
    (f"lint --json {WAITS}", 0),
    ("lint --json open.md", 3),
    (f"lint --json {LEFT}", 1),
    (f"tick --json --tenant demo --tutorial {WAITS}", 0),
    ("records list --json", 0),
    ("records check --json APPLY", 0),
    ("records diff --json APPLY VERIFY", 3),
    ("records diff --json APPLY APPLY", 0),
    (f"compile --json {WAITS}", 0),
    (f"diff-tutorial --json {WAITS} {WAITS}", 0),
    (f"diff-tutorial --json {WAITS} open.md", 3),
]


@pytest.mark.parametrize(("line", "code"), LISTED, ids=[line.replace(str(ROOT), "") for line, _ in LISTED])
def test_a_list_is_a_document(used: Kit, line: str, code: int) -> None:
    names = {"APPLY": used.newest("apply").name, "VERIFY": used.newest("verify").name}
    done = used(*(names.get(word, word) for word in line.split()))
    document(done, code)
    former = [word if word != "--json" else "--format=json" for word in line.split()]
    if former[0] in ("preflight", "lint", "tick", "compile", "diff-tutorial"):
        again = used(*former)
        assert (again.returncode, again.stdout) == (code, done.stdout), "the former option says the same"


def test_a_run_that_is_not_whole_is_a_document(used: Kit) -> None:
    folder = used.newest("verify")
    (folder / "added.txt").write_text("x")
    (said,) = document(used("records", "check", "--json", folder.name), 1)
    assert not said["whole"]
    (folder / "added.txt").unlink()


def test_apply_and_rollback(planned: Kit) -> None:
    applied = document(planned("apply", "--json", *DEMO, "--approve", planned.result("plan")["plan_hash"]), 0)
    assert applied["status"] == "changed"
    back = document(planned("rollback", "--json", applied["run"]), 3)
    assert back["takes_back"]["run"] == applied["run"] and len(planned.writes()) == 8
    taken = document(planned("rollback", "--json", applied["run"], "--approve", back["plan_hash"]), 0)
    assert taken["mode"] == "apply"
    again = document(planned("rollback", "--json", applied["run"]), 0)
    assert again["taken_back_by"] == taken["run"]


def test_an_interrupted_run_prints_its_result(planned: Kit) -> None:
    with simulated.serving(planned.state, latency_ms=300):
        run = subprocess.Popen(
            [sys.executable, "-m", "runbook", "plan", "--json", *DEMO],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=planned.folder, env=planned.environment(),
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        assert run.stderr is not None
        assert "Configure Domains" in run.stderr.readline()
        time.sleep(0.3)
        os.kill(run.pid, signal.SIGINT)
        out, _ = run.communicate(timeout=90)
    assert run.returncode == 130
    assert json.loads(out)["status"] == "interrupted"


def test_quiet_json_says_nothing_else(used: Kit) -> None:
    done = used("plan", "--json", "-q", *DEMO)
    document(done, 0)
    assert done.stderr == ""


def test_an_identity_that_lacks_something_is_a_document(planned: Kit) -> None:
    (application,) = simulated.objects(planned.state)["Application"]
    identity = ("Application", application["client_id"], "directory_roles")
    simulated.set_property(planned.state, *identity, ["Security Reader"])
    report = document(planned("preflight", "--json", *DEMO), 4)
    assert report["exit_code"] == 4
    words = ("apply", "--json", *DEMO, "--approve", planned.result("plan")["plan_hash"])
    assert document(planned(*words), 4)["status"] == "refused"
    simulated.set_property(planned.state, *identity, [])
    assert document(planned(*words), 5)["exit_code"] == 5
