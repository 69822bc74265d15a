"""What a section leaves to a person: its open steps, and the things of which a part was not understood.

Of such a thing the part that was understood is read and compared. What is said here verifies nothing, for nobody knows
what the rest asks for. Nothing is planned or written, and what cannot be read is never called absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from runbook import desired
from runbook.compile.result import Line, ResourceDraft, Setting
from runbook.difference import lines_text
from runbook.errors import UnreadableState
from runbook.kinds import BY_TYPE, VALUE_TYPES
from runbook.plan import Observed
from runbook.section.observing import look_up_in, read_objects
from runbook.section.setup import Setup
from runbook.ticks import Book
from runbook.values import ValueType
from tenantapi import Services

Verdict = Literal["as-asked", "different", "absent", "unread", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A setting that was understood, with the value asked for, or why there is none."""

    parameter: str
    op: str
    lines: tuple[Line, ...]
    value: Any = None
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """One thing that is left to a person, and what was understood of it."""

    kind: str
    identity: str
    lines: tuple[Line, ...]
    gone: bool = False
    """True where the text takes the thing away."""
    settings: tuple[Asked, ...] = ()
    why_not: str = ""
    """Why it cannot be looked at; empty where it can."""

    @property
    def key(self) -> tuple[str, str]:
        return (self.kind, self.identity)


def seen(setup: Setup) -> list[dict[str, Any]]:
    """Read what a section leaves to a person, and say how each of its understood settings is, one row each.

    A run that takes another one back asks for none of it, and gets no row.
    """
    if not setup.course.keeps_promises:
        return []
    drafts = setup.document.drafts(setup.section.id)
    return looked_at(setup.connection.services, drafts, setup.values, setup.domains)


def looked_at(
    services: Services, drafts: Iterable[ResourceDraft], values: Mapping[str, Any], domains: Sequence[str]
) -> list[dict[str, Any]]:
    """Read what is left to a person of some drafts and compare it; a service that is not reached is a reason."""
    things = left(drafts, values, domains, _gently(look_up_in(services)))
    return rows(things, _read(services, [item.key for item in things if not item.why_not]))


def open_steps(setup: Setup) -> list[str]:
    """Name a section's steps for a person that nobody has ticked off, one line each; none when a run is taken back."""
    if not setup.course.keeps_promises:
        return []
    document, tenant = setup.document, setup.connection.tenant.name
    book = Book(base=setup.folder.path.parent, tenant=tenant, name=document.name, compiled=document.compiled)
    found, problem = book.known()
    steps = [item for item in found if item.step.section == setup.section.id and not item.done]
    lines = [f"Left to a person: {item.step.text} ({lines_text(item.step.lines)}, step {item.id})" for item in steps]
    return [*lines, problem] if lines and problem else lines


def _gently(look_up: desired.LookUp) -> desired.LookUp:
    """Look values up in another service; that it cannot be reached is a reason like others."""

    def looked_up(source: str, identity: str) -> tuple[str | None, str]:
        try:
            return look_up(source, identity)
        except UnreadableState as error:
            return None, error.detail

    return looked_up


def _read(services: Services, keys: Sequence[tuple[str, str]]) -> tuple[Observed, ...]:
    try:
        return read_objects(services, keys)
    except UnreadableState as error:
        return tuple(
            Observed(kind=kind, identity=name, presence="unknown", properties={}, reason=error.detail)
            for kind, name in keys
        )


def left(
    drafts: Iterable[ResourceDraft], values: Mapping[str, Any], domains: Sequence[str], look_up: desired.LookUp
) -> tuple[Left, ...]:
    """Return what a section leaves to a person, with the values that it asks for. Pure but for `look_up`."""
    found: list[Left] = []
    for draft in drafts:
        if not draft.blocked_by:
            continue
        lines = tuple(dict.fromkeys(line for name, line in draft.lines if name == "identity"))
        name = draft.identity or (f"<{draft.for_each}>" if draft.for_each else "")
        if not name or draft.type not in BY_TYPE:
            why_not = f"this kit cannot read a {draft.type} yet" if name else "the text does not name it"
            found.append(Left(kind=draft.type, identity=name, lines=lines, why_not=why_not))
            continue
        bare = desired.wanted([replace(draft, blocked_by=(), settings=())], values, domains, look_up)
        found += [
            Left(kind=item.kind, identity=item.identity, lines=lines, why_not=item.reason) for item in bare.problems
        ]
        asked = [_asked(draft, setting, values, domains, look_up) for setting in draft.settings]
        found += [
            Left(
                kind=item.kind,
                identity=item.identity,
                lines=lines,
                gone=draft.action == "ensure-absent",
                settings=tuple(by_name[item.identity] for by_name in asked),
            )
            for item in bare.resources
        ]
    return tuple(found)


