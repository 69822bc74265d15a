"""Transport rules on a message: which match, what they do, and where the walk through them ends.

Sources: priority, State and Mode, activation and expiry, conditions and actions [DOCS, New-TransportRule];
hosted quarantine knows no quarantine policy and ends the walk [tutorial-language 4.6].
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from simtenant import rules
from simtenant.mailflow import conditions, matching
from simtenant.mailflow.conditions import Sight, Test
from simtenant.store import Body

_REJECTS = (
    "RejectMessageReasonText",
    "RejectMessageEnhancedStatusCode",
    "SmtpRejectMessageRejectStatusCode",
    "SmtpRejectMessageRejectText",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A transport rule that is switched on, made ready for many messages."""

    name: str
    enforced: bool
    """False in the two audit modes, in which a rule only writes down that it matched."""
    begins: datetime | None
    ends: datetime | None
    tests: tuple[Test, ...]
    exceptions: tuple[Test, ...]
    undecided: tuple[str, ...]
    """Conditions and exceptions of the rule that are not decided here; with one of them it does nothing."""
    acts: bool
    """Whether it has any action at all."""
    scl: int | None
    set_header: tuple[str, str] | None
    """Name in small letters, and value."""
    remove_header: str | None
    prefix: str
    """What it puts before the subject."""
    end: str | None
    """The place where the message stays: deleted, rejected, quarantine."""
    diverted: str | None
    """The place it goes to after all rules: redirected, elsewhere."""
    stops: bool

    def matches(self, sight: Sight) -> bool:
        """Tell whether all conditions hold and no exception does; one without conditions matches everything."""
        return all(test(sight) for test in self.tests) and not any(test(sight) for test in self.exceptions)

    def in_force(self, now: datetime) -> bool:
        """Tell whether this is a moment between the rule's activation and its expiry."""
        return (self.begins is None or self.begins <= now) and (self.ends is None or now < self.ends)


@dataclass(slots=True, kw_only=True)
class Walk:
    """What the rules left of a message."""

    place: str | None = None
    """None: it goes on to the filter."""
    scl: int | None = None
    """What the last rule with a level asked for."""
    acted: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)


def rule_of(body: Body) -> Rule:
    """Make a rule ready."""
    wanted, unwanted, actions = rules.sorted_parts(body)
    tests = {name: conditions.compiled(name, body) for name in (*wanted, *unwanted)}
    header = body.get("SetHeaderName")
    level = body.get("SetSCL")
    return Rule(
        name=str(body["Name"]),
        enforced=body.get("Mode") == "Enforce",
        begins=_moment(body.get("ActivationDate")),
        ends=_moment(body.get("ExpiryDate")),
        tests=tuple(test for name in wanted if (test := tests[name]) is not None),
        exceptions=tuple(test for name in unwanted if (test := tests[name]) is not None),
        undecided=tuple(name for name, test in tests.items() if test is None),
        acts=bool(actions),
        scl=None if level is None or level == "" else int(level),
        set_header=(str(header).lower(), str(body.get("SetHeaderValue") or "")) if header else None,
        remove_header=str(body["RemoveHeader"]).lower() if body.get("RemoveHeader") else None,
        prefix=str(body.get("PrependSubject") or ""),
        end=_end(body),
        diverted=_diverted(body),
        stops=bool(body.get("StopRuleProcessing")),
    )


def walk(rules_in_order: Iterable[Rule], sight: Sight, now: datetime) -> Walk:
    """Take a message past the rules, in their order."""
    result = Walk()
    diverted: str | None = None
    for rule in rules_in_order:
        if not rule.in_force(now):
            continue
        if rule.undecided:
            unknown = ", ".join(rule.undecided)
            result.steps.append(f"The rule '{rule.name}' does nothing here, for {unknown} cannot be decided.")
            continue
        if not rule.matches(sight):
            continue
        if not rule.enforced:
            result.steps.append(
                f"The rule '{rule.name}' matches but only writes that down, for it is in an audit mode."
            )
            continue
        _act(rule, sight, result)
        if rule.end is not None:
            result.place = rule.end
            return result
        diverted = rule.diverted or diverted
        if rule.stops:
            result.steps.append(f"The rule '{rule.name}' ends the walk through the rules.")
            break
    if not result.acted:
        result.steps.append("No transport rule acts on the message.")
    result.place = diverted
    return result


def _act(rule: Rule, sight: Sight, result: Walk) -> None:
    if not rule.acts:
        return
    result.acted.append(rule.name)
    done = []
    if rule.remove_header is not None:
        sight.headers.pop(rule.remove_header, None)
        done.append(f"removes the header {rule.remove_header}")
    if rule.set_header is not None:
        sight.headers[rule.set_header[0]] = [rule.set_header[1]]
        done.append(f"sets the header {rule.set_header[0]}")
    if rule.prefix:
        sight.headers["subject"] = [f"{rule.prefix}{text}" for text in sight.headers.get("subject") or [""]]
        done.append("puts words before the subject")
    if rule.scl is not None:
        result.scl = rule.scl
        done.append(f"requests the spam confidence level {rule.scl}")
    if rule.end or rule.diverted:
        done.append(f"has the message {_ENDS[rule.end or rule.diverted or '']}")
    doing = ", ".join(done) or "does what does not move the message"
    result.steps.append(f"The transport rule '{rule.name}' matches: it {doing}.")


_ENDS = {
    "deleted": "deleted",
    "rejected": "rejected",
    "quarantine": "put into the hosted quarantine, where no quarantine policy applies",
    "redirected": "redirected",
    "elsewhere": "routed through a connector of its own",
}


def _end(body: Body) -> str | None:
    if body.get("DeleteMessage"):
        return "deleted"
    if any(body.get(name) for name in _REJECTS):
        return "rejected"
    return "quarantine" if body.get("Quarantine") else None


def _diverted(body: Body) -> str | None:
    if matching.texts(body.get("RedirectMessageTo")):
        return "redirected"
    return "elsewhere" if body.get("RouteMessageOutboundConnector") else None


def _moment(value: Any) -> datetime | None:
    """Read a moment of a rule; one without an offset is UTC, and what is no moment is none."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
