"""From what a tutorial says to what this tenant shall have: fill in inputs, decisions, lists and look-ups."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook import naming, references
from runbook.compile.result import ResourceDraft, Setting
from runbook.compile.values import AdvisedValue, Alternative, ComputedValue, InputValue, ReferenceValue
from runbook.inputs import decision_field, override_field, reference_field
from runbook.kinds import BY_TYPE, KINDS
from runbook.plan import Attribute, Problem, ProblemState, Resource, entries
from runbook.values import TIMESPAN

ANSWERS = ("advised", "as-written")
LookUp = Callable[[str, str], tuple[str | None, str]]
"""Takes a source (``graph:…``) and an identity; returns the value, or None and the reason, and a note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a section asks for on one tenant, and what could not be worked out."""

    resources: tuple[Resource, ...]
    problems: tuple[Problem, ...]


class _Undecided(Exception):
    """A value that needs an answer first; the text says which."""

    presence: ProblemState = "undecided"


class _Left(_Undecided):
    """Something of which the text is not understood as a whole: a person does it."""

    presence: ProblemState = "left"


class _NotRead(_Undecided):
    """A value that another service knows, and that could not be read there."""

    presence: ProblemState = "unknown"


def wanted(
    drafts: Iterable[ResourceDraft], values: Mapping[str, Any], domains: Sequence[str], look_up: LookUp
) -> Wanted:
    """Resolve the drafts of one section, in the order in which they are applied. Pure but for `look_up`.

    `values` are the effective inputs by name; `domains` stand in where the input is empty. A draft that is
    blocked, undecided or cannot be looked up becomes a Problem instead of a Resource.
    """
    resources: list[Resource] = []
    problems: list[Problem] = []
    for draft in sorted(drafts, key=lambda draft: _PLACE.get(draft.type, len(_PLACE))):
        if draft.optional and not values.get(decision_field(draft.optional)):
            continue
        identities = _identities(draft, values, domains)
        if not identities:
            problems.append(_problem(draft, f"<{draft.for_each}>", "no domain was named"))
        for identity in identities:
            try:
                resources.append(_resource(draft, identity, values, look_up))
            except _Undecided as undecided:
                problems.append(_problem(draft, identity, str(undecided), undecided.presence))
    return Wanted(resources=tuple(resources), problems=tuple(problems))


_PLACE = {kind.type: place for place, kind in enumerate(KINDS)}


def _identities(draft: ResourceDraft, values: Mapping[str, Any], domains: Sequence[str]) -> Sequence[str]:
    if draft.for_each is None:
        name = str(draft.identity)
        return [naming.renamed(name, naming.renames(values.get(naming.RENAME)))]
    return values.get(draft.for_each) or domains


def _problem(draft: ResourceDraft, identity: str, reason: str, presence: ProblemState = "undecided") -> Problem:
    lines = _in_order(draft)
    return Problem(
        kind=draft.type,
        identity=identity,
        section=draft.section,
        presence=presence,
        reason=reason,
        lines=lines,
    )


def _resource(draft: ResourceDraft, identity: str, values: Mapping[str, Any], look_up: LookUp) -> Resource:
    if draft.blocked_by:
        reasons = "; ".join(draft.blocked_by)
        raise _Left(f"left to a person: {reasons}") if draft.left else _Undecided(reasons)
    if draft.type not in BY_TYPE:
        raise _Undecided(f"this kit cannot write a {draft.type} yet")
    kind = BY_TYPE[draft.type]
    for setting in draft.settings:
        if setting.parameter not in kind.types:
            raise _Undecided(f"{setting.parameter}: this kit can neither compare nor write it yet")
    attributes = [_attribute(setting, identity, values, look_up) for setting in draft.settings]
    named = {attribute.name for attribute in attributes}
    for attribute in attributes:
        _check_list(attribute, draft.type, twice=len(named) < len(attributes))
    attributes += [attribute for attribute in kind.implied if attribute.name not in named]
    return Resource(
        kind=draft.type,
        identity=identity,
        section=draft.section,
        attributes=tuple(attributes),
        may_create=kind.creates,
        lines=_in_order(draft),
        creates=draft.action == "create",
        written_as=draft.identity if draft.identity and draft.identity != identity else "",
    )


def _in_order(draft: ResourceDraft) -> tuple[int | str, ...]:
    """Give the lines of a resource once each, those of the tutorial itself first."""
    lines = dict.fromkeys(line for _, line in draft.lines)
    numbers = sorted(line for line in lines if isinstance(line, int))
    return (*numbers, *(line for line in lines if isinstance(line, str)))


def _attribute(setting: Setting, identity: str, values: Mapping[str, Any], look_up: LookUp) -> Attribute:
    value, note = _value(setting, identity, values, look_up)
    return Attribute(
        name=setting.parameter,
        value=list(value) if isinstance(value, tuple) else [value] if _is_entry(setting, value) else value,
        lines=setting.lines,
        words=f"{setting.label}: {setting.words}" if setting.label else setting.words,
        note="; ".join(text for text in (setting.assumption, note) if text),
        op=setting.op,
    )


def _is_entry(setting: Setting, value: Any) -> bool:
    return setting.op != "set" and isinstance(value, str)


def _check_list(attribute: Attribute, kind: str, *, twice: bool) -> None:
    """Raise _Undecided when a text adds to or takes from what is no list of entries that can be told apart."""
    if attribute.op == "set":
        return
    value_type = BY_TYPE[kind].types.get(attribute.name)
    if value_type is None or not entries.is_list(value_type):
        raise _Undecided(f"{attribute.name} is no list, so nothing can be put into it or taken out of it")
    if twice:
        raise _Undecided(f"{attribute.name}: the text says two things of one list, and this kit does one at a time")
    try:
        value_type.canonical(attribute.value)
    except ValueError as error:
        raise _Undecided(f"{attribute.name}: {error}") from error


def _value(setting: Setting, identity: str, values: Mapping[str, Any], look_up: LookUp) -> tuple[Any, str]:
    match setting.value:
        case InputValue(name=name):
            value = values.get(name)
            if value in (None, ""):
                raise _Undecided(f"the tutorial leaves {name} open, and no value was given")
            return _as_sent(value), f"input {name}"
        case ReferenceValue(name=name):
            region = values.get(reference_field(name))
            if region is None:
                raise _Undecided(f"the list {name} needs a region: set {reference_field(name)}")
            snapshot = references.egress_snapshot()
            note = f"egress addresses for {region}, as published on {snapshot.date}"
            return references.egress_ranges(region, snapshot), note
        case ComputedValue(source=source):
            override = values.get(override_field(setting.label))
            if override:
                return override, f"input {override_field(setting.label)}"
            found, note = look_up(source, identity)
            if found is None:
                raise _NotRead(note)
            return found, note
        case AdvisedValue() as faulty:
            return _corrected(setting, faulty, values)
        case _ if setting.alternative:
            return _chosen(setting, setting.alternative, values)
        case str(name) if setting.refers:
            new = naming.renamed(name, naming.renames(values.get(naming.RENAME)))
            return new, "" if new == name else f"decision {naming.RENAME}: the tutorial names it {name}"
        case literal:
            return literal, ""


def _corrected(setting: Setting, faulty: AdvisedValue, values: Mapping[str, Any]) -> tuple[Any, str]:
    """Return a faulty value as the recorded answers have it; without one of them the run waits."""
    answers = {name: values.get(decision_field(name)) for name in faulty.decisions}
    for name, answer in answers.items():
        if answer not in ANSWERS:
            raise _Undecided(_needs_decision(setting, name, faulty.settled([name]), faulty.as_written))
    taken = [name for name, answer in answers.items() if answer == "advised"]
    return faulty.settled(taken), "; ".join(f"decision {name}: {answer}" for name, answer in answers.items())


def _chosen(setting: Setting, other: Alternative, values: Mapping[str, Any]) -> tuple[Any, str]:
    """Return a value as it is written, or the other one if the recorded answer says so."""
    answer = values.get(decision_field(other.decision))
    if other.asked and answer not in ANSWERS:
        raise _Undecided(_needs_decision(setting, other.decision, other.value, setting.value))
    if answer == "advised":
        return other.value, f"decision {other.decision}: advised; the tutorial has {worded(setting.value)}"
    return setting.value, f"decision {other.decision}: as-written"


def _needs_decision(setting: Setting, decision: str, advised: Any, as_written: Any) -> str:
    return (
        f"{setting.words!r} needs a decision: set {decision_field(decision)} to advised ({worded(advised)}) "
        f"or as-written ({worded(as_written)})"
    )


def _as_sent(value: Any) -> Any:
    """An interval chosen in words is sent as a time span."""
    if isinstance(value, str) and re.fullmatch(r"\d+ (hours|days?)", value):
        count, unit = value.split()
        hours = int(count) * (1 if unit == "hours" else 24)
        return TIMESPAN.canonical(f"P{hours // 24}DT{hours % 24}H")
    return value


def worded(value: Any) -> str:
    """Write a value so that one phrase is told from several words."""
    return " and ".join(repr(item) for item in value) if isinstance(value, tuple) else repr(value)
