"""Checks on whole resources after reading, whatever the text was: what must never reach a tenant."""

from __future__ import annotations

from collections.abc import Sequence

from runbook.compile.draft import OpenChange
from runbook.compile.findings import Findings
from runbook.compile.result import ResourceDraft
from runbook.lexicon import Lexicon
from runbook.tutorial import Section

Kept = list[tuple[OpenChange, ResourceDraft]]


def guard(
    changes: Sequence[OpenChange], earlier: tuple[ResourceDraft, ...], section: Section, lexicon: Lexicon,
    findings: Findings,
) -> Kept:  # fmt: skip
    """Turn finished changes into drafts; drop those without a name or a setting, and say so."""
    kept: Kept = []
    for change in changes:
        what = f"The {change.place.resource} that line {change.opened_at} begins"
        if not change.named or (not change.settings and change.action != "ensure-absent"):
            lacks = "is never named" if not change.named else "is given no setting"
            findings.note(
                "guard-failed", (change.opened_at,), f"{what} {lacks}, so nothing is made of it.",
                section=section.heading,
            )  # fmt: skip
            continue
        reasons = [f"line {line}: {why}" for line, why in _faults(change, lexicon)]
        for line, why in _faults(change, lexicon):
            findings.note("guard-failed", (line,), f"{what} {why}.", section=section.heading)
        draft = change.finish(tuple(reasons))
        if any(
            other.key == draft.key and other.action == "create" for other in (*earlier, *(d for _, d in kept))
        ):
            findings.note(
                "duplicate-identity", (change.identity_line or change.opened_at,), section=section.heading,
                message=f"{draft.key} is created more than once in this text.",
            )  # fmt: skip
            draft = change.finish(
                (*reasons, f"line {change.opened_at}: {draft.key} is created more than once")
            )
        kept.append((change, draft))
    return kept


def _faults(change: OpenChange, lexicon: Lexicon) -> list[tuple[int, str]]:
    faults = [
        (line, f"lacks {parameter}, which a label at line {line} asks for")
        for parameter, line in change.needs.items() if parameter not in change.settings
    ]  # fmt: skip
    limit = change.place.limits.get("name")
    if limit and change.identity and len(change.identity) > limit:
        faults.append(
            (change.identity_line or change.opened_at, f"has a name of more than {limit} characters")
        )
    return faults
