"""The promise matrix: for each disposition, what the tutorial promises, and where its messages land before and after.

Three cases are asked for, because they differ: mail as the gateway hands it on, the same header on mail from any
other host, and mail that Microsoft's own filter calls phishing.
"""

from __future__ import annotations

import functools
import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from runbook.outcome.assumed import USUAL, Assumed
from runbook.outcome.ending import Ending, Outcome
from runbook.outcome.message import DISPOSITIONS, NEW_HEADER, OLD_HEADER, TOKENS, Disposition, Message
from runbook.outcome.predict import outcome
from runbook.outcome.recipients import RecipientClass, classes
from runbook.outcome.rules import acts, header_says, read
from runbook.outcome.surroundings import RULE, Row, Surroundings
from runbook.outcome.threeway import Maybe
from runbook.outcome.ways import Standing, standing
from runbook.values import NETWORKS, WORD

Case = Literal["gateway", "outside", "phishing"]
CASES: dict[Case, str] = {
    "gateway": "as the gateway hands it on",
    "outside": "the same header, from any other host",
    "phishing": "and Microsoft's own verdict is phishing",
}
Lands = Literal["inbox", "junk", "user quarantine", "admin quarantine"]
"""Where a promise says that a message goes."""
# Addresses that are nobody's [RFC 5737].
_ELSEWHERE = ("192.0.2.7", "198.51.100.7", "203.0.113.7")


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """One statement of the tutorial: mail of this disposition goes there."""

    disposition: str
    """As the gateway names it; ``none`` for mail that it finds nothing in."""
    lands: Lands
    place: str
    """The place in the tutorial's words."""
    line: int | str
    """Source line, 1-based, or the included file with its line."""
    source: str
    """Which part of the text it stands in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One message that is asked about."""

    disposition: Disposition | None
    case: Case
    recipients: RecipientClass
    message: Message


def keeps(lands: str, ending: Ending) -> bool:
    """Whether an ending is where a promise says. A quarantine is the user's own if they may release from it."""
    may_release = ending.user_may is not None and "release" in ending.user_may
    if lands == "user quarantine":
        return ending.place == "quarantine" and may_release
    if lands == "admin quarantine":
        return ending.place == "gateway-quarantine" or (
            ending.place == "quarantine" and ending.user_may is not None and not may_release
        )
    return ending.place == lands


def is_kept(promises: Sequence[Promised], landed: Sequence[Ending]) -> bool | None:
    """Whether promises are kept by all of these endings; None where only some keep them, or an ending is not known.

    Several places that one part of the text names for one disposition are alternatives, as in a flow chart.
    """
    if not promises or not landed or any(ending.place == "unknown" for ending in landed):
        return None
    kept = {_satisfies(promises, ending) for ending in landed}
    return kept.pop() if len(kept) == 1 else None


def _satisfies(promises: Sequence[Promised], ending: Ending) -> bool:
    said: dict[str, list[str]] = {}
    for item in promises:
        said.setdefault(item.source, []).append(item.lands)
    return all(any(keeps(lands, ending) for lands in places) for places in said.values())


def egress_of(found: Surroundings) -> tuple[str, ...]:
    """Return the ranges that rules on the disposition header are for: the gateway's addresses, as they say."""
    ranges: dict[str, None] = {}
    for row in found.rows(RULE):
        if _is_on_disposition(row):
            networks, _ = read(NETWORKS, row.get("SenderIpRanges"))
            ranges |= dict.fromkeys(networks or ())
    return tuple(ranges)


def _is_on_disposition(row: Row) -> bool:
    name = read(WORD, row.get("HeaderContainsMessageHeader"))[0]
    return name in (OLD_HEADER.lower(), NEW_HEADER.lower())


def questions(found: Surroundings, domains: Sequence[str], egress: Sequence[str]) -> tuple[Question, ...]:
    """Return everything that a matrix asks, in its order: for each disposition and none, case and recipients."""
    asked: list[Question] = []
    inside = _first(egress)
    outside = next((item for item in _ELSEWHERE if not _is_within(item, egress)), "")
    for disposition in (*DISPOSITIONS, None):
        for case in CASES:
            if case == "outside" and disposition is None:
                continue  # without a header it is mail like any other
            for item in classes(found, domains):
                message = _message(disposition, case, item, inside, outside)
                asked.append(Question(disposition=disposition, case=case, recipients=item, message=message))
    return tuple(asked)


def _message(disposition: Disposition | None, case: Case, to: RecipientClass, inside: str, outside: str) -> Message:
    if case == "outside":
        assert disposition is not None
        forged = tuple((name, TOKENS[disposition]) for name in (OLD_HEADER, NEW_HEADER))
        return Message(recipient=to.recipient, via="direct", connecting_ip=outside, headers=forged)
    verdict: Any = "phish" if case == "phishing" else "none"
    return Message(recipient=to.recipient, connecting_ip=inside, disposition=disposition, verdict=verdict)


def _first(ranges: Sequence[str]) -> str:
    networks, understood = read(NETWORKS, list(ranges))
    return str(ipaddress.ip_network(networks[0])[0]) if understood and networks else ""


def _is_within(address: str, ranges: Sequence[str]) -> bool:
    host = ipaddress.ip_address(address)
    return any(host in ipaddress.ip_network(item, strict=False) for item in ranges)


