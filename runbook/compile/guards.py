"""Checks on whole resources after reading, whatever the text was: what must never reach a tenant."""

from __future__ import annotations

from collections.abc import Sequence

from runbook.compile.draft import OpenChange
from runbook.compile.findings import Findings
from runbook.compile.result import Line, ResourceDraft
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
            findings.note(
                "guard-failed", (change.opened_at,), f"{what} {lacks}, so nothing is made of it.",
                section=section.heading,
            )  # fmt: skip
            continue
        faults = _faults(change, findings)
        for line, why in faults:
            findings.note("guard-failed", (line,), f"{what} {why}.", section=section.heading)
        reasons = [*(f"{findings.at(line)}: it {why}" for line, why in faults), *missing]
        draft = change.finish()
        others = (*earlier, *(other for _, other in kept))
        # The services take a name for the same one in any letter case.
        if draft.action == "create" and any(other.key.casefold() == draft.key.casefold() for other in others):
            line = change.identity_line or change.opened_at
            findings.note(
                "duplicate-identity", (line,), f"{draft.key} is in this text more than once.",
                section=section.heading,
            )  # fmt: skip
            reasons.append(f"{findings.at(line)}: it is in this text more than once")
        _remarks(change, section, lexicon, findings)
        kept.append((change, change.finish(tuple(reasons))))
    return kept


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
    for rule in place.exclusive:
        found = settings.get(rule.parameter)
        if found and isinstance(found.value, int) and all(found.value & bit for bit in rule.bits):
            faults.append((found.lines[-1], rule.says))
    return faults


def _remarks(change: OpenChange, section: Section, lexicon: Lexicon, findings: Findings) -> None:
    """Note what does not block: dangers to decide on, settings without effect, steps one would expect."""
    settings = change.settings
    for danger in change.place.unless:
        found = settings.get(danger.parameter)
        if found and found.value == danger.value and not any(name in settings for name in danger.unless):
            findings.note(
                danger.code, found.lines, f"{change.identity!r} {danger.says}.", section=section.heading,
                source=danger.source,
            )  # fmt: skip
    for expected in change.place.expects:
        if expected.parameter not in settings and change.action == "create":
            findings.note(
                expected.code, (change.opened_at,), expected.message, section=section.heading,
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
        findings.note(
            "gated-section", (change.opened_at,), section=section.heading, decision=change.optional,
            message=f"The text leaves this {change.place.resource} to the reader; it is off until the decision "
                    f"{change.optional} is taken.",
        )  # fmt: skip


def check_names(drafts: Sequence[ResourceDraft], lexicon: Lexicon, findings: Findings) -> None:
    """Note where one resource names another whose rights the service does not honour there."""
    made = {(draft.type, draft.identity): draft for draft in drafts}
    labels = {
        (place.resource, row.parameter): row
        for place in lexicon.places_file.places
        for table in (lexicon.labels_of(place),) if table
        for row in table.rows if row.wasted
    }  # fmt: skip
    for draft in drafts:
        for setting in draft.settings:
            row = labels.get((draft.type, setting.parameter))
            target = made.get((row.refers or "", str(setting.value))) if row else None
            bits = target.setting(row.wasted.parameter) if row and row.wasted and target else None
            if row and row.wasted and bits and isinstance(bits.value, int) and bits.value & row.wasted.bit:
                findings.note(
                    "quarantine-policy-not-applicable", setting.lines, source=row.wasted.source,
                    message=f"{setting.parameter}: the policy {setting.value!r} {row.wasted.message}.",
                )  # fmt: skip
