"""Where mail lands, for a terminal: the promise matrix, whom a policy governs, and what is open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from runbook import outcome_words as words
from runbook.cli.tables.layout import Cell, Row, said, table

_KEPT = {True: "green", False: "bold red", None: "yellow"}
_SHOWN = {True: "KEPT", False: "NOT KEPT", None: "not known"}


def outlook_parts(outlook: Mapping[str, Any], room: int) -> Iterator[RenderableType]:
    """Show an outlook: everything that the plain form says, as tables."""
    yield said(f"Where mail lands: {words.summary(outlook)}", "bold")
    seen = any(row["observed"] for row in outlook["rows"])
    for case, title in words.CASES.items():
        rows = list(_case(outlook, case, seen=seen))
        if rows:
            yield said(title, "bold", indent=2)
            heads = ("mail", *(("promise",) if case == "gateway" else ()), "before", "after, predicted")
            yield table((*heads, "observed") if seen else heads, rows, room=room)
            yield Text("")
    yield from (said(text, indent=2) for text in (words.supposed(outlook), words.SCL) if text)
    yield from _governed(outlook, room)
    yield from _list("Beside our rules", [f"{o}, beside {r}: {w}" for o, w, r in words.beside(outlook)])
    yield from _presets(outlook, room)
    for title, pairs in (
        ("Could not be read", words.unread(outlook)),
        ("Undecided", words.undecided(outlook)),
        ("Left to a person", words.left(outlook)),
    ):
        yield from _list(title, [f"{name}: {why}" for name, why in pairs])
    yield Text("")


def _case(outlook: Mapping[str, Any], case: str, *, seen: bool) -> Iterator[Row]:
    rows = words.rows_of(outlook, case)
    if case == "gateway":
        dispositions = [row["disposition"] for row in rows]
        for row in rows:
            alone = dispositions.count(row["disposition"]) == 1
            mail = words.disposition(row) + ("" if alone else f", {words.recipients(row)}")
            yield (mail, _promise(row), *_places(row, seen=seen, when=True))
        return
    for item in words.alike(rows):
        mail = f"{', '.join(item.dispositions)} ({', '.join(item.recipients)})"
        yield (mail, *_places(item.row, seen=seen, when=False))


def _promise(row: words.Row) -> Cell:
    place, lines = words.promised(row)
    if not place:
        return Cell("; ".join(["none", *words.never(row)]))
    kept = row["observed"]["kept"] if row["observed"] else row["kept"]
    said = [f"{place} ({lines}): predicted {_SHOWN[row['kept']]}"]
    said += [f"observed {_SHOWN[row['observed']['kept']]}"] if row["observed"] else []
    return Cell("; ".join([", ".join(said), *words.never(row)]), _KEPT[kept])


def _places(row: words.Row, *, seen: bool, when: bool) -> tuple[str, ...]:
    before, after = row["before"]["text"], f"{row['after']['text']} [{row['after']['grade']}]"
    return (before, after, words.observed(row, when=when)) if seen else (before, after)


def _governed(outlook: Mapping[str, Any], room: int) -> Iterator[RenderableType]:
    governed = outlook["governed"]
    if governed is None:
        return
    yield Text("\nWho is governed", style="bold")
    yield from (said(text, indent=2) for text in words.governed_text(governed))
    rows = [
        (row["policy"] + (" (edited)" if row["edited"] else ""), row["level"], row["who"], words.counted(row))
        for row in governed["rows"]
    ]
    if rows:
        yield table(("policy", "level", "for", "recipients"), rows, room=room)


def _presets(outlook: Mapping[str, Any], room: int) -> Iterator[RenderableType]:
    text = words.presets_text(outlook)
    if not text:
        return
    yield Text("")
    yield said(text, "bold")
    rows = [
        (row["name"], row["value"], row["presets"]["Standard"], row["presets"]["Strict"], words.preset_remark(row))
        for row in outlook["presets"]
        if row["name"]
    ]
    if rows:
        yield table(("setting", "as edited", "Standard", "Strict", "remark"), [list(map(str, row)) for row in rows],
                    room=room)  # fmt: skip


def _list(title: str, items: list[str]) -> Iterator[RenderableType]:
    if items:
        yield Text("")
        yield said(title, "bold")
        yield from (said(item, indent=2) for item in items)
