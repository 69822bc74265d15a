"""``runbook preflight`` names what an identity lacks, and a run stops before its first write."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Kit

from runbook import simulated

CASES = yaml.safe_load((Path(__file__).parent.parent / "cases" / "preflight" / "identities.yaml").read_text())


def only(kit: Kit, kind: str) -> str:
    """Return what names the one object of a kind: its client id or its id."""
    (found,) = simulated.objects(kit.state)[kind]
    return str(found.get("client_id") or found["id"])


def describe(kit: Kit, **fields: Any) -> None:
    entry = {"simulated": {"state": str(kit.state)}, **fields}
    (kit.folder / "tenants.yaml").write_text(yaml.safe_dump({"tenants": {"mine": entry}}))


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """A kit with a plan that was made while the identity was as it should be; it is only copied."""
    made = Kit(tmp_path_factory.mktemp("before"))
    simulated.reset(made.state)
    describe(made)
    done = made("plan", "--tenant", "mine")
    assert done.returncode == 3, done.stderr
    return made


@pytest.mark.parametrize("name", CASES)
def test_identity(kit: Kit, before: Kit, name: str) -> None:
    case = CASES[name]
    if "tenant" in case:
        describe(kit, **case["tenant"])
        planned = kit("plan", "--tenant", "mine")
        assert planned.returncode == case.get("plan_exit", 3), planned.stderr
    else:
        assert "plan_exit" not in case
        shutil.rmtree(kit.folder)
        shutil.copytree(before.folder, kit.folder)
        describe(kit)
    for kind, field, value in case.get("change", []):
        simulated.set_property(kit.state, kind, only(kit, kind), field, value)
    found = kit("preflight", "--tenant", "mine")
    assert found.returncode == case["exit"], found.stdout + found.stderr
    for words in case["says"]:
        assert words in found.stdout, found.stdout
    if "apply_exit" in case:
        plan_hash = kit.result("plan")["plan_hash"]
        done = kit("apply", "--tenant", "mine", "--approve", plan_hash)
        assert done.returncode == case["apply_exit"], done.stdout + done.stderr
        for words in case.get("apply_says", []):
            assert words in done.stderr + done.stdout, done.stderr
    assert kit.writes() == []


def test_as_json_for_a_machine(kit: Kit) -> None:
    found = kit("preflight", "--tenant", "demo", "--format", "json")
    report = json.loads(found.stdout)
    assert (report["exit_code"], report["tenant"]) == (0, "demo")
    verdicts = {item["right"]["name"]: item["verdict"] for part in report["sections"] for item in part["findings"]}
    assert verdicts["Set-HostedContentFilterPolicy"] == "held"
    assert verdicts["Cloud Email Security: Write"] == "unknown"


def test_a_token_that_reads_and_does_not_write_stops_at_its_first_change(kit: Kit) -> None:
    """No reading can tell this beforehand; the first call is refused, so still nothing is written."""
    kit("plan", "--tenant", "demo")
    (token,) = simulated.objects(kit.state)["CloudflareToken"]
    simulated.set_property(kit.state, "CloudflareToken", token["id"], "permissions", ["Cloud Email Security: Read"])
    done = kit("apply", "--tenant", "demo", "--approve", kit.result("plan")["plan_hash"])
    assert done.returncode == 1
    assert [row["status"] for row in kit.writes()] == [403]


@pytest.mark.parametrize("arguments", [["--tenant", "nobody"], [], ["--tenant", "demo", "--tutorial", "none.md"]])
def test_wrong_usage_is_told_in_one_message(kit: Kit, arguments: list[str]) -> None:
    found = kit("preflight", *arguments)
    assert found.returncode == 2
    assert found.stdout == "" and "Traceback" not in found.stderr
