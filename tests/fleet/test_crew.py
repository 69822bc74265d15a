"""Forked children: their rows, their deaths, their limits, and what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fleet.crews import order, row

from runbook.fleet.crew import Ended, Told
from runbook.fleet.forkedcrew import ForkedCrew
from runbook.fleet.order import Order

Work = Callable[[Order, Callable[[str], None]], dict[str, Any]]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the crew forks on Linux alone")


def all_of(crew: ForkedCrew, *orders: Order, seconds: float = 30.0) -> tuple[list[Ended], list[Told]]:
    for item in orders:
        crew.start(item)
    ended: list[Ended] = []
    told: list[Told] = []
    deadline = time.monotonic() + seconds
    while crew.running():
        assert time.monotonic() < deadline, "the crew did not come to its end"
        for event in crew.wait(0.5):
            (ended if isinstance(event, Ended) else told).append(event)  # type: ignore[arg-type]
    return ended, told


@pytest.fixture
def crew_of() -> Iterator[Callable[..., ForkedCrew]]:
    made: list[ForkedCrew] = []

    def make(work: Work, **limits: Any) -> ForkedCrew:
        made.append(ForkedCrew(work, **limits))
        return made[-1]

    yield make
    for crew in made:
        crew.close()


def well(order: Order, told: Callable[[str], None]) -> dict[str, Any]:
    return row(order, 0, "unchanged")


def test_every_order_gives_its_row(crew_of: Callable[..., ForkedCrew]) -> None:
    ended, _ = all_of(crew_of(well), *(order(f"t{n}") for n in range(20)))
    assert sorted(item.row["tenant"] for item in ended if item.row) == sorted(f"t{n}" for n in range(20))
    assert all(not item.how and not item.too_long for item in ended)


def test_what_is_told_arrives_before_the_end(crew_of: Callable[..., ForkedCrew]) -> None:
    def work(order: Order, told: Callable[[str], None]) -> dict[str, Any]:
        for n in range(300):
            told(f"line {n}")
        return row(order, 0, "unchanged")

    _, told = all_of(crew_of(work), order("a"))
    assert [item.line for item in told] == [f"line {n}" for n in range(300)]


def test_a_row_larger_than_a_pipe(crew_of: Callable[..., ForkedCrew]) -> None:
    def work(order: Order, told: Callable[[str], None]) -> dict[str, Any]:
        return {**row(order, 0, "unchanged"), "reason": "x" * 400_000}

    ended, _ = all_of(crew_of(work), order("a"), order("b"))
    assert [len(item.row["reason"]) for item in ended if item.row] == [400_000, 400_000]


def _raise(order: Order, told: Callable[[str], None]) -> dict[str, Any]:
    raise ValueError("nobody foresaw this")


def _quotes(order: Order, told: Callable[[str], None]) -> dict[str, Any]:
    raise ValueError("refused: Authorization: Bearer " + "eyJ" + "a" * 40 + "." + "b" * 40 + "." + "c" * 40)


def _exit(order: Order, told: Callable[[str], None]) -> dict[str, Any]:
    os._exit(7)


def _killed(order: Order, told: Callable[[str], None]) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


@pytest.mark.parametrize(
    "work, says",
    [
        (_raise, ("exit code 1", "nobody foresaw this")),
        (_quotes, ("exit code 1: [secret]",)),
        (_exit, ("exit code 7",)),
        (_killed, ("SIGKILL",)),
    ],
)
def test_a_child_that_dies_is_said_to_have(
    work: Work, says: tuple[str, ...], crew_of: Callable[..., ForkedCrew]
) -> None:
    def one_of_two(order: Order, told: Callable[[str], None]) -> dict[str, Any]:
        return work(order, told) if order.tenant == "bad" else well(order, told)

    ended, _ = all_of(crew_of(one_of_two), order("bad"), order("good"))
    found = {item.order.tenant: item for item in ended}
    assert found["bad"].row is None
    for words in says:
        assert words in found["bad"].how
    assert found["good"].row is not None


def test_one_that_runs_too_long_is_interrupted_and_may_still_say_how_it_ended(
    crew_of: Callable[..., ForkedCrew],
) -> None:
    def work(order: Order, told: Callable[[str], None]) -> dict[str, Any]:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            return row(order, 130, "interrupted")
        raise AssertionError

    ended, _ = all_of(crew_of(work, limit_seconds=0.3), order("a"), seconds=10)
    assert ended[0].row is not None and ended[0].row["status"] == "interrupted"
    assert ended[0].too_long


def test_one_that_does_not_stop_is_killed(crew_of: Callable[..., ForkedCrew]) -> None:
    def work(order: Order, told: Callable[[str], None]) -> dict[str, Any]:
        while True:
            try:
                time.sleep(60)
            except KeyboardInterrupt:
                continue

    ended, _ = all_of(crew_of(work, limit_seconds=0.3, grace_seconds=0.3), order("a"), seconds=10)
    assert ended[0].row is None
    assert ended[0].too_long
    assert "SIGKILL" in ended[0].how


def test_what_a_killed_child_leaves_behind_is_killed(crew_of: Callable[..., ForkedCrew], tmp_path: Path) -> None:
    """Like a cell that cannot be interrupted: it holds the pipes, and would go on for ever."""
    noted = tmp_path / "pid"

    def work(order: Order, told: Callable[[str], None]) -> dict[str, Any]:
        left = subprocess.Popen(
            [sys.executable, "-c", "import signal, time; signal.signal(2, signal.SIG_IGN); time.sleep(60)"],
            start_new_session=True,
        )
        noted.write_text(str(left.pid))
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    ended, _ = all_of(crew_of(work), order("a"), seconds=10)
    assert "SIGKILL" in ended[0].how
    assert not Path(f"/proc/{noted.read_text()}").exists()


def test_they_wait_side_by_side(crew_of: Callable[..., ForkedCrew]) -> None:
    def work(order: Order, told: Callable[[str], None]) -> dict[str, Any]:
        time.sleep(0.5)
        return row(order, 0, "unchanged")

    began = time.monotonic()
    all_of(crew_of(work), *(order(f"t{n}") for n in range(20)))
    assert time.monotonic() - began < 20 * 0.5 / 2


def test_a_child_has_no_business_with_its_siblings(crew_of: Callable[..., ForkedCrew]) -> None:
    """A pipe of the one before that a child kept open would keep its end from being seen."""

    def work(order: Order, told: Callable[[str], None]) -> dict[str, Any]:
        kept = [os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if _is_open(name)]
        pipes = {name for name in kept if name.startswith("pipe:")}
        return {**row(order, 0, "unchanged"), "reason": str(len(pipes))}

    ended, _ = all_of(crew_of(work), *(order(f"t{n}") for n in range(8)))
    assert len({item.row["reason"] for item in ended if item.row}) == 1


def _is_open(name: str) -> bool:
    return os.path.exists(f"/proc/self/fd/{name}") or os.path.islink(f"/proc/self/fd/{name}")


def test_an_interrupt_reaches_all(crew_of: Callable[..., ForkedCrew]) -> None:
    def work(order: Order, told: Callable[[str], None]) -> dict[str, Any]:
        try:
            told("ready")
            time.sleep(60)
        except KeyboardInterrupt:
            return row(order, 130, "interrupted")
        raise AssertionError

    crew = crew_of(work)
    for n in range(4):
        crew.start(order(f"t{n}"))
    ready = 0
    while ready < 4:
        ready += len(crew.wait(1.0))
    crew.interrupt()
    ended, _ = all_of(crew, seconds=10)
    assert [item.row["status"] for item in ended if item.row] == ["interrupted"] * 4


def test_memory_of_the_parent_stays_as_it_is(crew_of: Callable[..., ForkedCrew]) -> None:
    crew = crew_of(well)
    all_of(crew, *(order(f"w{n}") for n in range(10)))
    before, descriptors = _resident_kilobytes(), len(os.listdir("/proc/self/fd"))
    for batch in range(10):
        all_of(crew, *(order(f"t{batch}-{n}") for n in range(10)))
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert _resident_kilobytes() - before < 2048


def _resident_kilobytes() -> int:
    text = Path("/proc/self/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1])


def test_a_crew_that_is_let_go_lets_those_that_run_write_their_records(
    crew_of: Callable[..., ForkedCrew], tmp_path: Path
) -> None:
    """As when the supervisor itself fails (its disk is full, say), in the middle of a change of a tenant."""

    def work(order: Order, told: Callable[[str], None]) -> dict[str, Any]:
        try:
            told("ready")
            time.sleep(60)
        except KeyboardInterrupt:
            (tmp_path / "record").write_text("whole")
        return row(order, 130, "interrupted")

    crew = crew_of(work)
    crew.start(order("a"))
    while not crew.wait(1.0):
        """It has not said that it is ready."""
    crew.close()
    assert (tmp_path / "record").is_file()


def test_more_in_flight_than_the_system_lets_files_be_open_at_first(crew_of: Callable[..., ForkedCrew]) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 16, hard))
    try:
        ended, _ = all_of(crew_of(well), *(order(f"t{n}") for n in range(30)))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(ended) == 30
