"""What a tutorial consists of: sections, steps and the text around them, each with its source lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from runbook.markdown import Piece, Repair

BlockKind = Literal["prose", "picture", "wrapper", "code", "table", "quote", "include", "rule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Anything that is no step: prose, a picture, a wrapper, code, a table. Lines are 1-based."""

    kind: BlockKind
    first: int
    last: int
    text: str
    pieces: tuple[Piece, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One list item. `last` covers its children and notes; `text_last` only its own words."""

    number: int | None
    """The number as the reader sees it; None for a bullet."""
    first: int
    last: int
    text_last: int
    raw: str
    text: str
    pieces: tuple[Piece, ...]
    children: tuple[Step, ...] = ()
    notes: tuple[Block, ...] = ()

    def walk(self) -> Iterator[Step]:
        """Yield this step and everything nested in it, in the order of the text."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with what follows it, up to the next heading of any level."""

    id: str
    heading: str
    level: int
    above: tuple[str, ...]
    """Headings that this one stands under, outermost first, without the title."""
    first: int
    last: int
    items: tuple[Step | Block, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """Top-level list items, in order."""
        return tuple(item for item in self.items if isinstance(item, Step))

    @property
    def intent(self) -> str:
        """What the section says about itself before its first step; empty if it says nothing."""
        first_step = self.steps[0].first if self.steps else self.last + 1
        return " ".join(
            item.text
            for item in self.items
            if isinstance(item, Block) and item.kind == "prose" and item.first < first_step
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """One of the names a tutorial gives itself; they need not agree."""

    where: Literal["front matter", "front matter, meta", "heading"]
    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tutorial:
    """A whole text. `ledger[n]` is the class of line n+1; every line has exactly one."""

    path: str
    sha256: str
    lines: tuple[str, ...]
    front: Mapping[str, Any]
    titles: tuple[Title, ...]
    preamble: tuple[Block, ...]
    """What stands before the first section: introduction, notes, pictures."""
    sections: tuple[Section, ...]
    repairs: tuple[Repair, ...]
    ledger: tuple[str, ...]

    @property
    def title(self) -> str:
        """The heading a reader sees, or the front matter's title."""
        shown = [title.text for title in self.titles if title.where == "heading"]
        return (shown or [title.text for title in self.titles] or [self.path])[0]

    @property
    def ledger_counts(self) -> dict[str, int]:
        """Number of lines per class, by name of the class; the sum is the number of lines."""
        return dict(sorted(Counter(self.ledger).items()))

    def walk(self) -> Iterator[Step]:
        """Yield every list item of the text, in order."""
        for section in self.sections:
            for step in section.steps:
                yield from step.walk()
