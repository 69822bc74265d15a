"""A crew made of an executor: threads here, where every tenant is a new process; a failing worker is told."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fleet.crews import order, row
from fleet.fleets import Fleet

from runbook import simulated
from runbook.fleet.crew import Ended
from runbook.fleet.executors import (
    BREATH_SECONDS,
    TAKEN_BACK,
    ExecutorCrew,
    SchedulerLost,
    communicated,
    in_a_process,
)
from runbook.fleet.folder import FleetFolder
from runbook.fleet.order import Order
from runbook.runs import read_json


def all_of(crew: ExecutorCrew, *orders: Order) -> dict[str, Ended]:
    for item in orders:
        crew.start(item)
    found: dict[str, Ended] = {}
    deadline = time.monotonic() + 60
    while crew.running():
        assert time.monotonic() < deadline
        found |= {event.order.tenant: event for event in crew.wait(0.5) if isinstance(event, Ended)}
    return found


def answers(values: dict[str, Any], seconds: float | None) -> dict[str, Any]:
    if values["tenant"] == "broken":
        raise OSError("the machine is gone")
    return {"row": row(Order(**values), 0, "unchanged"), "how": "", "too_long": False}


def test_every_order_comes_back_and_a_worker_that_failed_is_told() -> None:
    crew = ExecutorCrew(ThreadPoolExecutor(3), function=answers)
    found = all_of(crew, order("a"), order("broken"), order("b"))
    crew.close()
    assert {name: bool(item.row) for name, item in found.items()} == {"a": True, "broken": False, "b": True}
    assert "the machine is gone" in found["broken"].how


class Never(Executor):
    """An executor that begins nothing."""

    def submit(self, *arguments: Any, **more: Any) -> Future[Any]:  # type: ignore[override]
        return Future()


def test_what_has_not_begun_is_taken_back() -> None:
    crew = ExecutorCrew(Never())
    crew.start(order("a"))
    crew.interrupt()
    (ended,) = crew.wait(0.1)
    assert isinstance(ended, Ended) and ended.row is None
    assert not ended.begun


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    made = Fleet(tmp_path / "fleet", ("a", "b"))
    made.folder.mkdir()
    made.make(canaries=0)
    (tmp_path / "store").mkdir()
    done = made("verify", "fleet.yaml", "--store", f"file://{tmp_path}/store")
    assert done.returncode == 3, done.stderr + done.stdout
    return made


def test_a_process_of_its_own_gives_the_row_that_is_there_and_does_nothing_twice(fleet: Fleet, tmp_path: Path) -> None:
    asked = read_json(fleet.newest().asked)
    (first, _) = asked["rings"][0]["orders"]
    before = sorted(path.name for path in fleet.runs.iterdir())
    answer = in_a_process(first, 60)
    assert answer["row"] == fleet.rows()["a"], answer
    assert sorted(path.name for path in fleet.runs.iterdir()) == before

    fleet.newest().done("a").unlink()  # as if it had been killed just before its row was kept
    answer = in_a_process(first, 60)
    assert answer["row"]["run"] == fleet.rows()["a"]["run"], answer
    assert sorted(path.name for path in fleet.runs.iterdir()) == before

    stored = sorted(path.name for path in (tmp_path / "store").iterdir() if not path.name.startswith("."))
    assert stored == sorted(row["run"] for row in fleet.rows().values())


def test_a_store_that_cannot_be_used_is_said_before_anything_begins(fleet: Fleet) -> None:
    before = fleet.newest().name
    done = fleet("verify", "fleet.yaml", "--store", "file:///dev/null/nowhere")
    assert done.returncode == 5, done.stderr
    assert "/dev/null/nowhere" in done.stderr and "Traceback" not in done.stderr
    assert fleet.newest().name == before


def test_a_process_that_takes_too_long_is_stopped(fleet: Fleet) -> None:
    asked = read_json(fleet.newest().asked)
    fleet.newest().done("b").unlink()
    (_, second) = asked["rings"][0]["orders"]
    answer = in_a_process({**second, "fleet": "another", "folder": "/dev/null/nowhere"}, 60)
    assert answer["row"] is None and "exit code" in answer["how"]
    answer = in_a_process(second, 0.01)
    assert answer["too_long"]


def test_a_process_elsewhere_is_interrupted_by_the_fleets_folder(fleet: Fleet) -> None:
    folder = fleet.newest()
    (first, _) = read_json(folder.asked)["rings"][0]["orders"]
    folder.done("a").unlink()
    for run in folder.begun("a"):
        shutil.rmtree(run.path)
    crew = ExecutorCrew(ThreadPoolExecutor(1))
    deadline = time.monotonic() + 60
    with simulated.serving_many([fleet.far("a")], latency_ms=300):  # or it is at its end before it is looked at
        crew.start(Order(**first))
        while not any((run.path / "notebooks").is_dir() for run in folder.begun("a")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        crew.interrupt()
        events: list[Any] = []
        while not events:
            assert time.monotonic() < deadline
            events = crew.wait(0.5)
    (ended,) = events
    assert ended.begun and ended.row["exit_code"] == 130, ended
    assert all((run.path / "record.html").is_file() for run in folder.begun("a"))
    assert in_a_process(first, 60) == TAKEN_BACK, "nothing new begins in a fleet run that is to end"
    crew.close()


class Silent(Executor):
    """An executor whose workers have begun and never answer, and which says of each that it could be taken back."""

    def submit(self, *arguments: Any, **more: Any) -> Future[Any]:  # type: ignore[override]
        return Future()


def test_who_does_not_answer_a_kill_is_given_up_and_not_called_untouched(tmp_path: Path) -> None:
    now = [0.0]
    crew = ExecutorCrew(Silent(), cancels=False, clock=lambda: now[0])
    crew.start(order("a"))
    crew.interrupt()
    assert crew.wait(0.01) == []
    for now[0] in (0.0, BREATH_SECONDS / 2, BREATH_SECONDS - 1):  # it is asked for until all have ended
        crew.kill()
        assert crew.wait(0.01) == []
    now[0] = BREATH_SECONDS
    crew.kill()
    (ended,) = crew.wait(0.01)
    assert isinstance(ended, Ended) and ended.begun and ended.row is None
    assert "did not answer" in ended.how
    assert not crew.running()


STUBBORN = "import signal, sys, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('here', flush=True); "


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("time.sleep(60)", ("here\n", "")),
        # Something that it has started has its output, and outlives it.
        (
            "import subprocess; subprocess.Popen(['sleep', '20']); time.sleep(60)",
            ("", "it was killed, and something that it had started still runs"),
        ),
    ],
)
def test_a_process_that_does_not_stop_is_killed_and_left(tmp_path: Path, rest: str, told: tuple[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN + rest],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    began = time.monotonic()
    out, err, late = communicated(process, "", FleetFolder(tmp_path), 1.5, breath_seconds=1)
    assert ((out, err), late) == (told, True)
    assert time.monotonic() - began < 15


def test_a_lost_scheduler_is_told_and_nobody_is_called_untouched() -> None:
    executor = Silent()
    crew = ExecutorCrew(executor, cancels=False)
    crew.start(order("a"))
    (future,) = crew._running
    future.cancel()
    with pytest.raises(SchedulerLost, match="does not answer"):
        crew.wait(0.1)
