"""Markdown down to the letters: bytes to text, the CommonMark parser, and runs of text with their markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.front_matter import front_matter_plugin

from runbook.errors import TutorialError

PieceKind = Literal["text", "strong", "emphasis", "code", "picture", "html"]

# Windows-1252 leaves five bytes without a character; browsers keep them as control characters.
_UNUSED_1252 = {0x81, 0x8D, 0x8F, 0x90, 0x9D}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A run of text inside a line, with its markup and, inside a link, the link's address."""

    kind: PieceKind
    text: str
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A run of characters that was UTF-8 read as Windows-1252 and stored again."""

    line: int
    raw: str
    repaired: str


def tree_of(text: str) -> SyntaxTreeNode:
    """Parse `text` as CommonMark with tables and front matter; nodes know their lines."""
    parser = MarkdownIt("commonmark").enable("table").use(front_matter_plugin)
    return SyntaxTreeNode(parser.parse(text))


MOST_BYTES = 500_000
MOST_LINES = 5_000
LONGEST_LINE = 8_000
"""Limits of one file, in bytes, lines and characters. The longest text that was studied has 21 kB and 403 lines; beyond
these limits reading would take longer than anybody waits."""


def decode(data: bytes, path: str) -> str:
    """Read UTF-8 bytes as text with `\n` line ends; raise TutorialError if they are empty, no text, or too much."""
    _check_size(data, path)
    remedy = "Save the tutorial as plain Markdown in UTF-8 and try again."
    if not data.strip():
        raise TutorialError("The file is empty.", remedy, path=path or None)
    if b"\0" in data:
        raise TutorialError("The file is binary, not text.", remedy, path=path or None)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        detail = f"The byte {data[error.start]:#04x} is not valid UTF-8."
        raise TutorialError(detail, remedy, path=path or None, line=line) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _check_size(data: bytes, path: str) -> None:
    """Raise TutorialError for a file that is longer than any tutorial."""
    lines = data.count(b"\n") + 1
    longest = max(map(len, data.split(b"\n"))) if len(data) <= MOST_BYTES else 0
    detail = ""
    if len(data) > MOST_BYTES:
        detail = f"The file has {len(data):,} bytes; no more than {MOST_BYTES:,} are read."
    elif lines > MOST_LINES:
        detail = f"The file has {lines:,} lines; no more than {MOST_LINES:,} are read."
    elif longest > LONGEST_LINE:
        detail = f"A line of the file has {longest:,} bytes; no more than {LONGEST_LINE:,} are read."
    if detail:
        raise TutorialError(
            detail, "Give the part of it that is the tutorial, as a file of its own.", path=path or None
        )


def repair(lines: Sequence[str]) -> tuple[tuple[str, ...], tuple[Repair, ...]]:
    """Undo a double encoding, run by run, only where the whole run is UTF-8 once undone."""
    repairs: list[Repair] = []
    result: list[str] = []
    for number, line in enumerate(lines, start=1):

        def undo(match: re.Match[str], number: int = number) -> str:
            fixed = _undo_1252(match.group())
            if fixed is None:
                return match.group()
            repairs.append(Repair(line=number, raw=match.group(), repaired=fixed))
            return fixed

        result.append(re.sub(r"[^\x00-\x7f]+", undo, line))
    return tuple(result), tuple(repairs)


def _undo_1252(run: str) -> str | None:
    octets = bytearray()
    for char in run:
        if ord(char) in _UNUSED_1252:
            octets.append(ord(char))
            continue
        try:
            octets += char.encode("cp1252")
        except UnicodeEncodeError:
            return None
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return None


def pieces_of(node: SyntaxTreeNode) -> tuple[Piece, ...]:
    """Flatten inline markup: each run of text with its innermost markup and the link around it.

    A site generator's shortcode around words, such as `{{<tooltip>}}word{{</tooltip>}}`, leaves only the words.
    """
    pieces = [replace(piece, text=HIDDEN.sub("", piece.text)) for piece in _flatten(node, "text", "")]
    for at, piece in enumerate(pieces):
        before, after = pieces[at - 1] if at else None, pieces[at + 1] if at + 1 < len(pieces) else None
        if piece.kind == "html" and before and after and before.text.endswith("{{"):
            pieces[at - 1] = replace(before, text=before.text.removesuffix("{{"))
            pieces[at + 1] = replace(after, text=after.text.removeprefix("}}"))
    return tuple(pieces)


def _flatten(node: SyntaxTreeNode, kind: PieceKind, href: str) -> Iterator[Piece]:
    run = ""
    for child in node.children:
        if child.type in ("text", "softbreak", "hardbreak"):
            run += child.content if child.type == "text" else " "
            continue
        if run:
            yield Piece(kind=kind, text=run, href=href)
            run = ""
        if child.type == "code_inline":
            yield Piece(kind="code", text=child.content, href=href)
        elif child.type == "image":
            yield Piece(kind="picture", text=child.content, href=str(child.attrs.get("src", "")))
        elif child.type == "html_inline":
            yield Piece(kind="html", text=child.content)
        elif child.type == "link":
            yield from _flatten(child, kind, str(child.attrs.get("href", "")))
        else:
            yield from _flatten(child, "strong" if child.type == "strong" else "emphasis", href)
    if run:
        yield Piece(kind=kind, text=run, href=href)


HIDDEN = re.compile("[\u200b\u2060\ufeff\u00ad]")
"""Characters that nobody sees: zero-width spaces and the soft hyphen. Joiners make one sign of several, and stay."""


def plain(parts: Sequence[Piece]) -> str:
    """Join pieces into the words a reader sees; pictures and HTML tags show no words."""
    shown = "".join(
        part.text if part.kind not in ("picture", "html") else " " * part.text.lower().startswith("<br")
        for part in parts
    )
    return re.sub(r"\s+", " ", shown).strip()
