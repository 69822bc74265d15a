"""How far a fleet is: counts that are right, lines at their time, and a terminal that is whole afterwards."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass
from typing import Any

import pytest
from console.terminals import HIDDEN, SHOWN, screen
from rich.console import Console as Rich

from runbook.cli.console import Console
from runbook.fleet import rows
from runbook.fleet.progress import Lines, Live, Progress, Silent, Tally


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def row(tenant: str, status: str = "unchanged", code: int = 0, ring: str = "canary", reason: str = "") -> Any:
    place = rows.Place(tenant=tenant, group=ring, ring=ring, seconds=12.4, attempts=1)
    return {**rows.not_started(place, "x"), "status": status, "exit_code": code, "reason": reason}


def on_terminal(clock: Clock, total: int = 10) -> tuple[Live, io.StringIO]:
    stream = io.StringIO()
    console = Rich(file=stream, force_terminal=True, width=100, markup=False, color_system=None)
    return Live(console, total, clock), stream


def test_a_line_a_tenant_that_ended_and_one_for_each_ring() -> None:
    stream, clock = io.StringIO(), Clock()
    told = Lines(stream, 3, clock)
    told.ring("canary", 1)
    told.started("contoso")
    told.ended(row("contoso", "drift", 3, reason="3 properties are not as the tutorial asks."))
    told.ring("everybody", 2)
    told.started("fabrikam")
    told.ended(row("fabrikam", ring="everybody"))
    told.close()
    assert stream.getvalue().splitlines() == [
        "  .. ring canary: 1 tenant",
        "  .. 1 of 3, contoso: drift, 12 s: 3 properties are not as the tutorial asks.",
        "  .. ring everybody: 2 tenants",
        "  .. 2 of 3, fabrikam: unchanged, 12 s",
    ]


def test_a_line_of_them_all_comes_every_30_seconds_and_not_before() -> None:
    stream, clock = io.StringIO(), Clock()
    told = Lines(stream, 4, clock)
    told.started("a")
    for at in (1029.9, 1030, 1031, 1059.9, 1060.5):
        clock.now = at
        told.tick()
    assert stream.getvalue().splitlines() == [
        "  .. 0 of 4 done, 1 running, 0 failed, 30 s",
        "  .. 0 of 4 done, 1 running, 0 failed, 60 s",
    ]


def test_a_name_that_means_harm_is_spelt_out() -> None:
    stream = io.StringIO()
    told = Lines(stream, 1, Clock())
    told.ring("\x1b[2J", 1)
    told.ended(row("a\u202eb", "failed", 1, reason="\x1b]0;x\x07"))
    assert "\x1b" not in stream.getvalue() and "\u202e" not in stream.getvalue() and "\\x1b" in stream.getvalue()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, "0 failed,"),
        (3, "0 failed, 1 not as asked,"),
        (1, "1 failed,"),
        (4, "1 failed,"),
        (5, "1 failed,"),
        (130, "1 failed,"),
    ],
)
def test_failed_is_what_came_to_no_answer_or_went_wrong(code: int, said: str) -> None:
    tally = Tally(2, Clock())
    tally.ended(row("a", code=code))
    assert said in tally.text()


def test_an_estimate_is_made_of_what_ended_here_and_of_nothing_else() -> None:
    clock = Clock()
    tally = Tally(103, clock)
    for number in range(50):
        tally.ended(row(f"before-{number}"))  # had ended in an earlier run of this fleet
    assert tally.left() is None and "left" not in tally.text()
    for number in range(3):
        tally.started(f"t{number}")
    clock.now += 30
    tally.ended(row("t0"))
    tally.ended(row("t1"))
    assert tally.left() is None, "of two tenants nothing is estimated"
    tally.ended(row("t2"))
    clock.now += 5
    assert tally.left() == 500.0  # fifty of 53 are left at 10 seconds each
    assert tally.text() == "53 of 103 done, 0 running, 0 failed, 35 s, about 8 min left"


def test_a_tenant_that_is_tried_again_runs_once() -> None:
    clock = Clock()
    tally = Tally(2, clock)
    tally.started("a")
    clock.now += 100
    tally.started("a")
    clock.now += 20
    assert tally.slowest() == "longest: a, 20 s" and ", 1 running," in tally.text()


def test_there_are_never_more_done_than_there_are() -> None:
    tally = Tally(0, Clock())
    tally.ring("canary", 2)
    assert tally.text().startswith("0 of 2 done")
    tally.ended(row("a"))
    tally.ended(row("b", ring="late"))
    tally.ended(row("c", ring="late"))
    assert tally.text().startswith("3 of 3 done")
    assert tally.rings == {"canary": [1, 2], "late": [2, 0]}


def test_on_a_terminal_rings_are_bars_and_everything_is_gone_at_the_end() -> None:
    clock = Clock()
    told, stream = on_terminal(clock)
    told.ring("canary", 4)
    for name in "abc":
        clock.now += 1
        told.started(name)
    clock.now += 1
    told.ended(row("a", "failed", 1))
    shown = "\n".join(screen(stream.getvalue()))
    assert "canary" in shown and "1 of 4" in shown and "longest: b, 2 s" in shown
    assert "1 of 10 done, 2 running, 1 failed, 4 s" in shown
    told.close()
    told.close()
    told.tick()
    sent = stream.getvalue()
    assert "".join(screen(sent)).strip() == "", "progress was left standing"
    assert sent.rfind(SHOWN) > sent.rfind(HIDDEN) >= 0


def test_nothing_starts_a_thread_for_then_nobody_could_fork() -> None:
    before = set(threading.enumerate())
    clock = Clock()
    told, _ = on_terminal(clock)
    told.ring("canary", 1)
    told.started("a")
    clock.now += 1
    told.tick()
    assert set(threading.enumerate()) == before
    told.close()


def test_it_moves_at_most_ten_times_a_second() -> None:
    clock = Clock()
    told, stream = on_terminal(clock, 10_000)
    told.ring("canary", 10_000)
    first = len(stream.getvalue())
    for number in range(1000):
        told.ended(row(f"t{number}"))
    assert len(stream.getvalue()) == first
    clock.now += 0.2
    told.tick()
    assert "1000 of 10000" in stream.getvalue()


def test_a_terminal_that_was_never_used_is_left_alone() -> None:
    told, stream = on_terminal(Clock())
    told.close()
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("options", "kind"), [({"quiet": True, "live": True}, Silent), ({"live": True}, Live), ({}, Lines)]
)
def test_a_console_gives_what_fits_and_closes_it(options: dict[str, bool], kind: type[Progress]) -> None:
    err = io.StringIO()
    clock = Clock()
    with (
        pytest.raises(KeyboardInterrupt),
        Console(out=io.StringIO(), err=err, columns=80, **options).fleet(1, clock=clock) as told,
    ):
        assert isinstance(told, kind)
        told.ring("canary", 1)
        told.started("a")
        clock.now += 1
        told.ended(row("a", ring="canary"))
        told.tick()
        raise KeyboardInterrupt
    sent = err.getvalue()
    assert (sent == "") == (kind is Silent)
    assert sent.rfind(SHOWN) >= sent.rfind(HIDDEN)
    assert (HIDDEN in sent) == (kind is Live)
