"""What the tenant has now, input by input: shown beside the controls, so that a person sees what an edit would change.

Pure: made from a plan, which holds everything that was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runbook.compile.result import ResourceDraft, Setting
from runbook.compile.values import ComputedValue, InputValue, ReferenceValue
from runbook.difference import show_value
from runbook.inputs import Effective, override_field, reference_field
from runbook.plan import Change, Plan
from runbook.references import egress_ranges


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What was read for one input."""

    now: tuple[str, ...]
    """The values that the tenant has, each with the thing that has it where there are several."""
    expected: tuple[str, ...] = ()
    """What another service says the value should be, for an input that only overrides it."""


def without_overrides(drafts: Iterable[ResourceDraft], inputs: Sequence[Effective]) -> tuple[Effective, ...]:
    """Return the inputs with nothing in the place of what another service says, so that this is read and shown."""
    names = {override_field(setting.label) for setting in _settings(drafts) if isinstance(setting.value, ComputedValue)}
    return tuple(replace(item, value="") if item.field.name in names else item for item in inputs)


def present(drafts: Sequence[ResourceDraft], plan: Plan) -> dict[str, Present]:
    """Return what was read for each input that sets a property; an input about nothing that was read is left out."""
    found: dict[str, Present] = {}
    for draft in drafts:
        for setting in draft.settings:
            name = _input_of(setting)
            rows = [row for row in _rows(plan, draft, setting.parameter)] if name else []
            if name and rows:
                computed = isinstance(setting.value, ComputedValue)
                several = draft.for_each is not None and len(rows) > 1
                found[name] = Present(
                    now=tuple(_named(change, text, several) for change, text, _ in rows),
                    expected=tuple(_named(change, text, several) for change, _, text in rows) if computed else (),
                )
    return found


def _settings(drafts: Iterable[ResourceDraft]) -> Iterator[Setting]:
    for draft in drafts:
        yield from draft.settings


def _input_of(setting: Setting) -> str:
    value = setting.value
    if isinstance(value, InputValue):
        return value.name
    if isinstance(value, ReferenceValue):
        return reference_field(value.name)
    return override_field(setting.label) if isinstance(value, ComputedValue) else ""


def _rows(plan: Plan, draft: ResourceDraft, parameter: str) -> Iterator[tuple[Change, str, str]]:
    """Yield each change of the draft's things with the property's value before and after."""
    for change in plan.changes:
        if change.kind != draft.type or (draft.for_each is None and change.identity != draft.identity):
            continue
        for item in change.differences:
            if item.attribute == parameter:
                yield change, _before(change, parameter, item.before), show_value(change.kind, parameter, item.after)


def _before(change: Change, parameter: str, value: Any) -> str:
    return "does not exist yet" if change.action == "create" else show_value(change.kind, parameter, value)


def _named(change: Change, text: str, several: bool) -> str:
    return f"{change.identity}: {text}" if several else text


def resulting(name: str, value: Any) -> tuple[str, ...]:
    """Return the entries that a choice of a list stands for, such as the addresses of a region; empty for any other."""
    return egress_ranges(str(value)) if value and name == reference_field("egress_ips") else ()
