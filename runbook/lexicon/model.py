"""The lexicon's data, checked when it is loaded: places, sentence forms and promises; labels are in labels.py.

All meaning a tutorial can have stands in these rows. Code that reads them knows value types and sentence
forms, but no label, no option and no policy's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Words = tuple[str, ...]
StepForm = Literal[
    "visit", "within", "assign", "set", "named", "block", "loop", "exists", "flag", "ensure", "free-choice", "heading",
    "second-condition", "field", "entry", "name", "refer", "pick", "accept-defaults", "after", "stale-note", "remark",
    "alt-text", "by-hand",
]  # fmt: skip
ClauseForm = Literal[
    "kept", "empty", "none", "only", "boxes", "expected", "range", "replaced", "removed", "open", "below",
    "chain-refer", "pair", "bare", "chain",
]  # fmt: skip


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
    menus: Words = ()
    """Words on the way to its pages that no page is told by; so they are known where nothing marks them."""
    years: tuple[int, int] | None = None
    """The first and the last year of texts in which its names were met; a guess at a text's age, and no more."""
    supported: bool = True
    addresses: Words = ()
    """Paths that only this console has, whatever its host."""
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
    """A value that is dangerous unless one of these parameters is set too, and not to an empty list."""

    parameter: str
    value: int | str | bool | Words
    unless: Words
    code: str
    says: str
    source: str
    blocks: bool = False


class Named(Row):
    """Words in a name that say what the object does, and the bit that does the opposite."""

    words: str
    parameter: str
    bit: int
    says: str


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
    picks: bool = False
    """Whether an object is opened here by its name, to be changed."""
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
    builtin: Words = ()
    """Names that the service keeps for objects of its own; nobody can create or change them."""
    named: tuple[Named, ...] = ()

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


class Command(Row):
    """A line of PowerShell that is a setting of the tenant; it is carried out only by a decision."""

    words: str
    resource: str
    identity: str
    parameter: str
    value: bool | int | str
    decision: str
    first: bool = False
    """Whether it comes before all else that the text sets, wherever it stands."""
    source: str


class PlacesFile(Row):
    """The whole of places.yaml."""

    version: Literal[1]
    consoles: tuple[Console, ...]
    ours: Words = ()
    """Names of what this kit configures; a title that has one is not only about another platform."""
    buttons: Buttons
    references: tuple[Page, ...]
    commands: tuple[Command, ...] = ()
    places: tuple[Place, ...]


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
    pieces: dict[str, str] = Field(default_factory=dict)
    """Pieces of patterns by the name in capitals that stands for them."""
    optional: Words
    gate: Words
    """Headings that make a whole section optional."""
    hangs: Words
    """Sentences before the steps that make a whole section hang on something."""
    enumeration: Words
    choice: Words
    condition: Words
    external: Words
    """Sentences that send the reader to a procedure on another page."""
    alternative: Words
    """Headings of sections of which a reader takes one."""
    wait: Words
    """What prose says of a time that must pass before a section is carried out; `time` is the time."""
    asking: Words
    """What prose says that asks a reader to do something, in a section whose steps set nothing."""
    arrows: Words
    """Words between two slots that join them as an arrow does."""
    goes_on: Words
    """Where a sentence goes on with another instruction; each part is then read as a sentence."""
    by_command: Words
    """Headings of sections that say the same by command as another one says by clicks."""
    steps: tuple[StepPatterns, ...]
    clauses: tuple[ClausePatterns, ...]

    @model_validator(mode="before")
    @classmethod
    def _put_pieces_in(cls, data: Any) -> Any:
        """Put the pieces where their names stand, also in other pieces that come later."""
        pieces: dict[str, str] = {}
        for name, text in data.get("pieces", {}).items() if isinstance(data, dict) else ():
            pieces[name] = _filled(text, pieces)
        return {**_filled(data, pieces), "pieces": pieces} if pieces else data


def _filled(data: Any, pieces: Mapping[str, str]) -> Any:
    """Put pieces into every text of some data; a name in capitals that is no piece is an error."""
    if isinstance(data, str):
        return re.sub(r"\{([A-Z]+)\}", lambda match: pieces[match[1]], data)
    if isinstance(data, list):
        return [_filled(item, pieces) for item in data]
    return {key: _filled(item, pieces) for key, item in data.items()} if isinstance(data, dict) else data


class Doubt(Row):
    """What a page says against something that another page relies on."""

    message: str
    source: str


class Disposition(Row):
    """A verdict: how prose calls it, what the header carries, what the domain's setting calls it."""

    words: Words
    header: str | None
    """The token that rules wait for; None for a verdict that no rule of these texts waits for."""
    drop: str
    source: str = ""
    decision: str | None = None
    """Decision that looks for `header` where a text looks for `drop`."""
    doubt: Doubt | None = None


class Destination(Row):
    """A place where mail can land, and the ways a rule or a domain brings it there."""

    name: str
    words: Words
    lands: Literal["inbox", "junk", "user quarantine", "admin quarantine"]
    """What kind of place it is: in a quarantine of the user's own, they may release."""
    scl: tuple[int, int] | None = None
    parameter: str | None = None
    dropped: bool = False
    bare: Words = ()
    """Names that mean this place only in a frame of a flow chart that names one of `owners`."""
    owners: Words = ()
    source: str = ""

    @property
    def checked(self) -> bool:
        """Tell whether some setting of these texts brings mail there."""
        return self.scl is not None or self.parameter is not None or self.dropped

    @property
    def ways(self) -> str:
        """Say what a step would do to bring mail there, after "no step"."""
        return f"sets SCL {self.scl[0]} to {self.scl[1]}" if self.scl else "has the gateway hold it back"


class DropSetting(Row):
    """The setting by which the vendor itself keeps mail back."""

    resource: str
    parameter: str


class FormerHeader(Row):
    """A name that the header had, and what is known of it now."""

    name: str
    message: str
    source: str


class VerdictHeader(Row):
    """The header that carries the verdict: the parameter that names it, its name, and names that it had."""

    parameter: str
    name: str
    source: str
    former: tuple[FormerHeader, ...]
    resembles: str
    """A pattern of names that mean this header and are not its name."""
    decision: str
    restricted_by: str
    """Parameter without which anybody can write the header."""
    forged: Doubt

    @property
    def known(self) -> dict[str, FormerHeader | None]:
        """Give all its names in lower case; the present one has None."""
        return {self.name.casefold(): None} | {former.name.casefold(): former for former in self.former}


class Unstamped(Row):
    """Levels that a rule can ask for and the filter never gives."""

    levels: tuple[int, ...]
    message: str
    source: str


class PromiseAdvice(Row):
    """What is offered when a promise of `destination` about one of `headers` has no step."""

    destination: str
    headers: Words

    text: str
    decision: str
    source: str


class PromisesFile(Row):
    """The whole of promises.yaml."""

    version: Literal[1]
    dispositions: tuple[Disposition, ...]
    destinations: tuple[Destination, ...]
    verdicts: Words
    """How flow charts call Microsoft's own verdicts."""
    rule: str
    header_words: str
    level: str
    enabled: str
    header: VerdictHeader
    unstamped: Unstamped
    drop: DropSetting
    suggestion: PromiseAdvice
