"""A later section's change of what an earlier one makes: when it waits, and when an approval of it still holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runbook.compile.result import ResourceDraft
from runbook.following import approved_digest, bounded, makers, settle
from runbook.history import read_history
from runbook.journal import Journal
from runbook.kinds import BY_TYPE, VALUE_TYPES
from runbook.plan import Attribute, Observed, Plan, Resource, diff, plan_from_json, plan_json
from runbook.undo import Circumstances, invert, remaining

KIND, NAME = "InboundConnector", "From the gateway"
KEY = (KIND, NAME)
MADE = {"SenderDomains": ["*"], "Comment": "ours"}
ROW: dict[str, Any] = {**dict.fromkeys(VALUE_TYPES[KIND]), "SenderDomains": ["smtp:*;1"], "Comment": "ours"}


def resource(section: str, **values: Any) -> Resource:
    attributes = tuple(Attribute(name=name, value=value) for name, value in values.items())
    return Resource(
        kind=KIND, identity=NAME, section=section, attributes=attributes, may_create=section == "one",
        creates=section == "one",
    )  # fmt: skip


def found(handle: str = "g", **changed: Any) -> Observed:
    properties = {**ROW, "AlsoSet": [], **changed}
    return Observed(kind=KIND, identity=NAME, presence="present", properties=properties, handle=handle, listed=1)


ABSENT = Observed(kind=KIND, identity=NAME, presence="absent", properties={}, listed=0)
FIRST, SECOND = resource("one", **MADE), resource("two", EFSkipLastIP=True)


def plan(wanted: Resource, now: Observed) -> Plan:
    made = diff([wanted], [now], section=wanted.section, scope={}, types=VALUE_TYPES)
    return settle(made, [wanted], {KEY: "one"} if wanted.section == "two" else {})


def approval(now: Observed) -> list[dict[str, Any]]:
    return [{"hash": made.hash, **plan_json(made)} for made in (plan(FIRST, now), plan(SECOND, now))]


DONE = {("one", KEY): "g"}


def test_it_waits_for_what_is_not_there() -> None:
    (change,) = plan(SECOND, ABSENT).changes
    assert (change.action, change.awaits, change.observed, change.handle) == ("update", "one", {}, "")
    assert [(item.attribute, item.before, item.after) for item in change.differences] == [("EFSkipLastIP", None, True)]
    assert plan_from_json(plan_json(plan(SECOND, ABSENT))).changes[0].awaits == "one"


def test_nobody_makes_it_and_it_stays_a_problem() -> None:
    made = diff([SECOND], [ABSENT], section="two", scope={}, types=VALUE_TYPES)
    assert settle(made, [SECOND], {}) == made
    assert [item.presence for item in made.problems] == ["absent"]


def test_it_does_not_wait_for_what_is_there() -> None:
    assert plan(SECOND, found()).changes[0].awaits == ""


def test_a_plan_without_a_waiting_change_is_written_down_as_before() -> None:
    assert "awaits" not in plan_json(plan(SECOND, found()))["changes"][0]


@pytest.mark.parametrize(
    ("now", "done", "holds"),
    [
        pytest.param(found(), DONE, True, id="what the first section made"),
        pytest.param(found(EFSkipLastIP=True), DONE, True, id="already as the second asks"),
        pytest.param(found(), {}, False, id="this run has not made it"),
        pytest.param(found(), {("one", KEY): "another"}, False, id="another one in its place"),
        pytest.param(found(), {("one", KEY): ""}, False, id="nobody saw what it is addressed by"),
        pytest.param(found(Comment="theirs"), DONE, False, id="somebody changed what the first section set"),
        pytest.param(ABSENT, DONE, False, id="it is gone again"),
    ],
)
def test_an_approval_holds_for_what_the_earlier_section_made(now: Observed, done: dict[Any, str], holds: bool) -> None:
    stored = approval(ABSENT)
    fresh = plan(SECOND, now) if now is not ABSENT else replace(plan(SECOND, now), changes=())
    assert (approved_digest(fresh, stored, done) == stored[1]["hash"]) is holds


@pytest.mark.parametrize(
    ("now", "done", "holds"),
    [
        pytest.param(found(), DONE, True, id="as the first section leaves it"),
        pytest.param(found(Comment="theirs"), {}, True, id="as it was, the first section not done yet"),
        pytest.param(found(Comment="theirs"), DONE, True, id="to the letter as it was approved"),
        pytest.param(found(Comment="a third"), DONE, False, id="what the first section set was changed again"),
        pytest.param(found(RequireTls=True), DONE, False, id="something beside has changed"),
        pytest.param(found("h"), DONE, False, id="another one in its place"),
    ],
)
def test_an_approval_holds_for_what_the_earlier_section_changed(
    now: Observed, done: dict[Any, str], holds: bool
) -> None:
    stored = approval(found(Comment="theirs"))
    assert (approved_digest(plan(SECOND, now), stored, done) == stored[1]["hash"]) is holds


def test_an_approval_is_not_one_of_another_value() -> None:
    stored = approval(ABSENT)
    other = plan(resource("two", EFSkipLastIP=False), found())
    assert approved_digest(other, stored, DONE) == other.hash != stored[1]["hash"]
    unknown = replace(plan(SECOND, found()), section="three")
    assert approved_digest(unknown, stored, DONE) == unknown.hash


def circumstances(**more: Any) -> Circumstances:
    usual: dict[str, Any] = {"begun": (), "unfinished": (), "halfway": {}, "whole": True, "handles": {KEY: "g"}}
    return Circumstances(types=VALUE_TYPES, **{**usual, **more})


def test_a_waiting_change_is_taken_up_once_its_thing_is_there() -> None:
    waiting = plan(SECOND, ABSENT)
    assert remaining(waiting, [ABSENT], circumstances()).changes == waiting.changes
    (change,) = remaining(waiting, [found(EFSkipLastIP=False)], circumstances()).changes
    assert (change.action, change.awaits, change.handle) == ("update", "", "g")
    assert [item.attribute for item in change.changed] == ["EFSkipLastIP"]
    (change,) = remaining(waiting, [found(EFSkipLastIP=True)], circumstances()).changes
    assert change.action == "none"
    (problem,) = remaining(waiting, [found("theirs")], circumstances()).problems
    assert (problem.presence, problem.reason) == ("moved", "it is there, and this run has not made it")


def test_a_waiting_change_was_never_done_and_is_not_taken_back() -> None:
    back = remaining(invert(plan(SECOND, ABSENT)), [found(EFSkipLastIP=True)], circumstances(whole=False))
    assert (back.changes, back.problems) == ((), ())


def test_what_is_taken_back_whole_needs_no_taking_back_in_part() -> None:
    inverse = invert(plan(SECOND, found(EFSkipLastIP=False)))
    (problem,) = remaining(inverse, [replace(ABSENT, listed=2)], circumstances(begun={KEY}, whole=False)).problems
    assert problem.reason == "it existed, now it does not"
    (change,) = remaining(inverse, [ABSENT], circumstances(begun={KEY}, whole=False, own={KEY})).changes
    assert (change.action, change.reason) == ("none", "it is gone, with all that was set of it")


def test_a_list_is_empty_once_this_run_took_away_all_that_it_held() -> None:
    gone = replace(plan(FIRST, found()).changes[0], action="delete", listed=1)
    took = Plan(section="one", scope={}, changes=(gone,))
    (problem,) = remaining(took, [ABSENT], circumstances(begun={KEY})).problems
    assert problem.presence == "unknown"
    (change,) = remaining(took, [ABSENT], circumstances(begun={KEY}, taken={KEY})).changes
    assert change.action == "none"


def test_a_text_that_only_changes_a_thing_does_not_make_it() -> None:
    implied = BY_TYPE[KIND].implied
    asked = replace(SECOND, attributes=(*SECOND.attributes, *implied), may_create=True)
    (changed,) = bounded([asked])
    assert (changed.attributes, changed.may_create) == (SECOND.attributes, False)
    whole = replace(asked, creates=True)
    assert bounded([whole]) == (whole,)
    frequency = replace(asked, kind="GlobalQuarantinePolicy", identity="DefaultGlobalTag")
    assert bounded([frequency]) == (frequency,)


def draft(action: Any, name: str, optional: str | None = None) -> ResourceDraft:
    return ResourceDraft(
        type=KIND, action=action, identity=name, section="one", lines=(), opened_at=1, committed_at=1, optional=optional
    )


def test_makers_are_those_that_create_by_the_names_that_are_used() -> None:
    drafts = [draft("create", "A"), draft("modify", "B"), draft("create", "C", "lock-down")]
    assert makers(drafts, {"rename": ["A=Z"]}) == {(KIND, "Z"): "one"}
    assert makers(drafts, {"lock_down": True}) == {(KIND, "A"): "one", (KIND, "C"): "one"}


@pytest.mark.parametrize("told", [True, False], ids=["with sections", "an older journal, without"])
def test_a_journal_tells_which_sections_change_was_begun(tmp_path: Path, told: bool) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    plans = (plan(FIRST, ABSENT), plan(SECOND, ABSENT))
    sections = [
        {"section": made.section, "plan": plan_json(made), "inverse": plan_json(invert(made))} for made in plans
    ]
    journal.append("before-first-write", sections=sections, objects=[])
    begun = {"kind": KIND, "identity": NAME, **({"section": "one"} if told else {})}
    journal.append("change-started", action="create", **begun)
    early = read_history(tmp_path)
    assert early.unfinished == {KEY}
    journal.append("change-done", kind=KIND, identity=NAME, action="create", section="one", handle="g")
    history = read_history(tmp_path)
    assert (history.begun, history.unfinished, history.tangled) == ({KEY}, set(), set())
    assert history.begun_in("one") == {KEY}
    assert history.begun_in("two") == (set() if told else {KEY})
    assert (history.done, history.created, history.taken_away) == ({("one", KEY): "g"}, {KEY}, set())
    assert history.changed_outside("one") == {KEY: {"EFSkipLastIP"}}


def test_what_waited_is_stored_again_once_it_is_there(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    for made in (plan(SECOND, ABSENT), plan(SECOND, found())):
        part = {"section": "two", "plan": plan_json(made), "inverse": plan_json(invert(made))}
        journal.append("before-first-write", sections=[part], objects=[])
    journal.append("change-started", kind=KIND, identity=NAME, action="update", section="two")
    history = read_history(tmp_path)
    assert [change.awaits for change in history.plans["two"].changes] == [""]
    assert [change.handle for change in history.inverses["two"].changes] == ["g"]
    assert history.tangled == set()
