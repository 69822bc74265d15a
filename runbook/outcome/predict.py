"""Predict where a message lands, from what a tenant holds. Pure: the same values give the same outcome.

Nothing is asked and nothing is sent. What the facts leave open is followed both ways, so that a single ending is a
claim, and several are the honest answer.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from runbook.outcome import filtering
from runbook.outcome.assumed import USUAL, Assumed
from runbook.outcome.ending import Ending, Outcome, Step
from runbook.outcome.message import NEW_HEADER, OLD_HEADER, TOKENS, Message
from runbook.outcome.precedence import winners
from runbook.outcome.rules import read, within
from runbook.outcome.surroundings import CONNECTION_FILTER, CONNECTOR, DOMAIN, MAIL_EXCHANGE, Row, Surroundings
from runbook.outcome.threeway import Maybe, any_of
from runbook.outcome.ways import Way, through_rules
from runbook.values import BOOLEAN, HOST, WORD_SET

_GATEWAY = "Cloudflare documentation, Dispositions and attributes; Domains"


def outcome(found: Surroundings, message: Message, now: datetime, assumed: Assumed = USUAL) -> Outcome:
    """Return every ending that the facts leave open for a message, with the steps of the likeliest way.

    `now` counts for rules with dates. Equal arguments give equal outcomes; nothing raises for odd rows: what
    cannot be understood is an ending that is not known.
    """
    ways = [_by_gateway(found, message, assumed)] if message.via == "gateway" else [_direct(message)]
    ways = [later for way in ways for later in _addressed(found, way, assumed)]
    past = through_rules(found, message, ways, now)
    endings: dict[Ending, None] = {}
    steps: dict[int, tuple[Step, ...]] = {}
    for number, way in enumerate(past):
        for ending, taken in _filtered(found, message, way, assumed):
            endings.setdefault(ending)
            steps.setdefault(number, (*way.steps, *taken))
    first = steps[0]
    return Outcome(endings=tuple(endings), steps=first, rules=past[0].rules)


def _direct(message: Message) -> Way:
    return Way(headers=message.headers, address=message.connecting_ip)


def _by_gateway(found: Surroundings, message: Message, assumed: Assumed) -> Way:
    """What the gateway does with the message before Microsoft 365 sees it."""
    way = _direct(message)
    part = found.part(DOMAIN)
    rows = [row for row in part.rows if str(row.get("domain")).lower() == message.recipient.domain.lower()]
    if part.unknown or len(rows) != 1:
        why = part.unknown or "the gateway does not know this domain"
        return replace(
            way.step(f"{message.recipient.domain}: {why}", _GATEWAY, "unknown"), ending=Ending(place="unknown")
        )
    row = rows[0]
    modes, _ = read(WORD_SET, row.get("allowed_delivery_modes"))
    if isinstance(modes, list) and "direct" not in modes:
        text = "the gateway is not in line for this domain (no delivery mode DIRECT), so it writes no header"
        return replace(way.step(text, "domains API, allowed_delivery_modes (inferred)", "conditional"), address="")
    dropped, _ = read(WORD_SET, row.get("drop_dispositions"))
    if message.disposition and isinstance(dropped, list) and message.disposition.lower() in dropped:
        text = f"the gateway keeps {message.disposition} back (drop_dispositions)"
        return replace(way.step(text, _GATEWAY), ending=Ending(place="gateway-quarantine"))
    return _handed_on(found, _labelled(message, way, assumed), row)


def _labelled(message: Message, way: Way, assumed: Assumed) -> Way:
    """The gateway writes its disposition into the header, one a message."""
    if message.disposition is None:
        return way.step("the gateway finds nothing, and writes no disposition", _GATEWAY)
    if message.disposition == "BULK" and not assumed.bulk_is_written:
        return way.step("BULK is not written into the header", _GATEWAY, "conditional")
    token = TOKENS[message.disposition]
    fields = tuple((name, token) for name in assumed.headers)
    own = {name.lower() for name in (OLD_HEADER, NEW_HEADER)}
    others = tuple(item for item in way.headers if item[0].lower() not in own)
    text = f"the gateway writes {token} into the disposition header"
    if message.disposition == "BULK":
        text += "; the reference page of 2024 has BULK for the dashboard alone"
    return replace(way, headers=(*others, *fields)).step(text, _GATEWAY, "conditional")


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


def _addressed(found: Surroundings, way: Way, assumed: Assumed) -> tuple[Way, ...]:
    """The connection filter, and which address a rule's condition then sees."""
    if way.ending is not None:
        return (way,)
    part = found.part(CONNECTION_FILTER)
    allowed, blocked = _listed(found, way.address, "IPAllowList"), _listed(found, way.address, "IPBlockList")
    if blocked and allowed is False:
        text = f"{way.address} is on the connection filter's block list"
        return (replace(way.step(text, "connection filter [DEF]"), ending=Ending(place="rejected")),)
    ways = [way]
    if blocked is None and way.address and not part.unknown and allowed is not True:
        refused = way.step("the connection filter's block list cannot be read", "connection filter [DEF]", "unknown")
        ways.append(replace(refused, ending=Ending(place="rejected")))
    hidden = _is_hidden(found, way.address, assumed)
    if hidden is None:
        ways = [later for item in ways for later in (item, _without_address(item))]
    elif hidden:
        ways = [_without_address(item) for item in ways]
    return tuple(ways)


