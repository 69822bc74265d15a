"""What no resource came of: steps for a person, sections that lead nowhere, platforms that are not supported."""

from __future__ import annotations

import re

from runbook.compile.findings import SEVERITY, Findings
from runbook.compile.grammar import fits
from runbook.compile.guards import Kept
from runbook.compile.prose import asks
from runbook.compile.result import ManualStep, ReadAs
from runbook.compile.section import BELOW_UNREAD, Read, SectionReader
from runbook.lexicon import Console, Lexicon
from runbook.lexicon.match import fold
from runbook.tutorial import Block, Section, Tutorial

# A part of the text that is somewhere else: nothing of its section can be relied on.
MISSING = ("unresolved-include", "unresolved-reference")
# What is wrong with a value, even if nothing else is left of the resource that it was for.
FIRM = ("guard-failed", "placeholder-text")


def missing_parts(reader: SectionReader, tutorial: Tutorial) -> tuple[str, ...]:
    """Give the reasons why every resource of the section is blocked, because a part of it is not here."""
    at = reader.findings.at
    reasons = [
        f"{at(block.first)}: the text that belongs here is in another file" for block, _ in _includes(reader.section)
    ]
    reasons += [
        f"{at(read.step.first)}: {read.refusal.why}: {read.step.text}"
        for read in reader.items if read.refusal and read.refusal.code in MISSING and read.change is None
    ]  # fmt: skip
    tabs = [at for at in range(reader.section.first, reader.section.last + 1) if _TAB.search(tutorial.lines[at - 1])]
    if len(tabs) > 1:
        reader.findings.note(
            "branch", tuple(range(tabs[0], reader.section.last + 1)), section=reader.section.heading,
            message="These are tabs: a reader follows one of them; nothing of this section is carried out.",
        )  # fmt: skip
        reasons.append(f"{at(tabs[0])}: the text has alternatives in tabs")
    return tuple(reasons)


_TAB = re.compile(r"<TabItem\b|\{\{[<%]\s*tab\b|^\s*===\s+\"")


def leftovers(reader: SectionReader, kept: Kept, tutorial: Tutorial, lexicon: Lexicon, findings: Findings) -> None:
    """List every item that became no part of a resource, and record how each item was read."""
    section = reader.section
    keys = {id(change): draft.key for change, draft in kept}
    walked = any(step.number is not None for step in section.steps)
    lost = not kept and bool(section.steps)
    reached = reader.stand.route.reached
    for read in reader.items:
        key = keys.get(id(read.change)) if read.change else None
        orphan = read.change is not None and key is None
        read_as: ReadAs = read.read_as
        asked = " > " in read.step.text or asks(read.step.text, lexicon.phrases)
        if lost and not orphan and not walked and not asked:
            read_as = "info"  # a list that explains something; nobody is told to do it
        elif key is None and (lost or orphan or read_as == "unknown"):
            read_as = "unknown" if read_as == "unknown" else "manual"
            lines = tuple(range(read.step.first, read.step.text_last + 1))
            findings.manual.append(ManualStep(text=read.step.text, lines=lines, section=section.id))
        elif read.refusal and read.refusal.code == "gated-section":
            read_as = "manual"
            findings.manual.append(ManualStep(text=read.step.text, lines=(read.step.first,), section=section.id))
        choice = read.refusal is not None and read.refusal.code == "choice-required" and walked
        if read.refusal and (not lost or orphan or reached or choice or read.refusal.code in MISSING):
            _say(read, key, section, findings)
        findings.read(read.step, section, read_as, key, read.refusal.why if read.refusal else "")
    _by_command(section, lexicon, findings)
    if lost and walked:
        _say_lost(reader, tutorial, lexicon, findings)
    _say_not_included(section, tutorial, findings)
    if section is tutorial.sections[-1] and not section.items:
        findings.note(
            "document-inconsistent", (section.first,), section=section.heading,
            message="The text ends with a heading that nothing follows; its steps may be missing.",
        )  # fmt: skip


