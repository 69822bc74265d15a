"""Read a sentence as one of the closed list of forms. A sentence that fits none gives None, never a guess."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runbook.compile.patterns import compiled, whole
from runbook.compile.phrase import SLOT, Phrase, Slot, trim
from runbook.lexicon.model import ClauseForm, PhrasesFile, StepForm

Chain = tuple[tuple[Slot, ...], ...]
"""Words joined by `>`; each link of the chain is one slot, or several joined by commas and "and"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence that was recognised: its form and the parts that the form names."""

    form: StepForm
    phrase: Phrase
    parts: Mapping[str, str]

    def chain(self, name: str) -> Chain:
        """Give the part `name` as a chain of slots; empty if the sentence has no such part."""
        return chain_of(self.phrase, self.parts.get(name) or "")

    def words(self, name: str) -> str:
        """Give the part `name` in the words of the text."""
        return self.phrase.words(self.parts.get(name) or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """How a value is worded, and the parts of it."""

    form: ClauseForm
    phrase: Phrase
    parts: Mapping[str, str]
    text: str

    def chain(self, name: str) -> Chain:
        """Give the part `name` as a chain of slots; empty if the value has no such part."""
        return chain_of(self.phrase, self.parts.get(name) or "")

    @property
    def words(self) -> str:
        """Give the whole value in the words of the text."""
        return self.phrase.words(self.text)


def chain_of(phrase: Phrase, masked: str) -> Chain:
    """Split masked text at `>` into links; a marked run that holds a chain of its own is split too."""
    links: list[tuple[Slot, ...]] = []
    for link in masked.split(" > "):
        slots = [phrase.slot(char) for char in re.findall(SLOT, link)]
        if len(slots) == 1 and slots[0].mark != "code" and " > " in slots[0].text:
            inner = slots[0].text.split(" > ")
            links += [(Slot(text=part.strip(), mark=slots[0].mark, href=slots[0].href),) for part in inner]
        elif slots:
            links.append(tuple(slots))
    return tuple(links)


def joined(masked: str, phrases: PhrasesFile) -> str:
    """Put an arrow where the text joins two slots in words, such as "select A, then select B"."""
    for pattern in phrases.arrows:
        before = None
        while before != masked:
            before, masked = masked, compiled(pattern).sub(lambda match: f"{match['a']} > {match['b']}", masked)
    return masked


def read_sentence(phrase: Phrase, masked: str, phrases: PhrasesFile) -> Sentence | None:
    """Find the form of a sentence, with its words for arrows as arrows, else as it stands; the first form wins."""
    arrows = joined(masked, phrases)
    found = _form(phrase, arrows, phrases) if arrows != masked else None
    return found or _form(phrase, masked, phrases)


def _form(phrase: Phrase, masked: str, phrases: PhrasesFile) -> Sentence | None:
    for step in phrases.steps if masked else ():  # nothing is no sentence, whatever is optional in a pattern
        for pattern in step.patterns:
            match = whole(pattern, masked)
            if match:
                return Sentence(form=step.form, phrase=phrase, parts=_parts(match))
    return None


def read_clause(phrase: Phrase, masked: str, phrases: PhrasesFile) -> Clause | None:
    """Find the form of a value; None if its words are not understood as a whole."""
    masked = trim(masked)
    for clause in phrases.clauses:
        for pattern in clause.patterns:
            match = whole(pattern, masked)
            if match:
                return Clause(form=clause.form, phrase=phrase, parts=_parts(match), text=masked)
    return None


def several(masked: str, phrases: PhrasesFile) -> tuple[str, ...]:
    """Take a sentence apart where it goes on with another instruction; one part if it does not."""
    found: list[str] = []
    for part in re.split("|".join(phrases.goes_on), masked, flags=re.IGNORECASE):
        if found and _PLACE.fullmatch(found[-1]):
            found[-1] = f"{found[-1]}, {part}"  # "in A" says where the next instruction is carried out
        else:
            found.append(part)
    return tuple(found)


_PLACE = re.compile(rf"(?:in|under|on|below)(?: the)? {SLOT}(?: > {SLOT})*", re.IGNORECASE)


def fits(masked: str, patterns: Sequence[str]) -> re.Match[str] | None:
    """Match a whole sentence against patterns; give the first match."""
    return next((match for match in (whole(pattern, masked) for pattern in patterns) if match), None)


def _parts(match: re.Match[str]) -> dict[str, str]:
    return {name: text for name, text in match.groupdict().items() if text is not None}
