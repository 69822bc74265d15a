"""Credentials made for one test are in nothing that a run writes, prints or shows, however it goes."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Kit
from cryptography.hazmat.primitives import serialization
from faults.echo import FarEnd, standing_before
from faults.scanning import artefacts, leaks
from faults.stopping import wait_until
from faults.watching import Seen, watched

from runbook import simulated

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
    pytest.mark.timeout(400),
]  # several runs, on a machine that may be busy
CASES = yaml.safe_load((Path(__file__).parent.parent / "cases" / "faults" / "canaries.yaml").read_text())

# See stopping.HOOK for how it gets into the process.
HOOK = """
import os, sys

FIRST = os.getpid()

def hook(event, arguments):
    if event == "socket.connect" and (os.getpid() != FIRST or "kernel.json" in " ".join(sys.orig_argv)):
        if arguments[1][0] == "127.0.0.1":
            secret = os.environ["CANARY_SECRET"]
            raise RuntimeError(f"cannot connect with {secret}", secret)

sys.addaudithook(hook)
"""


class Stand:
    """A described tenant with fresh credentials, and all that became visible of the runs on it."""

    def __init__(self, kit: Kit, far_end: FarEnd, address: str, sign_in: str) -> None:
        self.kit, self.far_end = kit, far_end
        made = simulated.credentials(kit.state)
        self.own = {made["client_secret"], made["cloudflare_api_token"]}
        self.environment = {"CANARY_SECRET": made["client_secret"]}
        (kit.folder / "keys").mkdir()
        (kit.folder / "keys" / "cloudflare").write_text(made["cloudflare_api_token"])
        entry: dict[str, Any] = {
            "simulated": {"state": str(kit.state), "address": address},
            "sign_in": sign_in,
            "client_secret": {"env": "CANARY_SECRET"},
            "cloudflare_api_token": {"file": str(kit.folder / "keys" / "cloudflare")},
        }
        if sign_in == "certificate":
            entry |= self._locked_certificate()
        (kit.folder / "tenants.yaml").write_text(yaml.safe_dump({"tenants": {"mine": entry}}))
        self.shown: dict[str, bytes] = {}

    def _locked_certificate(self) -> dict[str, Any]:
        """Lock the simulated application's key with a passphrase of ours."""
        passphrase = secrets.token_urlsafe(24)
        pem = Path(simulated.certificate(self.kit.state)).read_bytes()
        key = serialization.load_pem_private_key(pem, None)
        lock = serialization.BestAvailableEncryption(passphrase.encode())
        form = serialization.PrivateFormat.PKCS8
        locked = key.private_bytes(serialization.Encoding.PEM, form, lock)
        certificate = pem[pem.index(b"-----BEGIN CERTIFICATE") :]
        path = self.kit.folder / "keys" / "certificate.pem"
        path.write_bytes(locked + certificate)
        open_lines = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
        self.own |= {passphrase, *open_lines.splitlines()[2:-2], *locked.decode().splitlines()[2:-2]}
        self.environment["CANARY_PASSPHRASE"] = passphrase
        return {"certificate": str(path), "certificate_passphrase": {"env": "CANARY_PASSPHRASE"}}

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "runbook", words[0], "--tenant", "mine", *words[1:]]
        if words[0] == "apply":
            command += ["--approve", self.kit.result("plan")["plan_hash"]]
        return subprocess.Popen(
            command,
            cwd=self.kit.folder, env=self.kit.environment(**self.environment),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip

    def keep(self, out: str, errors: str, seen: Seen) -> None:
        """Add what a command printed and how its processes were called."""
        number = len(self.shown)
        self.shown[f"{number} printed"] = out.encode()
        self.shown[f"{number} said"] = errors.encode()
        self.shown[f"{number} command lines"] = b"\n".join(seen.command_lines)

    def check(self) -> None:
        """Scan everything; then prove the scan, by planting each credential into a copy."""
        canaries = self.own | self.far_end.seen
        found = artefacts([self.kit.runs], self.shown)
        assert leaks(canaries, found) == []
        print(f"{len(canaries)} credentials, {len(found)} artefacts")
        name, content = next((n, c) for n, c in found.items() if n.startswith("runs/") or c)
        for canary in canaries:
            half = canary[len(canary) // 2 :]
            assert leaks([canary], {name: content + half.encode()}), "the scan does not find what it should"


@contextlib.contextmanager
def standing(kit: Kit, sign_in: str) -> Any:
    with simulated.serving(kit.state) as gateway, standing_before(gateway) as (address, far_end):
        yield Stand(kit, far_end, address, sign_in)


QUICK = ("Cloudflare repeats the token",)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in CASES]
)
def test_no_credential_is_shown(kit: Kit, name: str) -> None:
    case = CASES[name]
    with standing(kit, case["sign_in"]) as stand:
        stand.far_end.repeats = case.get("repeats", "")
        if case.get("hook"):
            (kit.folder / "sitecustomize.py").write_text(HOOK)
            stand.environment["PYTHONPATH"] = os.pathsep.join([str(kit.folder), os.environ.get("PYTHONPATH", "")])
        for run in case["runs"]:
            process = stand.start(*run["do"])
            out, errors, seen = watched(process)
            stand.keep(out, errors, seen)
            # What was printed is scanned first: a failure here must not print a credential.
            stand.check()
            assert process.returncode == run["exit"], out + errors
        assert bool(stand.far_end.repeated) == bool(case.get("repeats"))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_credential_is_shown_by_a_run_that_is_stopped(kit: Kit, number: signal.Signals) -> None:
    with standing(kit, "secret") as stand:
        stand.keep(*watched(stand.start("plan")))
        process = stand.start("apply")
        wait_until(kit, "applying")
        process.send_signal(number)
        stand.keep(*watched(process))
        if number == signal.SIGKILL:
            folder = kit.newest("apply")
            shutil.rmtree(kit.folder / "keys")  # the record is made from the run's files, without any credential
            shown = kit("records", "show", folder.name)
            stand.shown["records show"] = (shown.stdout + shown.stderr).encode()
        stand.check()


WIDGET = """
import json, os, sys
import nbformat, papermill
from papermill.engines import papermill_engines
from runbook.engine import RunbookEngine

papermill_engines.register("runbook", RunbookEngine)
source = "import os, ipywidgets\\nbox = ipywidgets.Password(value=os.environ['CANARY_SECRET'])\\nbox"
kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)], metadata={"kernelspec": kernel})
nbformat.write(book, "in.ipynb")
fork = sys.argv[1] == "runbook"
papermill.execute_notebook("in.ipynb", sys.argv[2], engine_name="runbook", fork=fork, progress_bar=False)
"""


@pytest.mark.parametrize("engine", ["runbook", "nbclient"])
def test_a_widgets_value_is_not_kept_with_the_notebook(kit: Kit, engine: str) -> None:
    canary = secrets.token_urlsafe(30)
    kit.runs.mkdir()
    output = kit.runs / "out.ipynb"
    done = kit.python("-c", WIDGET, engine, str(output), CANARY_SECRET=canary)
    assert done.returncode == 0, done.stderr
    assert '"status": "completed"' in output.read_text()
    assert leaks([canary], artefacts([kit.runs], {"said": (done.stdout + done.stderr).encode()})) == []
