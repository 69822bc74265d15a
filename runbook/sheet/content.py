"""The content of an instruction sheet, from a document and the effective inputs. Pure: no tenant is read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbook import __version__, references, ticks
from runbook.difference import lines_text
from runbook.inputs import Effective, decision_field
from runbook.library import Document
from runbook.naming import ACCEPT, ADOPT, NOBODY, RENAME
from runbook.sheet import questions
from runbook.sheet.commands import DOMAIN, blank, hole_of
from runbook.sheet.model import Input, Region, Remark, Sheet
from runbook.sheet.parts import Reader, section_of

_FOUND_OUT = (RENAME, ADOPT, ACCEPT, NOBODY)
"""Decisions on what a tenant already holds: without a reading there is nothing to decide, unless somebody did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a sheet is made from."""

    document: Document
    inputs: tuple[Effective, ...]
    domains: tuple[str, ...] = ()
    tenant: str = ""


def sheet_of(source: Source) -> Sheet:
    """Return the sheet of a text. Equal arguments give equal sheets."""
    document, tutorial = source.document, source.document.compiled.tutorial
    by_name = {item.field.name: item for item in source.inputs}
    decisions = questions.decisions(document, by_name)
    names = {decision_field(item.name) for item in decisions}
    asked, blocked, remarks = questions.of_the_text(document, by_name)
    reader = Reader.of(document, by_name, source.domains)
    sections = tuple(section_of(reader, section) for section in tutorial.sections if section.items or section.heading)
    holes = _holes(document, by_name, source.domains)
    snapshot = references.egress_snapshot()
    waits = any(hole.endswith("_region") for hole in holes)
    return Sheet(
        title=tutorial.title,
        file=Path(tutorial.path).name,
        sha256=tutorial.sha256,
        kit=f"runbook {__version__}",
        tenant=source.tenant,
        inputs=tuple(_input(item, holes, names, source) for item in source.inputs if _is_shown(item)),
        decisions=decisions,
        questions=asked,
        by_person=tuple(_by_person(document)),
        unread=tuple(_unread(document)),
        blocked=blocked,
        remarks=remarks,
        sections=sections,
        regions=_regions(snapshot) if waits else (),
        regions_date=snapshot.date if waits else "",
        blanks=tuple(DOMAIN if hole == DOMAIN else blank(hole) for hole in holes),
    )


def _regions(snapshot: references.Snapshot) -> tuple[Region, ...]:
    found: dict[tuple[str, ...], list[str]] = {}
    for name in snapshot.regions:
        found.setdefault(tuple(references.egress_ranges(name, snapshot)), []).append(name)
    return tuple(Region(names=", ".join(names), addresses=addresses) for addresses, names in found.items())


def _is_shown(item: Effective) -> bool:
    return item.field.name not in _FOUND_OUT or bool(item.value)


def _holes(document: Document, inputs: Mapping[str, Effective], domains: Sequence[str]) -> tuple[str, ...]:
    """Name the inputs that the sheet leaves to be filled in, each once."""
    found: dict[str, None] = {}
    for section in document.sections:
        for draft in document.drafts(section.id):
            if draft.for_each and not (inputs[draft.for_each].value or domains):
                found[DOMAIN] = None
            found |= {hole: None for setting in draft.settings if (hole := hole_of(setting, inputs))}
    return tuple(found)


def _input(item: Effective, holes: Iterable[str], asked: Collection[str], source: Source) -> Input:
    name, value = item.field.name, item.value
    undecided = item.source == questions.NOBODY and name in asked
    shown, origin = _shown(value), str(item.source)
    if name in holes:
        origin = "to be filled in" + (f"; a run without it takes {shown}, the {origin}" if shown else "")
        shown = ""
    elif item.field.name in {draft.for_each for draft in source.document.compiled.resources} and not value:
        shown = ", ".join(source.domains)
        origin = "domains in tenants.yaml" if source.domains else "to be filled in"
    origin += "; the decision is open" if undecided else ""
    return Input(name=name, value=shown, source=origin, help=item.field.help)


def _shown(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else "" if value is None else str(value)


def _by_person(document: Document) -> Iterator[Remark]:
    """Yield what is known to be for a person; what is not understood stands in a list of its own."""
    tutorial = document.compiled.tutorial
    unread = {
        (lines_text([tutorial.place(item.first)]), item.text)
        for item in document.compiled.readings
        if item.read_as == "unknown"
    }
    steps = ticks.by_hand(document.compiled)
    for step, (short, _) in zip(steps, ticks.identifiers(steps), strict=True):
        if (lines_text(step.lines), step.text) not in unread:
            yield Remark(where=lines_text(step.lines), text=step.text, id=short)
    for item in document.compiled.unmade:
        yield Remark(where=lines_text(item.lines), text=f"{item.type} {item.identity}: {item.why}")


def _unread(document: Document) -> Iterator[Remark]:
    tutorial = document.compiled.tutorial
    steps = ticks.by_hand(document.compiled)
    short = (found for found, _ in ticks.identifiers(steps))
    ids = {(lines_text(step.lines), step.text): id_ for step, id_ in zip(steps, short, strict=True)}
    for item in document.compiled.readings:
        if item.read_as == "unknown":
            where = lines_text([tutorial.place(item.first)])
            why = f" ({item.why})" if item.why else ""
            yield Remark(where=where, text=f"{item.text}{why}", id=ids.get((where, item.text), ""))
    known = {section.id for section in document.sections}
    for section in tutorial.sections:
        if section.id not in known and any(getattr(item, "kind", "") == "include" for item in section.items):
            where = lines_text([tutorial.place(section.first)])
            yield Remark(where=where, text=f"{section.heading}: its steps are in a file that was not found")
