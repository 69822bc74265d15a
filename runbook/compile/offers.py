"""What another edition has for a promise that a text does not keep: offered, off until its decision is taken."""

from __future__ import annotations

from dataclasses import replace

from runbook.compile.result import Compiled, Line, ResourceDraft, Setting


def offers(compiled: Compiled, other: Compiled) -> tuple[ResourceDraft, ...]:
    """Give the resources of `other` that a decision named by an open promise of `compiled` would add.

    Each stands in the section that has the text's own resource of the kind; a text without one is offered
    nothing. Lines are those of the promise, since no line of the text says it; the words are the other edition's.
    """
    open_promises = {
        item.decision: item.lines
        for item in compiled.diagnostics
        if item.code == "promise-not-covered" and item.severity == "asks" and item.decision
    }
    taken = {draft.key.casefold() for draft in compiled.resources}
    found: list[ResourceDraft] = []
    for draft in other.resources:
        lines = open_promises.get(draft.optional or "")
        beside = [own for own in compiled.resources if own.type == draft.type]
        if lines and beside and draft.key.casefold() not in taken:
            found.append(_moved(draft, beside[-1], lines))
    return tuple(found)


def _moved(draft: ResourceDraft, beside: ResourceDraft, lines: tuple[Line, ...]) -> ResourceDraft:
    return replace(
        draft, section=beside.section, opened_at=lines[0], committed_at=None,
        lines=tuple((name, lines[0]) for name, _ in draft.lines),
        settings=tuple(_setting(setting, beside, lines) for setting in draft.settings),
    )  # fmt: skip


def _setting(setting: Setting, beside: ResourceDraft, lines: tuple[Line, ...]) -> Setting:
    """Take a setting over; where it says that it could be written otherwise, it is written as the text's own is."""
    own = beside.setting(setting.parameter)
    value, alternative = setting.value, setting.alternative
    if alternative and own:
        value, alternative = own.value, own.alternative
    return replace(
        setting, value=value, alternative=alternative, lines=lines, certainty="assumption",
        assumption="no step of this text sets it; it is the kit's own edition that does",
    )  # fmt: skip
