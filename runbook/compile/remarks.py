"""What is to be said together with a value that was bound: choices left open, words that no longer hold."""

from __future__ import annotations

from runbook.compile.bind import Bound
from runbook.compile.findings import Findings
from runbook.lexicon import Label
from runbook.lexicon.match import match_name


def remark(
    findings: Findings, label: Label, bound: Bound, written: str, words: str, *, line: int, section: str
) -> None:
    """Note what comes with a setting; `written` and `words` are the label and the value as in the text."""

    def note(code: str, message: str, suggestion: str = "", source: str = "", decision: str | None = None) -> None:
        findings.note(
            code, (line,), message, suggestion=suggestion, source=source, section=section, decision=decision
        )

    stale, warns, asks = label.stale, label.warns, bound.asks
    if stale and match_name(written, stale.words):
        note("stale-control", stale.message, stale.advice, stale.source)
    if warns:
        note(warns.code, warns.message, source=warns.source)
    if bound.code == "free-choice" and asks and isinstance(asks.domain, tuple):
        message = f"{written!r} is left to the reader; the input {asks.name} asks for it."
        note("free-choice", message, f"One of {', '.join(asks.domain)}.", label.source)
    if bound.code == "range-without-value" and asks and asks.recommended:
        message = f"{written!r} is given a range and no value; the input {asks.name} asks for it."
        low, high = asks.recommended.low, asks.recommended.high
        keep = f"Keep the present value if it is between {low} and {high}; "
        note("range-without-value", message, f"{keep}the service takes {label.low} to {label.high}.", label.source)
    if bound.code == "literal-holds-list":
        message = f"{words!r} is one literal with several words in it; as one phrase it would hardly ever match."
        advice = f"Take the decision {label.decision} to send each word by itself."
        note("literal-holds-list", message, advice, label.source, label.decision)
