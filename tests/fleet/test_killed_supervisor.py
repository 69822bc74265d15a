"""The supervisor is killed at any moment and the run is gone on with: nothing is done twice, nothing is missed."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet.fleets import PATIENCE_SECONDS, Fleet

NAMES = tuple(f"t{n}" for n in range(4))
SEED = 20261128
SAMPLE, ALL = 2, 50


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    made = Fleet(tmp_path_factory.mktemp("planned") / "fleet", NAMES)
    made.folder.mkdir()
    made.make(canaries=1)
    done = made("plan", "fleet.yaml")
    assert done.returncode == 3, done.stderr + done.stdout
    return made


@pytest.fixture(scope="module")
def undisturbed(planned: Fleet, tmp_path_factory: pytest.TempPathFactory) -> tuple[Fleet, float]:
    """The same fleet, applied without a stop, and how many seconds that took."""
    copy = planned.copy_to(tmp_path_factory.mktemp("undisturbed") / "fleet")
    began = time.monotonic()
    done = copy("apply", "fleet.yaml", "--approve", copy.plans_hash())
    assert done.returncode == 0, done.stderr + done.stdout
    return copy, time.monotonic() - began


def moments(count: int) -> Iterator[pytest.param]:
    drawn = random.Random(SEED)
    for number in range(ALL):
        part = drawn.random()
        marks = () if number < count else (pytest.mark.slow,)
        yield pytest.param(part, id=f"{number}-at-{part:.2f}", marks=marks)


@pytest.mark.parametrize("part", list(moments(SAMPLE)))
def test_killed_and_gone_on_with(part: float, planned: Fleet, undisturbed: tuple[Fleet, float], tmp_path: Path) -> None:
    wanted, seconds = undisturbed
    fleet = planned.copy_to(tmp_path / "fleet")
    plan = fleet.newest().name
    process = fleet.start("apply", "fleet.yaml", "--approve", fleet.plans_hash())
    time.sleep(part * seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=PATIENCE_SECONDS)
    newest = fleet.newest()
    if newest.name == plan:  # it was killed before it had begun
        done = fleet("apply", "fleet.yaml", "--approve", fleet.plans_hash())
    else:
        done = fleet("resume", newest.name)
    assert done.returncode == 0, done.stderr + done.stdout

    assert set(fleet.rows()) == set(NAMES)
    for name in NAMES:
        assert fleet.holds(name) == wanted.holds(name), name
        assert sorted(fleet.writes(name)) == sorted(wanted.writes(name)), name
        whole = fleet.whole_runs(name, "apply")
        assert [item["exit_code"] for item in whole] == [0], name
        assert fleet.rows()[name]["run"] == whole[0]["run"], name


def test_two_supervisors_do_not_work_on_one_fleet(planned: Fleet, tmp_path: Path) -> None:
    fleet = planned.copy_to(tmp_path / "fleet")
    process = fleet.start("verify", "fleet.yaml")
    try:
        name = _begun(fleet, process)
        done = fleet("resume", name)
        assert done.returncode == 2, done.stderr
        assert "has not ended" in done.stderr
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_SECONDS)


def test_an_interrupted_fleet_run_says_so_and_is_gone_on_with(planned: Fleet, tmp_path: Path) -> None:
    fleet = planned.copy_to(tmp_path / "fleet")
    process = fleet.start("verify", "fleet.yaml", "--in-flight", "1")
    name = _begun(fleet, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, err + out
    assert "interrupted" in out
    rows = fleet.rows()
    assert {row["status"] for row in rows.values()} <= {"interrupted", "not started", "drift"}
    done = fleet("resume", name)
    assert done.returncode == 3, done.stderr + done.stdout
    assert {row["status"] for row in fleet.rows().values()} == {"drift"}


def test_a_fleet_run_is_stopped_by_word_and_comes_to_a_whole_end(planned: Fleet, tmp_path: Path) -> None:
    fleet = planned.copy_to(tmp_path / "fleet")
    process = fleet.start("verify", "fleet.yaml", "--in-flight", "1")
    name = _begun(fleet, process)
    told = fleet("stop", name)
    assert told.returncode == 0, told.stderr
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 4, err + out
    rows = fleet.rows()
    assert "interrupted" not in {row["status"] for row in rows.values()}
    assert "not started" in {row["status"] for row in rows.values()}
    assert fleet("resume", name).returncode == 3
    assert {row["status"] for row in fleet.rows().values()} == {"drift"}


def _begun(fleet: Fleet, process: subprocess.Popen[str]) -> str:
    """Wait until the fleet run has begun its first tenant, and return its name."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        newest = fleet.newest()
        if "-plan-" not in newest.name and any((newest.path / "begun").iterdir()):
            return newest.name
        time.sleep(0.02)
    raise AssertionError(f"it did not begin: {process.communicate()}")
