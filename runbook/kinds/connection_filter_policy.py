"""The connection filter: addresses whose mail is always taken or always refused, and the safe list.

Wire: Get- and Set-HostedConnectionFilterPolicy. There is one such policy, Default; every tenant has it [DOCS]. Its
lists are added to and taken from, never replaced for that: the service does it, so that no entry of somebody else's
is lost between a reading and a write. A list of several kinds of entries could not be replaced at all [DOCS]; see the
decision of 2026-11-28. After such a write the list is read once more, and an entry that is gone with it is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from runbook.errors import ApplyFailed
from runbook.kinds.kind import Kind, Wait, cmdlets, named, needed, unknown
from runbook.kinds.powershell import ListChange, command, listing
from runbook.plan import Change, Difference, Observed
from runbook.plan import entries as lists
from runbook.plan.entries import ADDRESS_ENTRIES
from runbook.values import BOOLEAN, ValueType, parse_addresses, texts
from tenantapi import Services
from tenantapi.exchange import list_change

TYPE = "HostedConnectionFilterPolicy"
_TYPES: dict[str, ValueType] = {
    "IPAllowList": ADDRESS_ENTRIES,
    "IPBlockList": ADDRESS_ENTRIES,
    "EnableSafeList": BOOLEAN,
}
# Entries of one list; addresses of one entry, which is a /24 [DOCS].
_MOST_ENTRIES = 1273
_MOST_ADDRESSES = 256


def read(services: Services, identities: Sequence[str]) -> tuple[Observed, ...]:
    rows = services.exchange.rows("Get-HostedConnectionFilterPolicy")
    return tuple(_observed(identity, named(rows, identity)) for identity in identities)


def _observed(identity: str, rows: Sequence[Mapping[str, Any]]) -> Observed:
    if len(rows) != 1:
        return unknown(TYPE, identity, f"{len(rows)} connection filters named {identity} were listed; there is one")
    row = rows[0]
    return Observed(
        kind=TYPE,
        identity=identity,
        presence="present",
        properties={name: needed(row, name) for name in _TYPES},
        handle=identity,
        row=row,
    )


def write(services: Services, change: Change, observed: Observed, wait: Wait) -> None:
    """Send the changed properties in one call; of a list that keeps its entries, only what is put in or taken out."""
    parameters = {item.attribute: _sent(item, observed) for item in change.changed}
    whole = {"Identity": observed.handle, **parameters}
    services.exchange.invoke("Set-HostedConnectionFilterPolicy", whole, write=True)
    moved = [item for item in change.changed if item.op != "set"]
    if moved:
        _nothing_lost(moved, observed, read(services, [change.identity])[0])


def _sent(item: Difference, observed: Observed) -> Any:
    if item.op == "set":
        return item.after
    entries = lists.moved(ADDRESS_ENTRIES, item.op, observed.properties[item.attribute], item.entries)
    return list_change(add=entries) if item.op == "add" else list_change(remove=entries)


def _nothing_lost(moved: Iterable[Difference], before: Observed, after: Observed) -> None:
    """See that a list still holds what it held and nobody took out. Raises ApplyFailed naming what is gone.

    How the service reads a change of a list is known from public clients alone, so it is not taken on trust. A reading
    that still shows the list of before, or none at all, tells nothing and is left to the verification.
    """
    if after.presence != "present":
        return
    for item in moved:
        gone = item.entries if item.op == "remove" else ()
        kept = lists.after(ADDRESS_ENTRIES, "remove", before.properties[item.attribute], gone)
        lost = lists.lacking(ADDRESS_ENTRIES, after.properties[item.attribute], kept)
        if lost:
            raise ApplyFailed(
                f"The connection filter has lost entries of {item.attribute} that nobody took out: {', '.join(lost)}.",
                "Somebody else took them out at the same moment, or the service took the change for the whole list. "
                "The journal holds the list as it was; put them back by hand, and do not apply again before that.",
            )


def limits(change: Change) -> str:
    """Say what the service does not take in these lists [DOCS]; what is in them already it has taken."""
    found = []
    for item in change.changed:
        if _TYPES[item.attribute] is not ADDRESS_ENTRIES:
            continue
        new = item.entries if item.op == "add" else item.after if item.op == "set" else ()
        found += [f"{item.attribute}: {reason}" for reason in map(_unfit, texts(list(new))) if reason]
        if len(item.after) > _MOST_ENTRIES:
            found.append(f"{item.attribute} would have {len(item.after)} entries, and it takes {_MOST_ENTRIES}")
    return "; ".join(found)


def _unfit(entry: str) -> str:
    networks = parse_addresses(entry.strip())
    if networks[0].version != 4:
        return f"{entry} is an IPv6 address, which this list does not take"
    if sum(network.num_addresses for network in networks) > _MOST_ADDRESSES:
        return f"{entry} is wider than /24 ({_MOST_ADDRESSES} addresses); name its /24 ranges instead"
    return ""


def by_hand(change: Change) -> tuple[str, ...]:
    parameters = {
        item.attribute: item.after
        if item.op == "set"
        else ListChange("Add" if item.op == "add" else "Remove", item.entries)
        for item in change.changed
    }
    return (command("Set-HostedConnectionFilterPolicy", {"Identity": change.identity, **parameters}),)


KIND = Kind(
    type=TYPE,
    title="Connection filter",
    types=_TYPES,
    read=read,
    write=write,
    by_hand=by_hand,
    look_by_hand=lambda name: (listing("Get-HostedConnectionFilterPolicy", name),),
    rights=cmdlets("Get-HostedConnectionFilterPolicy", "Set-HostedConnectionFilterPolicy"),
    needed_for=lambda change: cmdlets("Get-HostedConnectionFilterPolicy", "Set-HostedConnectionFilterPolicy"),
    creates=False,
    limits=limits,
)
