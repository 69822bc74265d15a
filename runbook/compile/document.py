"""What is to be said about the text as a whole, before any step is read."""

from __future__ import annotations

import re

from runbook.compile.findings import Findings
from runbook.tutorial import Block, Tutorial

# A word of three letters or more, only consonants that stand for nothing: keys pressed to fill a line.
_FILLER = re.compile(r"\b(?:([A-Z])\1{2,}|[XC]{6,}[A-Z]*|lorem ipsum|todo|tbd)\b|\bTBD\b", re.IGNORECASE)


def about_the_text(tutorial: Tutorial, findings: Findings) -> None:
    """Note repaired letters and filler sentences."""
    for repair in tutorial.repairs:
        findings.note(
            "encoding-repaired", (repair.line,),
            f"{repair.raw!r} was UTF-8 read as Windows-1252; it is read as {repair.repaired!r}.",
            suggestion="Store the file again as UTF-8.", source="the bytes of the line: the round trip is valid UTF-8",
        )  # fmt: skip
    sections = [item for section in tutorial.sections for item in section.items]
    for block in (*tutorial.preamble, *sections):
        if isinstance(block, Block) and block.kind == "prose" and _FILLER.search(block.text):
            findings.note(
                "placeholder-text", tuple(range(block.first, block.last + 1)),
                "This sentence is filler; the text says nothing of its intent here.",
                suggestion=f"Taken from the titles instead: {tutorial.titles[-1].text if tutorial.titles else '-'}",
                source="the titles of the text; derived, not written by the author",
            )  # fmt: skip
