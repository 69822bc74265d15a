"""The list that a compile writes to: diagnostics, inputs, references, readings. Order is the text's order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from runbook.compile.bind import Bound
from runbook.compile.result import Diagnostic, Input, Line, ManualStep, ReadAs, Reading, Reference, Severity, Unmade
from runbook.lexicon import Label
from runbook.lexicon.match import match_name
from runbook.tutorial import Section, Step

SEVERITY: Mapping[str, Severity] = {
    "encoding-repaired": "tells", "placeholder-text": "tells", "missing-commit": "tells",
    "promise-not-covered": "asks", "literal-holds-list": "asks", "stale-control": "tells",
    "range-without-value": "asks", "free-choice": "asks", "choice-required": "asks",
    "header-token-mismatch": "asks", "markup-broken": "tells", "unresolved-include": "blocks",
    "unresolved-reference": "blocks", "duplicate-identity": "blocks", "gated-section": "tells",
    "branch": "asks", "platform-unsupported": "blocks", "place-unknown": "tells",
    "portal-generation": "tells", "document-inconsistent": "tells", "enable-not-stated": "tells",
    "guard-failed": "blocks", "unknown-step": "blocks", "spoofable-condition": "asks",
    "external-procedure": "tells", "unbalanced-markup": "tells", "alt-text-as-bullet": "tells",
    "quarantine-policy-not-applicable": "tells", "conflicts-with-baseline": "asks",
    "contradicts-reference": "tells", "destructive-clear": "asks", "alternative-section": "asks",
}  # fmt: skip


@dataclass(slots=True)
class Findings:
    """What has been found so far; `place` gives what a reader is shown for a line of the whole text."""

    place: Callable[[int], int | str] = int
    diagnostics: list[Diagnostic] = field(default_factory=list)
    inputs: dict[str, Input] = field(default_factory=dict)
    references: dict[str, Reference] = field(default_factory=dict)
    manual: list[ManualStep] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    unmade: list[Unmade] = field(default_factory=list)
    years: list[tuple[int, int]] = field(default_factory=list)
    """Years of the portals that the text goes to."""
    dropped: set[tuple[str, str]] = field(default_factory=set)
    """Type, and name in lower case, of objects that the text makes and of which nothing else is understood."""

    def at(self, line: Line) -> str:
        """Name a line in a sentence: `line 5`, or the file and line of an included one."""
        place = self.place(line) if isinstance(line, int) else line
        return place if isinstance(place, str) else f"line {place}"

    def note(
        self, code: str, lines: tuple[Line, ...], message: str, *, severity: Severity | None = None,
        suggestion: str = "", source: str = "", section: str = "", about: str = "", decision: str | None = None,
        asked: str = "",
    ) -> None:  # fmt: skip
        """Add a diagnostic; the usual severity of its code stands in SEVERITY."""
        self.diagnostics.append(Diagnostic(
            code=code, severity=severity or SEVERITY[code], lines=lines, message=message,
            suggestion=suggestion, source=source, section=section, about=about, decision=decision,
            input=asked,
        ))  # fmt: skip

    def ask(self, item: Input) -> None:
        """Add an input, or more lines to one that is already asked."""
        old = self.inputs.get(item.name)
        lines = tuple(sorted({*(old.lines if old else ()), *item.lines}))
        self.inputs[item.name] = replace(old or item, lines=lines)

    def refer(self, item: Reference) -> None:
        """Add a reference, or more lines to one that is already there."""
        old = self.references.get(item.name)
        lines = tuple(sorted({*(old.lines if old else ()), *item.lines}))
        self.references[item.name] = replace(old or item, lines=lines)

    def read(self, step: Step, section: Section, read_as: ReadAs, resource: str | None = None, why: str = "") -> None:
        """Record how a list item was read."""
        self.readings.append(Reading(
            first=step.first, last=step.text_last, number=step.number, text=step.text, section=section.id,
            read_as=read_as, resource=resource, why=why,
        ))  # fmt: skip


def holds_list(findings: Findings, label: Label | None, words: str, lines: tuple[Line, ...], section: str = "") -> None:
    """Note a literal that holds several words."""
    decision, source = (label.decision, label.source) if label else (None, "")
    findings.note(
        "literal-holds-list", lines, section=section, source=source, decision=decision,
        message=f"{words!r} is one literal with several words in it; as one phrase it would hardly ever match.",
        suggestion=f"Take the decision {decision} to send each word by itself.",
    )  # fmt: skip


def remark(
    findings: Findings, label: Label, bound: Bound, written: str, words: str, *, line: Line, section: str,
    replaces: bool = False,
) -> None:  # fmt: skip
    """Note what comes with a setting; `written` and `words` are the label and the value as in the text."""

    def note(code: str, message: str, suggestion: str = "", source: str = "", asked: str = "") -> None:
        findings.note(code, (line,), message, suggestion=suggestion, source=source, section=section, asked=asked)

    stale, warns, asks = label.stale, label.warns, bound.asks
    if replaces:
        message = f"{written!r} loses every entry that is there now, whoever made it."
        note("destructive-clear", message, "Add to the list, or remove single entries by name.", label.source)
    if stale and match_name(written, stale.words):
        note("stale-control", stale.message, stale.advice, stale.source)
    if warns and not replaces and warns.value in (None, bound.value):
        note(warns.code, warns.message, source=warns.source)
    if bound.code == "free-choice" and asks and isinstance(asks.domain, tuple):
        message = f"{written!r} is left to the reader; the input {asks.name} asks for it."
        note("free-choice", message, f"One of {', '.join(asks.domain)}.", label.source, asks.name)
    if bound.code == "range-without-value" and asks and asks.recommended:
        message = f"{written!r} is given a range and no value; the input {asks.name} asks for it."
        low, high = asks.recommended.low, asks.recommended.high
        keep = f"Keep the present value if it is between {low} and {high}; "
        advice = f"{keep}the service takes {label.low} to {label.high}."
        note("range-without-value", message, advice, label.source, asks.name)
        if (label.low is not None and low < label.low) or (label.high is not None and high > label.high):
            message = f"{low} to {high} is recommended; the service takes {label.low} to {label.high}."
            note("contradicts-reference", message, source=label.source)
    if bound.code == "literal-holds-list":
        holds_list(findings, label, words, (line,), section)
