"""A tenant's row says what its run's result says, in one sentence; the worst row decides how a fleet ended."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from conftest import ROOT, Kit
from fleet import made

from runbook.errors import ExitCode, InventoryError, PlanRefused, UnreadableState, UsageError
from runbook.fleet import reasons, rows
from runbook.fleet.rows import Place

CASES: dict[str, Any] = yaml.safe_load((ROOT / "tests" / "cases" / "fleet" / "rows.yaml").read_text("utf-8"))
PLACE = Place(tenant="contoso", group="schools", ring="canary", seconds=2.34567, attempts=2)
KEYS = {
    "tenant", "group", "ring", "status", "exit_code", "reason", "run", "plan", "seconds", "attempts", "sections",
    "outlook",
}  # fmt: skip


@pytest.mark.parametrize("name", CASES["results"])
def test_a_row_is_made_of_the_result(name: str) -> None:
    case = CASES["results"][name]
    status, code = case["ends"]
    row = rows.finished(PLACE, made.result("contoso", case["mode"], status, code, case["kinds"]))
    found = [[item[key] for key in ("found", "verified", "changed", "pending", "drift")] for item in row["sections"]]
    assert [row["status"], row["exit_code"], row["reason"]] == [status, code, case["reason"]], name
    assert found == case["found"], name
    assert row.keys() == KEYS and row["run"].endswith(f"contoso-{case['mode']}-{row['run'][-6:]}")
    assert [row[key] for key in ("tenant", "group", "ring", "seconds", "attempts")] == [
        "contoso", "schools", "canary", 2.346, 2,
    ]  # fmt: skip
    assert json.loads(json.dumps(row)) == row


@pytest.mark.parametrize("name", CASES["sentences"])
def test_an_error_becomes_one_sentence(name: str) -> None:
    assert reasons.of_error(*CASES["sentences"][name]["parts"]) == CASES["sentences"][name]["said"], name


@pytest.mark.parametrize("name", CASES["fleets"])
def test_the_worst_row_decides(name: str) -> None:
    case = CASES["fleets"][name]
    found = [{"status": status, "exit_code": code} for status, code in case["rows"].items()]
    assert (rows.exit_code(found), rows.status(found)) == (case["code"], case["status"]), name
    assert (rows.exit_code(found[::-1]), rows.status(found[::-1])) == (case["code"], case["status"]), name


def test_a_tenant_without_a_run_has_a_row_with_its_reason() -> None:
    idle = rows.not_started(PLACE, "the ring canary had 3 failures")
    assert (idle["status"], idle["exit_code"], idle["run"]) == ("not started", ExitCode.REFUSED, "")
    assert idle["reason"] == "Not started: the ring canary had 3 failures." and idle.keys() == KEYS
    stopped = rows.not_started(PLACE, "the fleet was interrupted", exit_code=ExitCode.INTERRUPTED)
    assert rows.exit_code([idle, stopped]) == ExitCode.INTERRUPTED


def test_a_killed_tenant_says_where_and_what_is_not_known() -> None:
    bare = rows.killed(PLACE, "signal 9.")
    assert (bare["status"], bare["exit_code"], bare["sections"]) == ("killed", ExitCode.FAILED, [])
    assert bare["reason"] == "The process was killed: signal 9; run it again."
    left = made.result("contoso", "apply", "interrupted", 130, ["changed", "interrupted", "not run"])
    row = rows.killed(PLACE, "no sign of life for 900 s", left)
    assert row["status"] == "killed" and row["exit_code"] == ExitCode.FAILED and row["run"]
    assert [item["found"] for item in row["sections"]] == ["verified", "interrupted", "not run"]
    assert row["reason"] == (
        "The process was killed during Create Quarantine Policies: no sign of life for 900 s; "
        "of 1 change it is not known whether it took effect, so plan again and see."
    )


def test_a_tenant_that_took_too_long_says_where_and_what_to_do() -> None:
    left = rows.finished(PLACE, made.result("contoso", "verify", "interrupted", 130, ["good", "interrupted"]))
    todo = "see whether its services answer, and run it again (--only failed), with a longer --tenant-timeout if it"
    for sections, where in ((left["sections"], ", during Create Quarantine Policies"), ([], "")):
        told = f"It ran longer than it may and was stopped after 31 seconds{where}; {todo} was only slow."
        assert reasons.of_too_long(31.2, sections) == told


@pytest.mark.parametrize(
    ("detail", "remedy", "told"),
    [
        ("KeyboardInterrupt: ", "Plan again: see what is left.", "It stopped; plan again: see what is left."),
        ("Signing in failed.", "The secret is wrong. Store its value. Mind a blank.",
         "Signing in failed; the secret is wrong; store its value."),
        ("Signing in failed.", "The secret is wrong. It is an id.", "Signing in failed; the secret is wrong."),
        ("It failed.", "Nothing was written. Ask for a role.", "It failed; ask for a role."),
    ],
)  # fmt: skip
def test_a_reason_says_what_is_wrong_and_what_to_do(detail: str, remedy: str, told: str) -> None:
    assert reasons.of_error("It stopped", detail, remedy) == told


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UsageError("There is no tutorial 'x'."), "failed", ExitCode.USAGE),
        (InventoryError("The variable A is not set.", "Set it."), "failed", ExitCode.USAGE),
        (PlanRefused("No plan was approved."), "refused", ExitCode.REFUSED),
        (UnreadableState("Nobody answered."), "unknown", ExitCode.UNREADABLE),
    ],
)
def test_a_run_that_could_not_begin_is_told_by_its_error(error: Any, status: str, code: int) -> None:
    row = rows.stopped(PLACE, error)
    assert (row["status"], row["exit_code"]) == (status, code)
    assert row["reason"].startswith(error.detail.rstrip("."))


def test_promises_are_counted_and_none_is_no_number() -> None:
    def of(outlook: Any) -> Any:
        return rows.finished(PLACE, made.result("x", "verify", "unchanged", 0, ["good"], outlook=outlook))["outlook"]

    assert of(made.outlook(2, 1, 1)) == {"kept": 2, "broken": 1, "unknown": 1}
    assert of(made.outlook(0)) == {"kept": 0, "broken": 0, "unknown": 0}
    assert of(None) is None


def test_a_reason_is_one_line_of_bounded_length() -> None:
    said = reasons.one_sentence("a\n\tb " + "long " * 200)
    assert len(said) <= reasons.LONGEST and said.startswith("a b long") and said.endswith("…")


def test_counts_are_worst_first_and_a_status_of_another_version_comes_before_all() -> None:
    found = [{"status": status} for status in ("unchanged", "drift", "odd", "unchanged", "killed")]
    assert list(rows.counts(found).items()) == [("odd", 1), ("killed", 1), ("drift", 1), ("unchanged", 2)]


def test_worst_first_looks_at_status_then_sections_then_names() -> None:
    def row(tenant: str, status: str, kinds: list[str]) -> Any:
        place = Place(tenant=tenant, group="g", ring="r")
        return rows.finished(place, made.result(tenant, "verify", status, 3, kinds))

    expected = [
        row("a", "failed", ["failed"]), row("d", "drift", ["drift", "drift"]), row("b", "drift", ["good", "drift"]),
        row("c", "drift", ["good", "drift"]), row("a", "unchanged", ["good"]),
    ]  # fmt: skip
    assert sorted(expected[::-1], key=rows.badness) == expected


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"verified": True, "drift": 0, "pending": 0, "status": "changed"}, "verified"),
        ({"verified": False, "drift": 2, "pending": 1, "status": "failed"}, "not as asked"),
        ({"verified": False, "drift": 0, "pending": 1, "status": "not-run"}, "changes pending"),
        ({"verified": False, "drift": 0, "pending": 0, "status": "unknown"}, "unknown"),
        ({"verified": False, "drift": 2, "pending": 1, "status": "failed", "found": "interrupted"}, "interrupted"),
    ],
)
def test_a_row_without_a_word_for_a_section_has_one_from_its_counts(item: Any, said: str) -> None:
    assert rows.word(item) == said


def test_what_is_no_result_is_not_taken_for_one() -> None:
    for content in ({}, {"status": "drift", "exit_code": 3}, {"status": "drift", "exit_code": 3, "sections": [{}]}):
        with pytest.raises((KeyError, TypeError)):
            rows.finished(PLACE, content)


def test_a_real_run_makes_a_row(planned: Kit) -> None:
    row = rows.finished(PLACE, planned.result("plan"))
    assert row["status"] == "changes pending" and row["run"] == planned.newest("plan").name
    assert [item["pending"] for item in row["sections"]] == [2, 2, 1, 1, 1]
    assert [item["drift"] for item in row["sections"]] == [7, 4, 1, 5, 9]
    assert row["reason"] == "7 changes are pending, in 5 sections; read the plan and approve it."
    assert sum(row["outlook"].values()) == 4
