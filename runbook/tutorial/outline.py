"""What a tutorial consists of: sections, steps and the text around them, each with its source lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from runbook.tutorial.includes import Origin, Remark, SourceFile
from runbook.tutorial.markdown import Piece, Repair

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
    """A whole text with what it includes. `ledger[n]` is the class of line n+1; every line has exactly one.

    Lines are counted over all of it, in the order of reading, so that they are sorted and compared as numbers;
    `place` gives what a reader is shown. Without includes the two are the same.
    """

    path: str
    sha256: str
    """Of the file, or of the list of all files' hashes where others are included: a change of any changes it."""
    lines: tuple[str, ...]
    front: Mapping[str, Any]
    titles: tuple[Title, ...]
    preamble: tuple[Block, ...]
    """What stands before the first section: introduction, notes, pictures."""
    sections: tuple[Section, ...]
    repairs: tuple[Repair, ...]
    ledger: tuple[str, ...]
    origins: tuple[Origin, ...] = ()
    """Where each line stands; empty if nothing is included."""
    files: tuple[SourceFile, ...] = ()
    """The tutorial's own file first, then the included ones; empty if nothing is included."""
    remarks: tuple[Remark, ...] = ()
    """What is to be said about its includes."""

    def place(self, line: int) -> int | str:
        """Give the line's number in the tutorial itself, or the included file's name and line, and by which line."""
        return self.origin(line).place

    def origin(self, line: int) -> Origin:
        """Give file and line of a line of the whole text."""
        return self.origins[line - 1] if self.origins else Origin(line=line)

    def own_line(self, line: int) -> int:
        """Give the line of the tutorial itself: the line, or the one by which an included line came."""
        origin = self.origin(line)
        return origin.via or origin.line

    @property
    def ledgers(self) -> tuple[tuple[SourceFile, dict[str, int]], ...]:
        """Give for each file the number of lines per class; their sum is the number of lines of the file."""
        counted: dict[tuple[str, int], Counter[str]] = {}
        for origin, kind in zip(self.origins, self.ledger, strict=True) if self.origins else ():
            counted.setdefault((origin.file, origin.via), Counter())[kind] += 1
        sizes: dict[tuple[str, int], SourceFile] = {}
        for file in self.files:  # one that an included file takes in twice is counted as one
            before = sizes.get((file.file, file.via))
            sizes[file.file, file.via] = replace(file, lines=file.lines + (before.lines if before else 0))
        return tuple((file, dict(sorted(counted.get(key, Counter()).items()))) for key, file in sizes.items())

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
