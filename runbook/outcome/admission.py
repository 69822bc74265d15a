"""How a message is let in: the connection filter, connectors, and enhanced filtering."""

from __future__ import annotations

from dataclasses import replace

from runbook.outcome.assumed import Assumed
from runbook.outcome.ending import Ending
from runbook.outcome.message import Message
from runbook.outcome.rules import domain_is, read, within
from runbook.outcome.surroundings import CONNECTION_FILTER, CONNECTOR, Row, Surroundings
from runbook.outcome.threeway import Maybe, all_of, any_of, negated
from runbook.outcome.ways import Way
from runbook.values import BOOLEAN


def admitted(found: Surroundings, message: Message, way: Way, assumed: Assumed) -> tuple[Way, ...]:
    """Return the ways behind the connection: refused, or let in with the address that a rule's condition then sees."""
    if way.ending is not None:
        return (way,)
    for name, what in ((CONNECTION_FILTER, "the connection filter"), (CONNECTOR, "inbound connectors")):
        if found.part(name).unknown:
            way = way.step(f"{what} could not be read", "the lists of addresses and connectors", "unknown")
    allowed, blocked = listed(found, way.host, "IPAllowList"), listed(found, way.host, "IPBlockList")
    if blocked and allowed is False:
        text = f"{way.host} is on the connection filter's block list"
        return (replace(way.step(text, "connection filter [DEF]"), ending=Ending(place="rejected")),)
    ways = [way]
    shut_out = any_of(_shuts_out(row, message, way.host) for row in found.rows(CONNECTOR))
    if shut_out is not False:
        text = f"a connector takes mail of this sender from its own addresses alone, and {way.host or 'this one'}"
        refused = way.step(f"{text} is not, or may not be, one of them", _LOCK, "documented" if shut_out else "unknown")
        ended = replace(refused, ending=Ending(place="rejected"))
        if shut_out:
            return (ended,)
        ways.append(ended)
    if blocked is None and allowed is not True:
        refused = way.step(
            "whether the host is on the connection filter's block list cannot be told",
            "connection filter [DEF]",
            "unknown",
        )
        ways.append(replace(refused, ending=Ending(place="rejected")))
    hidden = _is_hidden(found, message, way.host, assumed)
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


_LOCK = "Set-InboundConnector -RestrictDomainsToIPAddresses [DOCS]"


def _shuts_out(row: Row, message: Message, address: str) -> Maybe:
    """Whether a connector refuses a message that does not come from the addresses that it names."""
    locks, understood = read(BOOLEAN, row.get("RestrictDomainsToIPAddresses"))
    if understood and not locks:
        return False
    enabled, known = read(BOOLEAN, row.get("Enabled"))
    named = within(address, row["SenderIPAddresses"]) if row.get("SenderIPAddresses") else False
    return all_of((locks, enabled if known else None, _covers(row, message), negated(named)))


def _covers(row: Row, message: Message) -> Maybe:
    """Whether a connector is for this sender's domain; they are read back as ``smtp:<domain>;<cost>`` [live]."""
    entries = row.get("SenderDomains") or ()
    listed_domains = entries if isinstance(entries, list | tuple) else [entries]
    domains = [str(item).removeprefix("smtp:").partition(";")[0].strip().lower() for item in listed_domains]
    if "*" in domains:
        return True
    return domain_is(message.sender.rpartition("@")[2], domains)


def listed(found: Surroundings, address: str, name: str) -> Maybe:
    """Return whether an address is on one of the connection filter's lists."""
    entries = [row[name] for row in found.rows(CONNECTION_FILTER) if row.get(name)]
    return any_of(within(address, value) for value in entries) if entries else False


def _is_hidden(found: Surroundings, message: Message, address: str, assumed: Assumed) -> Maybe:
    """Whether enhanced filtering keeps a rule from seeing this address; False where it is not in use for it."""
    if assumed.filtering_hides_address is False or not address:
        return False
    # For whom it is in use (EFUsers) changes nothing here: what is not known of one recipient is not known of any.
    skipped = any_of(all_of((skips(row, address), _takes(row, message, address))) for row in found.rows(CONNECTOR))
    if not skipped and skipped is not None:
        return False
    return assumed.filtering_hides_address if skipped else None


def _takes(row: Row, message: Message, address: str) -> Maybe:
    """Whether this mail comes by a connector: by its addresses, or by the sender's domain where it names none.

    Which of the two counts for a connector with both is not published.
    """
    if not row.get("SenderIPAddresses"):
        return _covers(row, message) if row.get("SenderDomains") else None
    return True if within(address, row["SenderIPAddresses"]) else None


def skips(row: Row, address: str) -> Maybe:
    """Whether a connector has enhanced filtering look behind this address [DOCS, EFSkipLastIP and EFSkipIPs]."""
    enabled, testing = read(BOOLEAN, row.get("Enabled")), read(BOOLEAN, row.get("EFTestMode"))
    if enabled[0] is False or testing[0]:
        return False
    behind = within(address, row["EFSkipIPs"]) if row.get("EFSkipIPs") else False
    last, understood = read(BOOLEAN, row.get("EFSkipLastIP"))
    return any_of((behind, bool(last) if understood else None))
