"""Drafts as a compiled text would give them, for what no text of the tests says."""

from __future__ import annotations

from typing import Any

from runbook.compile.result import ResourceDraft, Setting


def setting(parameter: str, value: Any, op: Any = "set") -> Setting:
    return Setting(
        parameter=parameter, value=value, op=op, lines=(5,), label="", words=str(value), certainty="exact label"
    )


def draft(kind: str, identity: str, section: str, *settings: Setting) -> ResourceDraft:
    return ResourceDraft(
        type=kind,
        action="modify",
        identity=identity,
        settings=settings,
        section=section,
        lines=tuple((item.parameter, 5) for item in settings),
        opened_at=5,
        committed_at=5,
    )
