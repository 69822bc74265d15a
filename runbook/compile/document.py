"""What is to be said about the text as a whole, before any step is read."""

from __future__ import annotations

import re

from runbook.compile.findings import Findings
from runbook.compile.grammar import fits
from runbook.lexicon import Lexicon
from runbook.tutorial import Block, Tutorial, slug
from runbook.tutorial.markdown import HIDDEN

CONSONANTS = "B-DF-HJ-NP-TV-Z"
# Keys pressed to fill a line give capitals without a vowel and one letter three times; no word does but WWW.
_PRESSED = re.compile(rf"\b(?!WWW\b)[{CONSONANTS}]*([{CONSONANTS}])\1\1[{CONSONANTS}]*\b")
_STAND_IN = re.compile(r"\blorem ipsum\b|\bT(?:BD|ODO)\b|\btext goes here\b", re.IGNORECASE)


def about_the_text(tutorial: Tutorial, findings: Findings) -> None:
    """Note repaired letters, and sentences that only hold a place."""
    for repair in tutorial.repairs:
        findings.note(
            "encoding-repaired", (repair.line,),
            f"{repair.raw!r} was UTF-8 read as Windows-1252; it is read as {repair.repaired!r}.",
            suggestion="Store the file again as UTF-8.", source="the bytes of the line: the round trip is valid UTF-8",
        )  # fmt: skip
    for number, line in enumerate(tutorial.lines, 1):
        if HIDDEN.search(line) and tutorial.ledger[number - 1] in ("step", "continuation"):
            findings.note(
                "encoding-repaired", (number,), "A character in this line cannot be seen; it is read without it.",
                suggestion="Take the character out.", source="Unicode, format characters",
            )  # fmt: skip
    _out_of_order(tutorial, findings)
    titles = sorted((title.text for title in tutorial.titles), key=len)
    in_sections = [item for section in tutorial.sections for item in section.items]
    for block in (*tutorial.preamble, *in_sections):
        if isinstance(block, Block) and block.kind == "prose" and is_filler(block.text):
            findings.note(
                "placeholder-text", tuple(range(block.first, block.last + 1)),
                "This sentence is filler; the text says nothing of its intent here.",
                suggestion=f"Take the intent from the title: {titles[-1]}" if titles else "",
                source="the longest title of the text; derived, not written here by the author" if titles else "",
            )  # fmt: skip


def about_includes(tutorial: Tutorial, findings: Findings) -> None:
    """Note what is odd about includes that were taken in, and those of the introduction that were not."""
    for remark in tutorial.remarks:
        if not remark.blocks:
            findings.note("document-inconsistent", (remark.line,), f"The include {remark.text}", about="include")
    for block in tutorial.preamble:
        if block.kind == "include":
            why = next((remark.text for remark in tutorial.remarks if remark.blocks and remark.line == block.first), "")
            findings.note(
                "unresolved-include", tuple(range(block.first, block.last + 1)), severity="tells",
                message="A part of the introduction is in another file" + (f": {why}." if why else "."),
            )  # fmt: skip


def alternatives_of(tutorial: Tutorial, lexicon: Lexicon, findings: Findings) -> frozenset[str]:
    """Find sections of which a reader takes one, by their headings, and ask which; give their ids."""
    named = [section for section in tutorial.sections if fits(section.heading, lexicon.phrases.alternative)]
    found = [one for one in named if sum((one.level, one.above) == (other.level, other.above) for other in named) > 1]
    for section in found:
        decision = f"section-{slug(section.heading)}"
        findings.note(
            "alternative-section", (section.first,), section=section.heading, decision=decision,
            message=f"This section is one of {len(found)} to choose from; it is off until its decision is taken.",
        )  # fmt: skip
    return frozenset(section.id for section in found)


def _out_of_order(tutorial: Tutorial, findings: Findings) -> None:
    """Note numbers that do not follow from the one before; a list may begin again at 1, or be all ones."""
    for section in tutorial.sections:
        last, line, same_list = 0, 0, False
        for item in section.items:
            if isinstance(item, Block) or item.number is None:
                same_list = False
                continue
            same_list = same_list and _one_file(tutorial, line, item.first)
            follows = item.number in (last + 1, 1) if not same_list or last == 1 else item.number == last + 1
            if last and not follows:
                findings.note(
                    "document-inconsistent", (item.first,), section=section.heading,
                    message=f"Step {item.number} follows step {last}; a step may be missing, or belong elsewhere.",
                )  # fmt: skip
            last, line, same_list = item.number, item.first, True


def _one_file(tutorial: Tutorial, line: int, other: int) -> bool:
    """Tell whether two lines came from one file, by one include."""
    one, two = tutorial.origin(line), tutorial.origin(other)
    return (one.file, one.via) == (two.file, two.via)


def is_filler(text: str) -> bool:
    """Tell whether a sentence holds a place for one that was never written."""
    return bool(_PRESSED.search(text) or _STAND_IN.search(text))
