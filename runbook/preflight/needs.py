"""What a tutorial's sections ask of an identity. Pure: a compiled text in, rights out."""

from __future__ import annotations

from collections.abc import Iterable

from runbook.compile.result import ResourceDraft
from runbook.compile.values import ComputedValue
from runbook.kinds import BY_TYPE, Right
from runbook.library import Document
from runbook.plan import Change
from tenantapi.grants import GRAPH_PERMISSION

DOMAINS_OF_GRAPH = Right(service="Microsoft Graph", name=GRAPH_PERMISSION, writes=False)


def of_section(document: Document, section: str) -> tuple[Right, ...]:
    """Return what reading and writing all that a section is about may ask for: each right once, reads first."""
    found: dict[Right, None] = {}
    for draft in document.drafts(section):
        if draft.type in BY_TYPE:
            found |= dict.fromkeys(BY_TYPE[draft.type].rights)
        if _looks_up(draft):
            found[DOMAINS_OF_GRAPH] = None
    return tuple(sorted(found, key=lambda right: right.writes))


def of_changes(changes: Iterable[Change]) -> tuple[Right, ...]:
    """Return what carrying out these very changes asks for, each right once."""
    return tuple(dict.fromkeys(right for change in changes for right in BY_TYPE[change.kind].needed_for(change)))


def _looks_up(draft: ResourceDraft) -> bool:
    sources = (setting.value.source for setting in draft.settings if isinstance(setting.value, ComputedValue))
    return any(source.startswith("graph:") for source in sources)