def _say(read: Read, key: str | None, section: Section, findings: Findings) -> None:
    refusal = read.refusal
    assert refusal is not None, "only a refused item is told of; this is a fault in the kit"
    if refusal.why == BELOW_UNREAD and refusal.code != "unknown-step":
        return  # the options of a choice were told of with the choice
    code = "unknown-step" if refusal.code == "place-unknown" else refusal.code
    # A name that was never filled in would reach the tenant as it stands.
    usual = "blocks" if code == "placeholder-text" and read.change else SEVERITY[code]
    firm = bool(key) or usual == "asks" or code in MISSING or (read.change and code in FIRM)
    inside = f"it blocks {key}" if key and code != "gated-section" else "it is left to a person"
    findings.note(
        code, (read.step.first,), f"{read.step.text!r} sets nothing: {refusal.why}; {inside}.",
        severity=usual if firm else "tells", section=section.heading,
    )  # fmt: skip


def _by_command(section: Section, lexicon: Lexicon, findings: Findings) -> None:
    """Say that a section which tells the same by command makes nothing."""
    blocks = [item for item in section.items if isinstance(item, Block)]
    blocks += [note for step in section.steps for inner in step.walk() for note in inner.notes]
    code = [block for block in blocks if block.kind == "code"]
    if code and fits(section.heading, lexicon.phrases.by_command):
        prose = [line for block in blocks if block.kind == "prose" for line in range(block.first, block.last + 1)]
        lines = [line for block in code for line in range(block.first, block.last + 1)]
        findings.note(
            "alternative-section", tuple(sorted({section.first, *prose, *lines})), section=section.heading,
            severity="tells", message="This section says by command what others say by clicks; nothing is made of it.",
        )  # fmt: skip


def _foreign_platform(reader: SectionReader, tutorial: Tutorial, lexicon: Lexicon) -> Console | None:
    console = reader.stand.route.console
    if reader.foreign:
        return reader.foreign
    if console:
        return None if console.supported else console
    section = reader.section
    texts = [*(title.text for title in tutorial.titles), section.heading, *(step.text for step in section.steps)]
    titles = [" ".join(fold(text)) for text in texts]
    for candidate in lexicon.places_file.consoles:
        if not candidate.supported and any(" ".join(fold(n)) in t for n in candidate.names for t in titles):
            return candidate
    return None


def _say_lost(reader: SectionReader, tutorial: Tutorial, lexicon: Lexicon, findings: Findings) -> None:
    """Say why a section with steps gave no resource, unless a guard has said it already."""
    section, foreign = reader.section, _foreign_platform(reader, tutorial, lexicon)
    lines = (section.steps[0].first,)
    if foreign:
        findings.note(
            "platform-unsupported", lines, section=section.heading,
            message=f"This section is about {foreign.names[0]}, which this kit does not configure; "
                    "all its steps are for a person.",
        )  # fmt: skip
    elif not reader.stand.changes and not reader.stand.route.reached:
        findings.note(
            "place-unknown", lines, section=section.heading,
            message="No step of this section leads to a page that is known; all its steps are for a person.",
        )  # fmt: skip


def _includes(section: Section) -> list[tuple[Block, bool]]:
    """Give the includes that are still in a section, and whether each stands inside a step."""
    found = [(item, False) for item in section.items if isinstance(item, Block) and item.kind == "include"]
    notes = (note for step in section.steps for inner in step.walk() for note in inner.notes)
    return found + [(note, True) for note in notes if note.kind == "include"]


def _say_not_included(section: Section, tutorial: Tutorial, findings: Findings) -> None:
    for item, inside in _includes(section):
        why = next((remark.text for remark in tutorial.remarks if remark.blocks and remark.line == item.first), "")
        why = "it stands inside a step" if inside else why
        findings.note(
            "unresolved-include", tuple(range(item.first, item.last + 1)), section=section.heading,
            message="The text that belongs here is in another file, which "
                    + (f"cannot be taken in: {why}." if why else "this kit does not fetch."),
            suggestion="Put the included text in place of this line, with its parameters filled in"
                       + (", or name the folder of included files." if why and not inside else "."),
            source="the include line itself",
        )  # fmt: skip
