"""What each sentence form does to the change that is being read. One method per form, nothing else acts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from runbook.compile.bind import Bound, Refusal, Wording, bind
from runbook.compile.draft import OpenChange
from runbook.compile.findings import remark
from runbook.compile.grammar import Chain, Clause, Sentence, read_clause
from runbook.compile.phrase import Slot
from runbook.compile.result import Input, Reference, Setting
from runbook.compile.stand import Stand
from runbook.compile.values import ReferenceValue
from runbook.lexicon import Found, Place
from runbook.lexicon.match import fold, match_name

Labels = tuple[str, ...]


@dataclass(slots=True)
class Acts:
    """Carries out the sentences of one item; `above` are the labels that the item stands under."""

    stand: Stand
    above: Labels
    pending: tuple[Found, str] | None = None
    """A label whose list the next sentence names, and the label's words as written."""
    has_set: bool = False
    """Whether anything was set or named so far."""

    def act(self, sentence: Sentence) -> Labels | Refusal:
        """Do what a sentence says. Gives the labels that nested items stand under, or why not."""
        methods: dict[str, Callable[[Sentence], Labels | Refusal]] = {
            "visit": self._visit, "within": self._within, "assign": self._assign, "set": self._assign,
            "loop": self._loop, "exists": self._exists, "flag": self._flag, "ensure": self._ensure,
            "free-choice": self._free_choice, "refer": self._refer, "after": self._after,
            "second-condition": self._second_condition, "alt-text": self._alt_text,
        }  # fmt: skip
        method = methods.get(sentence.form)
        return method(sentence) if method else self.above

    # Going somewhere

    def _visit(self, sentence: Sentence) -> Labels | Refusal:
        slots = [slot for part in ("path", "path2") for link in sentence.chain(part) for slot in link]
        return self._go(sentence, slots)

    def _go(self, sentence: Sentence, slots: Sequence[Slot]) -> Labels | Refusal:
        named = sentence.words("console")
        if named and not self.stand.route.enter(Slot(text=named, mark="plain")):
            return Refusal(why=f"the console {named!r} is not known")
        return self.stand.visit(slots) or self.above

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

    # Setting something

    def _within(self, sentence: Sentence) -> Labels | Refusal:
        """Read `In A, select B`: a setting if A is a label of the open page, else a way through the portal."""
        place = self.stand.route.place
        clause = self._clause(sentence)
        here = place is not None and (self.stand.open is not None or place.shape == "object")
        if here and place and clause and self._locate(place, sentence.chain("head"), clause):
            return self._assign(sentence)
        if clause is None or clause.form != "chain" or " or " in clause.text:
            return Refusal(why="its words are not understood as a whole")
        links = (*sentence.chain("head"), *clause.chain("values"), *clause.chain("tail"))
        return self._go(sentence, [slot for link in links for slot in link])

    def _assign(self, sentence: Sentence) -> Labels | Refusal:
        change, clause = self.stand.change(), self._clause(sentence)
        if change is None:
            return Refusal(why="the page that this label stands on is not known", code="place-unknown")
        if clause is None:
            return Refusal(why="its value is worded in a way that is not understood")
        located = self._locate(change.place, sentence.chain("head"), clause)
        if located is None:
            return Refusal(why="its label is not known on this page")
        return self._set(change, located[0], located[1], clause, sentence.words("head"))

    def _clause(self, sentence: Sentence) -> Clause | None:
        return read_clause(sentence.phrase, sentence.parts["rest"], self.stand.lexicon.phrases)

    def _locate(self, place: Place, head: Chain, clause: Clause) -> tuple[Found, Chain] | None:
        """Find the label that a sentence starts with, and the links of the chain that remain as its value."""
        if clause.form == "chain-refer":
            values = clause.chain("chain")
        else:
            values = (*clause.chain("values"), *self._without_buttons(clause.chain("tail")), *clause.chain("last"))
        path = (*head, *values) if clause.form in ("chain", "chain-refer") else head
        words = [link[0].text for link in takewhile(lambda link: len(link) == 1, path)]
        found = self.stand.lexicon.find(place, self.above, words)
        if found is None or len(words) - len(found.rest) < len(head):
            return None
        return found, (*head, *values)[len(words) - len(found.rest) :]

    def _without_buttons(self, links: Chain) -> Chain:
        inner = self.stand.lexicon.places_file.buttons.inner
        while links and links[-1][0].mark != "code" and match_name(links[-1][0].text, inner):
            links = links[:-1]
        return links

    def _set(self, change: OpenChange, found: Found, links: Chain, clause: Clause, written: str) -> Labels | Refusal:
        label, line = found.label, self.stand.line
        if label.after:
            return Refusal(why="this control is on the list of finished objects")
        table = self.stand.lexicon.labels_of(change.place)
        options = table.options_of(label) if table else ()
        if clause.form == "chain-refer":
            if links:
                return Refusal(why="more words follow than this control takes")
            return self._list_from(change, found, clause, written)
        bound = bind(Wording(label=label, options=options, links=links, clause=clause, lines=(line,)))
        if isinstance(bound, Refusal):
            return bound
        if clause.form == "kept":
            return label.path
        if label.type == "opens":
            change.needs |= {parameter: line for parameter in label.needs}
            return label.path
        if label.type == "reference" and bound.value is None:
            self.pending = (found, written)
            return label.path
        if label.type == "name":
            return self._name(change, bound, label.path)
        words = " > ".join(", ".join(slot.text for slot in link) for link in links)
        words = words if clause.form == "chain" else clause.words
        return self._store(change, found, bound, written, words, replaces=clause.form in ("replaced", "empty"))

    def _name(self, change: OpenChange, bound: Bound, path: Labels) -> Labels | Refusal:
        line = self.stand.line
        if bound.placeholder:
            loop = change.place.loop
            if loop is None:
                return Refusal(why=f"{bound.placeholder} is a placeholder", code="placeholder-text")
            change.for_each = loop.input
            self.stand.findings.ask(Input(name=loop.input, kind="placeholder_loop", lines=(line,)))
        elif change.identity is not None and change.identity != bound.value:
            return Refusal(why=f"this change is already named {change.identity!r}")
        else:
            change.identity, change.identity_line = str(bound.value), line
        self.has_set = True
        return path

    def _store(
        self, change: OpenChange, found: Found, bound: Bound, written: str, words: str, *, replaces: bool = False
    ) -> Labels | Refusal:
        """Put a setting into the change; with `replaces` the text gives up what a shared list holds."""
        label, findings = found.label, self.stand.findings
        assert label.parameter is not None and bound.value is not None, "a fault in the kit: nothing to store"
        weakest = max(found.certainty, bound.certainty, key=("exact label", "alias", "fuzzy").index)
        op = "set" if replaces else label.op
        setting = Setting(
            parameter=label.parameter, value=bound.value, lines=(self.stand.line,), label=written, words=words,
            certainty="assumption" if bound.assumption else weakest, op=op, assumption=bound.assumption,
            refers=label.refers or "",
        )  # fmt: skip
        wrong = change.put(setting, findings.at, adds_up=label.type == "bits")
        if wrong:
            return Refusal(why=wrong, code="guard-failed")
        self.has_set = True
        if bound.asks:
            findings.ask(bound.asks)
        heading, lost = self.stand.section.heading, replaces and label.op == "add"
        remark(findings, label, bound, written, words, line=self.stand.line, section=heading, replaces=lost)
        return label.path

    # Lists on other pages

    def _refer(self, sentence: Sentence) -> Labels | Refusal:
        change = self.stand.change()
        if change is None or self.pending is None:
            return Refusal(why="what the list is for is not understood")
        found, written = self.pending
        self.pending = None
        return self._list_from(change, found, sentence, written)

    def _list_from(self, change: OpenChange, found: Found, named: Sentence | Clause, written: str) -> Labels | Refusal:
        if found.label.type != "reference":
            return Refusal(why="this control does not take a list from another page")
        link = named.chain("link")[0][0]
        what = named.phrase.words(named.parts["what"])
        page = self.stand.lexicon.reference(what, link.href)
        if page is None:
            return Refusal(why=f"the page {link.text!r} is not one that this kit can read", code="unresolved-reference")
        self.stand.findings.refer(
            Reference(name=page.name, page=page.page, select=page.select, lines=(self.stand.line,))
        )
        bound = Bound(value=ReferenceValue(name=page.name))
        return self._store(change, found, bound, written, f"{what} in {link.text}")

    # Controls without a value of their own

    def _flag(self, sentence: Sentence) -> Labels | Refusal:
        done = self._press(sentence.chain("head"))
        if isinstance(done, Refusal):
            return done
        return self._visit(sentence)

    def _press(self, head: Chain) -> Labels | Refusal:
        change = self.stand.change()
        found = self._head(change.place, head) if change else None
        if change is None or found is None or found.label.type != "flag" or found.label.after or found.rest:
            return Refusal(why="this control is not known on this page")
        words = head[-1][0].text
        return self._store(change, found, Bound(value=found.label.value), words, words)

    def _head(self, place: Place, head: Chain) -> Found | None:
        words = [link[0].text for link in head if len(link) == 1]
        found = self.stand.lexicon.find(place, self.above, words) if len(words) == len(head) else None
        return found if found and not found.rest else None

    def _ensure(self, sentence: Sentence) -> Labels | Refusal:
        """Read `ensure A is (not) selected` and `ensure it is set to B`."""
        change, head = self.stand.change(), sentence.chain("head")
        found = self._head(change.place, head) if change else None
        if change is None or found is None:
            return Refusal(why="this control is not known on this page")
        words = sentence.words("head")
        if found.label.type == "switch" and sentence.words("state"):
            on = not sentence.words("state").startswith("not ")
            return self._store(change, found, Bound(value=on), words, sentence.words("state"))
        value = sentence.chain("value")
        if not value:
            return Refusal(why="what this control should be is not understood")
        table = self.stand.lexicon.labels_of(change.place)
        bound = bind(Wording(
            label=found.label, options=table.options_of(found.label) if table else (), links=value, clause=None,
            lines=(self.stand.line,),
        ))  # fmt: skip
        if isinstance(bound, Refusal):
            return bound
        return self._store(change, found, bound, words, sentence.words("value"))

    def _free_choice(self, sentence: Sentence) -> Labels | Refusal:
        change, head = self.stand.change(), sentence.chain("head")
        found = self._head(change.place, head) if change else None
        if change is None or found is None or found.label.type != "interval":
            return Refusal(why="what is left to choose is not known")
        table = self.stand.lexicon.labels_of(change.place)
        bound = bind(Wording(
            label=found.label, options=table.options_of(found.label) if table else (),
            links=sentence.chain("options"), clause=None, lines=(self.stand.line,),
        ))  # fmt: skip
        if isinstance(bound, Refusal):
            return bound
        return self._store(change, found, bound, sentence.words("head"), sentence.words("options") or "left open")

    def _alt_text(self, sentence: Sentence) -> Labels | Refusal:
        self.stand.findings.note(
            "alt-text-as-bullet", (self.stand.line,), section=self.stand.section.heading,
            message="These words described a picture that is not there; they are no step.",
        )  # fmt: skip
        return self.above

    def _second_condition(self, sentence: Sentence) -> Labels | Refusal:
        change = self.stand.open
        found = self._head(change.place, sentence.chain("head")) if change else None
        if found is None or found.label.type != "opens":
            return Refusal(why="what gets a second condition is not known")
        return self.above

    def _after(self, sentence: Sentence) -> Labels | Refusal:
        """Read what is done to an object that the text has just finished, found by its name."""
        name, head = sentence.words("name"), sentence.chain("head")
        if self.stand.open is not None and self.stand.open.identity == name:
            self.stand.leave()  # it can only be chosen from the list if it was saved
        done = [change for change in self.stand.changes if change.identity == name]
        if len(done) != 1 or self.stand.open is not None:
            return Refusal(why=f"no finished object of this section is named {name!r}")
        found = self._head(done[0].place, head)
        if found is None or not found.label.after or found.label.type != "flag":
            return Refusal(why="this control is not known on the list of finished objects")
        words = head[-1][0].text
        return self._store(done[0], found, Bound(value=found.label.value), words, f"{words} {name}")
