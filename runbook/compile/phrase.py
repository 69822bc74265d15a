"""A line of text with every marked run taken out and put into a slot.

Sentence patterns then see the sentence ("In ■, select ■") and never the vendor's words, and a label cannot be
broken by a comma or a full stop of its own. A slot is one character of Unicode's private use area.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from runbook.tutorial.markdown import Piece

BASE = 0xE000
SLOT = "(?-i:[\ue000-\uf8ff])"  # a slot has no letter case, and to look for one takes the regex compiler long
# Marks that were meant as markup and reached the text: the parser saw no emphasis or no code in them.
_LEFTOVER = re.compile(r"(?<![\w\\])(_{1,2}|\*{1,2}|`)(?P<inner>[^_*`]+?)\1(?!\w)")
STRAY = re.compile(r"(?<![\w`_*])[`_*]+(?=\w)|(?<=\w)[`_*]+(?![\w`_*])")
_QUOTED = re.compile(r'["“](?P<inner>[^"“”]+)["”]')
# What stands between marked runs; with marks of its own, as in `*_A_ > _B_*`, it still is no word.
_BETWEEN = re.compile(r"\s*(?:>|,|,? ?and|,? ?or)\s*")
_BREAK = re.compile(r"<br\b", re.IGNORECASE)
_ARROW = re.compile(r"\s*(?:→|⇒|->|=>|»|›)\s*")
_ADDRESS = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?![\w.]*\d)|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
TEMPLATE = re.compile(r"\{props\.\w+\}|(?<![\w$])\$\d+\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A marked run: its words, how it was marked, and the address of the link around it."""

    text: str
    mark: str
    href: str = ""
    broken: str = ""
    """The run as written, if its marks were not balanced or not understood as markup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A masked text and its slots; `words` puts the words back."""

    masked: str
    slots: tuple[Slot, ...]

    def slot(self, char: str) -> Slot:
        """Give the slot that a character of the masked text stands for."""
        return self.slots[ord(char) - BASE]

    def words(self, masked: str) -> str:
        """Put the slots' words back into a stretch of masked text."""
        return re.sub(SLOT, lambda match: self.slot(match.group()).text, masked).strip()

    def sentences(self, masked: str) -> tuple[str, ...]:
        """Split masked text at full stops between sentences."""
        parts = re.split(rf"(?<=[.!])\s+(?=[A-Z(]|{SLOT})", masked)
        return tuple(part for part in (trim(part) for part in parts) if part)


def trim(masked: str) -> str:
    """Take off surrounding blanks and the closing stop, colon or semicolon."""
    return masked.strip().rstrip(" .:;\t\n\u00a0")


def phrase_of(pieces: Sequence[Piece], known: Iterable[str] = ()) -> Phrase:
    """Mask the marked runs of `pieces`; with `known`, also unmarked words that are known names as they stand."""
    slots: list[Slot] = []
    names = sorted(set(known), key=len, reverse=True)

    def put(slot: Slot) -> str:
        slots.append(slot)
        return chr(BASE + len(slots) - 1)

    masked = ""
    for piece in pieces:
        if piece.kind in ("picture", "html"):
            masked += ". " if _BREAK.match(piece.text) else ""
            continue
        # Icon fonts use the characters that slots use; no reader sees a word in them.
        text = re.sub(SLOT, " ", piece.text)
        piece = replace(piece, text=text if piece.kind == "code" else re.sub(r"\s+", " ", text))
        if piece.kind == "text" and not piece.href:
            masked += _mask_text(piece.text, names, put)
        elif piece.kind == "code" or not _LEFTOVER.search(piece.text):
            masked += _mask_marked(piece, put)
        else:  # markup inside markup that the parser could not read: `_\`A\`, \`B\`_`
            masked += _mask_leftovers(piece.text, put, piece.href)
    tidy = _ARROW.sub(" > ", re.sub(r"\s+", " ", masked))  # runs of blanks first: they would be tried at each place
    tidy = re.sub(r" +(?=[:.,;])", "", re.sub(r" +", " ", tidy))
    return Phrase(masked=tidy.strip(), slots=tuple(slots))


def _mask_marked(piece: Piece, put: Callable[[Slot], str]) -> str:
    text = piece.text.strip()
    if not text or (_BETWEEN.fullmatch(piece.text) and not piece.href and piece.kind != "code"):
        return piece.text
    lead, tail = re.match(r"\s*", piece.text), re.search(r"[.,:;]?\s*$", piece.text)
    mark = "link" if piece.href else piece.kind
    if piece.kind == "code":
        return put(Slot(text=text, mark=mark, href=piece.href))
    closing = tail.group().strip() if tail else ""
    before = " " if lead and lead.group() else ""
    after = " " if piece.text.endswith(" ") else ""
    # A stop inside bold or emphasis belongs to the sentence, not to the name.
    bare = text[: -len(closing)] if closing and len(text) > 1 and not text.endswith("..") else text
    shown = re.sub(r"\s*↗$", "", bare)
    return before + put(Slot(text=shown, mark=mark, href=piece.href)) + (closing if bare != text else "") + after


def _mask_leftovers(text: str, put: Callable[[Slot], str], href: str = "") -> str:
    def slot(match: re.Match[str]) -> str:
        inner = match.group("inner").strip()
        return put(Slot(text=inner, mark="leftover", href=href, broken=match.group())) if inner else match.group()

    return _LEFTOVER.sub(slot, text)


def _mask_text(text: str, names: Sequence[str], put: Callable[[Slot], str]) -> str:
    text = _mask_leftovers(text, put)
    text = _QUOTED.sub(lambda match: put(Slot(text=match.group("inner").strip(), mark="quoted")), text)
    if names:
        text = _ADDRESS.sub(lambda match: put(Slot(text=match.group(), mark="address")), text)
        text = _any_of(tuple(names)).sub(lambda match: put(Slot(text=match.group(), mark="plain")), text)
    return text


@lru_cache(maxsize=64)
def _any_of(names: tuple[str, ...]) -> re.Pattern[str]:
    """Compile the names of a page into one pattern, the longest first; the same pages come again and again."""
    # A single word is a name only as the portal spells it; several of them in a row are, in any letter case.
    either = "|".join(f"(?i:{re.escape(name)})" if " " in name else re.escape(name) for name in names)
    return re.compile(rf"(?:(?<![\w+])\+ ?)?(?<!\w)(?:{either})(?![\w+])")
