"""A fleet on a dask cluster of this machine: the same rows, and a worker that is killed loses nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet.fleets import PATIENCE_SECONDS, Fleet

from runbook import simulated

pytest.importorskip("distributed", reason="dask is not installed: pip install 'runbook-kit[cluster]'")
NAMES = tuple(f"t{n}" for n in range(6))


class Cluster:
    """A scheduler and workers, each a process group of its own on loopback."""

    def __init__(self, fleet: Fleet, workers: int) -> None:
        self._fleet = fleet
        self._scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        assert self._scheduler.stderr is not None
        self.address = ""
        for line in self._scheduler.stderr:
            if found := re.search(r"Scheduler at:\s+(tcp://\S+)", line):
                self.address = found[1]
                break
        # Without a nanny, so that a worker that is killed stays dead.
        self.workers = [
            self._start("worker", self.address, "--nthreads", "2", "--no-dashboard", "--no-nanny")
            for _ in range(workers)
        ]

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            cwd=self._fleet.folder,
            env=self._fleet.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if arguments[0] == "scheduler" else subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def close(self) -> None:
        for process in (*self.workers, self._scheduler):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in (*self.workers, self._scheduler):
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            if process.stderr is not None:
                process.stderr.close()


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    made = Fleet(tmp_path / "fleet", NAMES)
    made.folder.mkdir()
    made.make(canaries=0)
    return made


@pytest.fixture
def cluster(fleet: Fleet) -> Iterator[Cluster]:
    made = Cluster(fleet, workers=2)
    yield made
    made.close()


def test_a_worker_that_is_killed_loses_nothing(fleet: Fleet, cluster: Cluster) -> None:
    process = fleet.start("verify", "fleet.yaml", "--scheduler", cluster.address, "--in-flight", "4")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not list(fleet.runs.glob("fleets/*/begun/*/*")):
        assert time.monotonic() < deadline and process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.killpg(cluster.workers[0].pid, signal.SIGKILL)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 3, err + out
    rows = fleet.rows()
    assert {name: row["status"] for name, row in rows.items()} == dict.fromkeys(NAMES, "drift"), err
    for name in NAMES:
        ended = [result["run"] for result in fleet.whole_runs(name, "verify")]
        assert ended == [rows[name]["run"]], name
    assert not _left(fleet), "a runner outlived its worker"


def test_ctrl_c_reaches_what_runs_on_the_workers(fleet: Fleet, cluster: Cluster) -> None:
    with simulated.serving_many([fleet.far(name) for name in NAMES], latency_ms=200):
        process = fleet.start("verify", "fleet.yaml", "--scheduler", cluster.address, "--in-flight", "6")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not list(fleet.runs.glob("fleets/*/begun/*/*")):
            assert time.monotonic() < deadline and process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, err + out
    found = {name: row["status"] for name, row in fleet.rows().items()}
    assert "interrupted" in found.values(), found
    assert set(found.values()) <= {"interrupted", "not started", "drift"}, found
    for name in NAMES:  # whatever was begun has its record, and nothing goes on behind the supervisor's back
        assert (found[name] == "not started") == (not fleet.newest().begun(name)), (name, found)
        assert all((run.path / "record.html").is_file() for run in fleet.newest().begun(name)), name
    done = fleet("resume", fleet.newest().name, "--scheduler", cluster.address)
    assert done.returncode == 3, done.stderr + done.stdout
    assert {row["status"] for row in fleet.rows().values()} == {"drift"}


def test_where_nobody_answers(fleet: Fleet) -> None:
    done = fleet("verify", "fleet.yaml", "--scheduler", "tcp://127.0.0.1:9", "-q")
    assert done.returncode == 5, done.stderr
    assert "tcp://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


def _left(fleet: Fleet) -> list[str]:
    """Return runners of this fleet beyond the one of the worker that still lives, once they had time to end."""
    deadline = time.monotonic() + 30
    while True:
        found = [path.parent.name for path in Path("/proc").glob("[0-9]*/environ") if _is_runner(path, fleet)]
        if len(found) <= 1 or time.monotonic() > deadline:
            return found[1:]
        time.sleep(0.2)


def _is_runner(path: Path, fleet: Fleet) -> bool:
    try:
        words = (path.parent / "cmdline").read_bytes()
        return b"runbook.fleet.runner" in words and str(fleet.runs).encode() in path.read_bytes()
    except OSError:
        return False
