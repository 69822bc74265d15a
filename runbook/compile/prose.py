"""What the text asks for outside its steps: changes that nobody numbered, and waits. All of it is for a person."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runbook.compile.findings import Findings
from runbook.compile.patterns import compiled
from runbook.compile.result import ManualStep
from runbook.lexicon import Lexicon
from runbook.lexicon.model import PhrasesFile
from runbook.tutorial import Block, Section

_SENTENCE = re.compile(r"(?<=[.!])\s+(?=[A-Z])")
_SHORTCODE = re.compile(
    r"\{\{[<%].*?[>%]\}\}|:::\w*(?:\[[^\]]*\])?|^\s*>\s*(?:\[!\w+\]\s*)?(?:\*\*\w+\*\*:?\s*)?|<!--|-->", re.MULTILINE
)


def asked_in_prose(section: Section, lexicon: Lexicon, findings: Findings, *, sets_something: bool) -> None:
    """List the sentences between a section's steps that ask for something, as steps for a person.

    Before the steps of a section that sets something only waits are listed: the rest says what the steps do.
    """
    table = lexicon.phrases
    first = min((step.first for step in section.steps), default=0)
    for block in _prose(section):
        lines = tuple(range(block.first, block.last + 1))
        open_to_asking = not sets_something or block.first > first
        for sentence in sentences_of(block):
            wait = next((match for pattern in table.wait if (match := compiled(pattern).search(sentence))), None)
            if not (wait or (open_to_asking and asks(sentence, table))):
                continue
            findings.manual.append(ManualStep(text=sentence, lines=lines, section=section.id))
            if wait:
                findings.note(
                    "gated-section",
                    lines,
                    f"The text wants a wait first: {wait['time'].rstrip('.')}.",
                    section=section.heading,
                )


def sentences_of(block: Block) -> list[str]:
    """Give the sentences of a block; of HTML, those of each element."""
    text = _SHORTCODE.sub("", block.text)
    pieces = re.split(r"<[^>]*>", text) if block.kind == "wrapper" else [text]
    return [part for piece in pieces for part in _SENTENCE.split(" ".join(piece.split())) if part]


def asks(sentence: str, table: PhrasesFile) -> bool:
    """Tell whether a sentence asks a reader to do something."""
    return any(compiled(pattern).search(sentence) for pattern in table.asking)


def _prose(section: Section) -> Iterator[Block]:
    for item in section.items:
        blocks = [item] if isinstance(item, Block) else [note for step in item.walk() for note in step.notes]
        yield from (block for block in blocks if block.kind in ("prose", "quote", "wrapper"))
