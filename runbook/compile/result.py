"""What a compile gives: resources with provenance, inputs, references, manual steps and diagnostics.

All values are frozen; `Compiled.as_json` is the one place that knows the printed shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from runbook.compile.compared import Oracle
from runbook.compile.promised import Promise
from runbook.compile.values import Alternative, Value, plain_json
from runbook.tutorial import Tutorial

Line = int | str
"""A line of the tutorial itself by its number; one of an included file by the file's name, its line, and the
tutorial's line that brought it in. While a text is being compiled, the number counts over all of it."""
Severity = Literal["blocks", "asks", "tells"]
Certainty = Literal["exact label", "alias", "fuzzy", "assumption"]
Action = Literal["create", "modify", "ensure-absent"]
ReadAs = Literal["bound", "structural", "input", "check", "manual", "info", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One parameter of a resource, with the words and lines it came from."""

    parameter: str
    value: Value
    lines: tuple[Line, ...]
    """Lines that made the value, 1-based, ascending; the first is the one to show."""
    label: str
    """The label as the text writes it."""
    words: str
    """The value as the text writes it."""
    certainty: Certainty
    op: Literal["set", "add", "remove"] = "set"
    """`add` and `remove` are about entries of a list that keeps its others; it is replaced only with `set`."""
    assumption: str = ""
    """What was inferred to get from the words to the value; empty if nothing was."""
    refers: str = ""
    """Type of the resource whose name the value is; empty for any other value."""
    alternative: Alternative | None = None
    """What a decision would put in the value's place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceDraft:
    """One object as the tutorial wants it. Exactly one of `identity` and `for_each` is set."""

    type: str
    action: Action
    identity: str | None = None
    for_each: str | None = None
    """Name of the input that lists the identities."""
    settings: tuple[Setting, ...] = ()
    untouched: tuple[str, ...] = ()
    """Parameters close by that the text is silent about; they keep the tenant's value."""
    section: str
    lines: tuple[tuple[str, Line], ...]
    """Where each parameter stands, and `identity`, as (name, line)."""
    opened_at: Line
    committed_at: Line | None
    """Line of the step that saves; None if the text never says so."""
    optional: str | None = None
    """Name of the decision that turns this resource on; None if it always belongs."""
    blocked_by: tuple[str, ...] = ()
    """Why this resource cannot be applied, one sentence with line each."""
    left: bool = False
    """True where that is because the text is not understood there, or not all here: a person does it, and the others go
    on. False where what is understood must not be carried out: that is to be mended first."""

    @property
    def key(self) -> str:
        """The resource in one word, such as `TransportRule:Name` or `EmailSecurityDomain:{domains}`."""
        return f"{self.type}:{self.identity if self.identity is not None else '{' + str(self.for_each) + '}'}"

    def setting(self, parameter: str) -> Setting | None:
        """Find the setting of `parameter`; None if the text does not set it."""
        return next((setting for setting in self.settings if setting.parameter == parameter), None)

    def as_json(self) -> dict[str, Any]:
        """Give the printed form; optional keys are present only when they say something."""
        result: dict[str, Any] = {"type": self.type}
        result |= {"identity": self.identity} if self.for_each is None else {"for_each": self.for_each}
        result["action"] = self.action
        result["settings"] = {item.parameter: plain_json(item.value) for item in self.settings}
        result["lines"] = dict(self.lines)
        if self.untouched:
            result["untouched"] = list(self.untouched)
        result["section"] = self.section
        result["provenance"] = {
            item.parameter: {
                "lines": list(item.lines),
                "label": item.label,
                "words": item.words,
                "certainty": item.certainty,
            }
            | ({"op": item.op} if item.op != "set" else {})
            | ({"assumption": item.assumption} if item.assumption else {})
            | (
                {"alternative": plain_json(item.alternative.value), "decision": item.alternative.decision}
                if item.alternative
                else {}
            )
            for item in self.settings
        }
        if self.optional:
            result["optional"] = self.optional
        if self.blocked_by:
            result["blocked_by"] = list(self.blocked_by)
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A range of whole numbers, both ends included."""

    low: int
    high: int

    def as_json(self) -> dict[str, int]:
        """Give `{"min": low, "max": high}`."""
        return {"min": self.low, "max": self.high}


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A value the tutorial leaves open."""

    name: str
    kind: Literal["placeholder_loop", "free_choice", "recommended_range", "choice"]
    lines: tuple[Line, ...]
    domain: tuple[str, ...] | Bounds | None = None
    """Values that the service accepts; None where anything goes."""
    recommended: Bounds | None = None
    label: str = ""

    def as_json(self) -> dict[str, Any]:
        """Give the printed form; keys without content are left out."""
        result: dict[str, Any] = {"name": self.name, "kind": self.kind}
        if self.domain is not None:
            result["domain"] = self.domain.as_json() if isinstance(self.domain, Bounds) else list(self.domain)
        if self.recommended is not None:
            result["recommended"] = self.recommended.as_json()
        return result | {"lines": list(self.lines)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A list on another page, and which part of it is meant."""

    name: str
    page: str
    select: str
    lines: tuple[Line, ...]

    def as_json(self) -> dict[str, Any]:
        """Give the printed form."""
        return {"name": self.name, "page": self.page, "select": self.select, "lines": list(self.lines)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualStep:
    """Something that a person must do, in the tutorial's words."""

    text: str
    lines: tuple[Line, ...]
    section: str

    def as_json(self) -> dict[str, Any]:
        """Give the printed form."""
        return {"text": self.text, "lines": list(self.lines), "section": self.section}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmade:
    """An object that the text is about and of which nothing can be set: all of it is for a person."""

    type: str
    identity: str
    """Its name, or words that say that there is none."""
    section: str
    lines: tuple[Line, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """Something a careful reader would notice. `lines` may be empty when the text as a whole is meant."""

    code: str
    severity: Severity
    lines: tuple[Line, ...]
    message: str
    suggestion: str = ""
    source: str = ""
    """Where the suggestion comes from; never empty when there is a suggestion."""
    section: str = ""
    """Heading of the section, as written."""
    about: str = ""
    decision: str | None = None
    """Name of the decision that answers it, if one does."""
    input: str = ""
    """Name of the input that answers it; empty if none does."""

    def as_json(self) -> dict[str, Any]:
        """Give the printed form; a diagnostic about one line also has `line`."""
        result: dict[str, Any] = {"code": self.code, "severity": self.severity, "lines": list(self.lines)}
        if len(self.lines) == 1:
            result["line"] = self.lines[0]
        result |= {key: text for key, text in (("section", self.section), ("about", self.about)) if text}
        result["message"] = self.message
        result["suggestion"] = {"text": self.suggestion, "source": self.source} if self.suggestion else None
        if self.decision:
            result["decision"] = self.decision
        if self.input:
            result["input"] = self.input
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one list item was read, and which resource it belongs to (its key), for the page of steps."""

    first: int
    last: int
    number: int | None
    text: str
    section: str
    read_as: ReadAs
    resource: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """The whole result. Two equal texts with equal lexicons give equal results."""

    tutorial: Tutorial
    resources: tuple[ResourceDraft, ...]
    inputs: tuple[Input, ...]
    references: tuple[Reference, ...]
    order: tuple[tuple[str, str], ...]
    """Pairs (first, then); `Type:*` means every resource of that type."""
    manual: tuple[ManualStep, ...]
    diagnostics: tuple[Diagnostic, ...]
    readings: tuple[Reading, ...]
    unmade: tuple[Unmade, ...] = ()
    generation: tuple[int, int] | None = None
    """The years in which a text names its portals so; None where it names none, or where no year has them all."""
    promises: tuple[Promise, ...] = ()
    """Where the text says that mail will land, in the order of the text."""
    oracle: Oracle | None = None
    """What came of comparing the steps with the text's own PowerShell; None if it has none."""

    @property
    def counts(self) -> dict[str, int]:
        """Sections, numbered steps and list items of the text."""
        items = list(self.tutorial.walk())
        numbered = sum(1 for item in items if item.number is not None)
        return {"sections": len(self.tutorial.sections), "numbered_steps": numbered, "list_items": len(items)}

    @property
    def ledger(self) -> Mapping[str, Any]:
        """Lines per class; `closed` is true when the classes add up to the lines of the text."""
        classes = self.tutorial.ledger_counts
        total = len(self.tutorial.lines)
        ledger: dict[str, Any] = {"classes": classes, "lines": total, "closed": sum(classes.values()) == total}
        files = [
            {
                "file": file.file or self.tutorial.path, "via": file.via or None, "classes": counts,
                "lines": file.lines, "closed": sum(counts.values()) == file.lines,
            }
            for file, counts in self.tutorial.ledgers
        ]  # fmt: skip
        if files:
            ledger["files"] = files
            ledger["closed"] = ledger["closed"] and all(file["closed"] for file in files)
        return ledger

    def resource(self, key: str) -> ResourceDraft:
        """Find a resource by its key; raise KeyError if there is none."""
        for draft in self.resources:
            if draft.key == key:
                return draft
        raise KeyError(key)

    def as_json(self) -> dict[str, Any]:
        """Give what `runbook compile --format json` prints."""
        files = [
            {"file": item.file or self.tutorial.path, "sha256": item.sha256} | ({"via": item.via} if item.via else {})
            for item in self.tutorial.files
        ]
        return {
            "source": self.tutorial.path,
            "sha256": self.tutorial.sha256,
            **({"files": files} if files else {}),
            "counts": self.counts,
            **({"generation": list(self.generation)} if self.generation else {}),
            "inputs": [item.as_json() for item in self.inputs],
            "references": [item.as_json() for item in self.references],
            "resources": [item.as_json() for item in self.resources],
            "order": [list(pair) for pair in self.order],
            "manual": [item.as_json() for item in self.manual],
            "promises": [item.as_json() for item in self.promises],
            **({"oracle": self.oracle.as_json()} if self.oracle else {}),
            "diagnostics": [item.as_json() for item in self.diagnostics],
            "ledger": dict(self.ledger),
        }
