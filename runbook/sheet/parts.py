"""One section of a sheet: its steps in the order of the text, in parts, each with what it brings about beside it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from runbook import ticks
from runbook.compile.result import ReadAs, Reading, ResourceDraft
from runbook.difference import lines_text, show_value
from runbook.inputs import Effective, decision_field
from runbook.kinds import BY_TYPE
from runbook.library import Document
from runbook.plan import Attribute
from runbook.sheet import questions
from runbook.sheet.commands import OnPaper, has_blank, hole_of, input_of, on_paper
from runbook.sheet.model import Line, Part, Role, Section, Thing, Value
from runbook.tutorial import Block, Step
from runbook.tutorial import Section as Read

_ROLES: Mapping[ReadAs, Role] = {"check": "look", "manual": "person", "unknown": "unread", "info": "info"}
_MANY = 8
"""Entries of a list up to which it is shown as elsewhere."""
_SAID = ("prose", "quote", "code", "table", "include")
"""Blocks that have words for a reader."""
Made = tuple[ResourceDraft, tuple[OnPaper, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What all sections of a sheet are made with."""

    document: Document
    inputs: Mapping[str, Effective]
    domains: tuple[str, ...]
    readings: Mapping[int, Reading]
    """By the first line of the step."""
    ids: Mapping[tuple[str, str, str], str]
    """Ids of steps for a person, by section, words and lines."""

    @classmethod
    def of(cls, document: Document, inputs: Mapping[str, Effective], domains: tuple[str, ...]) -> Reader:
        """Look up what belongs to which step."""
        steps = ticks.by_hand(document.compiled)
        short = (found for found, _ in ticks.identifiers(steps))
        ids = {(step.section, step.text, lines_text(step.lines)): id_ for step, id_ in zip(steps, short, strict=True)}
        readings = {item.first: item for item in document.compiled.readings}
        return cls(document=document, inputs=inputs, domains=domains, readings=readings, ids=ids)

    def key(self, step: Step) -> str | None:
        """Return what a step, or the first of its own that belongs to anything, is about."""
        found = (self.readings[item.first].resource for item in step.walk() if item.first in self.readings)
        return next((key for key in found if key), None)


def section_of(reader: Reader, section: Read) -> Section:
    """Return one section of the sheet."""
    tutorial = reader.document.compiled.tutorial
    made = [(d, on_paper(d, reader.inputs, reader.domains)) for d in reader.document.drafts(section.id)]
    groups = _groups(reader, section)
    keys = [key for key, _ in groups]
    first_of = {key: keys.index(key) for key in keys}  # what is gone back to stands where it begins
    parts = []
    for place, (key, items) in enumerate(groups):
        mine = [item for item in made if item[0].key == key]
        parts.append(_part(reader, section, items, mine, shown=first_of[key] == place))
    stepless = [item for item in made if item[0].key not in keys]
    parts += [_part(reader, section, [], [item], shown=True) for item in stepless]
    known = [found.id for found in reader.document.sections]
    return Section(
        number=known.index(section.id) + 1 if section.id in known else 0,
        id=section.id,
        heading=section.heading,
        where=f"lines {tutorial.own_line(section.first)} to {tutorial.own_line(section.last)}",
        intent=section.intent if section.steps else "",
        parts=tuple(parts),
    )


Group = tuple[str | None, list[Step | Block]]


def _groups(reader: Reader, section: Read) -> list[Group]:
    """Divide the items of a section by what they are about; the way to a page belongs to what is set there."""
    groups: list[Group] = []
    began = section.steps[0].first if section.steps else 0
    optional = {draft.key for draft in reader.document.drafts(section.id) if draft.optional}
    for item in section.items:
        if isinstance(item, Block) and (item.kind not in _SAID or (item.first < began and item.kind == "prose")):
            continue
        key = reader.key(item) if isinstance(item, Step) else None
        last = groups[-1] if groups else None
        if last is None or (key and last[0] and key != last[0]) or (key in optional and key != last[0]):
            groups.append((key, [item]))
        else:
            groups[-1] = (last[0] or key, [*last[1], item])
    return _words_first(groups)


def _words_first(groups: Sequence[Group]) -> list[Group]:
    """Give words that stand just before a group, and begin it, to that group."""
    found: list[Group] = []
    for key, items in groups:
        lead: list[Step | Block] = []
        while found and isinstance(found[-1][1][-1], Block) and len(found[-1][1]) > 1:
            lead.insert(0, found[-1][1].pop())
        found.append((key, [*lead, *items]))
    return found


