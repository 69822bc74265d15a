"""A text laid out line by line for altering, and what an altered text says of itself."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

ITEM = re.compile(r"(?P<lead>\s*(?:\d+[.)]|[-*+])\s+)(?P<rest>.*)")
BOLD = re.compile(r"\*\*(?P<inner>[^*\n]+)\*\*")
EMPHASIS = re.compile(r"(?<![\w_])_(?P<inner>[^_\n]+)_(?![\w_])")
CODE = re.compile(r"`(?P<inner>[^`\n]+)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """A text after one alteration; all line numbers are those of the unaltered text, from 1."""

    alteration: str
    lines: tuple[str, ...]
    touched: tuple[int, ...]
    may_differ: frozenset[int] = frozenset()
    """Lines whose settings may now have another value, for the alteration wrote one."""
    must_not_set: frozenset[int] = frozenset()
    """Lines that are no plain instruction any more: nothing of them may be set, unless a decision turns it on."""
    fewer_boxes: bool = False
    """Whether a number of boxes, or a list, may have lost some."""

    @property
    def text(self) -> str:
        """The altered text."""
        return "\n".join(self.lines) + "\n"


@dataclass(slots=True)
class Draft:
    """A text while it is being altered: each line of the base with what stands in its place."""

    rows: list[list[str]]
    touched: list[int] = field(default_factory=list)
    fitting: list[int] = field(default_factory=list)
    """Lines of list items, inside sections."""

    def line(self, at: int) -> str:
        return self.rows[at][0]

    def put(self, at: int, *lines: str) -> None:
        self.rows[at] = list(lines)
        self.touched.append(at + 1)

    def subtree(self, at: int) -> range:
        """The lines of an item with everything below it: what follows and is indented further, or is no item."""
        own = indent_of(self.line(at))
        end = at + 1
        while end < len(self.rows):
            line = self.line(end)
            if line.startswith("#") or (line.strip() and indent_of(line) <= own):
                break
            end += 1
        while end > at + 1 and not self.line(end - 1).strip():
            end -= 1
        return range(at, end)


def indent_of(line: str) -> int:
    return len(line) - len(line.lstrip())


def draft_of(lines: Sequence[str]) -> Draft:
    """Lay a text out for altering; items inside code, quotes and front matter are left alone."""
    fitting, fence, started = [], False, False
    for at, line in enumerate(lines):
        fence ^= line.lstrip().startswith(("```", "~~~"))
        started |= line.startswith("## ")
        if started and not fence and ITEM.fullmatch(line):
            fitting.append(at)
    return Draft([[line] for line in lines], fitting=fitting)


def some(chance: random.Random, draft: Draft, fits: Callable[[str], object], most: int = 1) -> list[int]:
    found = [at for at in draft.fitting if fits(draft.line(at))]
    return sorted(chance.sample(found, min(len(found), chance.randint(1, most)))) if found else []


def replaced(chance: random.Random, line: str, pattern: re.Pattern[str], change: Callable[[str], str]) -> str:
    """Change the inside of one match, the marks around it stay."""
    found = list(pattern.finditer(line))
    match = chance.choice(found)
    start, end = match.span("inner")
    return line[:start] + change(match["inner"]) + line[end:]


def split_item(line: str) -> tuple[str, str]:
    match = ITEM.fullmatch(line)
    assert match is not None, f"no item: {line!r}"
    return match["lead"], match["rest"]
