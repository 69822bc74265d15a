"""What each sentence form does to the change that is being read. One method per form, nothing else acts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from runbook.compile.bind import Refusal
from runbook.compile.controls import Controls
from runbook.compile.grammar import Sentence
from runbook.compile.phrase import Slot
from runbook.compile.result import Input
from runbook.compile.stand import Stand
from runbook.compile.writing import Labels, Writing
from runbook.lexicon.match import fold


@dataclass(slots=True)
class Acts:
    """Carries out the sentences of one item; `above` are the labels that the item stands under."""

    stand: Stand
    above: Labels
    writing: Writing = field(init=False)
    controls: Controls = field(init=False)

    def __post_init__(self) -> None:
        self.writing = Writing(self.stand, self.above)
        self.controls = Controls(self.writing)

    def act(self, sentence: Sentence) -> Labels | Refusal:
        """Do what a sentence says. Gives the labels that nested items stand under, or why not."""
        controls = self.controls
        methods: dict[str, Callable[[Sentence], Labels | Refusal]] = {
            "visit": self._visit, "within": self._within, "assign": self._assign, "set": self._assign,
            "loop": self._loop, "exists": self._exists, "flag": self._flag, "ensure": controls.ensure,
            "free-choice": controls.free_choice, "refer": controls.refer, "after": controls.after,
            "second-condition": self._second_condition, "alt-text": self._alt_text, "heading": controls.heading,
            "entry": controls.entry, "pick": self._pick, "named": self._named, "field": controls.field,
            "name": controls.name,
        }  # fmt: skip
        method = methods.get(sentence.form)
        return method(sentence) if method else self.above

    # Going somewhere

    def _visit(self, sentence: Sentence) -> Labels | Refusal:
        if "path2" not in sentence.parts:
            chosen = self.controls.choose(sentence.chain("path"))
            if chosen is not None:
                return chosen
        slots = [slot for part in ("path", "path2", "path3") for link in sentence.chain(part) for slot in link]
        return self._go(sentence, slots)

    def _go(self, sentence: Sentence, slots: Sequence[Slot]) -> Labels | Refusal:
        if sentence.phrase.masked.casefold().startswith(("go back to", "return to", "back in", "back at", "back on")):
            self.stand.go_back()
        named = sentence.words("console")
        if named and not self.stand.route.enter(Slot(text=named, mark="plain")):
            return Refusal(why=f"the console {named!r} is not known")
        way: list[Slot] = []
        for slot in slots:
            if not self.controls.is_control(slot):
                way.append(slot)
                continue
            done = (self.stand.visit(way) if way else None) or self.controls.press([slot.text])  # a box of the page
            if isinstance(done, Refusal):
                return done
            way = []
        return self.stand.visit(way) or self.above

    def _exists(self, sentence: Sentence) -> Labels | Refusal:
        return self._go(sentence, [slot for link in sentence.chain("path") for slot in link])

    def _loop(self, sentence: Sentence) -> Labels | Refusal:
        slots = [slot for link in sentence.chain("path") for slot in link]
        place = self.stand.route.place
        if slots:
            refusal = self.stand.visit(slots)
            if refusal:
                return refusal
        elif place is not None and place.loop:
            self.stand.begin("modify", place)
        change = self.stand.open
        if change is None or change.place.loop is None:
            return Refusal(why="what is repeated here is not known")
        if not set(change.place.loop.words) & set(fold(sentence.words("noun"))):
            return Refusal(why=f"{sentence.words('noun')!r} is not what this page holds")
        change.for_each = change.place.loop.input
        lines = (self.stand.line,)
        self.stand.findings.ask(Input(name=change.for_each, kind="placeholder_loop", lines=lines))
        return self.above

    def _pick(self, sentence: Sentence) -> Labels | Refusal:
        """Open an object of the list by its name, to change it."""
        place, name = self.stand.route.place, sentence.words("name")
        if place is None or not place.picks:
            return Refusal(why="what is chosen here is not known")
        self.stand.pick(place, name)
        return self.above

    # Setting something

    def _within(self, sentence: Sentence) -> Labels | Refusal:
        """Read `In A, select B`: a setting if A is a label of the open page, else a way through the portal."""
        place = self.stand.route.place
        clause = self.writing.clause(sentence)
        here = self.stand.open.place if self.stand.open else place if place and place.shape == "object" else None
        if here and clause and self.writing.locate(here, sentence.chain("head"), clause):
            return self._assign(sentence)
        if clause is None or clause.form != "chain" or " or " in clause.text:
            return Refusal(why="its words are not understood as a whole")
        links = (*sentence.chain("head"), *clause.chain("values"), *clause.chain("tail"))
        return self._go(sentence, [slot for link in links for slot in link])

    def _assign(self, sentence: Sentence) -> Labels | Refusal:
        change, clause = self.stand.change(), self.writing.clause(sentence)
        if change is None:
            return Refusal(why="the page that this label stands on is not known", code="place-unknown")
        if clause is None:
            return Refusal(why="its value is worded in a way that is not understood")
        located = self.writing.locate(change.place, sentence.chain("head"), clause)
        if located is None:
            return Refusal(why="its label is not known on this page")
        done = self.writing.set(change, located[0], located[1], clause, sentence.words("head"))
        return done if isinstance(done, Refusal) else self.controls.buttons(sentence.chain("path"), done)

    def _named(self, sentence: Sentence) -> Labels | Refusal:
        """Read a label and its value with nothing between them; only a label that is known makes it one."""
        head, change = sentence.chain("head"), self.stand.open
        found = self.writing.head(change.place, head) if change else None
        if change is None or found is None or found.label.type in ("opens", "flag", "switch"):
            return Refusal(why="its words are not understood")
        return self._assign(sentence)

    # Controls without a value of their own

    def _flag(self, sentence: Sentence) -> Labels | Refusal:
        done: Labels | Refusal = self.above
        words = [link[0].text for part in ("pane", "head") for link in sentence.chain(part) if len(link) == 1]
        done = self.controls.press(words) if words else done
        return done if isinstance(done, Refusal) else self._visit(sentence)

    def _alt_text(self, sentence: Sentence) -> Labels | Refusal:
        self.stand.findings.note(
            "alt-text-as-bullet", (self.stand.line,), section=self.stand.section.heading,
            message="These words described a picture that is not there; they are no step.",
        )  # fmt: skip
        return self.above

    def _second_condition(self, sentence: Sentence) -> Labels | Refusal:
        change = self.stand.open
        found = self.writing.head(change.place, sentence.chain("head")) if change else None
        if found is None or found.label.type != "opens":
            return Refusal(why="what gets a second condition is not known")
        return self.above
