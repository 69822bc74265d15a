"""What no resource came of: steps for a person, sections that lead nowhere, platforms that are not supported."""

from __future__ import annotations

from runbook.compile.findings import SEVERITY, Findings
from runbook.compile.guards import Kept
from runbook.compile.result import ManualStep
from runbook.compile.section import BELOW_UNREAD, Read, SectionReader
from runbook.lexicon import Console, Lexicon
from runbook.lexicon.match import fold
from runbook.tutorial import Block, Section, Tutorial


def leftovers(
    reader: SectionReader, kept: Kept, tutorial: Tutorial, lexicon: Lexicon, findings: Findings
) -> None:
    """List every item that became no part of a resource, and record how each item was read."""
    section = reader.section
    keys = {id(change): draft.key for change, draft in kept}
    foreign = _foreign_platform(reader, tutorial, lexicon)
    lost = not kept and bool(section.steps)
    for read in reader.items:
        key = keys.get(id(read.change)) if read.change else None
        orphan = read.change is not None and key is None
        by_hand = (lost or orphan or read.read_as == "unknown") and key is None
        if by_hand:
            findings.manual.append(ManualStep(text=read.step.text, lines=_lines(read), section=section.id))
        if read.refusal and not (
            lost and not orphan and read.refusal.code in ("unknown-step", "place-unknown")
        ):
            _say(read, key, section, findings)
        read_as = "manual" if by_hand and read.read_as != "unknown" else read.read_as
        why = read.refusal.why if read.refusal else ""
        findings.read(read.step, section, read_as, key, why)
    if lost:
        _say_lost(reader, foreign, findings)
    _includes(section, kept, findings)


def _lines(read: Read) -> tuple[int, ...]:
    return tuple(range(read.step.first, read.step.text_last + 1))


def _say(read: Read, key: str | None, section: Section, findings: Findings) -> None:
    refusal = read.refusal
    assert refusal is not None, "only a refused item is told of; this is a fault in the kit"
    if refusal.why == BELOW_UNREAD and refusal.code != "unknown-step":
        return  # the options of a choice were told of with the choice
    code = "unknown-step" if refusal.code == "place-unknown" else refusal.code
    inside = f"; it blocks {key}" if key else "; it is left to a person"
    findings.note(
        code, (read.step.first,), f"{read.step.text!r} sets nothing: {refusal.why}{inside}.",
        severity=SEVERITY[code] if key else ("asks" if SEVERITY[code] == "asks" else "tells"),
        section=section.heading,
    )  # fmt: skip


def _foreign_platform(reader: SectionReader, tutorial: Tutorial, lexicon: Lexicon) -> Console | None:
    console = reader.stand.route.console
    if console:
        return None if console.supported else console
    titles = [" ".join(fold(title.text)) for title in tutorial.titles]
    for candidate in lexicon.places_file.consoles:
        if not candidate.supported and any(" ".join(fold(n)) in t for n in candidate.names for t in titles):
            return candidate
    return None


def _say_lost(reader: SectionReader, foreign: Console | None, findings: Findings) -> None:
    section = reader.section
    first = section.steps[0].first
    if foreign:
        findings.note(
            "platform-unsupported", (first,), section=section.heading,
            message=f"This section is about {foreign.names[0]}, which this kit does not configure; "
                    "all its steps are for a person.",
        )  # fmt: skip
        return
    if reader.stand.changes:
        return  # guard-failed has said why
    findings.note(
        "place-unknown",
        (first,),
        section=section.heading,
        message="No step of this section leads to a page that the lexicon knows; all its steps are for a person.",
    )


def _includes(section: Section, kept: Kept, findings: Findings) -> None:
    for item in section.items:
        if isinstance(item, Block) and item.kind == "include":
            findings.note(
                "unresolved-include", tuple(range(item.first, item.last + 1)), section=section.heading,
                message="The steps of this section are in another file, which this kit does not fetch.",
                suggestion="Put the included text in place of this line, with its parameters filled in.",
                source="the include line itself",
            )  # fmt: skip
