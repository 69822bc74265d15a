"""Draw where messages of each disposition land before and after: one inline SVG, without script, style or colour.

It takes the colour of the text around it, so that it can be read in light, in dark and on paper, and is narrow enough
for a screen of 320 pixels. Nobody needs to see it: its description says the same in sentences.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from runbook import outcome_words as words
from runbook.views import plain

Row = Mapping[str, Any]

TITLE = "Where mail lands, before and after"
WIDTH = 340
# Columns, as x and width: places before, dispositions, places after.
_LEFT, _MIDDLE, _RIGHT = (1, 100), (129, 82), (239, 100)
_TOP, _GAP, _LINE, _PAD = 34, 9, 13, 6

STROKES: Mapping[str, tuple[str, str]] = {
    "kept": ('stroke-width="2.2"', "promise kept, by prediction"),
    "not kept": ('stroke-width="2.2" stroke-dasharray="7 4"', "promise not kept, by prediction"),
    "not known": ('stroke-width="2.2" stroke-dasharray="0 5" stroke-linecap="round"', "not known, or several places"),
    "no promise": ('stroke-width="1"', "nothing promised, or as it was before"),
}
"""How a line is drawn, and what that means."""

_PLACES: Mapping[str, tuple[str, ...]] = {
    "gateway-quarantine": ("Cloudflare's", "own quarantine"),
    "inbox": ("Inbox",),
    "junk": ("Junk Email", "folder"),
    "deleted": ("deleted",),
    "redirected": ("another", "address"),
    "rejected": ("rejected",),
    "elsewhere": ("elsewhere, not", "in this tenant"),
    "unknown": ("not known",),
}
_RIGHTS: Mapping[str, tuple[str, ...]] = {
    "release": ("recipient may", "release"),
    "request": ("recipient may", "ask for release"),
    "nothing": ("administrators", "only"),
    "unknown": ("rights not", "known"),
}


@dataclass(frozen=True, slots=True)
class _Box:
    """A box of one or more lines of words; `y` is its upper edge."""

    column: tuple[int, int]
    y: float
    lines: tuple[str, ...]

    @property
    def middle(self) -> float:
        return self.y + _height(self.lines) / 2

    @property
    def end(self) -> float:
        return self.y + _height(self.lines)


def shown_rows(outlook: Mapping[str, Any]) -> list[Row]:
    """Return the rows that are drawn: mail as the gateway hands it on, for the first recipients of each disposition."""
    first: dict[str, Row] = {}
    for row in words.rows_of(outlook, "gateway"):
        first.setdefault(row["disposition"], row)
    return list(first.values())


def style(row: Row) -> str:
    """Name the kind of line that a row's place after is drawn with, as a key of STROKES."""
    if _is_open(row["after"]):
        return "not known"
    if not row["promised"]:
        return "no promise"
    return {True: "kept", False: "not kept"}.get(row["kept"], "not known")


def _is_open(cell: Mapping[str, Any]) -> bool:
    """Whether it is not known, or not alone, where a message ends."""
    return len(cell["endings"]) != 1 or cell["endings"][0]["place"] == "unknown"


def caption(outlook: Mapping[str, Any]) -> str:
    """Say whose mail is drawn, and whether others' goes another way."""
    drawn = shown_rows(outlook)
    if not drawn:
        return "No message was asked about, so nothing is drawn."
    # Rows of one disposition may be shared by several; whoever is named first is in all of them.
    text = f"{words.CASES['gateway']}, for {drawn[0]['recipients'][0]}. What comes after is predicted."
    rows = words.rows_of(outlook, "gateway")
    others = [row for row in rows if not any(row is item for item in drawn) and not _is_as_drawn(row, drawn)]
    names = list(dict.fromkeys(words.disposition(row) for row in others))
    if not names:
        return text
    which = "" if len(names) == len(drawn) else f" with {', '.join(names)}"
    return f"{text} For other recipients it is not the same{which}: see the table."


def _is_as_drawn(row: Row, drawn: Sequence[Row]) -> bool:
    same = next(item for item in drawn if item["disposition"] == row["disposition"])
    return all(_ends(row[when]) == _ends(same[when]) for when in ("before", "after")) and style(row) == style(same)


def _ends(cell: Mapping[str, Any]) -> set[tuple[str, ...]]:
    return {_label(ending) for ending in cell["endings"]}


def sentences(outlook: Mapping[str, Any]) -> list[str]:
    """Say what is drawn, one sentence a disposition."""
    said = []
    for row in shown_rows(outlook):
        place, _ = words.promised(row)
        kept = f"; promised: {place}; {words.kept(row)}" if place else "; nothing is promised"
        said.append(
            f"{words.disposition(row)}: before, {row['before']['text']}; after, by prediction, "
            f"{row['after']['text']}{kept}."
        )
    return said


