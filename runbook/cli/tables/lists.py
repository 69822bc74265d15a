"""Lists for a terminal: runs, what an identity holds, and the steps that are left to a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from runbook.cli.tables.layout import Cell, Row, said, table
from runbook.difference import lines_text

if TYPE_CHECKING:
    from runbook.archive.listing import Row as Run
    from runbook.preflight import Report
    from runbook.preflight.findings import Finding
    from runbook.ticks import Book, HandStep

_STATUS = {"changed": "green", "unchanged": "green", "changes pending": "yellow", "left to a person": "yellow"}
_HELD = {"held": ("ok", "green"), "missing": ("MISSING", "bold red"), "unknown": ("unknown", "yellow")}


def run_parts(found: Sequence[Run], base: str, room: int) -> Iterator[RenderableType]:
    """Show the runs, newest first, by their names; a name is enough for every other command."""
    from runbook.archive.listing import UNFINISHED, changes_text

    if not found:
        yield said(f"No such run in {base}")
        return
    rows = [
        (
            row.run,
            row.when.strftime("%Y-%m-%d %H:%M:%S"),
            row.tenant,
            row.mode,
            Cell(row.status, _STATUS.get(row.status, "bold red")),
            changes_text(row),
            "-" if row.status == UNFINISHED else f"{row.verified} of {row.sections}",
        )
        for row in found
    ]
    yield table(("run", "ended, UTC", "tenant", "mode", "status", "changes", "verified"), rows, room=room, indent=0)
    yield Text("")
    yield said(f"in {base}", "dim")


def report_parts(report: Report, room: int) -> Iterator[RenderableType]:
    """Show who signs in, what each section needs and whether it is held, and what is held beyond that."""
    yield said(f"Tenant {report.tenant}", "bold")
    yield from (said(line, indent=2) for line in report.identity)
    for section in report.sections:
        yield Text("")
        yield said(section.title, "bold")
        if section.findings:
            yield table(("", "service", "rights", "why, and what to do"), list(_findings(section.findings)), room=room)
        else:
            yield said("needs nothing of an API", indent=2)
    yield Text("\nBeyond need", style="bold")
    yield from (said(line, indent=2) for line in report.excess or ("nothing that could be read",))
    yield from (said(f"Note: {line}") for line in report.notes)


def _findings(findings: tuple[Finding, ...]) -> Iterator[Row]:
    from runbook.cli.preflight import alike

    for finding, names in alike(findings):
        mark, style = _HELD[finding.verdict]
        why = "" if finding.verdict == "held" else " -> ".join(filter(None, (finding.why, finding.remedy)))
        yield (Cell(mark, style), finding.right.service, names, why)


def step_parts(book: Book, steps: tuple[HandStep, ...], room: int) -> Iterator[RenderableType]:
    """Show the steps under their sections' headings, and who has done which."""
    headings = {section.id: section.heading for section in book.compiled.tutorial.sections}
    for section in dict.fromkeys(item.step.section for item in steps):
        rows = [_step(item) for item in steps if item.step.section == section]
        yield said(headings.get(section, section), "bold")
        yield table(("", "step", "tutorial", "what", "by whom, and what was seen"), rows, room=room)
        yield Text("")


def _step(item: HandStep) -> Row:
    done = f"{item.done.by}, {item.done.at}: {item.done.seen}" if item.done else ""
    if not item.done and item.other_edition:
        former = item.other_edition
        done = f"ticked for another edition of the text: {former.by}, {former.at}: {former.seen}"
    mark = Cell("done", "green") if item.done else Cell("open")
    return (mark, item.id, lines_text(item.step.lines), item.step.text, done)