def _without_address(way: Way) -> Way:
    if way.ending is not None:
        return way
    text = "enhanced filtering looks behind the gateway's address, so which one a rule sees is not confirmed"
    return replace(way.step(text, "enhanced filtering and SenderIpRanges [open]", "unknown"), address="")


def _listed(found: Surroundings, address: str, name: str) -> Maybe:
    """Whether an address is on one of the connection filter's lists."""
    entries = [row[name] for row in found.rows(CONNECTION_FILTER) if row.get(name)]
    return any_of(within(address, value) for value in entries) if entries else False


def _is_hidden(found: Surroundings, address: str, assumed: Assumed) -> Maybe:
    """Whether enhanced filtering keeps a rule from seeing this address; False where it is not in use for it."""
    if assumed.filtering_hides_address is False or not address:
        return False
    skipped = any_of(skips(row, address) for row in found.rows(CONNECTOR))
    if not skipped and skipped is not None:
        return False
    return assumed.filtering_hides_address if skipped else None


def skips(row: Row, address: str) -> Maybe:
    """Whether a connector has enhanced filtering look behind this address [DOCS, EFSkipLastIP and EFSkipIPs]."""
    enabled, testing = read(BOOLEAN, row.get("Enabled")), read(BOOLEAN, row.get("EFTestMode"))
    if enabled[0] is False or testing[0]:
        return False
    behind = within(address, row["EFSkipIPs"]) if row.get("EFSkipIPs") else False
    last, understood = read(BOOLEAN, row.get("EFSkipLastIP"))
    return any_of((behind, bool(last) if understood else None))


def _filtered(
    found: Surroundings, message: Message, way: Way, assumed: Assumed
) -> list[tuple[Ending, tuple[Step, ...]]]:
    """What the filter and the policy in force make of a message on one way."""
    if way.ending is not None:
        return [(way.ending, ())]
    results: list[tuple[Ending, tuple[Step, ...]]] = []
    for scl, before in _levels(found, message, way, assumed):
        verdicts, step = filtering.judged(message.verdict, scl, assumed.scl_is_heeded)
        for verdict in verdicts:
            for winner in winners(found, message.recipient):
                endings, steps = filtering.treated(found, winner, verdict)
                results += [(ending, (*before, step, *steps)) for ending in endings]
    return results


def _levels(found: Surroundings, message: Message, way: Way, assumed: Assumed) -> list[tuple[object, tuple[Step, ...]]]:
    """The SCL that the filter is given: a rule's, or that of the allow list, which passes the filter."""
    by_rule: tuple[object, tuple[Step, ...]] = (way.scl, ())
    allowed = _listed(found, message.connecting_ip, "IPAllowList") if message.connecting_ip else False
    if allowed is False:
        return [by_rule]
    text = f"{message.connecting_ip} is on the connection filter's allow list, so spam filtering is passed over"
    source = "connection filter: mail of an allowed address is SCL -1 [DEF]"
    if allowed and (way.scl is None or way.scl == -1):
        return [(-1, (Step(text=text, source=source),))]
    unsure = Step(text=f"{text}, or the rule's SCL counts: not confirmed", source=source, grade="unknown")
    if allowed is None or assumed.allow_list_beats_rules is None:
        return [(way.scl, (unsure,)), (-1, (unsure,))]
    return [(-1, (Step(text=text, source=source),))] if assumed.allow_list_beats_rules else [by_rule]
