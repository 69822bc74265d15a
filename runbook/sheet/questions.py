"""The decisions and open questions of a text, with the answers that were given: none is answered silently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from runbook import library, lint
from runbook.compile.result import Diagnostic, Line, ResourceDraft, Setting
from runbook.compile.values import AdvisedValue
from runbook.desired import worded
from runbook.difference import lines_text
from runbook.inputs import Effective, decision_field
from runbook.library import Document
from runbook.sheet.model import Question, Remark

NOBODY = "kit's default"


def decisions(document: Document, inputs: Mapping[str, Effective]) -> tuple[Question, ...]:
    """Return every decision that a value or a part of the text hangs on, each once, in the order of the text."""
    known = library.decisions()
    found: dict[str, Question] = {}
    for section in document.sections:
        for draft in document.drafts(section.id):
            for name, options, lines in _asked(draft):
                given = inputs.get(decision_field(name))
                if given is not None:
                    where = lines_text(lines)
                    text = known[name].question if name in known else given.field.help.removeprefix("Decision - ")
                    question = Question(name=name, text=_sentence(text), options=options, where=where)
                    found.setdefault(name, _answered(question, given))
    return tuple(found.values())


def is_open(name: str, inputs: Mapping[str, Effective]) -> bool:
    """Tell whether nobody has taken a decision, neither for it nor against it."""
    given = inputs.get(decision_field(name))
    return given is None or given.source == NOBODY


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


_Asked = tuple[str, tuple[str, ...], tuple[Line, ...]]


def _asked(draft: ResourceDraft) -> Iterator[_Asked]:
    if draft.optional:
        yield draft.optional, ("yes", "no"), (draft.opened_at,)
    for setting in draft.settings:
        yield from _about(setting)


def _about(setting: Setting) -> Iterator[_Asked]:
    value = setting.value
    if isinstance(value, AdvisedValue):
        for name in value.decisions:
            options = (f"advised: {worded(value.settled([name]))}", f"as-written: {worded(value.as_written)}")
            yield name, options, setting.lines
    if setting.alternative:
        other = setting.alternative
        options = (f"as-written: {worded(value)}", f"advised: {worded(other.value)}")
        yield other.decision, options, setting.lines


def _answered(question: Question, given: Effective) -> Question:
    if given.source == NOBODY:
        return replace(question, meanwhile=_meanwhile(given.value))
    words = {True: "yes", False: "no"}.get(given.value, str(given.value)) if given.value != "" else "left open"
    return replace(question, answer=f"{words} ({given.source} {given.field.name})")


def _meanwhile(default: Any) -> str:
    if isinstance(default, bool):
        return "its steps are carried out only if the answer is yes"
    return f"the command lines have it {default}, the kit's default" if default else "there is no command line"


def of_the_text(
    document: Document, inputs: Mapping[str, Effective]
) -> tuple[tuple[Question, ...], tuple[Remark, ...], tuple[Remark, ...]]:
    """Return what the text leaves to its reader, what stands in its way, and what else is to be known of it.

    A question that a decision answers is among the decisions.
    """
    given = {name: item.value for name, item in inputs.items() if item.source != NOBODY}
    questions, blocked, remarks = [], [], []
    for finding in lint.lint(document.compiled, given=given):
        item = finding.diagnostic
        where = lines_text(item.lines)
        text = f"{item.message} Suggested: {item.suggestion}" if item.suggestion else item.message
        if item.severity == "asks" and not (item.decision and decision_field(item.decision) in inputs):
            questions.append(_question(item, text, where, inputs.get(item.input), finding.answered))
        elif item.severity == "blocks":
            blocked.append(Remark(where=where, text=text))
        elif item.severity == "tells" and item.code not in _ELSEWHERE:
            remarks.append(Remark(where=where, text=text))
    return tuple(questions), tuple(blocked), tuple(remarks)


_ELSEWHERE = frozenset({"unknown-step"})
"""What is not understood has a list of its own."""


def _question(item: Diagnostic, text: str, where: str, given: Effective | None, answered: str) -> Question:
    """Word a question; where an input answers it and has choices, these are its boxes."""
    choices = given.field.choices if given is not None else ()
    words = item.message if choices else text
    question = Question(name=item.input, text=words, options=choices, where=where)
    if answered:
        return replace(question, answer=answered)
    if given is None or given.value in (None, ""):
        return question
    return replace(question, meanwhile=f"the sheet has {given.value}, the {given.source} of {given.field.name}")
