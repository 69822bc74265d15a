"""Name the lines of a finished compile as a reader finds them: in the tutorial, or in an included file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from runbook.compile.result import Compiled, Line, ResourceDraft
from runbook.tutorial import Tutorial


def placed(compiled: Compiled) -> Compiled:
    """Replace every line by its place; without includes nothing changes. Readings keep the lines of the whole text."""
    text = compiled.tutorial
    if not text.origins:
        return compiled
    return replace(
        compiled,
        resources=tuple(_draft(draft, text) for draft in compiled.resources),
        inputs=tuple(replace(item, lines=_lines(item.lines, text)) for item in compiled.inputs),
        references=tuple(replace(item, lines=_lines(item.lines, text)) for item in compiled.references),
        manual=tuple(replace(item, lines=_lines(item.lines, text)) for item in compiled.manual),
        diagnostics=tuple(replace(item, lines=_lines(item.lines, text)) for item in compiled.diagnostics),
        unmade=tuple(replace(item, lines=_lines(item.lines, text)) for item in compiled.unmade),
        promises=tuple(replace(item, line=_line(item.line, text)) for item in compiled.promises),
    )


def _draft(draft: ResourceDraft, text: Tutorial) -> ResourceDraft:
    return replace(
        draft,
        settings=tuple(replace(setting, lines=_lines(setting.lines, text)) for setting in draft.settings),
        lines=tuple((name, _line(line, text)) for name, line in draft.lines),
        opened_at=_line(draft.opened_at, text),
        committed_at=None if draft.committed_at is None else _line(draft.committed_at, text),
    )


def _line(line: Line, text: Tutorial) -> Line:
    return text.place(line) if isinstance(line, int) else line


def _lines(lines: Iterable[Line], text: Tutorial) -> tuple[Line, ...]:
    return tuple(_line(line, text) for line in lines)
