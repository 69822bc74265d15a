"""Where the reader of a section stands: the console, the words visited there, and the place they lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from runbook.compile.phrase import Slot
from runbook.lexicon import Console, Lexicon, Place
from runbook.lexicon.match import match_name


@dataclass(slots=True)
class Route:
    """Position within the consoles. Starts anew with each section: texts open their console each time."""

    lexicon: Lexicon
    console: Console | None = None
    crumbs: list[str] = field(default_factory=list)
    place: Place | None = None

    def enter(self, slot: Slot) -> Console | None:
        """Go to the console that a name or link means; None if it means none."""
        console = self.lexicon.console_of(slot.text, slot.href)
        if console is None:
            return None
        self.console, self.crumbs, self.place = console, [], None
        direct = self.lexicon.place_of_address(slot.href) if slot.href else None
        if direct:
            self.crumbs = list(direct.paths[0])
            self.place = direct
        return console

    def visit(self, word: str) -> Place | None:
        """Go one word further; give the place reached, if the lexicon knows it."""
        self.crumbs.append(word)
        self.place = self.lexicon.place_at(self.console, self.crumbs)
        return self.place

    def would_reach(self, word: str) -> Place | None:
        """Give the place that one more word would lead to, without going there."""
        return self.lexicon.place_at(self.console, [*self.crumbs, word])

    def opens_with(self, slots: Sequence[Slot]) -> tuple[str, int] | None:
        """Tell whether the words begin a change here: (create, modify or remove; number of words taken)."""
        if self.place is None:
            return None
        kinds = (("create", self.place.create), ("modify", self.place.modify), ("remove", self.place.remove))
        for kind, chains in kinds:
            for chain in chains:
                if len(slots) >= len(chain) and all(
                    match_name(slot.text, (name,)) for slot, name in zip(slots, chain, strict=False)
                ):
                    return kind, len(chain)
        if self.place.shape == "object" and match_name(slots[0].text, self.place.opens):
            return "modify", 1
        return None
