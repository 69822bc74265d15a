"""Which of somebody else's transport rules come in the way of ours. Pure: rows and a rule in, findings out.

Rules are processed by priority, the lowest number first; one that stops the processing keeps all later ones from a
message, and where several set the SCL the last one counts [DOCS]. Only rules that act on the same senders' addresses
matter here; whether a mail really meets both is never known from rules alone.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runbook import naming
from runbook.kinds import BY_TYPE
from runbook.kinds.rule_effects import ACTIONS, effects
from runbook.kinds.transport_rule import TYPE
from runbook.plan import Change, Observed, Plan, Problem, Resource
from runbook.values import BOOLEAN, INTEGER, NETWORKS, WORD, WORD_SET, ValueType, fold

NO_FILTERING = -1
"""The SCL with which a message passes the spam filter [DOCS]."""
# Conditions that mail from outside to one of the tenant's own recipients meets, so that they leave none of it out.
_EVERY_INBOUND = {"FromScope": "notinorganization", "SentToScope": "inorganization"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """What is wanted of our rule, as far as other rules can undo it."""

    name: str
    ranges: Any
    scl: Any
    header: str
    words: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule of somebody else's, and what it does to the messages that ours is for."""

    name: str
    why: str


def conflicts(rows: Sequence[Mapping[str, Any]], ours: Ours, own: Iterable[str]) -> tuple[Finding, ...]:
    """Return the foreign rules that keep ours from its messages or undo what it does, in the order of their priority.

    `rows` are all rules of the tenant, `own` the names that are ours. A rule of ours that is not among the rows comes
    last when it is made, so that every row is above it. What cannot be understood in a foreign rule counts as being
    in the way.
    """
    names = {fold(name.strip()) for name in own} | {fold(ours.name.strip())}
    place = next(
        (_priority(row) for row in rows if fold(str(row.get("Name")).strip()) == fold(ours.name.strip())), None
    )
    found = []
    for row in sorted(rows, key=lambda row: _priority(row) or 0):
        name = str(row.get("Name"))
        if fold(name.strip()) in names or not _acts(row) or not _meets(row, ours):
            continue
        priority = _priority(row)
        above = place is None or priority is None or priority < place
        why = _why(row, ours, above)
        if why:
            at = f"priority {priority}" if priority is not None else "a priority that cannot be understood"
            found.append(Finding(name=name, why=f"it has {at}, {'above' if above else 'below'} ours, and {why}"))
    return tuple(found)


def _read(value_type: ValueType, value: Any) -> tuple[Any, bool]:
    """Return a value in its canonical form, and whether it could be understood."""
    try:
        return value_type.canonical(value), True
    except ValueError:
        return None, False


def _priority(row: Mapping[str, Any]) -> int | None:
    value, _ = _read(INTEGER, row.get("Priority"))
    return value if isinstance(value, int) else None


def _acts(row: Mapping[str, Any]) -> bool:
    """Whether the rule is switched on and does more than to be audited."""
    return _read(WORD, row.get("State"))[0] != "disabled" and _read(WORD, row.get("Mode"))[0] in ("enforce", None)


def _why(row: Mapping[str, Any], ours: Ours, above: bool) -> str:
    stops, understood = _read(BOOLEAN, row.get("StopRuleProcessing"))
    scl, _ = _read(INTEGER, row.get("SetSCL"))
    said = []
    if above and (stops or not understood):
        said.append("stops the processing of further rules (StopRuleProcessing)")
    if scl == NO_FILTERING and ours.scl != NO_FILTERING:
        later = "asks that the messages pass the spam filter (SetSCL -1)"
        said.append(later if above else f"{later}, which counts since it comes later")
    return " and ".join(said)


