"""Checks on whole resources after reading, whatever the text was: what must never reach a tenant."""

from __future__ import annotations

import re
from collections.abc import Sequence

from runbook.compile.draft import OpenChange
from runbook.compile.findings import Findings
from runbook.compile.result import Line, ResourceDraft, Unmade
from runbook.lexicon import Lexicon
from runbook.tutorial import Section

Kept = list[tuple[OpenChange, ResourceDraft]]


def guard(
    changes: Sequence[OpenChange], earlier: Sequence[ResourceDraft], section: Section, lexicon: Lexicon,
    findings: Findings, missing: tuple[str, ...] = (),
) -> Kept:  # fmt: skip
    """Turn finished changes into drafts; drop those without a name or a setting, and say so.

    `missing` are reasons that block every resource of the section, such as text that was not included.
    """
    kept: Kept = []
    for change in changes:
        what = f"The {change.place.resource} that {findings.at(change.opened_at)} begins"
        if not change.named or (not change.settings and change.action != "ensure-absent"):
            lacks = "is never named" if not change.named else "is given no setting"
            if change.action == "create" and change.identity:
                findings.dropped.add((change.place.resource, change.identity.casefold()))
            if change.action == "ensure-absent":
                findings.note(
                    "gated-section", (section.first, change.opened_at), section=section.heading,
                    message=f"This takes away a {change.place.resource}; nothing is taken away that no step names.",
                )  # fmt: skip
                continue
            if change.settings or change.named:
                findings.unmade.append(Unmade(
                    type=change.place.resource, identity=change.identity or "(not named)", section=section.id,
                    lines=(change.opened_at,), why=f"{what} {lacks}",
                ))  # fmt: skip
            findings.note(
                "guard-failed", (change.opened_at,), f"{what} {lacks}, so nothing is made of it.",
                section=section.heading, severity="blocks" if change.settings or change.named else "tells",
            )  # fmt: skip
            continue
        faults = _faults(change, findings)
        for line, why in faults:
            findings.note("guard-failed", (line,), f"{what} {why}.", section=section.heading)
        reasons = [*(f"{findings.at(line)}: it {why}" for line, why in faults), *missing]
        draft = change.finish()
        others = (*earlier, *(other for _, other in kept))
        # The services take a name for the same one in any letter case.
        if draft.action == "create" and any(_same(draft, other) for other in others):
            line = change.identity_line or change.opened_at
            findings.note(
                "duplicate-identity", (line,), f"{draft.key} is in this text more than once.",
                section=section.heading,
            )  # fmt: skip
            reasons.append(f"{findings.at(line)}: it is in this text more than once")
        reasons += _dangers(change, section, findings)
        _remarks(change, section, lexicon, findings)
        kept.append((change, change.finish(tuple(reasons), left=bool(missing))))
    return kept


def _same(draft: ResourceDraft, other: ResourceDraft) -> bool:
    """Tell whether both are one object; of two that stand in sections to choose from, only one comes to be."""
    either = draft.optional and other.optional and draft.optional != other.optional
    return other.key.casefold() == draft.key.casefold() and not (either and other.section != draft.section)


def _dangers(change: OpenChange, section: Section, findings: Findings) -> list[str]:
    """Note values that are dangerous as they stand; give the reasons that block."""
    reasons: list[str] = []
    for danger in change.place.unless:
        setting = change.settings.get(danger.parameter)
        if not setting or setting.value != danger.value or any(_restricts(change, name) for name in danger.unless):
            continue
        findings.note(
            danger.code, setting.lines, f"{change.identity!r} {danger.says}.", section=section.heading,
            source=danger.source, severity="blocks" if danger.blocks else None,
        )  # fmt: skip
        reasons += [f"{findings.at(setting.lines[0])}: it {danger.says}"] if danger.blocks else []
    return reasons


def _restricts(change: OpenChange, parameter: str) -> bool:
    """Tell whether a parameter is set to anything; a list without entries restricts nothing, or everything."""
    setting = change.settings.get(parameter)
    return setting is not None and setting.value != ()


def _faults(change: OpenChange, findings: Findings) -> list[tuple[Line, str]]:
    """Find what makes a change unfit, as (line, end of a sentence)."""
    place, settings = change.place, change.settings
    faults: list[tuple[Line, str]] = [
        (line, f"lacks {parameter}, which {findings.at(line)} asks for")
        for parameter, line in change.needs.items() if parameter not in settings
    ]  # fmt: skip
    limit = place.limits.get("name")
    if limit and change.identity and len(change.identity) > limit:
        faults.append((change.identity_line or change.opened_at, f"has a name of more than {limit} characters"))
    if change.action == "create":
        faults += [
            (change.opened_at, rule.lacks)
            for rule in place.any_of if not any(name in settings for name in rule.parameters)
        ]  # fmt: skip
        if change.identity and change.identity.casefold() in {name.casefold() for name in place.builtin}:
            faults.append((change.identity_line or change.opened_at, "has the name of one that the service keeps"))
    for rule in place.exclusive:
        line = change.line_of_bits(rule.parameter, sum(rule.bits))
        faults += [(line, rule.says)] if line else []
    return faults


def _remarks(change: OpenChange, section: Section, lexicon: Lexicon, findings: Findings) -> None:
    """Note what does not block: dangers to decide on, settings without effect, steps one would expect."""
    settings = change.settings
    for name in change.place.named:
        line = change.line_of_bits(name.parameter, name.bit)
        if line and name.words.casefold() in re.sub(r"\W", "", change.identity or "").casefold():
            findings.note(
                "document-inconsistent", (line,), severity="asks", section=section.heading,
                message=f"{change.identity!r} {name.says}, which its name does not say.",
            )  # fmt: skip
    for expected in change.place.expects:
        if expected.parameter not in settings and change.action == "create":
            lines = tuple(dict.fromkeys((change.opened_at, change.identity_line or change.opened_at)))
            findings.note(
                expected.code, lines, expected.message, section=section.heading,
                source=expected.source,
            )  # fmt: skip
    table = lexicon.labels_of(change.place)
    for label in table.rows if table else ():
        tag = settings.get(label.parameter or "")
        action = settings.get(label.only_with.parameter) if label.only_with else None
        if tag and label.only_with and action and action.value != label.only_with.value:
            findings.note(
                "quarantine-policy-not-applicable", tag.lines, section=section.heading, source=label.source,
                message=f"{tag.parameter} has no effect while {action.parameter} is {action.value}.",
            )  # fmt: skip
    if change.optional:
        gated = change.optional.startswith("section-")  # by the heading, not by the step that opens the change
        lines = (section.first, change.opened_at) if gated else (change.opened_at,)
        findings.note(
            "gated-section", lines, section=section.heading, decision=change.optional,
            message=f"The text leaves this {change.place.resource} to the reader; it is off until the decision "
                    f"{change.optional} is taken.",
        )  # fmt: skip
