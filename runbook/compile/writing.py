"""Put what a sentence says into the change that is open: find the label, read the value, keep where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from runbook.compile.bind import Bound, Refusal, Wording, bind
from runbook.compile.draft import OpenChange
from runbook.compile.findings import remark
from runbook.compile.grammar import Chain, Clause, Sentence, read_clause
from runbook.compile.result import Input, Reference, Setting
from runbook.compile.stand import Stand
from runbook.compile.values import ReferenceValue
from runbook.lexicon import Found, Label, Option, Place
from runbook.lexicon.match import match_name

Labels = tuple[str, ...]
WAITS = ("reference", "words", "entries", "integer", "text")
"""Types of labels that can be chosen before their value is given."""


@dataclass(slots=True)
class Writing:
    """What one item writes; `above` are the labels that the item stands under."""

    stand: Stand
    above: Labels
    pending: tuple[Found, str] | None = None
    """A label whose list the next sentence names, and the label's words as written."""
    has_set: bool = False
    """Whether anything was set or named so far."""

    @property
    def context(self) -> Labels:
        """The labels that a label is looked for under: those above the item, else those that its row has spelled."""
        return self.above or (self.stand.open.fields if self.stand.open else ())

    def clause(self, sentence: Sentence) -> Clause | None:
        """Read the value part of a sentence."""
        return read_clause(sentence.phrase, sentence.parts["rest"], self.stand.lexicon.phrases)

    def options(self, place: Place, label: Label) -> tuple[Option, ...]:
        """Give the options of a label of this place."""
        table = self.stand.lexicon.labels_of(place)
        return table.options_of(label) if table else ()

    def locate(self, place: Place, head: Chain, clause: Clause) -> tuple[Found, Chain] | None:
        """Find the label that a sentence starts with, and the links of the chain that remain as its value."""
        if clause.form == "chain-refer":
            values = clause.chain("chain")
        else:
            values = (*clause.chain("values"), *self.without_buttons(clause.chain("tail")), *clause.chain("last"))
        path = (*head, *values) if clause.form in ("chain", "chain-refer") else head
        words = [link[0].text for link in takewhile(lambda link: len(link) == 1, path)]
        found = self.stand.lexicon.find(place, self.context, words)
        if found is None or len(words) - len(found.rest) < len(head):
            return None
        return found, (*head, *values)[len(words) - len(found.rest) :]

    def without_buttons(self, links: Chain) -> Chain:
        """Take the buttons of a dialog off the end of a chain; `code` is never a button."""
        buttons = self.stand.lexicon.places_file.buttons
        while links and links[-1][0].mark != "code" and match_name(links[-1][0].text, (*buttons.inner, *buttons.next)):
            links = links[:-1]
        return links

    def set(self, change: OpenChange, found: Found, links: Chain, clause: Clause, written: str) -> Labels | Refusal:
        """Carry out an assignment; `links` are what remains of its chain as the value."""
        label, line = found.label, self.stand.line
        if label.after:
            return Refusal(why="this control is on the list of finished objects")
        if clause.form == "chain-refer":
            if links:
                return Refusal(why="more words follow than this control takes")
            return self.list_from(change, found, clause, written)
        if clause.form == "chain" and not links and label.type in WAITS:
            self.pending = (found, written)
            return self.wait_for(change, found)
        if label.type == "pair":
            return self._pair(change, found, clause, written)
        options = self.options(change.place, label)
        bound = bind(Wording(label=label, options=options, links=links, clause=clause, lines=(line,)))
        if isinstance(bound, Refusal):
            return bound
        if clause.form == "kept":
            return label.path
        if clause.form == "below":  # what belongs to the label stands under it or after it
            return self.open_label(change, found)
        if clause.form == "open":
            self.stand.findings.note(
                "choice-required", (line,), section=self.stand.section.heading,
                message=f"{written!r} is left open ({clause.words!r}); what the tenant has there is kept.",
            )  # fmt: skip
            return label.path
        if label.type == "opens":
            return self.open_label(change, found)
        if label.type == "name":
            return self.name(change, bound, label.path)
        words = " > ".join(", ".join(slot.text for slot in link) for link in links)
        words = words if clause.form == "chain" else clause.words
        removes = clause.form == "removed"
        if removes and label.op != "add":
            return Refusal(why="this control does not hold a list that entries are taken out of")
        replaces = clause.form in ("replaced", "empty")
        stored = self.store(change, found, bound, written, words, replaces=replaces, removes=removes)
        if bound.becomes and not isinstance(stored, Refusal):
            change.place = self.stand.lexicon.place(bound.becomes)
        return stored

    def wait_for(self, change: OpenChange, found: Found) -> Labels:
        """Choose a label whose value the next sentence or the next step gives."""
        change.awaits = found.label.path
        change.needs.setdefault(found.label.parameter or "", self.stand.line)
        return found.label.path

    def _pair(self, change: OpenChange, found: Found, clause: Clause, written: str) -> Labels | Refusal:
        """Set two parameters from `name: value`."""
        if clause.form != "pair":
            return Refusal(why="its value is not a name and a value")
        for row in self.stand.lexicon.rows_of(change.place, found.label.pair):
            part = "name" if row.parameter == found.label.pair[0] else "value"
            text = clause.parts[part]
            one = Found(label=row, rest=(), certainty=found.certainty)
            stored = self.store(change, one, Bound(value=text), written, text)
            if isinstance(stored, Refusal):
                return stored
        return found.label.path

    def open_label(self, change: OpenChange, found: Found) -> Labels | Refusal:
        """Go below a label that sets nothing itself, with what it asks for and what it brings along."""
        label = found.label
        change.needs |= {parameter: self.stand.line for parameter in label.needs}
        change.awaits = label.awaits
        return self._implied(change, label) or label.path

    def _implied(self, change: OpenChange, label: Label) -> Refusal | None:
        for implied in label.implies:
            setting = Setting(
                parameter=implied.parameter, value=implied.value, lines=(self.stand.line,), label=label.path[-1],
                words=label.path[-1], certainty="assumption" if implied.assumption else "exact label",
                assumption=implied.assumption,
            )  # fmt: skip
            wrong = change.put(setting, self.stand.findings.at)
            if wrong:
                return Refusal(why=wrong, code="guard-failed")
        return None

    def name(self, change: OpenChange, bound: Bound, path: Labels) -> Labels | Refusal:
        """Give the change its name, or make it one for each of an input's objects."""
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

    def store(
        self, change: OpenChange, found: Found, bound: Bound, written: str, words: str, *, replaces: bool = False,
        extends: bool = False, removes: bool = False,
    ) -> Labels | Refusal:  # fmt: skip
        """Put a setting into the change.

        With `replaces` the text gives up what a shared list holds; with `extends` the value is one entry of several,
        with `removes` these are entries that shall go.
        """
        label, findings = found.label, self.stand.findings
        assert label.parameter is not None and bound.value is not None, "a fault in the kit: nothing to store"
        weakest = max(found.certainty, bound.certainty, key=("exact label", "alias", "fuzzy").index)
        op = "set" if replaces else "remove" if removes else label.op
        setting = Setting(
            parameter=label.parameter, value=bound.value, lines=(self.stand.line,), label=written, words=words,
            certainty="assumption" if bound.assumption else weakest, op=op, assumption=bound.assumption,
            refers=label.refers or "",
        )  # fmt: skip
        wrong = change.put(setting, findings.at, adds_up=label.type == "bits", extends=extends)
        if wrong:
            return Refusal(why=wrong, code="guard-failed")
        refusal = self._implied(change, label)
        if refusal:
            return refusal
        self.has_set = True
        if bound.asks:
            findings.ask(bound.asks)
        heading, lost = self.stand.section.heading, replaces and label.op == "add"
        if removes:
            return label.path  # what is said of entries is said of those that come in
        remark(findings, label, bound, written, words, line=self.stand.line, section=heading, replaces=lost)
        return label.path

    def list_from(self, change: OpenChange, found: Found, named: Sentence | Clause, written: str) -> Labels | Refusal:
        """Take a list from the page that a link leads to."""
        if found.label.type != "reference":
            return Refusal(why="this control does not take a list from another page")
        link = named.chain("link")[0][0]
        what = named.phrase.words(named.parts["what"])
        page = self.stand.lexicon.reference(what, link.href)
        if page is None:
            change.needs.pop(found.label.parameter or "", None)  # what is lacking is told here
            return Refusal(why=f"the page {link.text!r} is not one that this kit can read", code="unresolved-reference")
        self.stand.findings.refer(
            Reference(name=page.name, page=page.page, select=page.select, lines=(self.stand.line,))
        )
        bound = Bound(value=ReferenceValue(name=page.name))
        return self.store(change, found, bound, written, f"{what} in {link.text}")

    def head(self, place: Place, head: Chain) -> Found | None:
        """Find the label that a chain of words is, with nothing left over."""
        words = [link[0].text for link in head if len(link) == 1]
        found = self.stand.lexicon.find(place, self.context, words) if len(words) == len(head) else None
        return found if found and not found.rest else None
