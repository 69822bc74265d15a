"""Predict where a message lands, from what a tenant holds. Pure: the same values give the same outcome.

Nothing is asked and nothing is sent. What the facts leave open is followed both ways, so that a single ending is a
claim, and several are the honest answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from runbook.outcome import filtering
from runbook.outcome.admission import admitted, listed
from runbook.outcome.assumed import USUAL, Assumed
from runbook.outcome.ending import Ending, Outcome, Step
from runbook.outcome.message import NEW_HEADER, OLD_HEADER, TOKENS, Message
from runbook.outcome.precedence import winners
from runbook.outcome.rules import read
from runbook.outcome.surroundings import DOMAIN, MAIL_EXCHANGE, RULE, Row, Surroundings
from runbook.outcome.ways import Standing, Way, standing, through_rules
from runbook.values import HOST, WORD_SET

_GATEWAY = "Cloudflare documentation, Dispositions and attributes; Domains"


def outcome(
    found: Surroundings,
    message: Message,
    now: datetime,
    assumed: Assumed = USUAL,
    in_force: Sequence[Standing] | None = None,
) -> Outcome:
    """Return every ending that the facts leave open for a message, with the steps of the likeliest way.

    `now` counts for rules with dates. Equal arguments give equal outcomes; nothing raises for odd rows: what
    cannot be understood is an ending that is not known. `in_force` are the rules that stand at that moment, for one
    who asks of many messages.
    """
    ways = list(_by_gateway(found, message, assumed)) if message.via == "gateway" else [_direct(message)]
    ways = [later for way in ways for later in admitted(found, message, way, assumed)]
    past = through_rules(found, message, ways, standing(found.rows(RULE), now) if in_force is None else in_force)
    endings: dict[Ending, None] = {}
    steps: dict[int, tuple[Step, ...]] = {}
    for number, way in enumerate(past):
        for ending, taken in _filtered(found, message, way, assumed):
            endings.setdefault(ending)
            steps.setdefault(number, (*way.steps, *taken))
    first = steps[0]
    return Outcome(endings=tuple(endings), steps=first, rules=past[0].rules)


def _direct(message: Message) -> Way:
    return Way(headers=message.headers, host=message.connecting_ip, address=message.connecting_ip)


def _by_gateway(found: Surroundings, message: Message, assumed: Assumed) -> tuple[Way, ...]:
    """What the gateway does with the message before Microsoft 365 sees it."""
    way = _direct(message)
    part = found.part(DOMAIN)
    rows = [row for row in part.rows if str(row.get("domain")).lower() == message.recipient.domain.lower()]
    if part.unknown or len(rows) != 1:
        why = part.unknown or "the gateway does not know this domain"
        lost = way.step(f"{message.recipient.domain}: {why}", _GATEWAY, "unknown")
        return (replace(lost, ending=Ending(place="unknown")),)
    row = rows[0]
    modes, _ = read(WORD_SET, row.get("allowed_delivery_modes"))
    if isinstance(modes, list) and "direct" not in modes:
        text = "the gateway is not in line for this domain (no delivery mode DIRECT), so it writes no header"
        return (
            replace(
                way.step(text, "domains API, allowed_delivery_modes (inferred)", "conditional"), host="", address=""
            ),
        )
    dropped, _ = read(WORD_SET, row.get("drop_dispositions"))
    word = (message.disposition or "NONE").lower()
    if isinstance(dropped, list) and word in dropped:
        text = f"the gateway keeps {word.upper()} back (drop_dispositions)"
        kept = way.step(text, _GATEWAY, "documented" if message.disposition else "conditional")
        return (replace(kept, ending=Ending(place="gateway-quarantine")),)
    return tuple(_handed_on(found, later, row) for later in _labelled(message, way, assumed))


def _labelled(message: Message, way: Way, assumed: Assumed) -> tuple[Way, ...]:
    """The gateway writes its disposition into the header, one a message; what somebody forged before, it takes away."""
    own = {name.lower() for name in (OLD_HEADER, NEW_HEADER)}
    forged = [item for item in way.headers if item[0].lower() in own]
    cleaned = replace(way, headers=tuple(item for item in way.headers if item not in forged))
    if not forged or assumed.forged_is_replaced:
        return (_written(message, cleaned, assumed),)
    text = "it brings a disposition along, and whether the gateway takes that away is not confirmed"
    left = _written(message, way, assumed).step(text, _GATEWAY, "unknown")
    return (left,) if assumed.forged_is_replaced is False else (_written(message, cleaned, assumed), left)


def _written(message: Message, way: Way, assumed: Assumed) -> Way:
    if message.disposition is None:
        return way.step("the gateway finds nothing, and writes no disposition", _GATEWAY)
    if message.disposition == "BULK" and not assumed.bulk_is_written:
        return way.step("BULK is not written into the header", _GATEWAY, "conditional")
    token = TOKENS[message.disposition]
    text = f"the gateway writes {token} into the disposition header"
    if message.disposition == "BULK":
        text += "; the reference page of 2024 has BULK for the dashboard alone"
    fields = tuple((name, token) for name in assumed.headers)
    return replace(way, headers=(*way.headers, *fields)).step(text, _GATEWAY, "conditional")


def _handed_on(found: Surroundings, way: Way, row: Row) -> Way:
    """The gateway hands mail to the domain's `transport`, which should be what Microsoft names."""
    transport, _ = read(HOST, row.get("transport"))
    expected = {
        read(HOST, item.get("mail_exchange"))[0]
        for item in found.rows(MAIL_EXCHANGE)
        if str(item.get("domain")).lower() == str(row.get("domain")).lower()
    }
    source = "domains API, transport; Graph serviceConfigurationRecords"
    if not transport:
        lost = way.step("the gateway's record says nothing of where mail is handed on", source, "unknown")
        return replace(lost, ending=Ending(place="unknown"))
    if not expected:
        return way.step(f"handed to {transport}; which host Microsoft expects is not known", source, "conditional")
    if transport not in expected:
        text = f"handed to {transport}, and not to {', '.join(sorted(str(item) for item in expected))}"
        return replace(way.step(text, source), ending=Ending(place="elsewhere"))
    return way


