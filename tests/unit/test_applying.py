"""Applying, call by call, on a small far end: moved, unreadable, lost answers, interrupts, and what is written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runbook.errors import ApplyFailed, PlanRefused, UnreadableState
from runbook.journal import Journal, read
from runbook.kinds import VALUE_TYPES
from runbook.plan import Attribute, Plan, Resource, diff
from runbook.section.applying import Patience, apply_changes
from runbook.section.observing import read_objects
from tenantapi.errors import InvalidRequestError, ServiceError, SignInError

KIND = "TransportRule"
RULE = {
    "Name": "Rule",
    "Guid": "g",
    "State": "Enabled",
    "Mode": "Enforce",
    "SetSCL": 5,
    "HeaderContainsMessageHeader": None,
    "HeaderContainsWords": None,
    "SenderIpRanges": None,
    "ActivationDate": None,
    "ExpiryDate": None,
}


@dataclass
class Far:
    """Rules as a service would hold them; `on` is called with each write before it takes effect."""

    rules: list[dict[str, Any]]
    on: Callable[[str, Far], None] = lambda cmdlet, far: None
    after: Callable[[str, Far], None] = lambda cmdlet, far: None
    reads: Callable[[Far], None] = lambda far: None
    sent: list[str] = field(default_factory=list)

    @property
    def services(self) -> Any:
        return SimpleNamespace(exchange=SimpleNamespace(rows=self.rows, invoke=self.invoke))

    def rows(self, cmdlet: str, **_: Any) -> list[dict[str, Any]]:
        self.reads(self)
        return [dict(rule) for rule in self.rules]

    def invoke(self, cmdlet: str, parameters: dict[str, Any], *, write: bool) -> None:
        self.sent.append(cmdlet)
        self.on(cmdlet, self)
        if cmdlet == "New-TransportRule":
            fields = {k: v for k, v in parameters.items() if k != "Enabled"}
            self.rules.append({**RULE, **fields, "Guid": "new", "State": "Disabled"})
        else:
            rule = next(item for item in self.rules if item["Guid"] == parameters["Identity"])
            rule.update({k: v for k, v in parameters.items() if k != "Identity"})
            if cmdlet in ("Enable-TransportRule", "Disable-TransportRule"):
                rule["State"] = cmdlet.partition("-")[0] + "d"
        self.after(cmdlet, self)


def plan(far: Far, **want: Any) -> Plan:
    wanted = Resource(
        kind=KIND,
        identity="Rule",
        section="s",
        attributes=tuple(Attribute(name=k, value=v) for k, v in {"SetSCL": 9, "Enabled": True, **want}.items()),
        may_create=True,
    )
    return diff([wanted], read_objects(far.services, [wanted.key]), section="s", scope={}, types=VALUE_TYPES)


@dataclass
class Run:
    far: Far
    path: Path
    notes: list[tuple[str, str]] = field(default_factory=list)

    def apply(self, made: Plan) -> None:
        patience = Patience(limit_seconds=0.05, first_seconds=0.001, most_seconds=0.01)
        apply_changes(
            self.far.services, made, Journal(self.path), patience, lambda c, status, e: self.notes.append((status, e))
        )

    @property
    def events(self) -> list[str]:
        return [entry["event"] for entry in read(self.path)]

    @property
    def statuses(self) -> list[str]:
        return [status for status, _ in self.notes]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(Far([]), tmp_path / "journal.jsonl")


def lose(cmdlet: str) -> Callable[[str, Far], None]:
    """Lose the first answer to this cmdlet."""
    lost: list[str] = []

    def happen(sent: str, far: Far) -> None:
        if sent == cmdlet and not lost:
            lost.append(sent)
            raise ServiceError("the answer was lost", service="Exchange Online", ambiguous=True)

    return happen


def test_a_rule_is_created_disabled_then_enabled(run: Run) -> None:
    run.apply(plan(run.far))
    assert run.far.sent == ["New-TransportRule", "Enable-TransportRule"]
    assert run.events == ["change-started", "change-done"]
    assert run.statuses == ["running", "changed"]


def test_what_moved_since_the_plan_is_left_alone(run: Run) -> None:
    run.far.rules.append(dict(RULE))
    made = plan(run.far)
    for moved in ({"SetSCL": 6}, {"State": "Disabled"}, {"Guid": "twin"}, {"ExceptIfFrom": ["a@example.com"]}):
        run.far.rules[:] = [{**RULE, **moved}]
        with pytest.raises(PlanRefused):
            run.apply(made)
    run.far.rules[:] = [{**RULE, "Name": "Another", "Guid": "h"}]
    with pytest.raises(PlanRefused, match="existed, now it does not"):
        run.apply(made)
    assert run.far.sent == []
    assert not run.path.exists()


@pytest.mark.parametrize("name", ["Rule", "Another"])
def test_a_list_that_is_suddenly_empty_is_unknown_not_absent(run: Run, name: str) -> None:
    run.far.rules.append({**RULE, "Name": name})
    made = plan(run.far)
    run.far.rules.clear()
    with pytest.raises(UnreadableState, match="held 1 when the plan was made is empty now"):
        run.apply(made)
    assert run.far.sent == []


def test_what_appeared_since_the_plan_is_left_alone(run: Run) -> None:
    made = plan(run.far)
    run.far.rules.append(dict(RULE))
    with pytest.raises(PlanRefused, match="did not exist, now it does"):
        run.apply(made)
    assert run.far.sent == []


def test_what_cannot_be_read_just_before_its_write_is_not_written(run: Run) -> None:
    made = plan(run.far)

    def refuse(far: Far) -> None:
        raise InvalidRequestError("no", service="Exchange Online")

    run.far.reads = refuse
    with pytest.raises(UnreadableState):
        run.apply(made)
    assert run.far.sent == []


def test_a_refused_write_is_failed_and_says_so(run: Run) -> None:
    def refuse(cmdlet: str, far: Far) -> None:
        raise InvalidRequestError("the name is too long", service="Exchange Online")

    run.far.on = refuse
    with pytest.raises(ApplyFailed, match="the name is too long") as caught:
        run.apply(plan(run.far))
    assert "is not known" not in str(caught.value)
    assert run.statuses == ["running", "failed"]
    assert run.events == ["change-started", "change-failed"]


@pytest.mark.parametrize("cmdlet", ["New-TransportRule", "Enable-TransportRule"])
def test_a_lost_answer_is_settled_by_looking(run: Run, cmdlet: str) -> None:
    run.far.after = lose(cmdlet)
    run.apply(plan(run.far))
    assert run.far.sent.count("New-TransportRule") == 1
    assert run.far.rules[0]["State"] == "Enabled"
    assert run.statuses == ["running", "changed"]


def test_a_write_that_never_arrived_is_not_sent_again(run: Run) -> None:
    run.far.on = lose("New-TransportRule")
    with pytest.raises(ApplyFailed, match="is not known"):
        run.apply(plan(run.far))
    assert run.far.sent == ["New-TransportRule"]
    assert run.statuses == ["running", "unknown"]


def test_somebody_elses_rule_is_not_taken_for_our_own_half(run: Run) -> None:
    def somebody_else(cmdlet: str, far: Far) -> None:
        if cmdlet == "New-TransportRule":
            far.rules.append({**RULE, "SetSCL": -1, "Guid": "theirs"})
            raise ServiceError("the answer was lost", service="Exchange Online", ambiguous=True)

    run.far.on = somebody_else
    with pytest.raises(ApplyFailed, match="is not known"):
        run.apply(plan(run.far))
    assert run.far.sent == ["New-TransportRule"]
    assert run.far.rules == [{**RULE, "SetSCL": -1, "Guid": "theirs"}]


def test_a_far_end_that_went_away_leaves_the_change_unknown(run: Run) -> None:
    def gone(far: Far) -> None:
        raise SignInError("no", service="Entra ID")

    def lost(cmdlet: str, far: Far) -> None:
        far.reads = gone
        raise ServiceError("the answer was lost", service="Exchange Online", ambiguous=True)

    run.far.after = lost
    with pytest.raises(ApplyFailed, match="is not known"):
        run.apply(plan(run.far))
    assert run.statuses == ["running", "unknown"]


def test_an_interrupt_says_that_the_change_may_have_happened(run: Run) -> None:
    def interrupt(cmdlet: str, far: Far) -> None:
        raise KeyboardInterrupt

    run.far.after = interrupt
    with pytest.raises(KeyboardInterrupt):
        run.apply(plan(run.far))
    assert run.notes[-1] == ("interrupted", "Whether the change took effect is not known.")
    assert run.events[-1] == "change-interrupted"


def test_a_rule_that_cannot_be_read_back_is_said_to_exist(run: Run) -> None:
    def then_blind(cmdlet: str, far: Far) -> None:
        def refuse(far: Far) -> None:
            raise ServiceError("HTTP 503", service="Exchange Online")

        far.reads = refuse

    run.far.after = then_blind
    with pytest.raises(ApplyFailed, match="was created, disabled, and could not be read back"):
        run.apply(plan(run.far))


@dataclass
class Filter:
    """A connection filter to which somebody else adds an address whenever it is written; each answer is lost."""

    arrives: bool
    held: list[str] = field(default_factory=lambda: ["192.0.2.1"])

    @property
    def services(self) -> Any:
        return SimpleNamespace(exchange=SimpleNamespace(rows=self.rows, invoke=self.invoke))

    def rows(self, cmdlet: str) -> list[dict[str, Any]]:
        return [{"Name": "Default", "IPAllowList": list(self.held), "IPBlockList": [], "EnableSafeList": False}]

    def invoke(self, cmdlet: str, parameters: dict[str, Any], *, write: bool) -> None:
        self.held += ["192.0.2.99", *(parameters["IPAllowList"]["add"] if self.arrives else [])]
        raise ServiceError("the answer was lost", service="Exchange Online", ambiguous=True)


@pytest.mark.parametrize("arrives", [True, False])
def test_entries_are_looked_for_one_by_one_when_an_answer_is_lost(run: Run, arrives: bool) -> None:
    far = run.far = Filter(arrives)  # type: ignore[assignment]
    wanted = Resource(
        kind="HostedConnectionFilterPolicy",
        identity="Default",
        section="s",
        attributes=(Attribute(name="IPAllowList", value=["203.0.113.5"], op="add"),),
        may_create=False,
    )
    made = diff([wanted], read_objects(far.services, [wanted.key]), section="s", scope={}, types=VALUE_TYPES)
    if arrives:
        run.apply(made)
        assert run.statuses == ["running", "changed"]
        assert far.held == ["192.0.2.1", "192.0.2.99", "203.0.113.5"]
        return
    with pytest.raises(ApplyFailed, match="is not known"):
        run.apply(made)
    assert run.statuses == ["running", "unknown"]
