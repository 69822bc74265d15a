"""What a text asks for as command lines for paper, from the inputs alone: no tenant is read.

The values come of the plan's own functions (`desired.wanted`, `following.bounded`) and the lines of the kinds' own
`by_hand`. What only a tenant could tell stands as a blank, never as a guess. Of a region that nobody named, the
kit's default is a blank, too: a plan shows its addresses to somebody who then approves them, and paper does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from runbook import desired, following
from runbook.compile.result import ResourceDraft, Setting
from runbook.compile.values import ComputedValue, InputValue, ReferenceValue
from runbook.inputs import Effective, decision_field, override_field, reference_field
from runbook.kinds import BY_TYPE, Kind
from runbook.naming import RENAME
from runbook.plan import Attribute, Change, Problem, Resource, unread
from runbook.sheet.model import Commands
from runbook.views import hand_lines

DOMAIN = "<domain>"
"""Stands for a domain where none was named."""
_NEVER_DONE = "the kit does not carry this out, and it is not to be done by hand as it stands: {}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPaper:
    """One thing that a draft asks for, with its values and its command lines."""

    kind: str
    identity: str
    attributes: tuple[Attribute, ...] = ()
    look: Commands | None = None
    commands: tuple[Commands, ...] = ()
    open: tuple[str, ...] = ()
    """Why there is no command line."""


def blank(name: str) -> str:
    """Return what stands for a value to be filled in, by the name of the input that gives it."""
    return f"<{name}>"


def on_paper(draft: ResourceDraft, inputs: Mapping[str, Effective], domains: Sequence[str]) -> tuple[OnPaper, ...]:
    """Return what a draft asks for, one for each thing that it is about. Pure.

    A draft that hangs on a decision is worked out as if that were taken: whether it is, the sheet says beside it.
    """
    values = {name: item.value for name, item in inputs.items()}
    if draft.optional:
        values[decision_field(draft.optional)] = True
    filled = replace(draft, settings=tuple(_filled(setting, inputs) for setting in draft.settings))
    found = desired.wanted([filled], values, domains or (DOMAIN,), _nobody_to_ask)
    ops = {setting.parameter: setting.op for setting in draft.settings}
    resources = following.bounded(_with_ops(item, ops) for item in found.resources)
    without = [_unwritten(draft, problem) for problem in found.problems]
    if without and not draft.blocked_by:
        without = [replace(item, attributes=_known_values(filled, item.identity, values)) for item in without]
    return tuple(_renamed(draft, item) for item in (*map(_written, resources), *without))


def _renamed(draft: ResourceDraft, item: OnPaper) -> OnPaper:
    """Say beside the step that names a thing which other name a decision gives it."""
    if draft.identity is None or draft.identity == item.identity:
        return item
    lines = tuple(line for name, line in draft.lines if name == "identity")
    note = f"decision {RENAME}: the tutorial names it {draft.identity}"
    name = Attribute(name="Name", value=item.identity, lines=lines, note=note)
    return replace(item, attributes=(name, *item.attributes))


def _known_values(draft: ResourceDraft, identity: str, values: Mapping[str, Any]) -> tuple[Attribute, ...]:
    """Return the values of a thing that wait for no answer, each worked out on its own."""
    alone = (replace(draft, settings=(setting,)) for setting in draft.settings)
    found = (desired.wanted([item], values, (identity,), _nobody_to_ask).resources for item in alone)
    named = {setting.parameter for setting in draft.settings}
    return tuple(a for resources in found for item in resources[:1] for a in item.attributes if a.name in named)


def _filled(setting: Setting, inputs: Mapping[str, Effective]) -> Setting:
    """Put a blank in the place of a value that is not known on paper."""
    hole = hole_of(setting, inputs)
    if not hole:
        return setting
    # What is put into a list is told apart entry by entry, and a blank is no entry.
    value = (blank(hole),) if isinstance(setting.value, ReferenceValue) else blank(hole)
    return replace(setting, value=value, op="set", alternative=None)


def hole_of(setting: Setting, inputs: Mapping[str, Effective]) -> str:
    """Return the name of the input that is missing for a setting's value; empty where the value is known."""
    name = input_of(setting)
    given = inputs.get(name)
    if given is None or given.value in (None, ""):
        return name
    return name if isinstance(setting.value, ReferenceValue) and given.source == "kit's default" else ""


def input_of(setting: Setting) -> str:
    """Return the name of the input that gives a setting's value; empty where the text itself has it."""
    match setting.value:
        case InputValue(name=name):
            return name
        case ReferenceValue(name=name):
            return reference_field(name)
        case ComputedValue():
            return override_field(setting.label)
        case _:
            return ""


def _nobody_to_ask(source: str, identity: str) -> tuple[str | None, str]:
    return None, f"{source} is not asked on paper"


def _with_ops(resource: Resource, ops: Mapping[str, Any]) -> Resource:
    """Give attributes whose value is a blank what is to be done with it back."""
    attributes = tuple(replace(item, op=ops.get(item.name, item.op)) for item in resource.attributes)
    return replace(resource, attributes=attributes)


def _written(resource: Resource) -> OnPaper:
    kind = BY_TYPE[resource.kind]
    commands, why = _commands(kind, resource)
    return OnPaper(
        kind=resource.kind,
        identity=resource.identity,
        attributes=resource.attributes,
        look=_look(kind, resource.identity),
        commands=commands,
        open=why,
    )


def _look(kind: Kind, identity: str) -> Commands:
    lines = kind.look_by_hand(identity)
    if identity == DOMAIN:  # an address is written for the web, and a blank is not
        lines = tuple(line.replace(quote(DOMAIN, safe=""), DOMAIN) for line in lines)
    return Commands(when="See what is there", lines=_lines(lines))


def _commands(kind: Kind, resource: Resource) -> tuple[tuple[Commands, ...], tuple[str, ...]]:
    changes: list[tuple[str, Change]] = []
    if resource.may_create:
        changes.append(("If it is not there: make it", unread(resource, "create")))
    if not resource.creates:
        when = "If it is there already: compare it first, then set" if changes else "Compare it first, then set"
        changes.append((when, unread(resource, "update", handle=kind.handle_on_paper)))
    try:
        reasons = tuple(dict.fromkeys(reason for _, change in changes if (reason := _beyond(kind, change))))
        made = tuple(Commands(when=when, lines=_lines(kind.by_hand(change))) for when, change in changes)
    except ValueError:
        return (), ("no command line: it cannot be written before the blanks of the steps are filled in",)
    return ((), tuple(_NEVER_DONE.format(reason) for reason in reasons)) if reasons else (made, ())


def _beyond(kind: Kind, change: Change) -> str:
    """Say what the service's limits have against a change; of a blank they say nothing."""
    holes = any(has_blank(item.after) or has_blank(item.entries) for item in change.differences)
    return "" if holes else kind.limits(change)


def has_blank(value: Any) -> bool:
    """Tell whether a value, or an entry of it, is a blank."""
    items = value if isinstance(value, list | tuple) else [value]
    return any(isinstance(item, str) and item[:1] == "<" and item[-1:] == ">" for item in items)


def _lines(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(hand_lines(tuple(lines)))


def _unwritten(draft: ResourceDraft, problem: Problem) -> OnPaper:
    """Word what cannot be worked out; of what is not to be done as it stands, no line is given."""
    undone = problem.presence == "undecided" and draft.blocked_by
    reason = _NEVER_DONE.format(problem.reason) if undone else problem.reason
    return OnPaper(kind=problem.kind, identity=problem.identity, open=(reason,))
