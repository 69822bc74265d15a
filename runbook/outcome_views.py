"""Show where mail lands in a notebook and on a terminal: the promise matrix, the picture, and whom a policy is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from runbook import outcome_words as words
from runbook.outcome_picture import caption, picture
from runbook.views import View, plain, table

Row = Mapping[str, Any]

_HEADS = ("disposition", "recipients", "promised", "before, predicted", "after, predicted", "observed", "promise kept?")


def outlook_view(outlook: Mapping[str, Any], what: str) -> View:
    """Show an outlook: all of it for ``matrix``; for ``policy`` whom it is in force for, and Microsoft's presets."""
    whole = what == "matrix"
    parts: list[Sequence[str]] = [_matrix_lines(outlook)] if whole else []
    parts.append(_governed_lines(outlook))
    if whole:
        parts.append(_list("Beside our rules", (f"{o}, beside {r}: {w}" for o, w, r in words.beside(outlook))))
    parts.append(_preset_lines(outlook))
    if whole:
        parts += [_list(title, (f"{name}: {why}" for name, why in pairs)) for title, pairs in _open(outlook)]
    text = "\n".join(plain(line) for part in parts for line in part)
    return View(text, _html(outlook, whole=whole))


def _open(outlook: Mapping[str, Any]) -> tuple[tuple[str, list[tuple[str, str]]], ...]:
    return (
        ("Could not be read", words.unread(outlook)),
        ("Undecided", words.undecided(outlook)),
        ("Left to a person", words.left(outlook)),
    )


def _list(title: str, items: Any) -> list[str]:
    lines = [f"  {item}" for item in items]
    return [f"{title}:", *lines] if lines else []


def _matrix_lines(outlook: Mapping[str, Any]) -> list[str]:
    lines = [f"Where mail lands: {words.summary(outlook)}"]
    for case in words.CASES:
        rows = words.rows_of(outlook, case)
        if not rows:
            continue
        lines.append(f"  {words.CASES[case]}:")
        for row in rows if case == "gateway" else ():
            lines.append(f"    {_line(row, alone=_is_alone(row, rows))}")
            lines += [f"      {text}" for text in words.never(row)]
        lines += [f"    {_together(item)}" for item in words.alike(rows) if case != "gateway"]
    answers = words.supposed(outlook)
    return [*lines, *([f"  {answers}"] if answers else []), f"  {words.SCL}"]


def _is_alone(row: Row, rows: Sequence[Row]) -> bool:
    """Whether no other row has the same disposition, so that it need not say for whom it is."""
    return [item["disposition"] for item in rows].count(row["disposition"]) == 1


def _together(item: words.Alike) -> str:
    return f"{', '.join(item.dispositions)} ({', '.join(item.recipients)}): {'; '.join(_places(item.row, when=False))}"


def _places(row: Row, *, when: bool = True) -> list[str]:
    return [
        f"before: {row['before']['text']}",
        f"after, predicted: {row['after']['text']} [{row['after']['grade']}]",
        f"observed: {words.observed(row, when=when)}" if row["observed"] else "not observed",
    ]


def _line(row: Row, *, alone: bool) -> str:
    place, lines = words.promised(row)
    whose = "" if alone else f", {words.recipients(row)}"
    said = [f"promised {place} ({lines})"] if place else []
    said += _places(row)
    return f"{words.disposition(row)}{whose}: {'; '.join(said)}{_verdict(row)}"


def _verdict(row: Row) -> str:
    """Say loudly whether a promise is kept; what is only predicted is never called kept without that word."""
    if not row["promised"]:
        return ""
    shown = {True: "KEPT", False: "NOT KEPT", None: "not known"}
    seen = f", observed {shown[row['observed']['kept']]}" if row["observed"] else ""
    return f". Promise: predicted {shown[row['kept']]}{seen}"


def _governed_lines(outlook: Mapping[str, Any]) -> list[str]:
    governed = outlook["governed"]
    if governed is None:
        return []
    lines = [f"  {text}" for text in words.governed_text(governed)]
    lines += [
        f"    {row['level']}: {row['policy']}{' (edited)' if row['edited'] else ''}: {row['who']}: {words.counted(row)}"
        for row in governed["rows"]
    ]
    return ["Who is governed:", *lines]


def _preset_lines(outlook: Mapping[str, Any]) -> list[str]:
    text = words.presets_text(outlook)
    if not text:
        return []
    rows = [
        f"  {row['name']}: {row['value']}; Standard {row['presets']['Standard']}, Strict {row['presets']['Strict']}: "
        f"{words.preset_remark(row)}"
        for row in outlook["presets"]
        if row["name"]
    ]
    return [text, *rows]


def _html(outlook: Mapping[str, Any], *, whole: bool) -> str:
    parts = [_matrix_html(outlook)] if whole else []
    governed = outlook["governed"]
    if governed is not None:
        rows = [(row["level"], row["policy"], row["who"], words.counted(row)) for row in governed["rows"]]
        said = " ".join(words.governed_text(governed))
        parts.append(table(said, ("level", "policy", "for", "recipients"), rows).html)
    if text := words.presets_text(outlook):
        settings = [
            (row["name"], row["value"], row["presets"]["Standard"], row["presets"]["Strict"], words.preset_remark(row))
            for row in outlook["presets"]
            if row["name"]
        ]
        parts.append(table(text, ("setting", "as edited", "Standard", "Strict", "remark"), settings).html)
    if whole:
        beside = [(f"{other}, beside {rules}", why) for other, why, rules in words.beside(outlook)]
        for title, pairs in (("Beside our rules", beside), *_open(outlook)):
            parts += [f"<p>{escape(plain(f'{title}: {name}: {why}'))}</p>" for name, why in pairs]
    return "".join(parts)


def _matrix_html(outlook: Mapping[str, Any]) -> str:
    found = f"{picture(outlook)}<p>{escape(plain(caption(outlook)))}</p>"
    gateway = [_cells(row) for row in words.rows_of(outlook, "gateway")]
    found += table(
        f"Where mail lands: {words.summary(outlook)}",
        _HEADS,
        gateway,
        note=f"{words.supposed(outlook)} {words.SCL}".strip(),
    ).html
    others = [
        (
            words.CASES[item.row["case"]],
            ", ".join(item.dispositions),
            ", ".join(item.recipients),
            *_cells(item.row)[3:5],
            words.observed(item.row, when=False),
        )
        for item in words.alike(words.rows_of(outlook, "outside", "phishing"))
    ]
    heads = ("case", *_HEADS[:2], *_HEADS[3:6])
    inner = table("Other cases", heads, others).html
    return f"{found}<details><summary>Other cases</summary>{inner}</details>" if others else found


def _cells(row: Row) -> tuple[str, ...]:
    place, lines = words.promised(row)
    return (
        words.disposition(row),
        words.recipients(row),
        f"{place} ({lines})" if place else "nothing",
        f"{row['before']['text']} [{row['before']['grade']}]",
        f"{row['after']['text']} [{row['after']['grade']}]",
        words.observed(row),
        "; ".join([words.kept(row) or "nothing promised", *words.never(row)]),
    )