def _meets(row: Mapping[str, Any], ours: Ours) -> bool:
    """Whether the rule takes in messages from the addresses that ours is for."""
    excepted, _ = _read(NETWORKS, row.get("ExceptIfSenderIpRanges"))
    if excepted and ours.ranges and _within(ours.ranges, excepted):
        return False
    ranges, understood = _read(NETWORKS, row.get("SenderIpRanges"))
    if not understood:
        return True
    if ranges:
        return not ours.ranges or _overlap(ranges, ours.ranges)
    return not _narrows(row, ours)


def _narrows(row: Mapping[str, Any], ours: Ours) -> bool:
    """Whether a rule that names no addresses has conditions that leave out some of the messages that ours is for."""
    header, _ = _read(WORD, row.get("HeaderContainsMessageHeader"))
    if header:
        words, _ = _read(WORD_SET, row.get("HeaderContainsWords"))
        if header != WORD.canonical(ours.header) or not set(words or ()) & set(WORD_SET.canonical(ours.words) or ()):  # type: ignore[arg-type]
            return True
    conditions = {name: value for name, value in effects(row).items() if not name.startswith("ExceptIf")}
    return any(
        _EVERY_INBOUND.get(name) != str(value).casefold() for name, value in conditions.items() if name not in ACTIONS
    )


def _networks(ranges: Iterable[str]) -> list[Any]:
    return [ipaddress.ip_network(item) for item in ranges]


def _overlap(some: Iterable[str], others: Iterable[str]) -> bool:
    theirs = _networks(others)
    return any(one.version == other.version and one.overlaps(other) for one in _networks(some) for other in theirs)


def _within(some: Iterable[str], others: Iterable[str]) -> bool:
    theirs = _networks(others)
    return all(
        any(one.version == other.version and one.subnet_of(other) for other in theirs) for one in _networks(some)
    )


def settle(
    plan: Plan,
    wanted: Sequence[Resource],
    observed: Iterable[Observed],
    accepted: Iterable[str],
    own: Iterable[str] = (),
) -> Plan:
    """Return the plan with a Problem for each foreign rule that is in the way of one of ours, and new rules' places.

    `accepted` are the names of rules that a recorded decision lives with: of them a note of the change tells. `own` are
    names that other sections of the same text make: what those rules do is as the text has it.
    """
    accepted, own = tuple(accepted), tuple(own)
    rows = {item.key: item.beside for item in observed}
    rules = {resource.key: resource for resource in wanted if resource.kind == TYPE}
    changes: list[Change] = []
    problems: list[Problem] = []
    new = 0
    for change in plan.changes:
        if change.key not in rules:
            changes.append(change)
            continue
        ours, notes = _ours(rules[change.key]), []
        if change.action == "create" and change.listed is not None:
            new += 1
            # Without a priority, a new rule comes behind all others [DOCS].
            notes.append(f"it will be number {change.listed + new} of {change.listed + new} rules, the last")
        for finding in conflicts(rows.get(change.key, ()), ours, [*own, *(name for _, name in rules)]):
            if naming.is_among(finding.name, accepted):
                notes.append(f"accepted by decision: the rule {finding.name!r} of somebody else's; {finding.why}")
            else:
                problems.append(_problem(change, finding))
        changes.append(replace(change, notes=(*change.notes, *notes)))
    return replace(plan, changes=tuple(changes), problems=(*plan.problems, *problems))


def _ours(resource: Resource) -> Ours:
    values = {item.name: item.value for item in resource.attributes}
    types = BY_TYPE[TYPE].types
    return Ours(
        name=resource.identity,
        ranges=types["SenderIpRanges"].canonical(values.get("SenderIpRanges")),
        scl=types["SetSCL"].canonical(values.get("SetSCL")),
        header=values.get("HeaderContainsMessageHeader") or "",
        words=values.get("HeaderContainsWords"),
    )


def _problem(change: Change, finding: Finding) -> Problem:
    reason = (
        f"the rule {finding.name!r} of somebody else's is in its way: {finding.why}. Decide: live with it "
        f'(-p "{naming.ACCEPT}={finding.name}"), or change that rule and plan again; nothing is written then'
    )
    return Problem.of(change, "undecided", reason, finding.name)
