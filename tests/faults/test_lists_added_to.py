"""Lists that a text adds to: the entries are put in, all others stay, and exactly the own ones are taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Kit
from faults.far_end import FarEnd, altering, serving

from runbook import journal, simulated

FILTER, SET = "HostedConnectionFilterPolicy", "Set-HostedConnectionFilterPolicy"
TEXT = """# Let the gateway in

## Connection filter

1. Open the [Microsoft 365 Defender console](https://security.microsoft.com/).
2. Go to **Threat policies** > **Anti-spam**.
3. Select **Connection filter policy (Default)** > **Edit connection filter policy**.
4. In **Always allow messages from the following IP addresses or address range** add the IP addresses and CIDR blocks
   mentioned in [Egress IPs](/email-security/deployment/inline/reference/egress-ips/).
5. Ensure **Turn on safe list** is not selected.
6. Select **Save**.
"""
FOREIGN = ["192.0.2.1", "198.51.100.0/24", "192.0.2.16-192.0.2.20"]
WAIT = {"RUNBOOK_WAIT_SECONDS": "1"}


class Stage:
    """A tenant whose allow list holds entries of somebody else's, and the text that adds to it."""

    def __init__(self, far: FarEnd, text: str = TEXT) -> None:
        self.far, self.kit = far, far.kit
        self.path = far.kit.folder / "gateway.md"
        self.path.write_text(text, encoding="utf-8")
        self.foreign(add=FOREIGN)

    def foreign(self, name: str = "IPAllowList", **change: list[str]) -> None:
        """Change the list as another administrator would."""
        self.far.admin(SET, Identity="Default", **{name: {"@odata.type": "#Exchange.GenericHashTable", **change}})

    def run(self, mode: str, *more: str, tenant: str = "demo", **environment: str) -> Any:
        inputs = ("--tutorial", str(self.path), "-p", "egress_region=us")
        return self.kit(mode, "--tenant", tenant, *inputs, *more, **environment)

    def planned(self) -> str:
        assert self.run("plan").returncode == 3
        return str(self.kit.result("plan")["plan_hash"])

    def apply(self, **environment: str) -> Any:
        return self.run("apply", "--approve", self.planned(), **environment)

    def rollback(self, run: Path) -> Any:
        assert self.kit("rollback", run.name).returncode == 3
        return self.kit("rollback", run.name, "--approve", self.kit.result("rollback-plan")["plan_hash"])

    @property
    def allowed(self) -> list[str]:
        return list(self.far.held(FILTER, "Default")["IPAllowList"])


@pytest.fixture
def stage(kit: Kit) -> Iterator[Stage]:
    with serving(kit) as far:
        yield Stage(far)


def test_from_plan_to_rollback_every_entry_of_somebody_elses_stays(stage: Stage) -> None:
    stage.foreign(add=["52.0.67.109/32"])  # one of those that the text names, in another spelling
    done = stage.run("plan")
    assert done.returncode == 3
    before = ", ".join([*FOREIGN, "52.0.67.109/32"])
    assert f"IPAllowList: {before} -> 43 entries: 192.0.2.1 to 158.51.65.0/26" in done.stdout
    assert "puts in 39, all others stay: 52.11.209.211, 52.89.255.11, " in done.stdout
    assert "-IPAllowList @{Add='52.11.209.211','52.89.255.11'," in done.stdout
    assert "EnableSafeList" not in done.stdout, "it is off already"
    done = stage.apply()
    assert done.returncode == 0, done.stdout + done.stderr
    run = stage.kit.newest("apply")
    ours = [item for item in stage.allowed if item not in [*FOREIGN, "52.0.67.109/32"]]
    assert stage.allowed[:4] == [*FOREIGN, "52.0.67.109/32"] and len(ours) == 39
    assert stage.far.writes() == [SET], "one call"
    assert "puts in 39, all others stay" in (run / "record.html").read_text()
    # Nothing is left to do, whatever others put in or take out of their own.
    stage.foreign(add=["203.0.113.77"], remove=["192.0.2.1"])
    assert stage.run("plan").returncode == 0
    done = stage.run("verify")
    assert (done.returncode, "0 changed, verified, 2 of 2 properties" in done.stdout) == (0, True), done.stdout
    # Somebody takes one of ours out: drift, and only that one is missed.
    stage.foreign(remove=[ours[5]])
    done = stage.run("verify")
    assert done.returncode == 3
    assert f"it lacks {ours[5]}," in done.stdout
    # Back: what is still there of ours goes, and all else stays.
    done = stage.rollback(run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert stage.allowed == [*FOREIGN[1:], "52.0.67.109/32", "203.0.113.77"]
    assert stage.far.writes() == [SET]


def test_a_list_that_moved_since_the_plan_is_not_written(stage: Stage) -> None:
    approved = stage.planned()
    stage.foreign(add=["203.0.113.77"])
    done = stage.run("apply", "--approve", approved)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "203.0.113.77" in done.stderr
    assert stage.far.writes() == []


def test_entries_of_the_same_meaning_in_another_spelling_have_not_moved(stage: Stage) -> None:
    approved = stage.planned()
    stage.foreign(remove=["198.51.100.0/24", "192.0.2.1"])
    stage.foreign(add=["192.0.2.1/32", "198.51.100.0-198.51.100.255"])
    assert stage.run("apply", "--approve", approved).returncode == 0
    assert {"192.0.2.1/32", "198.51.100.0-198.51.100.255"} < set(stage.allowed)


UNKNOWN = {
    "left out": lambda row: {key: value for key, value in row.items() if key != "IPAllowList"},
    "no list": lambda row: {**row, "IPAllowList": {"Count": 3}},
    "not addresses": lambda row: {**row, "IPAllowList": ["everybody"]},
}


@pytest.mark.parametrize("form", UNKNOWN)
def test_a_list_that_could_not_be_read_is_not_added_to(stage: Stage, form: str) -> None:
    spoils = False

    def spoilt(cmdlet: str, answer: dict[str, Any]) -> dict[str, Any] | None:
        if not spoils or cmdlet != f"Get-{FILTER}":
            return None
        return {**answer, "value": [UNKNOWN[form](row) for row in answer["value"]]}

    with altering(stage.far, spoilt) as address:
        stage.far.through(address)
        assert stage.run("plan", tenant="between").returncode == 3
        approved = ("--approve", stage.kit.result("plan")["plan_hash"])
        spoils = True
        for mode, more in (("plan", ()), ("verify", ()), ("apply", approved)):
            done = stage.run(mode, *more, tenant="between")
            assert done.returncode == 5, done.stdout + done.stderr
    assert stage.far.writes() == []
    assert stage.allowed == FOREIGN


def test_a_service_that_refuses_the_form_loses_nothing(stage: Stage) -> None:
    stage.far.switch(list_change="refuse")
    done = stage.apply()
    assert done.returncode == 1
    assert "IPAllowList" in done.stderr
    assert stage.allowed == FOREIGN


def test_a_service_that_takes_the_addition_for_the_whole_list_is_told_at_once(stage: Stage) -> None:
    stage.far.switch(list_change="replace")
    done = stage.apply()
    assert done.returncode == 1
    assert "has lost entries of IPAllowList that nobody took out: " + ", ".join(FOREIGN) in done.stderr
    entries = list(journal.read(stage.kit.newest("apply") / "journal.jsonl"))
    (before,) = [entry["data"]["objects"] for entry in entries if entry["event"] == "before-first-write"]
    assert before[0]["row"]["IPAllowList"] == FOREIGN, "so that they can be put back"


@pytest.mark.parametrize("kind", ["drop-after", "drop-before"])
def test_a_lost_answer_is_settled_by_reading(stage: Stage, kind: str) -> None:
    approved = stage.planned()
    stage.far.fault(kind=kind, match={"cmdlet": SET})
    done = stage.run("apply", "--approve", approved, **WAIT)
    assert done.returncode == (0 if kind == "drop-after" else 1), done.stdout + done.stderr
    if kind == "drop-before":
        assert stage.allowed == FOREIGN
        stage.far.behave()
        done = stage.kit("apply", "--resume", stage.kit.newest("apply").name)
        assert done.returncode == 0, done.stdout + done.stderr
    assert stage.allowed[:3] == FOREIGN and len(stage.allowed) == 43
    assert stage.rollback(stage.kit.newest("apply")).returncode == 0
    assert stage.allowed == FOREIGN


def test_going_on_leaves_a_list_alone_that_somebody_else_changed(stage: Stage) -> None:
    approved = stage.planned()
    stage.far.fault(kind="drop-before", match={"cmdlet": SET})
    assert stage.run("apply", "--approve", approved, **WAIT).returncode == 1
    stage.far.behave()
    stage.foreign(add=["203.0.113.77"])
    done = stage.kit("apply", "--resume", stage.kit.newest("apply").name)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "IPAllowList, entries beside ours: were" in done.stdout + done.stderr
    assert stage.far.writes() == []


def test_a_list_that_is_full_is_a_problem_before_any_write(stage: Stage) -> None:
    many = [f"10.{number // 250}.{number % 250}.1" for number in range(1234)]
    stage.foreign(add=many)
    assert stage.run("plan").returncode == 4
    (problem,) = stage.kit.result("plan")["sections"][0]["plan"]["problems"]
    assert problem["reason"] == "IPAllowList would have 1277 entries, and it takes 1273"
    approved = stage.kit.result("plan")["plan_hash"]
    assert stage.run("apply", "--approve", approved).returncode == 4
    assert stage.far.writes() == []
    stage.foreign(remove=many[:4])
    assert stage.apply().returncode == 0
    assert len(simulated.objects(stage.kit.state)[FILTER][0]["IPAllowList"]) == 1273


def test_an_identity_without_the_cmdlet_is_told_before_the_first_write(stage: Stage) -> None:
    done = stage.kit("preflight", "--tenant", "demo", "--tutorial", str(stage.path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert SET in done.stdout and f"Get-{FILTER}" in done.stdout


def test_the_plan_as_powershell(stage: Stage) -> None:
    done = stage.run("plan", "--as", "powershell")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(SET)]
    assert line.startswith(f"{SET} -Identity 'Default' -IPAllowList @{{Add='52.0.67.109','52.11.209.211',")
    assert line.endswith("'158.51.65.0/26'}")