def _filtered(
    found: Surroundings, message: Message, way: Way, assumed: Assumed
) -> list[tuple[Ending, tuple[Step, ...]]]:
    """What the filter and the policy in force make of a message on one way."""
    if way.ending is not None:
        return [(way.ending, ())]
    results: list[tuple[Ending, tuple[Step, ...]]] = []
    for scl, before in _levels(found, way, assumed):
        verdicts, step = filtering.judged(message.verdict, scl, assumed.scl_is_heeded)
        for verdict in verdicts:
            for winner in winners(found, message.recipient):
                endings, steps = filtering.treated(found, winner, verdict)
                results += [(ending, (*before, step, *steps)) for ending in endings]
    return results


def _levels(found: Surroundings, way: Way, assumed: Assumed) -> list[tuple[object, tuple[Step, ...]]]:
    """The SCL that the filter is given: a rule's, or that of the allow list, which passes the filter."""
    by_rule: tuple[object, tuple[Step, ...]] = (way.scl, ())
    allowed = listed(found, way.host, "IPAllowList")
    if allowed is False:
        return [by_rule]
    text = f"{way.host or 'the host'} is on the connection filter's allow list, so spam filtering is passed over"
    source = "connection filter: mail of an allowed address is SCL -1 [DEF]"
    if allowed and (way.scl is None or way.scl == -1):
        return [(-1, (Step(text=text, source=source),))]
    said = f"{text}, or the rule's SCL counts: not confirmed"
    if allowed is None:
        said = (
            "which host hands it on is not known here, so whether that is on the connection filter's allow list is not"
        )
    unsure = Step(text=said, source=source, grade="unknown")
    if allowed is None or assumed.allow_list_beats_rules is None:
        return [(way.scl, (unsure,)), (-1, (unsure,))]
    return [(-1, (Step(text=text, source=source),))] if assumed.allow_list_beats_rules else [by_rule]
