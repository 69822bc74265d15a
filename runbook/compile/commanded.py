"""Commands of a text that are settings of a tenant, found in its code blocks; each is off until it is decided on.

A command is understood only as a whole line and only if the lexicon lists it. Whatever the text says around it (if
a message appears, if the answer is true), the tenant's state and a decision say whether it is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from runbook.compile.findings import Findings
from runbook.compile.result import ResourceDraft, Setting
from runbook.lexicon import Lexicon
from runbook.tutorial import Block, Section, Tutorial

_PROMPT = re.compile(r"^(?:PS\b[^>]*>|\$|>)\s*")


def commanded(section: Section, tutorial: Tutorial, lexicon: Lexicon, findings: Findings) -> list[ResourceDraft]:
    """Give a draft for each listed command of a section's code blocks, the first time that it stands there."""
    known = {command.words.casefold(): command for command in lexicon.places_file.commands}
    found: dict[str, ResourceDraft] = {}
    for line in _code_lines(section):
        words = _PROMPT.sub("", tutorial.lines[line - 1].strip()).strip()
        command = known.get(words.casefold())
        if command is None or command.words in found:
            continue
        setting = Setting(
            parameter=command.parameter, value=command.value, lines=(line,), label=command.words, words=words,
            certainty="exact label",
        )  # fmt: skip
        found[command.words] = ResourceDraft(
            type=command.resource, action="modify", identity=command.identity, settings=(setting,),
            section=section.id, lines=((command.parameter, line),), opened_at=line, committed_at=line,
            optional=command.decision,
        )  # fmt: skip
        findings.note(
            "gated-section", (section.first, line), section=section.heading, decision=command.decision,
            source=command.source,
            message=f"{command.words} is run only if it is needed and the decision {command.decision} is taken.",
        )  # fmt: skip
    return list(found.values())


def _code_lines(section: Section) -> Iterator[int]:
    blocks = [item for item in section.items if isinstance(item, Block)]
    blocks += [note for step in section.steps for inner in step.walk() for note in inner.notes]
    for block in blocks:
        if block.kind == "code":
            yield from range(block.first, block.last + 1)


def brought_forward(drafts: Sequence[ResourceDraft], lexicon: Lexicon) -> list[ResourceDraft]:
    """Put what must come before all else into the first section that sets something; its lines stay where it stands."""
    first = {command.decision for command in lexicon.places_file.commands if command.first}
    early = [draft for draft in drafts if draft.optional in first]
    others = [draft for draft in drafts if draft.optional not in first]
    return [*(replace(draft, section=others[0].section) if others else draft for draft in early), *others]
