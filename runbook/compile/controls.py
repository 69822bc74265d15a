"""Controls that a sentence names without an assignment: boxes, headings of labels, entries below them, lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runbook.compile.bind import Bound, Refusal, Wording, bind
from runbook.compile.draft import OpenChange
from runbook.compile.grammar import Chain, Sentence
from runbook.compile.phrase import Slot
from runbook.compile.stand import Stand
from runbook.compile.writing import WAITS, Labels, Writing
from runbook.lexicon import Found
from runbook.lexicon.match import match_name

_TAKES = ("reference", "words", "entries", "integer", "enum", "text")
"""Types of labels whose value can stand below them, without the label."""
_OFF = ("not ", "uncheck", "untick", "clear", "deselect")
"""How words begin that say that a box shall be empty."""


@dataclass(slots=True)
class Controls:
    """Works the controls of the page that is open, by what `writing` puts into its change."""

    writing: Writing

    @property
    def stand(self) -> Stand:
        """Where the section's reader stands."""
        return self.writing.stand

    # Boxes

    def is_control(self, slot: Slot) -> bool:
        """Tell whether a word that is selected is a box of the open page, or a choice that opens others."""
        change = self.stand.open
        found = self._find([slot.text]) if change and not slot.href else None
        return found is not None and found.label.type in ("flag", "switch", "opens") and not found.label.after

    def press(self, words: Sequence[str]) -> Labels | Refusal:
        """Set what selecting a box sets, found by the words of its label."""
        change = self.stand.change()
        found = self._find(words)
        if change is not None and found is not None and found.label.type == "opens":
            return self.writing.open_label(change, found)
        if change is None or found is None or found.label.after or found.label.type not in ("flag", "switch"):
            return Refusal(why="this control is not known on this page")
        value = found.label.value if found.label.type == "flag" else True
        return self.writing.store(change, found, Bound(value=value), words[-1], words[-1])

    def _find(self, words: Sequence[str]) -> Found | None:
        change = self.stand.change()
        found = self.stand.lexicon.find(change.place, self.writing.context, words) if change else None
        return found if found and not found.rest else None

    def ensure(self, sentence: Sentence) -> Labels | Refusal:
        """Read `ensure A is (not) selected` and `ensure it is set to B`."""
        writing = self.writing
        change, head = self.stand.change(), sentence.chain("head")
        found = writing.head(change.place, head) if change else None
        if change is None or found is None:
            return Refusal(why="this control is not known on this page")
        words, state = sentence.words("head"), sentence.words("state")
        if found.label.type == "switch" and state:
            off = state.casefold().startswith(_OFF)
            return writing.store(change, found, Bound(value=not off), words, state)
        if found.label.type in ("opens", "flag") and state and not state.casefold().startswith(_OFF):
            return writing.open_label(change, found) if found.label.type == "opens" else self.press([words])
        value = sentence.chain("value")
        if not value:
            return Refusal(why="what this control should be is not understood")
        bound = self._bound(change.place.id, found, value)
        return (
            bound if isinstance(bound, Refusal) else writing.store(change, found, bound, words, sentence.words("value"))
        )

    def _bound(self, place: str, found: Found, links: Chain) -> Bound | Refusal:
        options = self.writing.options(self.stand.lexicon.place(place), found.label)
        return bind(Wording(label=found.label, options=options, links=links, clause=None, lines=(self.stand.line,)))

    def free_choice(self, sentence: Sentence) -> Labels | Refusal:
        """Read a control whose value the text leaves to the reader."""
        change, head = self.stand.change(), sentence.chain("head")
        found = self.writing.head(change.place, head) if change else None
        if change is None or found is None or found.label.type != "interval":
            return Refusal(why="what is left to choose is not known")
        bound = self._bound(change.place.id, found, sentence.chain("options"))
        if isinstance(bound, Refusal):
            return bound
        words = sentence.words("options") or "left open"
        return self.writing.store(change, found, bound, sentence.words("head"), words)

    def choose(self, path: Chain) -> Labels | Refusal | None:
        """Set a label of the open page to the option that is selected with it; None if the words are no such label.

        Without a label the words may be the option that a label chosen before is waiting for.
        """
        change = self.stand.open
        words = [link[0].text for link in path if len(link) == 1]
        if change is None or not path or len(words) != len(path) or path[0][0].href:
            return None
        waiting = self._awaiting()
        option = waiting and waiting.label.options and self._bound(change.place.id, waiting, path[:1])
        if isinstance(option, Bound) and option.value is not None:
            stored = self._put(path[:1], words[0])
            return stored if isinstance(stored, Refusal) else self.buttons(path[1:], self.writing.above)
        found = self.stand.lexicon.find(change.place, self.writing.context, words)
        if found is None or found.label.after:
            return None
        rest = self.writing.without_buttons(path[len(path) - len(found.rest) :])
        if not rest and found.label.type in WAITS and found.label.parameter:
            return self.writing.wait_for(change, found)
        if found.label.type != "enum" or not rest:
            return None
        bound = self._bound(change.place.id, found, rest)
        if isinstance(bound, Refusal):
            return bound
        return self.writing.store(change, found, bound, words[0], " > ".join(link[0].text for link in rest))

    # Labels and entries that stand alone

    def heading(self, sentence: Sentence) -> Labels | Refusal:
        """Read words that stand alone: the beginning of a label, a label whose values are below, or such a value."""
        change, head = self.stand.open, sentence.chain("head")
        if change is None:
            return Refusal(why="its words are not understood")
        words = [link[0].text for link in head if len(link) == 1]
        if len(words) == len(head) and self._are_buttons(change, words):
            return self.stand.visit([link[0] for link in head]) or self.writing.above
        chosen = self.choose(head) if len(head) > 1 else None
        if chosen is not None:
            return chosen
        found = self._find(words) if len(words) == len(head) else None
        if found and found.label.type in _TAKES:
            if found.label.parameter:
                change.needs.setdefault(found.label.parameter, self.stand.line)
            return found.label.path
        if found and found.label.type == "opens":
            change.fields = found.label.path
            return self.writing.open_label(change, found)
        begun = self.stand.lexicon.prefix(change.place, self.writing.above, words) if len(words) == len(head) else None
        if begun:
            change.fields = begun
            return begun
        return self._put(head, sentence.words("head"))

    def _are_buttons(self, change: OpenChange, words: Sequence[str]) -> bool:
        known = (*self.stand.lexicon.places_file.buttons.next, *change.place.commit)
        return bool(words) and all(match_name(word, known) for word in words)

    def field(self, sentence: Sentence) -> Labels | Refusal:
        """Read `in the first field, select A`: each field of a row adds a word to the label that the row spells."""
        change, option = self.stand.open, sentence.words("option")
        if change is None or not change.fields:
            return Refusal(why="the row that this field is in is not known")
        first = sentence.words("nth").casefold() == "first"
        path = (*(change.fields[:1] if first else change.fields), option)
        found = self.stand.lexicon.find(change.place, (), path)
        begun = self.stand.lexicon.prefix(change.place, (), path)
        if found and not found.rest:
            change.fields, change.awaits = found.label.path, found.label.path
            change.needs |= dict.fromkeys(found.label.needs, self.stand.line)
            if found.label.parameter:
                change.needs.setdefault(found.label.parameter, self.stand.line)
        elif begun:
            change.fields = begun
        else:
            return Refusal(why="what is chosen here is not known on this page")
        return self.writing.above

    def entry(self, sentence: Sentence) -> Labels | Refusal:
        """Read entries for a field that is named only by what was chosen before."""
        stored = self._put(sentence.chain("values"), sentence.words("values"))
        return stored if isinstance(stored, Refusal) else self.buttons(sentence.chain("path"), self.writing.above)

    def buttons(self, path: Chain, below: Labels) -> Labels | Refusal:
        """Go on only if what follows are buttons of a dialog; a page is saved by a sentence of its own."""
        if not self.writing.without_buttons(path):
            return below
        return Refusal(why="what is selected then is not known here")

    def name(self, sentence: Sentence) -> Labels | Refusal:
        """Read `name the rule A`."""
        change, value = self.stand.open, sentence.chain("value")
        table = self.stand.lexicon.labels_of(change.place) if change else None
        row = next((row for row in table.rows if row.type == "name"), None) if table else None
        if change is None or row is None:
            return Refusal(why="what is named here is not known")
        bound = self._bound(change.place.id, Found(label=row, rest=(), certainty="alias"), value)
        return bound if isinstance(bound, Refusal) else self.writing.name(change, bound, self.writing.above)

    def _put(self, values: Chain, words: str) -> Labels | Refusal:
        change, above = self.stand.open, self.writing.above
        found = self._awaiting()
        if change is None or found is None:
            return Refusal(why="what these words are for is not known")
        bound = self._bound(change.place.id, found, values)
        if isinstance(bound, Refusal):
            return bound
        if bound.value is None:
            return Refusal(why="no entry is given")
        stored = self.writing.store(change, found, bound, found.label.path[-1], words, extends=True)
        return stored if isinstance(stored, Refusal) else above

    def _awaiting(self) -> Found | None:
        """Give the label that an entry without one belongs to: the one above it, else what was chosen before."""
        change = self.stand.open
        if change is None:
            return None
        for path in (self.writing.above, change.awaits, change.fields):
            label = self.stand.lexicon.row(change.place, path)
            if label is not None and label.type in _TAKES:
                return Found(label=label, rest=(), certainty="alias")
        return None

    # Lists on other pages

    def refer(self, sentence: Sentence) -> Labels | Refusal:
        """Read `enter the addresses in that page`, for a label that was named just before."""
        change, pending = self.stand.change(), self.writing.pending
        self.writing.pending = None
        found, written = pending if pending else (self._awaiting(), "")
        if change is None or found is None:
            return Refusal(why="what the list is for is not understood")
        return self.writing.list_from(change, found, sentence, written or found.label.path[-1])

    # Objects that are finished

    def after(self, sentence: Sentence) -> Labels | Refusal:
        """Read what is done to an object that the text has just finished, found by its name if one is given."""
        stand, name, head = self.stand, sentence.words("name"), sentence.chain("head")
        if not name:
            name = stand.changes[-1].identity or "" if stand.open is None and stand.changes else ""
        if stand.open is not None and stand.open.identity == name:
            stand.leave()  # it can only be chosen from the list if it was saved
        done = [change for change in stand.changes if name and change.identity == name]
        if len(done) != 1 or stand.open is not None:
            return Refusal(why=f"no finished object of this section is named {name!r}")
        table = stand.lexicon.labels_of(done[0].place)
        first = next((row.path for row in table.rows if row.after), ()) if table else ()
        words = head[-1][0].text if head else " ".join(first)
        found = stand.lexicon.find(done[0].place, (), (words,))
        if found is None or found.rest or not found.label.after or found.label.type != "flag":
            return Refusal(why="this control is not known on the list of finished objects")
        bound = Bound(value=found.label.value)
        return self.writing.store(done[0], found, bound, words, f"{words} {name}")
