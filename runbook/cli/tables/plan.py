"""A plan at a glance: what is made, changed or removed, each property before and after, and where the text says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from runbook.cli.tables import layout
from runbook.cli.tables.layout import Cell, said
from runbook.difference import cannot_be_undone, counts_text, entries_lines, lines_text, show_value, side
from runbook.kinds import BY_TYPE
from runbook.plan import SYMBOL
from runbook.views import problem_lines, reason_beside, wait_lines

HEADS = ("property", "before", "after", "tutorial")
STYLE = {"create": "green", "update": "yellow", "delete": "red", "none": ""}
"""Colours go with the signs; nothing is said by a colour alone."""
Section = Mapping[str, Any]
Change = Mapping[str, Any]


def plan_parts(result: Mapping[str, Any], room: int) -> Iterator[RenderableType]:
    """Show the plan of every section that has one."""
    for item in result["sections"]:
        if item["plan"]:
            yield from _section(item, room, waits=not result.get("takes_back"))
            yield Text("")


def _section(item: Section, room: int, *, waits: bool) -> Iterator[RenderableType]:
    plan = item["plan"]
    yield said(f"{item['title']}: {counts_text(plan)}", "bold")
    for line in wait_lines(item) if waits else ():
        yield said(line.strip(), "bold", indent=2)
    shown = [change for change in plan["changes"] if not _is_folded(change)]
    heads, every = layout.without_empty(HEADS, [row for change in shown for row in _rows(change)])
    found = layout.widths(heads, every, room - 4) if every else None
    headed = True
    for change in shown:
        if change is not shown[0]:
            yield Text("")
        yield from _head(change)
        count = len(_changed(change))
        rows, every = every[:count], every[count:]
        if rows:
            yield _table(heads, rows, found, room, headed=headed)
            headed = False
        yield from (said(text, indent=4) for text in _beside(change))
        for text in cannot_be_undone(change):
            yield said(f"cannot be undone: {text}", "bold", indent=4)
    if folded := len(plan["changes"]) - len(shown):
        yield said(f"= {folded} already as wanted", "dim", indent=2)
    for line in problem_lines(plan):
        yield said(line.strip(), "bold red", indent=2)


def _table(
    heads: Sequence[str], rows: Sequence[layout.Row], found: Sequence[int] | None, room: int, *, headed: bool
) -> RenderableType:
    """Draw one change's rows; all tables of a section have the same columns, and the first one has their heads."""
    if found is None:
        return layout.blocks(heads, rows, room=room, indent=4)
    return layout.drawn(heads, rows, found, indent=4, headed=headed)


def _head(change: Change) -> Iterator[RenderableType]:
    style = STYLE[change["action"]]
    name = f"{BY_TYPE[change['kind']].title} {change['identity']}"
    yield layout.marked(SYMBOL[change["action"]], name, f"bold {style}".strip(), indent=2)
    yield said(reason_beside(change), "dim", indent=4)


def _rows(change: Change) -> list[layout.Row]:
    """One row a property that changes."""
    rows: list[layout.Row] = []
    for item in _changed(change):
        before = "" if change["action"] == "create" else side(change["kind"], item["name"], item["before"]).text
        after = side(change["kind"], item["name"], item["after"]).text
        place = lines_text(item["lines"])
        rows.append((item["name"], Cell(before, "red"), Cell(after, "green"), Cell(place)))
    return rows


def _changed(change: Change) -> list[Mapping[str, Any]]:
    return [item for item in change["properties"] if item["changed"]] if change["action"] != "delete" else []


def _beside(change: Change) -> Iterator[str]:
    """What the rows have no room for: all entries of a list that is summed up there, for all of it is approved."""
    for item in _changed(change):
        for when in ("before", "after"):
            if when == "after" or change["action"] != "create":
                every = every_entry(change["kind"], item["name"], item[when])
                yield from (f"{item['name']} {when}: {text}" for text in every)
        yield from (f"{item['name']}: {text}" for text in entries_lines(item))
        if item["note"] and not item["lines"]:
            yield f"{item['name']}: {item['note']}"


def every_entry(kind: str, name: str, value: Any) -> list[str]:
    """Return all entries of a list that `show_value` sums up, as one text; nothing for any other value."""
    text = show_value(kind, name, value)
    if isinstance(value, list | tuple) and not all(str(entry) in text for entry in value):
        return [", ".join(map(str, value))]
    return []


def _is_folded(change: Change) -> bool:
    """Whether a thing is as wanted and there is nothing more to say of it."""
    return bool(change["action"] == "none" and not change.get("notes") and " already " in change["reason"])
