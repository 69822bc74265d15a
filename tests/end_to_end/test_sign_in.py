"""Every way of signing in carries a whole run on the simulated tenant, from its description in ``tenants.yaml``."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import stat
import subprocess
import sys
import time
import urllib.request
from typing import Any

import pytest
import yaml
from conftest import Kit

from runbook import simulated
from simtenant import state

PERSON = "admin@example.com"


def describe(kit: Kit, **fields: Any) -> None:
    entry = {"simulated": {"state": str(kit.state)}, **fields}
    (kit.folder / "tenants.yaml").write_text(yaml.safe_dump({"tenants": {"mine": entry}}))


def apply(kit: Kit) -> subprocess.CompletedProcess[str]:
    planned = kit("plan", "--tenant", "mine")
    assert planned.returncode == 3, planned.stderr
    return kit("apply", "--tenant", "mine", "--approve", kit.result("plan")["plan_hash"])


@pytest.mark.parametrize("way", ["certificate", "managed-identity"])
def test_a_machine_signs_in(kit: Kit, way: str) -> None:
    describe(kit, sign_in=way)
    done = apply(kit)
    assert done.returncode == 0, done.stderr
    assert kit("preflight", "--tenant", "mine").returncode == 0
    key = (kit.state / "certificate.pem").read_text() if way == "certificate" else "PRIVATE KEY"
    for path in kit.runs.rglob("*.*"):
        if path.is_file():
            assert key not in path.read_text(), path


def test_a_certificate_that_the_application_does_not_know(kit: Kit) -> None:
    describe(kit, sign_in="certificate")
    state.certificate(kit.state)
    (application,) = simulated.objects(kit.state)["Application"]
    simulated.set_property(kit.state, "Application", application["client_id"], "certificates", [])
    done = kit("preflight", "--tenant", "mine")
    assert done.returncode == 5
    assert "AADSTS700027" in done.stdout and "Upload its public part" in done.stdout


def sign_in_at_a_terminal(kit: Kit) -> tuple[int, str]:
    """Run the preflight on a terminal, and play the person who enters the code that it shows."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "runbook", "preflight", "--tenant", "mine"],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=kit.folder, env=kit.environment(),
    )  # fmt: skip
    os.close(theirs)
    shown, approved, end = "", False, time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.2)[0]:
            try:
                shown += os.read(ours, 65536).decode()
            except OSError:
                break
        code = re.search(r"enter the code ([A-Z0-9-]+)", shown)
        if code and not approved:
            body = json.dumps({"user_code": code[1], "action": "approve", "user": PERSON}).encode()
            url = f"{simulated.running(kit.state)}/_sim/device"
            urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST"), timeout=5).close()
            approved = True
    os.close(ours)
    return process.wait(timeout=20), shown


def test_a_person_signs_in_once_and_the_runs_that_follow_ask_nobody(kit: Kit) -> None:
    describe(kit, sign_in="device-code")
    state.set_switch(kit.state, "device_interval_seconds", 1)
    before = kit("plan", "--tenant", "mine")
    assert before.returncode == 5
    assert "runbook preflight --tenant" in before.stderr
    code, shown = sign_in_at_a_terminal(kit)
    assert code == 0, shown
    assert f"signed in as {PERSON}" in shown
    kept = kit.folder / "state" / "sign-ins" / "mine.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    done = apply(kit)
    assert done.returncode == 0, done.stderr
    held = json.loads(json.loads(kept.read_text())["msal"])
    tokens = [item["secret"] for sort in ("RefreshToken", "AccessToken") for item in held[sort].values()]
    assert tokens
    for path in kit.runs.rglob("*.*"):
        if path.is_file():
            assert not [token for token in tokens if token in path.read_text()], path
