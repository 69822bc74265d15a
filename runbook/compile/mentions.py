"""Where one resource names another: is it made, is it made in time, and may it be named there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from runbook.compile.findings import Findings
from runbook.compile.result import ResourceDraft, Setting
from runbook.lexicon import Label, Lexicon

SLIP = 0.93
"""Likeness from which a name that nobody makes is taken for a slip of one that is made."""


def check_names(drafts: Sequence[ResourceDraft], lexicon: Lexicon, findings: Findings) -> list[ResourceDraft]:
    """Note what is wrong with the names that resources give of each other; block those that cannot be carried out."""
    found = []
    for draft in drafts:
        left = _left_with(draft, drafts, lexicon, findings)
        wrong = _reasons(draft, drafts, lexicon, findings)
        found.append(replace(draft, blocked_by=(*draft.blocked_by, *left, *wrong), left=draft.left or bool(left)))
    return found


def _left_with(
    draft: ResourceDraft, drafts: Sequence[ResourceDraft], lexicon: Lexicon, findings: Findings
) -> list[str]:
    """Say which things that a person makes this one is about, or uses: it is left to that person with them."""
    reasons = []
    maker = next((item for item in drafts if item.key == draft.key and item.action == "create"), None)
    if draft.action == "modify" and maker and maker.blocked_by:
        reasons.append(f"{findings.at(draft.opened_at)}: {draft.identity!r} is made by steps that are left to a person")
    blocked = {
        (item.type, (item.identity or "").casefold()) for item in drafts if item.action == "create" and item.blocked_by
    }
    for setting in draft.settings:
        label = lexicon.label_of(draft.type, setting.parameter)
        used = label and label.refers and (label.refers, str(setting.value).casefold())
        if used and used in blocked | findings.dropped:
            line = findings.at(setting.lines[0])
            reasons.append(f"{line}: {setting.value!r} is left to a person, and used here")
    return reasons


def _reasons(
    draft: ResourceDraft, drafts: Sequence[ResourceDraft], lexicon: Lexicon, findings: Findings
) -> tuple[str, ...]:
    reasons: list[str] = []
    reasons += _at_odds(draft, drafts, findings)
    for setting in draft.settings:
        label = lexicon.label_of(draft.type, setting.parameter)
        if label is None or not label.refers or not isinstance(setting.value, str):
            continue
        created = [item for item in drafts if item.type == label.refers and item.action == "create"]
        made = {item.identity.casefold(): item for item in created if item.identity}
        target = made.get(setting.value.casefold())
        if target:
            _rights(setting, label, target, list(made.values()), findings)
        late = target is not None and drafts.index(target) > drafts.index(draft)
        reasons += _in_time(setting, target, late, made, lexicon.builtin(label.refers), findings)
    return tuple(reasons)


def _at_odds(draft: ResourceDraft, drafts: Sequence[ResourceDraft], findings: Findings) -> list[str]:
    """Say where the text sets one property of one object twice, to other values: both cannot stand at once."""
    reasons = []
    for other in drafts:
        if other is draft or other.key.casefold() != draft.key.casefold() or (draft.optional or other.optional):
            continue
        if "create" in (draft.action, other.action):
            continue  # of two that make it, the second is told of as such; one that is made may be changed afterwards
        for setting in draft.settings:
            there = other.setting(setting.parameter)
            if there and there.value != setting.value:
                line, place = findings.at(setting.lines[0]), findings.at(there.lines[0])
                reasons.append(f"{line}: {setting.parameter} is another one than in {place}")
    if reasons:
        findings.note("guard-failed", draft.settings[0].lines, f"{draft.key}: {'; '.join(reasons)}.")
    return reasons


def _rights(
    setting: Setting, label: Label, target: ResourceDraft, made: Sequence[ResourceDraft], findings: Findings
) -> None:
    """Note rights that the service ignores here, and rights that were meant for another row."""
    if label.wasted and _has(target, label.wasted.parameter, label.wasted.bit):
        findings.note(
            "quarantine-policy-not-applicable", setting.lines, source=label.wasted.source,
            message=f"{setting.parameter}: the policy {setting.value!r} {label.wasted.message}.",
        )  # fmt: skip
    careful = label.careful
    stricter = [draft for draft in made if careful and _has(draft, careful.parameter, careful.stricter)]
    if careful and stricter and _has(target, careful.parameter, careful.bit):
        findings.note(
            "document-inconsistent", setting.lines, source=careful.source,
            message=f"{setting.parameter}: the policy {setting.value!r} {careful.message}.",
        )  # fmt: skip


def _has(draft: ResourceDraft, parameter: str, bit: int) -> bool:
    setting = draft.setting(parameter)
    return setting is not None and isinstance(setting.value, int) and bool(setting.value & bit)


def _in_time(
    setting: Setting, target: ResourceDraft | None, late: bool, made: dict[str, ResourceDraft],
    builtin: frozenset[str], findings: Findings,
) -> list[str]:  # fmt: skip
    """Note a name that nobody makes, or that is made only further down; give the reasons that block.

    A text that makes none of the kind relies on what the tenant has, and nothing is said of it.
    """
    name, line = str(setting.value), setting.lines[0]
    if target and late:
        why = f"{name!r} is used here and made only in line {target.opened_at}"
        findings.note("guard-failed", setting.lines, f"{setting.parameter}: {why}.")
        return [f"line {line}: {why}"]
    if target or not made or name.casefold() in builtin:
        return []
    nearest = max(made, key=lambda other: SequenceMatcher(None, other, name.casefold()).ratio())
    if SequenceMatcher(None, nearest, name.casefold()).ratio() >= SLIP:
        why = f"no step makes {name!r}; {made[nearest].identity!r} may be meant"
        findings.note("guard-failed", setting.lines, f"{setting.parameter}: {why}.")
        return [f"line {line}: {why}"]
    findings.note(
        "guard-failed", setting.lines, severity="asks",
        message=f"{setting.parameter}: no step makes {name!r}; the tenant must have it already.",
    )  # fmt: skip
    return []
