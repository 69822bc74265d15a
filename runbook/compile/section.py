"""Read one section item by item.

An item is bound only when every sentence of it is understood. One that is not, inside a change, blocks that
change; outside, it is a step for a person. Items below an item that was not understood are not bound either,
for it may have been a condition.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from runbook.compile.acts import Acts
from runbook.compile.bind import Refusal
from runbook.compile.draft import OpenChange
from runbook.compile.findings import Findings
from runbook.compile.grammar import Sentence, chain_of, fits, read_clause, read_sentence, several
from runbook.compile.phrase import STRAY, TEMPLATE, Phrase, Slot, phrase_of, trim
from runbook.compile.prose import asks, sentences_of
from runbook.compile.result import ReadAs
from runbook.compile.stand import Route, Stand
from runbook.compile.writing import Labels
from runbook.lexicon import Console, Lexicon
from runbook.lexicon.match import fold
from runbook.tutorial import Block, Section, Step, slug

LONGEST = 1500  # characters; the longest item of the texts that were studied has 600
STRUCK = re.compile(r"<(?:s|del|strike)\b", re.IGNORECASE)
WAY = (r"{path*}",)
UNREAD = {"table": "table", "wrapper": "piece of HTML", "quote": "quotation", "code": "code block"}
"""Kinds of blocks whose words are not read as steps, and what to call them."""
COMPONENT = re.compile(r"<[A-Z]\w*\b[^>]*\btext=")
UNDECIDED = "it offers a choice and does not make it"
BELOW_UNREAD = "belongs to a step that was not understood"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """How one item of the section was read, and the change it belongs to, if any."""

    step: Step
    change: OpenChange | None
    read_as: ReadAs
    refusal: Refusal | None = None


@dataclass(slots=True)
class SectionReader:
    """Reads the steps of one section; `changes` and `items` hold what came of it."""

    section: Section
    lexicon: Lexicon
    findings: Findings
    alternative: bool = False
    """Whether the section is one of several of which a reader takes one."""
    foreign: Console | None = None
    """The unsupported console that the text is about, by its titles."""
    before: Route | None = None
    """Where the section before ended; a text may go back there."""
    lead: Sequence[Block] = ()
    """What stands before a section that has no heading of its own."""
    made: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Names of the objects that earlier sections make, by type."""
    items: list[Read] = field(default_factory=list)
    stand: Stand = field(init=False)

    def __post_init__(self) -> None:
        self.stand = Stand(
            self.section, self.lexicon, self.findings, Route(self.lexicon), made=self.made, before=self.before
        )
        gates = [name for name in (*self.section.above, self.section.heading)
                 if fits(name, self.lexicon.phrases.gate)]  # fmt: skip
        if self.alternative:
            gates.append(self.section.heading)
        hangs = None if gates else self._hangs()
        if hangs:
            gates.append(self.section.heading or "untitled")
            self.findings.note(
                "gated-section", tuple(range(hangs.first, hangs.last + 1)), section=self.section.heading,
                message="What is said here makes the steps hang on something; they are off until it is decided.",
                decision=f"section-{slug(gates[0])}",
            )  # fmt: skip
        self.stand.gate = f"section-{slug(gates[0])}" if gates else None

    def _hangs(self) -> Block | None:
        """Find a paragraph before the last step that makes the steps hang on something."""
        last = max((step.first for step in self.section.steps), default=0)
        blocks = [item for item in (*self.lead, *self.section.items) if isinstance(item, Block) and item.first < last]
        spoken = [block for block in blocks if block.kind in ("prose", "quote", "wrapper")]
        hangs = self.lexicon.phrases.hangs
        return next((block for block in spoken if any(fits(trim(one), hangs) for one in sentences_of(block))), None)

    def read(self) -> list[OpenChange]:
        """Read the whole section; a change that is still open is closed at its end, with a note."""
        steps: list[Step] = []
        for item in (*self.lead, *self.section.items):
            if isinstance(item, Step):
                steps.append(item)
                continue
            way = self._way(item) if item.kind == "prose" else None
            if way or item.kind in UNREAD:
                self._siblings(steps, ())
                steps = []
                self.stand.line = item.first
                self.stand.visit(way or ())
                self._unread_block(item)
        self._siblings(steps, ())
        self.stand.leave()
        return self.stand.changes

    def _way(self, block: Block) -> list[Slot] | None:
        """Give the words of a paragraph that is nothing but a way through a portal, from its console on."""
        phrase = phrase_of(block.pieces, self._known_names())
        chain = chain_of(phrase, phrase.masked) if fits(trim(phrase.masked), WAY) else ()
        slots = [link[0] for link in chain if len(link) == 1]
        starts = slots and self.lexicon.console_of(slots[0].text, slots[0].href)
        return slots if starts and len(slots) == len(chain) > 1 else None

    def _unread_block(self, block: Block) -> None:
        """Block the open change for a piece of the text that is not read as steps and may bear on it.

        That is code; and a table, HTML or a quotation that names a control of the page, asks for something, or makes
        the steps hang on something.
        """
        change = self.stand.open
        if change is None or block.kind not in UNREAD or _is_powershell(block):
            return  # a page's PowerShell is held against its steps
        sentences = sentences_of(block)
        phrases = self.lexicon.phrases
        bears = block.kind == "code" or any(
            fits(trim(sentence), (*phrases.hangs, *phrases.condition)) or asks(sentence, phrases)
            for sentence in sentences
        )
        if not bears and not self._named_in(block):
            return
        kind = UNREAD[block.kind]
        self.findings.note(
            "unknown-step", tuple(range(block.first, block.last + 1)), section=self.section.heading,
            message=f"A {kind} stands inside the change and is not read as a step; it blocks what is changed there.",
        )  # fmt: skip
        change.blocked.append(f"{self.findings.at(block.first)}: a {kind} that is not read stands here")

    def _named_in(self, block: Block) -> bool:
        """Tell whether a block names a label of the open page, as a cell, an element or a marked run."""
        table = self.lexicon.labels_of(self.stand.open.place) if self.stand.open else None
        pieces = [*re.split(r"[|\n]|<[^>]*>", block.text), *re.findall(r"[*_`\"“]+([^*_`\"”]+)[*_`\"”]+", block.text)]
        pieces += [piece.text for piece in block.pieces if piece.kind != "text"]
        words = {fold(re.sub(r"[*_`\\:]", "", piece)) for piece in pieces if piece.strip()}
        return bool(words & {fold(row.path[0]) for row in table.rows}) if table else False

    def _siblings(self, steps: Sequence[Step], above: Labels, refusal: Refusal | None = None) -> None:
        for step in steps:
            result = refusal or self._item(step, above)
            if above and not isinstance(result, Refusal) and result[: len(above)] != above:
                above = ()  # a label of its own among those of another: what follows may belong to either
            if isinstance(result, Refusal):
                if refusal:
                    self._refused(step, refusal)
                for note in step.notes:
                    if note.kind in ("prose", "quote"):
                        self._refused(_as_step(note), Refusal(why=BELOW_UNREAD, code=result.code))
                self._siblings(step.children, above, Refusal(why=BELOW_UNREAD, code=result.code))
                if result.lists_options and not step.children and step.number is None:
                    refusal = Refusal(why=BELOW_UNREAD, code=result.code)  # the options follow as siblings
            else:
                self._below(step, result)

    def _below(self, step: Step, above: Labels) -> None:
        """Read what stands below an item in the order of the text: nested items, and further paragraphs of its own."""
        paragraphs = [_as_step(note) for note in step.notes if note.kind == "prose"]
        siblings: list[Step] = []
        for inner in sorted((*paragraphs, *step.children), key=lambda inner: inner.first):
            if inner in paragraphs:
                self._siblings(siblings, above)
                siblings = []
                self._item(inner, above)
            else:
                siblings.append(inner)
        self._siblings(siblings, above)
        for note in step.notes:
            self._unread_block(note)

    def _item(self, step: Step, above: Labels) -> Labels | Refusal:
        """Act on an item; give the labels that its children stand under, or why it was not read."""
        stand = self.stand
        stand.line, stand.decision = step.first, None
        before = stand.open
        phrase, sentences = self._sentences(step)
        self._broken_marks(phrase, step)
        if stand.decision and before is not None:
            return self._refused(step, Refusal(why="the text leaves it to the reader", code="gated-section"))
        acts, below = Acts(stand, above), above
        for sentence in sentences or ():
            result = acts.act(sentence)
            if isinstance(result, Refusal):
                plain = result.code == "unknown-step"
                return self._refused(step, self._why_unread(phrase, step, result) if plain else result)
            below = result
        if sentences is None:
            return self._refused(step, self._why_unread(phrase, step))
        owner = stand.open or before or stand.just_saved
        self.items.append(Read(step=step, change=owner, read_as=_read_as(sentences, acts.writing.has_set)))
        return below

    def _sentences(self, step: Step) -> tuple[Phrase, tuple[Sentence, ...] | None]:
        """Read an item's sentences, first by its markup, then with known names that are not marked."""
        marked = phrase_of(step.pieces)
        if any(
            piece.kind == "html" and (STRUCK.match(piece.text) or COMPONENT.match(piece.text)) for piece in step.pieces
        ):
            return marked, None
        if TEMPLATE.search(step.text) or len(step.text) > LONGEST:
            return marked, None
        sentences = self._all(marked, self._optional(marked))
        if sentences is None or not all(map(self._is_whole, sentences)):
            by_name = phrase_of(step.pieces, self._known_names())
            others = self._all(by_name, self._optional(by_name))
            if others and (sentences is None or all(map(self._is_whole, others))):
                return by_name, others
        return marked, sentences

    def _is_whole(self, sentence: Sentence) -> bool:
        """Tell whether the value that a sentence gives is worded in a way that is understood, if it gives one."""
        rest = sentence.parts.get("rest")
        return rest is None or read_clause(sentence.phrase, rest, self.lexicon.phrases) is not None

    def _all(self, phrase: Phrase, whole: str) -> tuple[Sentence, ...] | None:
        table = self.lexicon.phrases
        found: list[Sentence] = []
        for part in phrase.sentences(whole):
            one = read_sentence(phrase, part, table)
            parts = [one]
            if not (one and self._is_whole(one)):
                pieces = [read_sentence(phrase, piece, table) for piece in several(part, table)]
                parts = pieces if all(piece and self._is_whole(piece) for piece in pieces) or not one else parts
            found += [sentence for sentence in parts if sentence]
            if not all(parts):
                found = []
                break
        if found:
            return tuple(found)
        one = read_sentence(phrase, whole, table)  # a value that has a full stop of its own
        return (one,) if one else None

    def _optional(self, phrase: Phrase) -> str:
        """Take off a leading "optional"; the change that the item opens is then gated by a decision."""
        masked = trim(phrase.masked)
        match = fits(masked, self.lexicon.phrases.optional)
        if match is None:
            return masked
        named = match.groupdict().get("decision")
        place = slug(self.findings.at(self.stand.line))
        self.stand.decision = phrase.words(named) if named else f"optional-{place}"
        return match.group("rest")

    def _known_names(self) -> tuple[str, ...]:
        places = self.lexicon.places_file
        names = [name for console in places.consoles for name in (*console.names, *console.menus)]
        ways = (path for place in places.places for path in (*place.paths, *place.create, *place.modify, place.opens))
        names += [word for path in ways for word in path]
        names += [*places.buttons.next, *places.buttons.done]
        place = self.stand.route.place
        table = self.lexicon.labels_of(place) if place else None
        for label in table.rows if table and place else ():
            names += [*label.path, *(option.words for option in table.options_of(label))] if table else []
        names += table.spellings if table else ()
        return tuple(names + (list(place.commit) if place else []))

    # What was not read

    def _why_unread(self, phrase: Phrase, step: Step, usual: Refusal | None = None) -> Refusal:
        """Say why an item sets nothing; a choice or a condition in its words says more than the `usual` reason."""
        masked, table = trim(phrase.masked), self.lexicon.phrases
        if TEMPLATE.search(step.text):
            return Refusal(why="a template parameter was not filled in", code="unresolved-include")
        if len(step.text) > LONGEST:
            return Refusal(why="it is longer than any instruction")
        if fits(masked, table.external):
            return Refusal(why="the steps are on another page", code="external-procedure")
        if fits(masked, table.condition):
            return Refusal(why="it holds only under a condition", code="branch")
        if fits(masked, table.enumeration):
            return Refusal(why=UNDECIDED, code="choice-required", lists_options=True)
        if fits(masked, table.choice):
            return Refusal(why=UNDECIDED, code="choice-required")
        if self.stand.decision:
            return Refusal(why="the text leaves it to the reader", code="choice-required")
        return usual or Refusal(why="its words are not understood")

    def _refused(self, step: Step, refusal: Refusal) -> Refusal:
        change = self.stand.open
        if change is not None and refusal.code != "gated-section":
            change.blocked.append(f"{self.findings.at(step.first)}: {refusal.why}: {step.text}")
        self.items.append(Read(step=step, change=change, read_as="unknown", refusal=refusal))
        return refusal

    def _broken_marks(self, phrase: Phrase, step: Step) -> None:
        """Note marks that the reader would see as letters, once per line."""
        by_line: dict[int, list[Slot]] = {}
        rows = step.raw.split("\n")
        for slot in phrase.slots:
            if slot.broken:
                at = next((n for n, raw in enumerate(rows) if slot.text in raw), 0)
                by_line.setdefault(step.first + at, []).append(slot)
        for line, slots in by_line.items():
            shown = ", ".join(repr(slot.broken) for slot in slots)
            bare = ", ".join(repr(slot.text) for slot in slots)
            self.findings.note(
                "markup-broken", (line,), section=self.section.heading, suggestion=f"Read it as {bare}.",
                message=f"The marks around {shown} are not markup; the words were used without them.",
                source="CommonMark, emphasis and code spans",
            )  # fmt: skip
        if STRAY.search(phrase.masked):
            self.findings.note(
                "unbalanced-markup", (step.first,), section=self.section.heading,
                message=f"A mark in {phrase.words(phrase.masked)!r} has no partner.",
            )  # fmt: skip


def _is_powershell(block: Block) -> bool:
    return block.kind == "code" and bool(re.match(r"\s*(?:`{3,}|~{3,})\s*(?:powershell|ps1?|pwsh)\b", block.text, re.I))


def _as_step(note: Block) -> Step:
    return Step(
        number=None, first=note.first, last=note.last, text_last=note.last, raw=note.text, text=note.text,
        pieces=note.pieces,
    )  # fmt: skip


def _read_as(sentences: Sequence[Sentence], has_set: bool) -> ReadAs:
    forms = {sentence.form for sentence in sentences}
    if "free-choice" in forms:
        return "input"
    if "by-hand" in forms:
        return "manual"
    if has_set:
        return "bound"
    return "check" if "exists" in forms else "structural"