def picture(outlook: Mapping[str, Any]) -> str:
    """Return the picture as one line of SVG, to stand in a page; empty where there is nothing to draw."""
    drawn = shown_rows(outlook)
    if not drawn:
        return ""
    boxes = _stacked(_MIDDLE, [_named(row) for row in drawn], gap=_GAP + 4)
    before = _places(_LEFT, [row["before"] for row in drawn])
    after = _places(_RIGHT, [row["after"] for row in drawn])
    bottom = max(box.end for box in (*boxes, *before.values(), *after.values()))
    boxes = _moved(boxes, bottom)
    before, after = (
        dict(zip(column, _moved(list(column.values()), bottom), strict=True)) for column in (before, after)
    )
    lines: list[str] = []
    for row, box in zip(drawn, boxes, strict=True):
        was = "not known" if _is_open(row["before"]) else "no promise"
        lines += [_line(box, before[name], was) for name in _in_order(row["before"])]
        lines += [_line(box, after[name], style(row)) for name in _in_order(row["after"])]
    shapes = [
        *_heads(),
        *lines,
        *(_draw(box, strong=True) for box in boxes),
        *(_draw(box) for box in (*before.values(), *after.values())),
        *_legend(bottom + 14),
    ]
    height = bottom + 20 + len(STROKES) * 16
    about = " ".join([caption(outlook), *sentences(outlook)])
    return _framed(plain(about), height, "".join(shapes))


def _framed(about: str, height: float, shapes: str) -> str:
    # Pictures of one page must not share ids, but for those that say the same.
    mark = hashlib.sha256((about + shapes).encode()).hexdigest()[:10]
    return (
        f'<svg role="img" aria-labelledby="title-{mark}" aria-describedby="desc-{mark}" width="480" '
        f'viewBox="0 0 {WIDTH} {height:g}" fill="currentColor" font-size="11">'
        f'<title id="title-{mark}">{TITLE}</title><desc id="desc-{mark}">{escape(about)}</desc>{shapes}</svg>'
    )


def _named(row: Row) -> tuple[str, ...]:
    kind = style(row)
    return (words.disposition(row),) if kind == "no promise" else (words.disposition(row), kind)


def _label(ending: Mapping[str, Any]) -> tuple[str, ...]:
    if ending["place"] != "quarantine":
        return _PLACES.get(ending["place"], (str(ending["place"]),))
    may = ending["user_may"]
    known = "release" if "release" in (may or ()) else "request" if "request" in (may or ()) else "nothing"
    return ("Quarantine,", *_RIGHTS["unknown" if may is None else known])


def _in_order(cell: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(_label(ending) for ending in cell["endings"]))


def _places(column: tuple[int, int], cells: Sequence[Mapping[str, Any]]) -> dict[tuple[str, ...], _Box]:
    """Stack the places of a column, each about as high as the dispositions that go there, so that few lines cross."""
    used: dict[tuple[str, ...], list[int]] = {}
    for number, cell in enumerate(cells):
        for name in _in_order(cell):
            used.setdefault(name, []).append(number)
    names = sorted(used, key=lambda name: (sum(used[name]) / len(used[name]), name))
    return dict(zip(names, _stacked(column, names, gap=_GAP * 2), strict=True))


def _stacked(column: tuple[int, int], names: Sequence[tuple[str, ...]], *, gap: int) -> list[_Box]:
    boxes: list[_Box] = []
    y = float(_TOP)
    for lines in names:
        boxes.append(_Box(column, y, lines))
        y = boxes[-1].end + gap
    return boxes


def _moved(boxes: Sequence[_Box], bottom: float) -> list[_Box]:
    """Set a column that is shorter than the picture in its middle."""
    down = (bottom - boxes[-1].end) / 2
    return [_Box(box.column, box.y + down, box.lines) for box in boxes]


def _height(lines: Sequence[str]) -> int:
    return len(lines) * _LINE + 2 * _PAD


def _heads() -> list[str]:
    found = []
    for (x, width), lines in (
        (_LEFT, ("Before", "(predicted)")),
        (_MIDDLE, ("Disposition", "(promise)")),
        (_RIGHT, ("After", "(predicted)")),
    ):
        found += [_text(x + width / 2, 11 + 12 * number, line, bold=number == 0) for number, line in enumerate(lines)]
    return found


def _draw(box: _Box, *, strong: bool = False) -> str:
    x, width = box.column
    frame = (
        f'<rect x="{x:g}" y="{box.y:g}" width="{width}" height="{_height(box.lines)}" rx="4" fill="none" '
        f'stroke="currentColor" stroke-opacity="{0.9 if strong else 0.45}"/>'
    )
    texts = (
        _text(x + width / 2, box.y + _PAD + 10 + number * _LINE, line, bold=strong and number == 0)
        for number, line in enumerate(box.lines)
    )
    return frame + "".join(texts)


def _text(x: float, y: float, text: str, *, bold: bool = False, anchor: str = "middle") -> str:
    weight = ' font-weight="700"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{weight}>{escape(plain(text))}</text>'


def _line(box: _Box, place: _Box, kind: str) -> str:
    """Draw a line from a disposition to a place, with a point at the place."""
    right = place.column[0] > box.column[0]
    start = box.column[0] + (box.column[1] if right else 0)
    end, turn = (place.column[0], 5) if right else (place.column[0] + place.column[1], -5)
    half = (start + end) / 2
    y, to = box.middle, place.middle
    return (
        f'<path d="M{start:g} {y:g}C{half:g} {y:g} {half:g} {to:g} {end - turn:g} {to:g}" fill="none" '
        f'stroke="currentColor" stroke-opacity="0.75" {STROKES[kind][0]}/>'
        f'<path d="M{end:g} {to:g}l{-turn} -3v6z"/>'
    )


def _legend(y: float) -> list[str]:
    found = []
    for number, (stroke, meaning) in enumerate(STROKES.values()):
        at = y + 8 + number * 16
        line = f'<path d="M6 {at:g}H44" fill="none" stroke="currentColor" stroke-opacity="0.75" {stroke}/>'
        found.append(line + _text(52, at + 4, meaning, anchor="start"))
    return found
