"""Follow a message through the transport rules, along every way that the facts leave open.

Rules are asked by priority, the lowest number first; the last one that sets the SCL counts; one that stops the
processing keeps all later ones from the message [DOCS]. Where it cannot be told whether a rule meets the message,
both ways are followed, so that an ending is called certain only if all ways lead to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from runbook.outcome import rules
from runbook.outcome.ending import Ending, Grade, Place, Step
from runbook.outcome.message import Message
from runbook.outcome.rules import Deed, Sight
from runbook.outcome.surroundings import RULE, Row, Surroundings
from runbook.outcome.threeway import Maybe, all_of

_MOST_WAYS = 64
_SOURCE = "transport rules, in order of priority [DOCS]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way that a message may have taken so far."""

    headers: tuple[tuple[str, str], ...]
    host: str
    """Address of the host that hands the message over; empty where that is not known."""
    address: str
    """The address that a rule sees; empty where it cannot be told which one that is."""
    scl: Any = None
    """The SCL that a rule asked for last; None where none did."""
    stopped: bool = False
    ending: Ending | None = None
    steps: tuple[Step, ...] = ()
    rules: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[Any, ...]:
        """What decides of everything that follows; two ways with one key are one."""
        return (self.headers, self.host, self.address, self.scl, self.stopped, self.ending)

    def step(self, text: str, source: str, grade: Grade = "documented") -> Way:
        """Return this way one step on."""
        return replace(self, steps=(*self.steps, Step(text=text, source=source, grade=grade)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A rule that may bear on where a message lands, with what is so of it whatever the message."""

    row: Row
    acts: Maybe
    deeds: tuple[Deed, ...]


def standing(rows: Sequence[Row], now: datetime) -> tuple[Standing, ...]:
    """Return the rules that may act at a moment, by priority, and do anything that bears on where a message lands."""
    headers = rules.asked_headers(rows)
    ordered = (
        Standing(row=row, acts=rules.acts(row, now), deeds=rules.deeds(row, headers))
        for row in sorted(rows, key=rules.priority)
    )
    return tuple(item for item in ordered if item.deeds and item.acts is not False)


def through_rules(
    found: Surroundings, message: Message, starts: Sequence[Way], in_force: Sequence[Standing]
) -> tuple[Way, ...]:
    """Return all ways behind the last of the rules in force. The first one is that of the fewest doubts.

    More ways than can be followed become one whose ending is not known.
    """
    part = found.part(RULE)
    if part.unknown:
        doubt = f"the transport rules could not be read: {part.unknown}"
        lost = Ending(place="unknown")
        return tuple(replace(way.step(doubt, _SOURCE, "unknown"), ending=lost, stopped=True) for way in starts)
    ways = {way.key: way for way in starts}
    for rule in in_force:
        after: dict[tuple[Any, ...], Way] = {}
        for way in ways.values():
            for next_way in _past(rule.row, way, message, rule.acts, rule.deeds):
                after.setdefault(next_way.key, next_way)
        ways = after
        if len(ways) > _MOST_WAYS:
            way = next(iter(ways.values())).step("too many rules cannot be judged", _SOURCE, "unknown")
            return (replace(way, ending=Ending(place="unknown"), stopped=True),)
    return tuple(ways.values())


def _past(row: Row, way: Way, message: Message, acts: Maybe, deeds: Sequence[Deed]) -> tuple[Way, ...]:
    """The ways behind one rule, that which the rule leaves alone first."""
    if way.stopped or way.ending is not None:
        return (way,)
    sight = Sight(message=message, headers=way.headers, address=way.address)
    met = all_of((acts, rules.meets(row, sight)))
    name = str(row.get("Name"))
    if met is False:
        return (_missed(row, way, sight, name),)
    if met:
        return _done(deeds, way, name, "documented")
    why = "whether it acts now" if acts is None else f"whether the message meets {', '.join(_open(row, sight))}"
    left = way.step(f"rule {name!r}: {why} cannot be told", _SOURCE, "unknown")
    return (left, *_done(deeds, left, name, "unknown"))


def _open(row: Row, sight: Sight) -> list[str]:
    judged = {**rules.conditions(row, sight), **rules.exceptions(row, sight)}
    return [name for name, value in judged.items() if value is None]


def _missed(row: Row, way: Way, sight: Sight, name: str) -> Way:
    """Say why a rule that looks at a header of this message, or would have, does not meet it."""
    judged = rules.conditions(row, sight)
    header = row.get("HeaderContainsMessageHeader")
    if not header or not any(label.lower() == str(header).lower() for label, _ in way.headers):
        return way
    if judged.get("HeaderContainsMessageHeader") is False:
        said = ", ".join(value for label, value in way.headers if label.lower() == str(header).lower())
        words = ", ".join(repr(str(word)) for word in _listed(row.get("HeaderContainsWords")))
        return way.step(f"rule {name!r} does not match: the header says {said}, the rule looks for {words}", _SOURCE)
    missed = [label for label, value in judged.items() if value is False]
    missed += [label for label, value in rules.exceptions(row, sight).items() if value]
    return way.step(f"rule {name!r} does not match: {', '.join(missed)}", _SOURCE)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _done(deeds: Sequence[Deed], way: Way, name: str, grade: Grade) -> tuple[Way, ...]:
    """The ways behind a rule that meets the message: two where what it does cannot be told."""
    way = replace(way, rules=(*way.rules, name))
    said: list[str] = []
    stops: tuple[bool, ...] = (False,)
    for deed, value in deeds:
        if deed == "scl":
            way, text = replace(way, scl=value), f"sets SCL {value}"
        elif deed == "set-header":
            way, text = replace(way, headers=(*_without(way.headers, value[0]), value)), f"sets the header {value[0]}"
        elif deed == "remove-header":
            way, text = replace(way, headers=_without(way.headers, value)), f"removes the header {value}"
        elif deed == "end":
            if way.ending is None:
                way = replace(way, ending=_ended(value))
            text = _ENDS[value]
        else:
            stops, text = ((True,) if value else (True, False)), "stops the processing of further rules"
        said.append(text)
    way = way.step(f"rule {name!r} matches: {', '.join(said)}", _SOURCE, grade)
    return tuple(replace(way, stopped=stopped) for stopped in stops)


def _without(headers: tuple[tuple[str, str], ...], name: str) -> tuple[tuple[str, str], ...]:
    return tuple(item for item in headers if item[0].lower() != name.lower())


def _ended(place: Place) -> Ending:
    """A message that a rule quarantines comes under no quarantine policy: administrators alone see it."""
    return Ending(place=place, user_may=frozenset() if place == "quarantine" else None)


_ENDS: Mapping[str, str] = {
    "deleted": "deletes the message",
    "rejected": "rejects the message",
    "quarantine": "sends it to the hosted quarantine, under no quarantine policy",
    "redirected": "redirects it to another address",
    "elsewhere": "hands it to somebody else first",
}
