"""A comparison of two texts as lines for a person: what a run would ask for otherwise, and what to do about it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from runbook.compile.agreement import shown
from runbook.compile.result import Compiled, Line, Setting
from runbook.compile.values import AdvisedValue, ComputedValue, InputValue, ReferenceValue
from runbook.difference import lines_text
from runbook.naming import ADOPT, RENAME
from runbook.textdiff.facts import Fact
from runbook.textdiff.renaming import Decisions
from runbook.textdiff.settings import ResourceChange, SettingChange, TextDiff

_SIGNS = {"added": "+", "removed": "-", "renamed": ">", "changed": "~"}
_TITLES = {
    "inputs": "Inputs", "references": "References", "order": "Order", "promises": "Promises",
    "diagnostics": "Said of the text (no change of settings by itself)",
    "manual": "Left to a person (no change of settings by itself)",
}  # fmt: skip


def render(found: TextDiff, old: Compiled, new: Compiled, tutorial: str) -> str:
    """Write the comparison; `tutorial` is how the new text is named on a command line."""
    return "\n".join(_lines(found, old, new, tutorial)).rstrip() + "\n"


def _lines(found: TextDiff, old: Compiled, new: Compiled, tutorial: str) -> Iterator[str]:
    for name, compiled in (("old", old), ("new", new)):
        text = compiled.tutorial
        yield f"{name}: {text.title}  ({text.path or 'no file'}, SHA-256 {text.sha256[:12]})"
    yield ""
    if not found.changed:
        yield "No change in settings: a run of the new text asks for what one of the old asked for."
        yield ""
    if found.resources:
        yield "Resources (+ only new, - only old, > renamed, ~ changed)"
        for item in found.resources:
            yield from _resource(item)
        yield ""
    for name, title in _TITLES.items():
        rows: Sequence[Fact] = getattr(found, name)
        if rows:
            yield title
            yield from (f"  {line}" for row in rows for line in _fact(row))
            yield ""
    yield from _what_to_do(found, tutorial)


def _resource(item: ResourceChange) -> Iterator[str]:
    before, after, draft = item.before, item.after, item.draft
    name = repr(draft.identity) if draft.for_each is None else f"for each of {draft.for_each}"
    if before and after and item.sort == "renamed":
        name = f"{before.identity!r} is now {after.identity!r}"
    where = _places([before.opened_at] if before else [], [after.opened_at] if after else [])
    yield f"  {_SIGNS[item.sort]} {draft.type} {name}  [{where}]"
    if item.why:
        yield f"      taken for one object: {item.why}"
    for what, one, other in item.facts:
        yield f"      {what}: {one} -> {other}"
    rows = item.settings or [
        SettingChange(parameter=one.parameter, before=one if before else None, after=one if after else None)
        for one in (draft.settings if item.sort in ("added", "removed") else ())
    ]
    for row in rows:
        yield f"      {_setting(row)}"


def _setting(row: SettingChange) -> str:
    one, other = row.before, row.after
    where = _places(one.lines if one else [], other.lines if other else [])
    if one and other:
        values = f"{_value(one)} -> {_value(other)}"
    else:
        values = f"set no more, was {_value(one)}" if one else f"{_value(other)}"
    return f"{row.parameter}: {values}  [{where}]" + ("  (follows the rename)" if row.follows else "")


def _value(setting: Setting | None) -> str:
    assert setting is not None, "one side is there; this is a fault in the kit"
    value, lead = setting.value, f"{setting.op} " if setting.op != "set" else ""
    if isinstance(value, InputValue):
        text = f"input {value.name}"
    elif isinstance(value, ReferenceValue):
        text = f"list {value.name}"
    elif isinstance(value, ComputedValue):
        text = f"read from {value.source}"
    elif isinstance(value, AdvisedValue):
        text = f"{shown(value.as_written)} (or {shown(value.advised)}, {', '.join(value.decisions)})"
    else:
        text = shown(value)
    other = setting.alternative
    return lead + text + (f" (or {shown(other.value)}, {other.decision})" if other else "")


def _fact(row: Fact) -> Iterator[str]:
    if row.before is not None and row.after is not None:
        yield f"~ {row.about}: {row.before} -> {row.after}  [{_places(row.lines_before, row.lines_after)}]"
    elif row.before is not None:
        yield f"- {_about(row)}{row.before}{_at(row.lines_before, ())}"
    else:
        yield f"+ {_about(row)}{row.after}{_at((), row.lines_after)}"


def _about(row: Fact) -> str:
    """Name what a row is about, where the heading above does not say it already."""
    return "" if row.about in ("promise", "order", "step for a person") else f"{row.about}: "


def _at(before: Sequence[Line], after: Sequence[Line]) -> str:
    return f"  [{_places(before, after)}]" if before or after else ""


def _places(before: Sequence[Line], after: Sequence[Line]) -> str:
    named = [f"{name} {lines_text(lines)}" for name, lines in (("old", before), ("new", after)) if lines]
    return ", ".join(named)


# What to do


def _what_to_do(found: TextDiff, tutorial: str) -> Iterator[str]:
    if found.decisions != Decisions():
        yield "A tenant that has the old objects"
        yield from (f"  {line}" if line else "" for line in _decide(found, tutorial))
        yield ""
    left = [item for item in found.resources if item.sort == "removed" and item.draft.action == "create"]
    if left:
        yield "Left where the old text was carried out"
        for item in left:
            yield f"  {item.draft.type} {item.draft.identity!r}: the new text neither makes it nor takes it away."
        yield "  `runbook rollback RUN` takes back the run that made it; else it is a step for a person."
        yield ""


def _decide(found: TextDiff, tutorial: str) -> Iterator[str]:
    decisions = found.decisions
    yield "Without a decision, a run of the new text makes a second object of the same effect beside each renamed one."
    lists = {name: items for name, items in ((RENAME, decisions.rename), (ADOPT, decisions.adopt)) if items}
    if lists:
        yield "With these, it goes on with the old object, under the old name:"
        yield ""
    if lists and not any("," in item for items in lists.values() for item in items):
        words = " ".join(f"-p {shlex.quote(name + '=' + ','.join(items))}" for name, items in lists.items())
        yield f"    runbook plan --tenant NAME --tutorial {shlex.quote(tutorial)} {words}"
        yield ""
        yield "or, in a parameters file:"
        yield ""
    for name, items in lists.items():
        yield f"    {name}:"
        yield from (f"      - {_quoted(item)}" for item in items)
    if decisions.adopt:
        yield ""
        yield f"{ADOPT} names those whose content changes: read the plan before it is approved."
    for item in decisions.impossible:
        yield f"{item!r} has an equals sign in its name and cannot be kept by a rename: take it away by hand first."


def _quoted(text: str) -> str:
    """Write a text as YAML's double quotes have it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
