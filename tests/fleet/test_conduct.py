"""Rings, canaries, allowed failures and the switch: what is begun, and what is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from fleet.crews import STATUS, Notes, Said, order, row

from runbook.errors import UsageError
from runbook.fleet.conduct import Allowance, Course, Stop, conduct
from runbook.fleet.crew import Ended, Event

CASES = yaml.safe_load(
    (Path(__file__).resolve().parent.parent / "cases" / "fleet_rings.yaml").read_text(encoding="utf-8")
)


def course(case: dict) -> Course:
    mode = case.get("mode", "apply")
    rings = [(name, [order(tenant, name, mode) for tenant in tenants]) for name, tenants in case["rings"].items()]
    default = Allowance(count=0) if mode == "apply" else Allowance()
    return Course(
        mode=mode,
        rings=rings,
        in_flight=case.get("in_flight", 1),
        allowance=Allowance.read(case["max_failures"]) if "max_failures" in case else default,
        kept={name: row(order(name), code, STATUS[code]) for name, code in case.get("kept", {}).items()},
    )


@pytest.mark.parametrize("name", CASES)
def test_what_is_begun(name: str) -> None:
    case = CASES[name]
    crew, notes = Said(case["ends"]), Notes()
    found, stopped = conduct(course(case), crew, notes)
    assert crew.begun == case["begun"], name
    assert stopped == case["stopped"], name
    assert [item["tenant"] for item in found] == [t for tenants in case["rings"].values() for t in tenants], name
    begun = {tenant.removesuffix(" again") for tenant in crew.begun} | set(case.get("kept", {}))
    for item in found:
        if case.get("kept", {}).get(item["tenant"], 0) is not None:
            assert (item["status"] == "not started") == (item["tenant"] not in begun), (name, item)
        kept = item["tenant"] in case.get("kept", {})
        assert kept or item["status"] != "not started" or stopped in item["reason"], (name, item)
    assert crew.most <= case.get("in_flight", 1), name
    ended = [note for note in notes.told if note.startswith("ended") and note.split()[1] not in case.get("kept", {})]
    assert len(ended) == len({tenant.removesuffix(" again") for tenant in crew.begun}), name


def test_many_run_at_once_and_never_more_than_were_asked_for() -> None:
    case = {"rings": {"all": [f"t{n}" for n in range(50)]}, "in_flight": 7}
    crew = Said({})
    conduct(course(case), crew, Notes())
    assert crew.most == 7
    assert len(crew.begun) == 50


def test_a_process_that_died_is_named_with_how() -> None:
    found, _ = conduct(course({"rings": {"all": ["a"]}, "max_failures": "9"}), Said({"a": None}), Notes())
    assert found[0]["status"] == "killed"
    assert "fell over" in found[0]["reason"]


@pytest.mark.parametrize("how, asked", [("end", (0, 0)), ("interrupt", (1, 0)), ("kill", (0, 1))])
def test_a_stop_reaches_those_that_run(how: str, asked: tuple[int, int]) -> None:
    answers: Iterator[Stop | None] = iter([None, None, Stop(reason="enough", running=how)])  # type: ignore[arg-type]
    crew = Said({})
    case = {"rings": {"all": ["a", "b", "c", "d"]}, "in_flight": 2}
    found, stopped = conduct(course(case), crew, Notes(), asked_to_stop=lambda: next(answers, None))
    assert stopped == "enough"
    assert crew.begun == ["a", "b"]
    assert (crew.interrupted, crew.killed) == asked
    assert [item["status"] for item in found] == ["changed", "changed", "not started", "not started"]


@pytest.mark.parametrize("how", ["interrupt", "kill"])
def test_a_process_that_a_stop_has_ended_is_not_finished(how: Literal["interrupt", "kill"]) -> None:
    """Or the run could not be gone on with: what was ended would count as done, without a record."""
    stopping = Stop(reason="enough", running=how)
    answers: Iterator[Stop | None] = iter([None, None])
    finished: list[Any] = []
    crew = Said({"a": None, "b": 130})
    case = {"rings": {"all": ["a", "b", "c"]}, "in_flight": 2}
    found, _ = conduct(
        course(case), crew, Notes(), asked_to_stop=lambda: next(answers, stopping), finish=finished.append
    )
    assert crew.begun == ["a", "b"], "nothing is begun any more, not even to make a record"
    assert [item["status"] for item in found] == ["interrupted", "interrupted", "not started"]
    assert [item["exit_code"] for item in found] == [130, 130, 4]
    assert "fell over" in found[0]["reason"]
    assert finished == []


@pytest.mark.parametrize("text", ["", "two", "-1", "101%", "1.5", "%", "5 %%"])
def test_an_allowance_that_cannot_be_meant(text: str) -> None:
    with pytest.raises(UsageError):
        Allowance.read(text)


@pytest.mark.parametrize(
    "text, failures, total, exceeded",
    [("0", 0, 9, False), ("0", 1, 9, True), ("2", 2, 9, False), ("2", 3, 9, True), ("5%", 5, 100, False),
     ("5%", 6, 100, True), ("0%", 1, 1000, True), ("100%", 9, 9, False), ("0.5 %", 1, 200, False)],
)  # fmt: skip
def test_when_failures_are_too_many(text: str, failures: int, total: int, exceeded: bool) -> None:
    assert Allowance.read(text).exceeded(failures, total) is exceeded


class TakesBack(Said):
    """A crew that takes everything back from the second order on, as one elsewhere does once it was interrupted."""

    def wait(self, seconds: float) -> list[Event]:
        if len(self.begun) < 2:
            return super().wait(seconds)
        order = self._running.pop(0)
        return [Ended(order=order, row=None, how="taken back", too_long=False, seconds=0.0, begun=False)]


def test_a_tenant_that_was_begun_is_not_called_untouched_because_its_record_was_taken_back() -> None:
    crew = TakesBack({"a": None})
    asked: Iterator[Stop | None] = iter([None, None, Stop(reason="it was interrupted", running="interrupt")])
    last: list[Stop | None] = [None]

    def ask() -> Stop | None:
        last[0] = next(asked, last[0])
        return last[0]

    found, _ = conduct(
        course({"rings": {"all": ["a", "b"]}, "mode": "verify", "in_flight": 1}), crew, Notes(), asked_to_stop=ask
    )
    assert crew.begun[:2] == ["a", "a again"]
    assert [row["status"] for row in found] == ["interrupted", "not started"], found
