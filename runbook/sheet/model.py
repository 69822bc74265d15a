"""What an instruction sheet says, worked out before it is laid out: texts and boxes, no markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from runbook.tutorial.markdown import Piece

Role = Literal["click", "look", "person", "unread", "info", "words"]
"""`click` is understood, `look` only looks, `person` is known to be for a person, `unread` is not understood, `info` is
an item of a list that asks for nothing, and `words` are the text's own words between the steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value to enter, as a person reads it, and where it comes from."""

    name: str
    shown: str
    source: str = ""
    whose: str = ""
    """The thing that it is of, where one step is carried out on several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One list item of the text, to be ticked off, or the words between two of them."""

    role: Role
    pieces: Sequence[Piece]
    where: str = ""
    number: int | None = None
    depth: int = 0
    values: tuple[Value, ...] = ()
    notes: tuple[str, ...] = ()
    """The text's own words below the item."""
    why: str = ""
    """Why it is not understood."""
    id: str = ""
    """By which `runbook tick` knows it; empty for a step that is not ticked off there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Command lines, and when they are the right ones."""

    when: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """What some steps bring about: one object of the tenant, with the same as command lines."""

    title: str
    name: str
    shell: str = ""
    look: Commands | None = None
    """How to see what is there."""
    commands: tuple[Commands, ...] = ()
    beside: tuple[Value, ...] = ()
    """Values that no step names and the command lines carry all the same."""
    open: tuple[str, ...] = ()
    """Why there is no command line, or what to see to before."""
    stays: str = ""
    """Why it cannot be taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Steps that belong together, with what they bring about beside them."""

    lines: tuple[Line, ...]
    things: tuple[Thing, ...] = ()
    condition: str = ""
    """Under which decision all of it is carried out; empty where it always is."""
    open: bool = False
    """True where nobody has taken that decision."""
    each: tuple[str, ...] = ()
    """The things on which the steps are carried out one after the other, each with a box of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of the text."""

    number: int
    id: str
    heading: str
    where: str
    intent: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A decision, with the answer that was given or the boxes for one."""

    name: str
    text: str
    options: tuple[str, ...]
    where: str = ""
    answer: str = ""
    """What was decided, and by what; empty where nobody has decided."""
    meanwhile: str = ""
    """What the sheet has as long as nobody decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An input in effect."""

    name: str
    value: str
    """Empty where there is none: it is filled in by hand."""
    source: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something about the text, with the lines that it is about."""

    where: str
    text: str
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """The addresses of a region, or of several that have the same, for a list that waits for one."""

    names: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The whole sheet. Equal texts and equal inputs give equal sheets."""

    title: str
    file: str
    sha256: str
    kit: str
    tenant: str
    """The tenant whose inputs and domains were taken; empty where none was named."""
    inputs: tuple[Input, ...]
    decisions: tuple[Question, ...]
    questions: tuple[Question, ...]
    by_person: tuple[Remark, ...]
    unread: tuple[Remark, ...]
    blocked: tuple[Remark, ...]
    remarks: tuple[Remark, ...]
    sections: tuple[Section, ...]
    regions: tuple[Region, ...] = ()
    regions_date: str = ""
    blanks: tuple[str, ...] = ()
    """What stands in command lines and values for something to fill in."""
