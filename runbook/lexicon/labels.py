"""The rows of labels.yaml: what a label on a page sets, and how its value is read."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, model_validator

from runbook.lexicon.model import Row, Words

ValueType = Literal[
    "name",  # the object's identity, or a placeholder for one
    "text",  # one marked literal
    "words",  # a list of marked literals, each one phrase
    "enum",  # one option of a closed set
    "bits",  # options that add up in one number
    "set",  # exactly the options named, nothing else
    "flag",  # being mentioned sets it to `value`
    "switch",  # ensured to be selected (true) or not selected (false)
    "integer",
    "list",  # can only be emptied by text
    "entries",  # a list of marked literals, each one entry
    "interval",  # a choice among options that the text leaves open
    "range",  # a number that the text leaves open
    "computed",  # another service's value
    "reference",  # a list on another page
    "opens",  # a label that only leads to others
    "pair",  # two parameters, given as `name: value`
]


class Option(Row):
    """One option of a control: as the portal words it, and as the service wants it."""

    words: str
    value: bool | int | str | Words
    assumption: str = ""
    refused: str = ""
    """Why the service does not take it here, although the portal knows it elsewhere."""
    becomes: str = ""
    """Place whose labels hold from here on: what is being made is another kind of thing."""


class Stale(Row):
    """A spelling of a label whose control no longer works as the text says."""

    words: Words
    message: str
    advice: str
    source: str


class Warns(Row):
    """What to say whenever a label is used at all, or only with `value`."""

    code: str
    message: str
    source: str
    value: bool | int | str | Words | None = None


class Wasted(Row):
    """A bit in the object that this label names which the service ignores here."""

    parameter: str
    bit: int
    message: str
    source: str


class Careful(Row):
    """A bit in the object that this label names, where the text has made one with another bit that is stricter."""

    parameter: str
    bit: int
    stricter: int
    message: str
    source: str


class Masks(Row):
    """Which networks a list of addresses takes: IPv4 with a mask from `low` to `high`."""

    low: int
    high: int
    source: str


class Defeats(Row):
    """A parameter of rules that what is listed here makes idle, for mail from the same addresses."""

    parameter: str
    code: str
    message: str


class Implied(Row):
    """What choosing a label sets beside its own parameter; `assumption` says so where no page does."""

    parameter: str
    value: bool | int | str | Words
    assumption: str = ""


class OnlyWith(Row):
    """Another parameter's value without which this one has no effect."""

    parameter: str
    value: str


class Label(Row):
    """What a label sets. `path` is the label after the labels and options above it."""

    path: Words
    aliases: tuple[Words, ...] = ()
    parameter: str | None = None
    type: ValueType
    op: Literal["set", "add"] = "set"
    pick: Literal["one", "many"] = "many"
    options: tuple[Option, ...] = ()
    use: str | None = None
    value: bool | int | str | Words | None = None
    implies: tuple[Implied, ...] = ()
    awaits: Words = ()
    """Path of the label that entries without a label of their own belong to, once this one is chosen."""
    pair: Words = ()
    """Parameters that get the name and the value of a pair."""
    entry: str | None = None
    """A pattern that each entry of the list must match as a whole."""
    input: str | None = None
    low: int | None = None
    high: int | None = None
    unit: str = ""
    when: str | None = None
    computed: str | None = None
    needs: Words = ()
    refers: str | None = None
    decision: str | None = None
    after: bool = False
    """True if the label is met on the list of finished objects, not in the wizard."""
    stale: Stale | None = None
    warns: Warns | None = None
    only_with: OnlyWith | None = None
    wasted: Wasted | None = None
    careful: Careful | None = None
    masks: Masks | None = None
    defeats: Defeats | None = None
    assumption: str = ""
    source: str

    @model_validator(mode="after")
    def _type_has_what_it_needs(self) -> Label:
        wants = {
            "enum": bool(self.options or self.use), "bits": bool(self.options), "set": bool(self.options),
            "interval": bool(self.options and self.input), "computed": bool(self.computed and self.when),
            "range": self.input is not None and self.low is not None and self.high is not None,
            "flag": self.value is not None, "words": self.decision is not None,
        }  # fmt: skip
        if not wants.get(self.type, True):
            raise ValueError(f"label {' > '.join(self.path)}: type {self.type} lacks the keys it needs")
        if (self.parameter is None) != (self.type in ("name", "opens", "pair")):
            raise ValueError(f"label {' > '.join(self.path)}: parameter and type {self.type} do not fit")
        for pattern in (self.when, self.entry):
            re.compile(pattern or "")
        return self


class Labels(Row):
    """All labels of one place, and option sets that several of them use."""

    place: str
    synonyms: dict[str, Words] = Field(default_factory=dict)
    """Other spellings of single words of paths, wherever in a path they stand."""
    options: dict[str, tuple[Option, ...]] = Field(default_factory=dict)
    rows: tuple[Label, ...]

    def options_of(self, label: Label) -> tuple[Option, ...]:
        """Give the options of a label, its own or the shared set that it names."""
        return self.options[label.use] if label.use else label.options

    @property
    def spellings(self) -> dict[str, str]:
        """Give each other spelling with the word that it stands for."""
        return {spelling: word for word, several in self.synonyms.items() for spelling in several}


class LabelsFile(Row):
    """The whole of labels.yaml."""

    version: Literal[1]
    labels: tuple[Labels, ...]
