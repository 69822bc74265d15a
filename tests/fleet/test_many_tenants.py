"""Many tenants in one fleet run: some that misbehave are named, all others are done; and a thousand, none lost."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from fleet.fleets import PATIENCE_SECONDS, Fleet, order_faults

from runbook import journal, simulated
from runbook.archive.manifest import MANIFEST
from runbook.fleet.page import page
from runbook.runs import read_json

SECONDS_A_TENANT = 30
"""How long a tenant may take: many times what one takes, also where other tests have the machine."""
PATIENCE_A_TENANT = 8
CANNOT = ("hung", "wrong-secret", "unreachable", "killed")
EVERY_CALL: Mapping[str, Any] = {"times": None, "match": {"path": "/"}}
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "hung": {"kind": "timeout-before", "seconds": 600, **EVERY_CALL},
    "wrong-secret": {"kind": "wrong-secret", **EVERY_CALL},
    "unreachable": {"kind": "refuse", **EVERY_CALL},
    "killed": {"kind": "slow", "seconds": 3, **EVERY_CALL},
    "throttled": {"kind": "throttle", "at": 4, "times": 2, "retry_after": 2, "match": {"path": "/"}},
}
"""What is wrong with the tenants of each name; the one that is killed is kept waiting, so that it runs until then."""
ENDS: Mapping[str, tuple[str, int, str]] = {
    "hung": (
        "interrupted",
        1,
        r"longer than it may .* after \d+ seconds, during Configure Domains; .*--tenant-timeout",
    ),
    "wrong-secret": ("unknown", 5, r"AADSTS7000215: Invalid client secret provided; the client secret is wrong; store"),
    "unreachable": ("unknown", 5, r"could not be reached: .*; check the network, the proxy"),
    "killed": ("killed", 1, r"^The process was killed during Configure Domains: .*SIGKILL; run it again"),
}
"""How each of them ends: status, exit code, and what its reason says."""


def at_least_one_in_twenty(count: int) -> list[str]:
    return [f"throttled-{number}" for number in range(count // 20)]


def names(count: int) -> list[str]:
    """Name tenants: those that misbehave stand between the others."""
    odd = [*CANNOT, *at_least_one_in_twenty(count)]
    even = [f"tenant-{number}" for number in range(count - len(odd))]
    every = len(even) // len(odd)
    return [name for number, one in enumerate(odd) for name in (*even[number * every : (number + 1) * every], one)] + (
        even[len(odd) * every :]
    )


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_what_misbehaves_is_named_and_all_others_are_done(count: int, tmp_path: Path) -> None:
    fleet = Fleet(tmp_path / "fleet", names(count))
    fleet.folder.mkdir()
    fleet.make(canaries=0)
    assert len(fleet.names) == count
    with simulated.serving_many([fleet.far(name) for name in fleet.names]) as urls:
        for name in fleet.names:
            if (fault := FAULTS.get(re.sub(r"-\d+$", "", name))) is not None:
                order_faults(urls[fleet.far(name)], dict(fault))
        process = fleet.start("verify", "fleet.yaml", "--tenant-timeout", str(SECONDS_A_TENANT), "--in-flight", "8")
        kill_tenant(fleet, process, "killed")
        out, err = process.communicate(timeout=PATIENCE_SECONDS + PATIENCE_A_TENANT * count)
    assert process.returncode == 1, err + out

    rows = fleet.rows()
    assert list(rows) == list(fleet.names)
    for name, (status, code, says) in ENDS.items():
        row = rows[name]
        assert (row["status"], row["exit_code"]) == (status, code), row
        assert re.search(says, row["reason"]), row["reason"]
        assert name in out, out
    done = [row for name, row in rows.items() if name not in CANNOT]
    assert len(done) == count - len(CANNOT)
    wanted = [(item["section"], item["found"], item["drift"]) for item in done[0]["sections"]]
    assert sum(drift for _, _, drift in wanted) > 0
    for row in done:
        assert (row["status"], row["attempts"]) == ("drift", 1), row
        assert [(item["section"], item["found"], item["drift"]) for item in row["sections"]] == wanted, row["tenant"]
    every_tenant_has_one_whole_run(fleet, rows)
    nobody_was_asked_what_he_should_not_be(fleet)
    for name in at_least_one_in_twenty(count):
        told = [row for row in simulated.requests_log(fleet.far(name)) if row["retry_after"] is not None]
        assert len(told) == 2, name


def kill_tenant(fleet: Fleet, supervisor: subprocess.Popen[str], name: str) -> None:
    """Kill the process of a tenant once its run has begun: it works in a folder of its own, by which it is known."""
    deadline = time.monotonic() + PATIENCE_SECONDS + PATIENCE_A_TENANT * len(fleet.names)
    while time.monotonic() < deadline and supervisor.poll() is None:
        for pid in children(supervisor.pid):
            if working_folder(pid).name == name and simulated.last_request(fleet.far(name)):
                os.kill(pid, signal.SIGKILL)
                return
        time.sleep(0.05)
    supervisor.kill()
    raise AssertionError(f"{name} was not begun: {supervisor.communicate()}")


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def working_folder(pid: int) -> Path:
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd"))
    except OSError:  # it has ended
        return Path()


def every_tenant_has_one_whole_run(fleet: Fleet, rows: Mapping[str, Mapping[str, Any]]) -> None:
    runs = [row["run"] for row in rows.values()]
    assert len(set(runs)) == len(rows) == len(fleet.names)
    assert {path.name for path in fleet.runs.iterdir()} == {*runs, "fleets"}
    for run in runs:
        for file in ("result.json", "record.html", MANIFEST):
            assert (fleet.runs / run / file).is_file(), (run, file)


def nobody_was_asked_what_he_should_not_be(fleet: Fleet) -> None:
    """Let the log of each simulated tenant judge: no call before its Retry-After, none of another tenant's."""
    for name in fleet.names:
        assert simulated.judged(fleet.far(name)) == [], name
        assert fleet.writes(name) == [], name


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_a_converged_fleet_is_written_to_no_more(count: int, tmp_path: Path) -> None:
    fleet = Fleet(tmp_path / "fleet", [f"tenant-{number}" for number in range(count)])
    fleet.folder.mkdir()
    fleet.make(canaries=1)
    patience = PATIENCE_SECONDS + PATIENCE_A_TENANT * count
    assert fleet("plan", "fleet.yaml", patience=patience).returncode == 3
    approve = ("apply", "fleet.yaml", "--approve", fleet.plans_hash())
    done = fleet(*approve, patience=patience)
    assert done.returncode == 0, done.stderr + done.stdout
    assert all(fleet.writes(name) for name in fleet.names)

    fleet.forget_logs()
    for command in (approve, ("verify", "fleet.yaml")):
        done = fleet(*command, patience=patience)
        assert done.returncode == 0, done.stderr + done.stdout
        assert {row["status"] for row in fleet.rows().values()} == {"unchanged"}, command
        nobody_was_asked_what_he_should_not_be(fleet)


