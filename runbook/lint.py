"""What a careful reader would object to in a text, as a compiler prints it: one finding per line of the text.

A finding stops asking once its question is answered: its decision is taken, or its input has a value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook.compile.decisions import decision_names
from runbook.compile.result import Compiled, Diagnostic, Line, Severity
from runbook.errors import ExitCode, UsageError
from runbook.inputs import decision_field

RANK: Mapping[Severity, int] = {"tells": ExitCode.DONE, "asks": ExitCode.CHANGES, "blocks": ExitCode.FAILED}
WHOLE = 1
"""Line that stands for a finding about the text as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A diagnostic of one text, with the line's own words and whether its question is answered."""

    path: str
    diagnostic: Diagnostic
    source_line: str
    own_line: int
    """The line of the tutorial itself: that of the finding, or the one by which an included file came."""
    place: str = ""
    """File and line of what an included file says; empty for the tutorial's own words."""
    answered: str = ""
    """What answers it, in words; empty while it is open."""

    @property
    def severity(self) -> Severity:
        """Give the severity once the answers are counted: what is answered only tells."""
        return "tells" if self.answered and self.diagnostic.severity == "asks" else self.diagnostic.severity

    @property
    def line(self) -> int:
        """Give the line to jump to."""
        return self.own_line

    def as_json(self) -> dict[str, Any]:
        """Give the printed form: the diagnostic's, with the file, the line and what answers it."""
        found = {"file": self.path, **self.diagnostic.as_json()}
        found |= {"line": self.line, "severity": self.severity, "source_line": self.source_line}
        return found | ({"answered": self.answered} if self.answered else {})


def lint(
    compiled: Compiled, *, decided: Collection[str] = (), given: Mapping[str, Any] | None = None, path: str = ""
) -> tuple[Finding, ...]:
    """List the findings of a text in the order of its lines.

    `decided` are decisions that are taken, `given` are inputs by name, as in a parameters file. An answer
    against the correction is an answer, too: the text is then meant as it is written.
    """
    text = compiled.tutorial
    numbers: dict[Line, int] = {text.place(number): number for number in range(len(text.lines), 0, -1)}
    found = []
    for item in compiled.diagnostics:
        at = item.lines[0] if item.lines else None
        number = numbers.get(at, 0) if at is not None else 0
        found.append(Finding(
            path=path or text.path, diagnostic=item, answered=_answer(item, decided, given or {}),
            source_line=text.lines[number - 1] if number else "",
            own_line=text.own_line(number) if number else at if isinstance(at, int) else WHOLE,
            place=at if isinstance(at, str) else "",
        ))  # fmt: skip
    return tuple(found)


def check_decided(decided: Collection[str], texts: Sequence[Compiled]) -> None:
    """Refuse a decision that no finding and no resource of any of the texts has. Raises UsageError."""
    known = {name for text in texts for name in decision_names(text)}
    known |= {item.decision for text in texts for item in text.diagnostics if item.decision}
    for name in decided:
        if name not in known:
            raise UsageError(
                f"The decision {name!r} decides nothing here.",
                f"Decisions that there are: {', '.join(sorted(known)) or 'none'}.",
            )


def exit_code(findings: Sequence[Finding]) -> int:
    """Give 1 if something blocks, else 3 if something asks, else 0."""
    found = {finding.severity for finding in findings}
    return next((RANK[severity] for severity in ("blocks", "asks") if severity in found), ExitCode.DONE)


def render(findings: Sequence[Finding], texts: int = 1) -> str:
    """Write the findings as lines of text; the last line counts them."""
    rows: list[str] = []
    for finding in findings:
        item = finding.diagnostic
        rows.append(f"{finding.path}:{finding.line}: {finding.severity} {item.code}: {item.message}")
        if finding.place:
            rows.append(f"    in {finding.place}")
        if finding.source_line:
            rows.append(f"    {finding.source_line.strip()}")
        if item.suggestion:
            rows.append(f"    suggestion: {item.suggestion} ({item.source})")
        elif item.source:
            rows.append(f"    source: {item.source}")
        if finding.answered:
            rows.append(f"    answered: {finding.answered}")
        elif item.decision:
            rows.append(f"    decision: {item.decision}")
        elif item.input:
            rows.append(f"    input: {item.input}")
    counts = Counter(finding.severity for finding in findings)
    total = ", ".join(f"{counts[severity]} {severity}" for severity in ("blocks", "asks", "tells") if counts[severity])
    where = f" in {texts} texts" if texts > 1 else ""
    return "\n".join([*rows, f"{total or 'nothing found'}{where}"])


def _answer(item: Diagnostic, decided: Collection[str], given: Mapping[str, Any]) -> str:
    if item.decision and item.decision in decided:
        return f"the decision {item.decision} is taken"
    names = [decision_field(item.decision)] if item.decision else []
    for name in [*names, *([item.input] if item.input else [])]:
        if given.get(name) not in (None, ""):
            return f"{name} is {given[name]}"
    return ""
