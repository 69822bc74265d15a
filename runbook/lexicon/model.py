"""The lexicon's data, checked when it is loaded: places, labels, sentence forms and promises.

All meaning a tutorial can have stands in these rows. Code that reads them knows value types and sentence
forms, but no label, no option and no policy's name.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Words = tuple[str, ...]
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
    "interval",  # a choice among options that the text leaves open
    "range",  # a number that the text leaves open
    "computed",  # another service's value
    "reference",  # a list on another page
    "opens",  # a label that only leads to others
]
StepForm = Literal[
    "visit", "within", "assign", "set", "block", "loop", "exists", "flag", "ensure", "free-choice",
    "second-condition", "refer", "accept-defaults", "after", "stale-note", "remark", "alt-text",
]  # fmt: skip
ClauseForm = Literal["kept", "empty", "none", "only", "boxes", "expected", "range", "chain-refer", "chain"]


class Row(BaseModel):
    """Base of all rows: read-only, and an unknown key in the data is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Retired(Row):
    """What to say when a text names a console that is gone."""

    message: str
    advice: str
    source: str


class Console(Row):
    """A site with a name. A console that is not supported closes the section for this kit."""

    id: str
    platform: str
    names: Words
    hosts: Words
    supported: bool = True
    retired: Retired | None = None


class Advice(Row):
    """What a reader could do instead, and who says so."""

    advice: str
    source: str


class Loop(Row):
    """How a place says "for each": the noun, and the input that lists the objects."""

    input: str
    words: Words


class Expected(Row):
    """A parameter that a reader would expect to be set here, and what to say when it is not."""

    parameter: str
    code: str
    message: str
    source: str


class AnyOf(Row):
    """At least one of these parameters must be set, or the object does nothing or too much."""

    parameters: Words
    lacks: str


class Exclusive(Row):
    """Bits of one number that must not be set together."""

    parameter: str
    bits: tuple[int, ...]
    says: str


class Unless(Row):
    """A value that is dangerous unless one of these parameters is set too."""

    parameter: str
    value: int | str | bool
    unless: Words
    code: str
    says: str
    source: str


class Place(Row):
    """A page or an object, and the words that open, change and save something there."""

    id: str
    console: Words
    resource: str
    identity: str | None = None
    shape: Literal["list", "object", "page"]
    paths: tuple[Words, ...]
    urls: Words = ()
    create: tuple[Words, ...] = ()
    modify: tuple[Words, ...] = ()
    remove: tuple[Words, ...] = ()
    opens: Words = ()
    panes: Words = ()
    commit: Words = ()
    missing_commit: Advice | None = None
    loop: Loop | None = None
    watched: Words = ()
    """Parameters that a reader would wonder about when the text is silent."""
    limits: dict[str, int] = Field(default_factory=dict)
    expects: tuple[Expected, ...] = ()
    any_of: tuple[AnyOf, ...] = ()
    exclusive: tuple[Exclusive, ...] = ()
    unless: tuple[Unless, ...] = ()

    @model_validator(mode="after")
    def _identity_fits_shape(self) -> Place:
        if (self.shape == "object") != (self.identity is not None):
            raise ValueError(f"place {self.id}: an object needs an identity, and nothing else may have one")
        return self


class Buttons(Row):
    """Words that move through a dialog and set nothing."""

    next: Words
    inner: Words
    done: Words


class Page(Row):
    """A page that holds a list, and which part of the list is meant."""

    name: str
    page: str
    words: Words
    select: str
    source: str


class PlacesFile(Row):
    """The whole of places.yaml."""

    version: Literal[1]
    consoles: tuple[Console, ...]
    buttons: Buttons
    references: tuple[Page, ...]
    places: tuple[Place, ...]


class Option(Row):
    """One option of a control: as the portal words it, and as the service wants it."""

    words: str
    value: bool | int | str | Words
    assumption: str = ""


class Stale(Row):
    """A spelling of a label whose control no longer works as the text says."""

    words: Words
    message: str
    advice: str
    source: str


class Warns(Row):
    """What to say whenever a label is used at all."""

    code: str
    message: str
    source: str


class Wasted(Row):
    """A bit in the object that this label names which the service ignores here."""

    parameter: str
    bit: int
    message: str
    source: str


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
    value: bool | int | str | None = None
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
        if (self.parameter is None) != (self.type in ("name", "opens")):
            raise ValueError(f"label {' > '.join(self.path)}: parameter and type {self.type} do not fit")
        if self.when:
            re.compile(self.when)
        return self


class Labels(Row):
    """All labels of one place, and option sets that several of them use."""

    place: str
    options: dict[str, tuple[Option, ...]] = Field(default_factory=dict)
    rows: tuple[Label, ...]

    def options_of(self, label: Label) -> tuple[Option, ...]:
        """Give the options of a label, its own or the shared set that it names."""
        return self.options[label.use] if label.use else label.options


class LabelsFile(Row):
    """The whole of labels.yaml."""

    version: Literal[1]
    labels: tuple[Labels, ...]


class StepPatterns(Row):
    """One sentence form and the patterns that show it."""

    form: StepForm
    patterns: Words


class ClausePatterns(Row):
    """One value form and the patterns that show it."""

    form: ClauseForm
    patterns: Words


class PhrasesFile(Row):
    """The whole of phrases.yaml."""

    version: Literal[1]
    optional: Words
    gate: Words
    """Headings that make a whole section optional."""
    enumeration: Words
    choice: Words
    condition: Words
    steps: tuple[StepPatterns, ...]
    clauses: tuple[ClausePatterns, ...]


class Disposition(Row):
    """A verdict: how prose calls it, what the header carries, what the domain's setting calls it."""

    words: Words
    header: str
    drop: str
    source: str = ""


class Destination(Row):
    """A place where mail can land, and the ways a rule or a domain brings it there."""

    name: str
    words: Words
    scl: tuple[int, int]
    parameter: str | None = None
    dropped: bool = False


class DropSetting(Row):
    """The setting by which the vendor itself keeps mail back."""

    resource: str
    parameter: str


class PromiseAdvice(Row):
    """What is offered when a promise has no step."""

    text: str
    decision: str
    source: str


class PromisesFile(Row):
    """The whole of promises.yaml."""

    version: Literal[1]
    dispositions: tuple[Disposition, ...]
    destinations: tuple[Destination, ...]
    rule: str
    header_words: str
    level: str
    drop: DropSetting
    suggestion: PromiseAdvice