def _part(reader: Reader, section: Read, items: Sequence[Step | Block], made: Sequence[Made], *, shown: bool) -> Part:
    papers = [paper for _, found in made for paper in found]
    sources = _sources(reader, [draft for draft, _ in made])
    lines = tuple(line for item in items for line in _lines(reader, section, item, papers, sources))
    conditions = [draft.optional for draft, _ in made if draft.optional]
    named = {value.name for line in lines for value in line.values}
    loops = any(draft.for_each for draft, _ in made)
    part = Part(
        lines=lines,
        things=tuple(_thing(paper, named, sources) for paper in papers) if shown else (),
        each=tuple(paper.identity for paper in papers) if loops and shown else (),
    )
    if not conditions:
        return part
    name = conditions[0]
    if questions.is_open(name, reader.inputs):
        return replace(part, open=True, condition=f"Only if the decision {name} is yes: it is open")
    given = reader.inputs[decision_field(name)]
    if given.value:
        return replace(part, condition=f"The decision {name} is yes ({given.source} {given.field.name})")
    said = f"Not to be carried out: the decision {name} is no ({given.source} {given.field.name})"
    return replace(part, condition=said, things=(), each=())


def _sources(reader: Reader, drafts: Sequence[ResourceDraft]) -> Mapping[str, str]:
    """Say for each parameter that comes of an input which one, and who gave it."""
    found = {}
    for draft in drafts:
        for setting in draft.settings:
            hole = hole_of(setting, reader.inputs)
            if hole:
                found[setting.parameter] = f"to be filled in: input {hole}"
                continue
            if setting.alternative and questions.is_open(setting.alternative.decision, reader.inputs):
                found[setting.parameter] = f"the decision {setting.alternative.decision} is open"
                continue
            given = reader.inputs.get(input_of(setting))
            if given is not None:
                found[setting.parameter] = f"input {given.field.name}, {given.source}"
    return found


def _lines(
    reader: Reader, section: Read, item: Step | Block, papers: Sequence[OnPaper], sources: Mapping[str, str]
) -> Iterator[Line]:
    tutorial = reader.document.compiled.tutorial
    if isinstance(item, Block):
        pieces = item.pieces if item.kind in ("prose", "quote") else ()
        where = lines_text([tutorial.place(item.first)])
        yield Line(role="words", pieces=pieces, notes=() if pieces else (_said(item),), where=where)
    else:
        yield from _step_lines(reader, section, item, papers, sources, 0)


def _said(item: Block) -> str:
    """Return a block's own words; of code, without the lines that only mark it as such."""
    if item.kind == "include":
        return f"{item.text} (a file that was not found: read it there)"
    if item.kind != "code":
        return item.text
    lines = [line for line in item.text.splitlines() if not line.lstrip().startswith(("```", "~~~"))]
    return textwrap.dedent("\n".join(lines))


def _step_lines(
    reader: Reader, section: Read, step: Step, papers: Sequence[OnPaper], sources: Mapping[str, str], depth: int
) -> Iterator[Line]:
    tutorial = reader.document.compiled.tutorial
    reading = reader.readings.get(step.first)
    role = _ROLES.get(reading.read_as, "click") if reading else "unread"
    where = lines_text([tutorial.place(step.first)])
    own = {tutorial.place(number) for number in range(step.first, step.text_last + 1)}
    yield Line(
        role=role,
        pieces=step.pieces,
        where=where,
        number=step.number,
        depth=depth,
        values=tuple(_values(papers, own, sources)),
        notes=tuple(_said(note) for note in step.notes if note.kind in _SAID),
        why=reading.why if reading and role == "unread" else "",
        id=reader.ids.get((section.id, step.text, where), ""),
    )
    for child in step.children:
        yield from _step_lines(reader, section, child, papers, sources, depth + 1)


def _values(papers: Sequence[OnPaper], own: set[int | str], sources: Mapping[str, str]) -> Iterator[Value]:
    """Yield what a step enters; a value that several things share is given once."""
    found: dict[tuple[str, str], list[tuple[str, Attribute]]] = {}
    for paper in papers:
        for item in paper.attributes:
            if item.lines and item.lines[0] in own:
                key = (item.name, _shown(paper.kind, item))
                found.setdefault(key, []).append((paper.identity, item))
    for (name, shown), owners in found.items():
        several = len(owners) < len(papers)
        whose = ", ".join(identity for identity, _ in owners) if several and len(papers) > 1 else ""
        yield Value(name=name, shown=shown, source=sources.get(name) or owners[0][1].note, whose=whose)


def _shown(kind: str, item: Attribute) -> str:
    if has_blank(item.value):
        return ", ".join(item.value) if isinstance(item.value, list) else str(item.value)
    verb = {"set": "", "add": "put in: ", "remove": "take out: "}[item.op]
    if isinstance(item.value, list) and len(item.value) > _MANY:
        return verb + ", ".join(item.value)  # each has to be entered, so none is left out
    return verb + show_value(kind, item.name, item.value)


def _thing(paper: OnPaper, named: set[str], sources: Mapping[str, str]) -> Thing:
    kind = BY_TYPE.get(paper.kind)
    return Thing(
        title=kind.title if kind else paper.kind,
        name=paper.identity,
        shell="" if not paper.look else "curl" if "curl " in paper.look.lines[0] else "PowerShell",
        look=paper.look,
        commands=paper.commands,
        beside=tuple(
            Value(name=item.name, shown=_shown(paper.kind, item), source=sources.get(item.name) or item.note)
            for item in paper.attributes
            if item.name not in named
        ),
        open=paper.open,
        stays=kind.stays if kind else "",
    )
