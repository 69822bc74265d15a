"""A plan as a person reads it: which thing changes, from what to what, by which line, and what stays as it is.

Pure: the notebook's table, the record's and the terminal's are made from the same rows. A value is told twice where the
portal has a word for it: as the portal shows it, and as the API has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook import portal
from runbook.kinds import BY_TYPE
from runbook.plan import SYMBOL
from runbook.tutorial.includes import gathered

ACTION_WORDS = {"create": "is created", "update": "is changed", "delete": "is deleted", "none": "stays as it is"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One value of a property: in the portal's words (empty where it has none) and as the API's value is shown."""

    portal: str
    api: str

    @property
    def text(self) -> str:
        """The value in one line: the portal's words first, the API's in brackets behind them."""
        return f"{self.portal} ({self.api})" if self.portal else self.api


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One property of a thing."""

    name: str
    """As the API calls it."""
    label: str
    """As the portal calls it, after the labels above it; empty if the lexicon does not know."""
    before: Side | None
    """None where the thing does not exist yet."""
    after: Side
    changed: bool
    lines: str
    words: str
    """The tutorial's own words."""
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One object with its properties. What is deleted has none: nothing of it stays."""

    action: str
    title: str
    reason: str
    remarks: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def symbol(self) -> str:
        return SYMBOL[self.action]

    @property
    def changed(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.changed)

    @property
    def kept(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not row.changed)


def things(plan: Mapping[str, Any]) -> tuple[Thing, ...]:
    """Return the things of a plan (its JSON form) in its order, with those that stay as they are."""
    return tuple(_thing(change) for change in plan["changes"])


def _thing(change: Mapping[str, Any]) -> Thing:
    properties = change["properties"] if change["action"] != "delete" else ()
    notes = change.get("notes", ()) if change["action"] != "delete" else ()
    return Thing(
        action=change["action"],
        title=f"{kind_title(change['kind'])} {change['identity']}",
        reason=change["reason"],
        remarks=(*notes, *(f"cannot be undone: {text}" for text in cannot_be_undone(change))),
        rows=tuple(_row(change, item) for item in properties),
    )


def _row(change: Mapping[str, Any], item: Mapping[str, Any]) -> Row:
    kind, name = change["kind"], item["name"]
    return Row(
        name=name,
        label=portal.label(kind, name),
        before=None if change["action"] == "create" else side(kind, name, item["before"]),
        after=side(kind, name, item["after"]),
        changed=item["changed"],
        lines=lines_text(item["lines"]),
        words=item["words"],
        remarks=(*entries_lines(item), *([item["note"]] if item["note"] else [])),
    )


def side(kind: str, name: str, value: Any) -> Side:
    """Return a property's value in both languages."""
    return Side(portal=portal.spoken(kind, name, value), api=show_value(kind, name, value))


def kind_title(kind: str) -> str:
    """Return what a kind is called; one that this version does not know by its own name."""
    return BY_TYPE[kind].title if kind in BY_TYPE else kind


def show_value(kind: str, name: str, value: Any) -> str:
    """Show a property's value as a person reads it; a value that is not understood is shown as it came."""
    value_type = BY_TYPE[kind].types.get(name) if kind in BY_TYPE else None
    try:
        return value_type.show(value) if value_type else str(value)
    except ValueError:
        return str(value)


def lines_text(lines: Sequence[int | str]) -> str:
    """Name source lines: ``line 21``, ``lines 34, 37``; those of an included file name themselves."""
    numbers = [str(line) for line in lines if isinstance(line, int)]
    own = [f"line{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"] if numbers else []
    return "; ".join([*own, *gathered(lines)])


def entries_lines(item: Mapping[str, Any]) -> list[str]:
    """Say which entries a list gets or loses, of a property whose other entries stay; nothing for any other."""
    if not item.get("entries"):
        return []
    verb = "puts in" if item["op"] == "add" else "takes out"
    return [f"{verb} {len(item['entries'])}, all others stay: {', '.join(item['entries'])}"]


def cannot_be_undone(change: Mapping[str, Any]) -> list[str]:
    """Say why a change, once made, stays; nothing for a change that can be taken back."""
    kind = BY_TYPE.get(change["kind"])
    return [kind.stays] if kind and kind.stays and change["action"] == kind.lasts else []


def counts_text(plan: Mapping[str, Any]) -> str:
    """Sum a plan up in a few words."""
    tally = {action: 0 for action in ("create", "update", "delete", "none")}
    for change in plan["changes"]:
        tally[change["action"]] += 1
    words = [f"{tally['create']} to create", f"{tally['update']} to update", f"{tally['none']} as wanted"]
    if tally["delete"]:
        words.insert(2, f"{tally['delete']} to delete")
    if plan["problems"]:
        words.append(f"{len(plan['problems'])} not plannable")
    return ", ".join(words)