def _asked(
    draft: ResourceDraft, setting: Setting, values: Mapping[str, Any], domains: Sequence[str], look_up: desired.LookUp
) -> dict[str, Asked]:
    """Return what one setting asks for, by the identity that it is asked of.

    It is worked out on its own, so that one which waits for an answer hides no other.
    """
    alone = replace(draft, blocked_by=(), settings=(replace(setting, op="set"),))
    resolved = desired.wanted([alone], values, domains, look_up)
    base = Asked(parameter=setting.parameter, op=setting.op, lines=setting.lines)
    found = {item.identity: replace(base, why_not=item.reason) for item in resolved.problems}
    for resource in resolved.resources:
        value = next(item.value for item in resource.attributes if item.name == setting.parameter)
        found[resource.identity] = replace(base, value=value)
    return found


def rows(things: Iterable[Left], observed: Iterable[Observed]) -> list[dict[str, Any]]:
    """Compare what was understood with what was read. Pure; one row a setting, or one for a thing as a whole."""
    by_key = {item.key: item for item in observed}
    found: list[dict[str, Any]] = []
    for thing in things:
        if thing.why_not:
            found.append(_row(thing, "skipped", f"was not looked at: {thing.why_not}"))
        else:
            found += _compared(thing, by_key.get(thing.key))
    return found


def _row(thing: Left, verdict: Verdict, said: str, asked: Asked | None = None) -> dict[str, Any]:
    return {
        "kind": thing.kind,
        "identity": thing.identity,
        "parameter": asked.parameter if asked else "",
        "verdict": verdict,
        "said": f"{asked.parameter} {said}" if asked else said,
        "lines": list(asked.lines if asked else thing.lines),
    }


def _compared(thing: Left, observed: Observed | None) -> list[dict[str, Any]]:
    if observed is None or observed.presence == "unknown":
        reason = observed.reason if observed else "it was not read"
        return [_row(thing, "unread", f"could not be read: {reason.rstrip('.')}")]
    if observed.presence == "absent":
        said = "does not exist, as the text says" if thing.gone else "does not exist"
        return [_row(thing, "as-asked" if thing.gone else "absent", said)]
    if thing.gone:
        return [_row(thing, "different", "exists, the text takes it away")]
    if not thing.settings:
        return [_row(thing, "skipped", "exists; no setting of it was understood")]
    return [_setting(thing, asked, observed) for asked in thing.settings]


def _setting(thing: Left, asked: Asked, observed: Observed) -> dict[str, Any]:
    value_type = VALUE_TYPES[thing.kind].get(asked.parameter)
    if asked.why_not:
        return _row(thing, "skipped", f"was not compared: {asked.why_not.rstrip('.')}", asked)
    if value_type is None or asked.op not in ("set", "add"):
        what = "read it" if value_type is None else f"compare what a text would {asked.op}"
        return _row(thing, "skipped", f"was not compared: this kit cannot {what} yet", asked)
    if asked.parameter not in observed.properties:
        return _row(thing, "unread", "could not be read: the answer says nothing about it", asked)
    there = observed.properties[asked.parameter]
    try:
        agrees = _agrees(value_type, asked, there)
        found, wanted = value_type.show(there), value_type.show(asked.value)
    except ValueError as error:
        return _row(thing, "unread", f"could not be understood: {error}", asked)
    if asked.op == "add":
        said = f"holds {wanted}, as the text says" if agrees else f"is {found}, the text adds {wanted}"
    else:
        said = f"is {found}, as the text says" if agrees else f"is {found}, the text says {wanted}"
    return _row(thing, "as-asked" if agrees else "different", said, asked)


def _agrees(value_type: ValueType, asked: Asked, there: Any) -> bool:
    """Whether a value is the one asked for; a list that is added to may hold more. Raises ValueError."""
    found, wanted = value_type.canonical(there), value_type.canonical(asked.value)
    if asked.op == "set":
        return found == wanted
    if not isinstance(found, list) or not isinstance(wanted, list):
        raise ValueError(f"{asked.parameter} is no list")
    return value_type.canonical([*found, *wanted]) == found  # adding it changes nothing, also where ranges join
