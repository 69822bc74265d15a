"""RUNBOOK_TRAFFIC: what one run was told about waiting holds the next, which is another process."""

from __future__ import annotations

import json
import urllib.request

from conftest import Kit

from runbook import simulated


def test_a_run_waits_for_what_another_was_told(kit: Kit) -> None:
    """The simulated tenant's own log is the judge."""
    traffic = kit.folder / "traffic"
    fault = {"match": {"cmdlet": "Get-QuarantinePolicy"}, "kind": "throttle", "retry_after": 600}
    with simulated.serving(kit.state) as url:
        request = urllib.request.Request(f"{url}/_sim/faults", json.dumps([fault]).encode(), method="POST")
        request.add_header("Content-Type", "application/json")
        urllib.request.urlopen(request).close()
        told = kit("plan", "--tenant", "demo", RUNBOOK_TRAFFIC=str(traffic))
        assert told.returncode == 5, told.stdout + told.stderr
        assert "Repeat after 600 seconds" in told.stdout + told.stderr
        last = simulated.requests_log(kit.state)[-1]["n"]
        held = kit("plan", "--tenant", "demo", RUNBOOK_TRAFFIC=str(traffic))
        assert held.returncode == 5, held.stdout + held.stderr
        assert "Nothing was sent" in held.stdout + held.stderr
        asked = {row["host"] for row in simulated.requests_log(kit.state, last)}
        assert "outlook.office365.com" not in asked
        assert "api.cloudflare.com" in asked
        # Without the folder, and with another, a run knows nothing of it.
        for environment in ({}, {"RUNBOOK_TRAFFIC": str(kit.folder / "another")}):
            free = kit("plan", "--tenant", "demo", **environment)
            assert free.returncode == 3, free.stdout + free.stderr
    hosts = {path.name.partition("+")[0].removesuffix(".json") for path in traffic.iterdir()}
    assert hosts == {"simulated-outlook.office365.com", "simulated-api.cloudflare.com"}