def rows(
    before: Surroundings,
    after: Surroundings,
    promises: Sequence[Promised],
    domains: Sequence[str],
    now: datetime,
    assumed: Assumed = USUAL,
) -> list[dict[str, Any]]:
    """Return the matrix as plain JSON; recipients whose messages go the same ways share a row."""
    told = _rows(_known(before, now), _known(after, now), tuple(promises), tuple(domains), assumed)
    found: list[dict[str, Any]] = json.loads(told)
    return found


# Before and after are often alike, and a run asks again in each of its sections.
@functools.lru_cache(maxsize=8)
def _rows(
    was_known: _Known,
    will_be_known: _Known,
    promises: tuple[Promised, ...],
    domains: tuple[str, ...],
    assumed: Assumed,
) -> str:
    """Return the matrix as JSON text, of which each caller makes a value of its own."""
    before, after = was_known.found, will_be_known.found
    egress = egress_of(after) or egress_of(before)
    merged: dict[str, dict[str, Any]] = {}
    for asked in questions(after, domains, egress):
        name = asked.disposition or "none"
        kept_by = [item for item in promises if item.disposition == name and asked.case == "gateway"]
        was, will = (_landed(known, asked.message, assumed) for known in (was_known, will_be_known))
        row = {
            "disposition": name,
            "case": asked.case,
            "recipients": [asked.recipients.title],
            "promised": [
                {"place": item.place, "lands": item.lands, "line": item.line, "source": item.source} for item in kept_by
            ],
            "before": _cell(was, was_known, asked),
            "after": _cell(will, will_be_known, asked),
            "kept": is_kept(kept_by, will.endings),
            "observed": None,
        }
        key = repr({name: value for name, value in row.items() if name != "recipients"})
        if key in merged:
            merged[key]["recipients"].append(asked.recipients.title)
        else:
            merged[key] = row
    return json.dumps(list(merged.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What a tenant holds at a moment, told apart by what decides of a message's way and by nothing else."""

    holds: str
    acting: tuple[Maybe, ...]
    """Of each rule whether it acts: all that the moment decides."""
    found: Surroundings = field(compare=False)
    now: datetime = field(compare=False)
    in_force: tuple[Standing, ...] = field(compare=False)


def _known(found: Surroundings, now: datetime) -> _Known:
    acting = tuple(acts(row, now) for row in found.rows(RULE))
    in_force = standing(found.rows(RULE), now)
    return _Known(holds=repr(found.parts), acting=acting, found=found, now=now, in_force=in_force)


@functools.lru_cache(maxsize=1024)
def _landed(known: _Known, message: Message, assumed: Assumed) -> Outcome:
    return outcome(known.found, message, known.now, assumed, known.in_force)


@functools.lru_cache(maxsize=64)
def _never_matching(known: _Known, disposition: Disposition) -> tuple[str, ...]:
    return tuple(never_matching(known.found, disposition, known.now))


def _cell(found: Outcome, known: _Known, asked: Question) -> dict[str, Any]:
    never = _never_matching(known, asked.disposition) if asked.disposition and asked.case == "gateway" else ()
    return {
        "text": found.text,
        "endings": [ending_json(ending) for ending in found.endings],
        "grade": found.grade,
        "steps": [{"text": step.text, "source": step.source, "grade": step.grade} for step in found.steps],
        "rules": list(found.rules),
        "never": list(never),
    }


def ending_json(ending: Ending) -> dict[str, Any]:
    """Return an ending as plain JSON."""
    return {
        "place": ending.place,
        "quarantine_policy": ending.quarantine_policy,
        "user_may": None if ending.user_may is None else sorted(ending.user_may),
        "notified": ending.notified,
        "policy": ending.policy,
        "text": ending.text,
    }


def ending_from_json(stored: Mapping[str, Any]) -> Ending:
    """Return an ending from its JSON, as far as that tells of it. Raises KeyError without a place."""
    may = stored.get("user_may")
    return Ending(
        place=stored["place"],
        quarantine_policy=str(stored.get("quarantine_policy") or ""),
        user_may=None if may is None else frozenset(may),
        notified=stored.get("notified"),
        policy=str(stored.get("policy") or ""),
    )


def never_matching(found: Surroundings, disposition: Disposition, now: datetime) -> list[str]:
    """Name rules that mean this disposition and never match it: the word as they have it is never in the header.

    The gateway writes one disposition a message, so that a phrase of two never stands there; SPAM is written as UCE
    [dispositions-2024].
    """
    token = TOKENS[disposition]
    told = []
    for row in found.rows(RULE):
        if not _is_on_disposition(row) or acts(row, now) is False:
            continue
        header = str(row["HeaderContainsMessageHeader"])
        words = row.get("HeaderContainsWords") or ()
        listed = list(words) if isinstance(words, list | tuple) else [words]
        if header_says([(header, token)], header, listed):
            continue
        meant = [word for word in listed if re.search(rf"\b{disposition}\b", str(word), re.IGNORECASE)]
        told += [
            f"the rule {str(row.get('Name'))!r} never matches: it looks for {str(word)!r}, and the header says {token}"
            for word in meant
        ]
    return told
