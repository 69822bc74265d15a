"""Where a section's reader stands: the place that the visited words lead to, and the change it is in there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from runbook.compile.bind import Refusal
from runbook.compile.draft import OpenChange
from runbook.compile.findings import Findings
from runbook.compile.phrase import Slot
from runbook.compile.result import Action
from runbook.lexicon import Console, Lexicon, Place
from runbook.lexicon.match import match_name
from runbook.tutorial import Section

KINDS: dict[str, Action] = {"create": "create", "modify": "modify", "remove": "ensure-absent"}


@dataclass(slots=True)
class Route:
    """Position within the consoles. Starts anew with each section: texts open their console each time."""

    lexicon: Lexicon
    console: Console | None = None
    crumbs: list[str] = field(default_factory=list)
    place: Place | None = None
    reached: bool = False
    """Whether the text came to the page of a single object anywhere in the section."""

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
        self.reached |= self.place is not None and self.place.shape == "object"
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


@dataclass(slots=True)
class Stand:
    """State of one section's reading. At most one change is open at a time."""

    section: Section
    lexicon: Lexicon
    findings: Findings
    route: Route
    before: Route | None = None
    """Where the section before ended."""
    line: int = 0
    """Line of the item that is being read."""
    made: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Names of the objects that earlier sections make, by type."""
    open: OpenChange | None = None
    changes: list[OpenChange] = field(default_factory=list)
    just_saved: OpenChange | None = None
    decision: str | None = None
    """Decision that gates the change the present item opens."""
    gate: str | None = None
    """Decision that gates the whole section, if its heading says so."""

    def begin(self, kind: str, place: Place) -> OpenChange:
        """Open a change at `place`; one that was still open is closed first."""
        self.leave()
        self.open = OpenChange(
            place=place, action=KINDS[kind], section=self.section.id, opened_at=self.line,
            identity=place.identity, optional=self.decision or self.gate,
        )  # fmt: skip
        self.just_saved = None
        return self.open

    def change(self) -> OpenChange | None:
        """Give the open change; an object's page opens one by itself when something is set there."""
        place = self.route.place
        if self.open is None and place is not None and place.shape == "object":
            return self.begin("modify", place)
        return self.open

    def save(self) -> None:
        """Close the open change at the present line."""
        if self.open is not None:
            self.open.committed_at = self.line
            self._put_away()

    def leave(self) -> None:
        """Close the open change without a step that saves it, and say so."""
        change = self.open
        if change is None:
            return
        if change.settings or change.named:
            advice = change.place.missing_commit
            self.findings.note(
                "missing-commit", (change.opened_at,), section=self.section.heading,
                message=f"The change of {change.place.resource} that begins here is never saved by a step of the text.",
                suggestion=advice.advice if advice else "", source=advice.source if advice else "",
            )  # fmt: skip
        self._put_away()

    def _put_away(self) -> None:
        assert self.open is not None, "only an open change is put away; this is a fault in the kit"
        self.changes.append(self.open)
        self.just_saved, self.open = self.open, None

    def go_back(self) -> None:
        """Stand again in the console where the section before ended, if this one has named none."""
        if self.route.console is None and self.before is not None:
            self.route.console, self.route.crumbs = self.before.console, list(self.before.crumbs)

    # Words that are selected

    def visit(self, slots: Sequence[Slot]) -> Refusal | None:
        """Follow words that the text selects, in order; refuse at the first that means nothing here."""
        buttons = self.lexicon.places_file.buttons
        dialog = self.open is not None and len(slots) > 1 and all(match_name(s.text, buttons.inner) for s in slots)
        if dialog and self.open and not match_name(slots[0].text, self.open.place.commit):
            return None  # the buttons of a dialog inside the page
        at = 0
        while at < len(slots):
            begins = self.route.opens_with(slots[at:])
            if begins and self.route.place is not None:
                self._open_by(begins[0], self.route.place)
                at += begins[1]
                continue
            refusal = self._one(slots[at])
            if refusal:
                return refusal
            at += 1
        return None

    def _open_by(self, kind: str, place: Place) -> None:
        if place.shape == "object" and self.open is not None and self.open.place is place:
            return  # a second pane of the same object
        self.begin(kind, place)

    def pick(self, place: Place, name: str) -> None:
        """Open an object of a list by its name, to change it."""
        change = self.begin("modify", place)
        change.identity, change.identity_line = name, self.line

    def _one(self, slot: Slot) -> Refusal | None:
        if slot.href or self.open is None:
            console = self.route.enter(slot)
            if console:
                self._entered(console.id)
                return None
        buttons, place = self.lexicon.places_file.buttons, self.route.place
        if self.open is None:
            if self.just_saved and match_name(slot.text, buttons.done):
                return None
            if match_name(slot.text, (*buttons.next, *buttons.done)):
                return Refusal(why=f"{slot.text!r} belongs to a page that was not recognised")
            if place is not None and place.picks and slot.text in self.made.get(place.resource, ()):
                self.pick(place, slot.text)
            elif place is None or not match_name(slot.text, place.panes):
                self.route.visit(slot.text)
                self.just_saved = None
            return None
        here = self.open.place
        if match_name(slot.text, here.commit):
            self.save()
        elif match_name(slot.text, buttons.next):
            self.open.awaits = self.open.fields = ()  # another page: what was chosen here waits for nothing there
        elif match_name(slot.text, (*buttons.inner, *here.panes)):
            pass
        elif self.route.would_reach(slot.text):
            self.leave()
            self.route.visit(slot.text)
        else:
            return Refusal(why=f"{slot.text!r} is not a word that is known on this page")
        return None

    def _entered(self, console_id: str) -> None:
        self.leave()
        self.just_saved = None
        console = self.route.console
        if console is None or console.id != console_id:
            return
        self.findings.years += [console.years] if console.years else []
        told = {item.message for item in self.findings.diagnostics}
        if console.retired and console.retired.message not in told:
            self.findings.note(
                "portal-generation", (self.line,), console.retired.message, suggestion=console.retired.advice,
                source=console.retired.source, section=self.section.heading,
            )  # fmt: skip