MOST_KILOBYTES_A_ROW = 12
"""A row of five sections is 2 KB of JSON and 6 KB as Python's objects, and what they lie in is never quite full."""


@dataclass
class Sampled:
    """What a process needs of memory while a fleet's tenants come to their ends."""

    kilobytes: list[tuple[int, int]] = field(default_factory=list)
    """Finished tenants, and what the supervisor has in memory at that moment (VmRSS)."""

    def watch(self, process: subprocess.Popen[str], fleet: Fleet) -> None:
        """Look twice a second until the process has ended."""
        while process.poll() is None:
            try:
                text = Path(f"/proc/{process.pid}/status").read_text()
                self.kilobytes.append((finished(fleet), int(re.search(r"VmRSS:\s+(\d+)", text)[1])))  # type: ignore[index]
            except (OSError, TypeError, StopIteration):  # it has just ended, or not yet begun
                pass
            time.sleep(0.5)

    def growth(self, first: int, last: int) -> int:
        """Return by how much more the most after so many tenants is than the most when so few had ended."""
        early = max(rss for done, rss in self.kilobytes if 0 < done <= first)
        return max(rss for done, rss in self.kilobytes if first < done <= last) - early


def finished(fleet: Fleet) -> int:
    return sum(1 for _ in os.scandir(fleet.newest().path / "done"))


def records(fleet: Fleet, *arguments: str) -> str:
    """Return what a command on the records of a fleet's runs prints."""
    command = [sys.executable, "-m", "runbook", "records", *arguments]
    done = subprocess.run(command, cwd=fleet.folder, env=fleet.environment(), capture_output=True, text=True)
    assert done.returncode == 0, (arguments[0], done.stderr[-2000:])
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_thousand_tenants_are_done_and_none_is_lost(tmp_path: Path) -> None:
    count, sampled = 1000, Sampled()
    fleet = Fleet(tmp_path / "fleet", [f"tenant-{number}" for number in range(count)])
    fleet.folder.mkdir()
    fleet.make(canaries=0)
    began = time.monotonic()
    process = fleet.start("verify", "fleet.yaml", "-q")  # a line a tenant would fill the pipe that nobody reads
    sampled.watch(process, fleet)
    out, err = process.communicate()
    assert process.returncode == 3, err + out
    took = time.monotonic() - began

    rows = fleet.rows()
    assert list(rows) == list(fleet.names)
    assert {row["status"] for row in rows.values()} == {"drift"}
    every_tenant_has_one_whole_run(fleet, rows)
    nobody_was_asked_what_he_should_not_be(fleet)
    every_form_tells_of_all(fleet)
    grown = sampled.growth(50, count - 1)
    most = max(rss for _, rss in sampled.kilobytes)
    print(f"{count} tenants in {took:.0f} s; at most {most} KB in memory; {grown} KB more before the end than after 50")
    assert grown <= (count - 50) * MOST_KILOBYTES_A_ROW

    summary = read_json(fleet.newest().summary)
    before = time.process_time()
    page(summary)
    took = time.process_time() - before
    print(f"the page took {took:.2f} s of CPU")
    assert took < 2

    listed = json.loads(records(fleet, "list", "--json"))
    assert {row["run"] for row in listed} == {row["run"] for row in rows.values()}
    assert json.loads(records(fleet, "check", "--json", *(row["run"] for row in rows.values())))


def every_form_tells_of_all(fleet: Fleet) -> None:
    """See that journal, page, CSV and JUnit's XML name every tenant once."""
    folder = fleet.newest()
    ended = [entry["data"]["tenant"] for entry in journal.read(folder.journal) if entry["event"] == "tenant-ended"]
    assert sorted(ended) == sorted(fleet.names)
    with (folder.path / "summary.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["tenant"] for row in csv.DictReader(file)] == list(fleet.names)
    suites = ElementTree.parse(folder.path / "junit.xml").getroot()
    assert [suite.get("name") for suite in suites] == list(fleet.names)
    text = folder.page.read_text(encoding="utf-8")
    assert all(f">{name}<" in text for name in fleet.names)
    assert {path.stem for path in (folder.path / "done").iterdir()} == set(fleet.names)
