"""Lay rows out in a given width: as a table, or, where that would be too narrow to read, as one block a row.

Nothing is ever cut off. A text is broken at spaces; a word that is too long for its column is broken at a place where
the eye expects it, after a dot or a dash or before a capital letter, and anywhere only if that does not do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich import box
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from runbook.views import plain

GAP = 2
_SEAM = re.compile(r"(?<=[-_./,:;@\\|+])(?=.)|(?<=[a-z0-9])(?=[A-Z])")
_LEAST = 17
"""How narrow a column may become for a table's sake, where its words are longer than that."""


class Cell(NamedTuple):
    """A text, made harmless when it is shown, and a style that only goes with what it says."""

    text: str
    style: str = ""


Row = Sequence[Cell | str]
_NARROW = 60
"""Below this, rows that would have to be wrapped are read better one by one."""


def said(text: str, style: str = "", *, indent: int = 0) -> RenderableType:
    """A sentence that wraps at words; text of a tenant or a document is shown and never interpreted."""
    return Padding(Text(plain(text), style=style, overflow="fold"), (0, 0, 0, indent), expand=False)


def marked(mark: str, text: str, style: str = "", *, indent: int = 0) -> RenderableType:
    """A sentence behind a sign; its further lines stand under its first word."""
    made = Table.grid(padding=(0, 1, 0, 0))
    made.add_column(width=cell_len(mark), no_wrap=True)
    made.add_column(overflow="fold")
    made.add_row(Text(mark, style=style), Text(plain(text), style=style))
    return Padding(made, (0, 0, 0, indent), expand=False)


def folded(text: str, width: int) -> list[str]:
    """Break a text into lines of at most a width; every character of it but spaces at a break is kept."""
    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *whole, line = _broken(word, width)
        lines += whole
    return [*lines, line]


def _broken(word: str, width: int) -> list[str]:
    """Break one word: where it has a seam, else anywhere."""
    lines = [""]
    for piece in _SEAM.split(word):
        if cell_len(lines[-1] + piece) > width and lines[-1]:
            lines.append("")
        for char in piece if cell_len(piece) > width else (piece,):
            if cell_len(lines[-1] + char) > width and lines[-1]:
                lines.append("")
            lines[-1] += char
    return lines


def without_empty(heads: Sequence[str], rows: Sequence[Row]) -> tuple[list[str], list[Row]]:
    """Return heads and rows without the columns in which nothing stands."""
    kept = [i for i, texts in enumerate(zip(*map(_texts, rows), strict=True)) if any(texts)]
    return [heads[i] for i in kept], [[row[i] for i in kept] for row in rows]


def widths(heads: Sequence[str], rows: Iterable[Row], room: int) -> list[int] | None:
    """Return how wide each column is to be, or None where the room is too little for a table to be read.

    Columns first grow until no word is broken, then until no line is; half of the room is enough for one column as long
    as others still want some.
    """
    columns = [[head, *texts] for head, texts in zip(heads, zip(*map(_texts, rows), strict=True), strict=True)]
    whole = [max(map(cell_len, column)) for column in columns]
    found = [max(map(_least, column)) for column in columns]
    gaps = GAP * (len(heads) - 1)
    spare = room - sum(found) - gaps
    if spare < 0 or (room < _NARROW and sum(whole) + gaps > room):
        return None
    words = [max(map(_longest_word, column)) for column in columns]
    half = room // 2
    for aims in ([min(aim, half) for aim in words], [min(aim, half) for aim in whole], whole):
        spare = _grow(found, aims, spare)
    return found


def _grow(found: list[int], aims: Sequence[int], spare: int) -> int:
    """Widen columns towards what they want, the one that lacks most first; return what room is left."""
    while spare > 0 and any(width < aim for width, aim in zip(found, aims, strict=True)):
        lacking = max(range(len(found)), key=lambda i: aims[i] / found[i])
        found[lacking] += 1
        spare -= 1
    return spare


def _texts(row: Row) -> list[str]:
    return [plain(cell.text if isinstance(cell, Cell) else cell) for cell in row]


def _longest_word(text: str) -> int:
    return max(map(cell_len, text.split(" ")))


def _least(text: str) -> int:
    """How wide a column must be so that a text is broken at spaces and seams alone, within reason; at least 1."""
    longest = max(cell_len(piece) for word in text.split(" ") for piece in _SEAM.split(word))
    return max(1, min(longest, _LEAST))


def table(heads: Sequence[str], rows: Sequence[Row], *, room: int, indent: int = 2) -> RenderableType:
    """Show rows under their heads, within a width. A column in which nothing stands is left out."""
    heads, rows = without_empty(heads, rows)
    found = widths(heads, rows, room - indent)
    return blocks(heads, rows, room=room, indent=indent) if found is None else drawn(heads, rows, found, indent=indent)


def drawn(
    heads: Sequence[str], rows: Sequence[Row], found: Sequence[int], *, indent: int = 2, headed: bool = True
) -> RenderableType:
    """Draw a table with columns of given widths."""
    texts = [[_text(cell, width) for cell, width in zip(row, found, strict=True)] for row in rows]
    is_tall = any(text.plain.count("\n") > 1 for row in texts for text in row)  # then rows run into each other
    made = Table(
        box=box.SIMPLE_HEAD if headed else None, show_edge=False, pad_edge=False, padding=(0, GAP - headed, 0, 0),
        show_header=headed, header_style="bold", leading=int(is_tall),
    )  # fmt: skip
    for head, width in zip(heads, found, strict=True):
        made.add_column(Text("\n".join(folded(head, width))), width=width, no_wrap=True, overflow="fold")
    for row in texts:
        made.add_row(*row)
    return Padding(made, (0, 0, 0, indent), expand=False)


def _text(cell: Cell | str, width: int) -> Text:
    text, style = cell if isinstance(cell, Cell) else (cell, "")
    return Text("\n".join(folded(plain(text), width)), style=style)


def blocks(heads: Sequence[str], rows: Sequence[Row], *, room: int, indent: int = 2) -> RenderableType:
    """Show one block a row: its first cell as a head, then the others under the names of their columns.

    A first column without a name is a mark, and stands before the second in the head.
    """
    lead = 1 if heads[0] else 2
    names = max(map(cell_len, heads[lead:]), default=0)
    parts: list[RenderableType] = []
    for row in rows:
        cells = [cell if isinstance(cell, Cell) else Cell(cell) for cell in row]
        first = " ".join(cell.text for cell in cells[:lead] if cell.text)
        if first:
            parts.append(said(first, cells[0].style or "bold", indent=indent))
        for head, cell in zip(heads[lead:], cells[lead:], strict=True):
            if cell.text:
                left = indent + 2 + names + GAP
                lines = folded(plain(cell.text), max(8, room - left))
                text = Text(" " * (indent + 2) + head.ljust(names + GAP), no_wrap=True, overflow="fold")
                text.append(f"\n{' ' * left}".join(lines), style=cell.style)
                parts.append(text)
    return Group(*parts)
