"""The whole way of a message: gateway, the door of Microsoft 365, transport rules, the filter.

Sources: allow beats block, and an allowed address skips spam filtering [DEF]; a connector that restricts its
domains to addresses refuses others [tutorial-language 4.6]; the last hop is what a rule on the sender's address
tests [DOCS], unless enhanced filtering changes that, which is open (switch ``enhanced_filtering_ip``).
"""

from __future__ import annotations

from dataclasses import dataclass

from simtenant.mailflow import filtering, gateway, matching
from simtenant.mailflow.conditions import Sight
from simtenant.mailflow.message import Message
from simtenant.mailflow.outcome import Outcome, Rights
from simtenant.mailflow.tenant import Tenant
from simtenant.mailflow.walk import walk
from simtenant.mailflow.ways import Ways


@dataclass(frozen=True, slots=True, kw_only=True)
class _Door:
    """What happens as a host connects to Microsoft 365."""

    refused: str | None = None
    """Why the message is rejected."""
    allowed: bool = False
    """Whether the connection filter allows the address."""


def deliver(tenant: Tenant, message: Message, ways: Ways) -> Outcome:
    """Deliver one message; pure, and fast enough for thousands."""
    handed = gateway.pass_on(tenant, message, ways)
    if handed.place is not None:
        nobody = Rights() if handed.place == "gateway-quarantine" else None
        return Outcome(
            place=handed.place, user_may=nobody, notified=None if nobody is None else False, steps=handed.steps
        )
    source = matching.number(message.connecting_ip)
    door = _door(tenant, message, source)
    if door.refused is not None:
        return Outcome(place="rejected", steps=(*handed.steps, door.refused))
    steps = list(handed.steps)
    if door.allowed:
        steps.append(f"The connection filter allows {message.connecting_ip}: spam filtering is skipped (level -1).")
    sight = _sight(tenant, message, handed.headers, source, ways)
    walked = walk(tenant.rules, sight, message.now)
    counts, level = filtering.effective(message.verdict, door.allowed, walked.scl, ways)
    acted = tuple(walked.acted)
    if walked.place is not None:
        held = walked.place == "quarantine"
        return Outcome(
            place=walked.place,
            user_may=Rights() if held else None,
            notified=False if held else None,
            rules=acted,
            scl=level,
            steps=(*steps, *walked.steps),
        )
    judged = filtering.judge(tenant, counts, filtering.winner(tenant, message.recipient, sight.groups, ways))
    return Outcome(
        place=judged.place,
        quarantine_policy=judged.tag,
        user_may=judged.rights,
        notified=judged.notified,
        policy=judged.policy,
        rules=acted,
        scl=level,
        steps=(*steps, *walked.steps, *judged.steps),
    )


def _door(tenant: Tenant, message: Message, source: int | None) -> _Door:
    domain = matching.domain_of(message.recipient)
    if not tenant.accepts(domain):
        return _Door(refused=f"Microsoft 365 rejects the message: {domain} is no accepted domain of the tenant.")
    allowed = matching.covers(tenant.allowed, source)
    if not allowed and matching.covers(tenant.blocked, source):
        return _Door(
            refused=f"Microsoft 365 rejects the message: the connection filter blocks {message.connecting_ip}."
        )
    sender = matching.domain_of(message.sender)
    for connector in tenant.connectors:
        if connector.locked and connector.is_for(sender) and not matching.covers(connector.addresses, source):
            name = connector.name
            return _Door(
                refused=f"Microsoft 365 rejects the message: {message.connecting_ip} is none of the addresses to "
                f"which the connector '{name}' restricts {sender}."
            )
    return _Door(allowed=allowed)


def _sight(
    tenant: Tenant, message: Message, headers: tuple[tuple[str, str], ...], source: int | None, ways: Ways
) -> Sight:
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    if ways.enhanced_filtering_ip == "original" and _looks_behind(tenant, message, source):
        source = None
    return Sight(
        recipient=message.recipient,
        sender=message.sender,
        groups=message.groups | tenant.groups.get(message.recipient, frozenset()),
        sender_groups=tenant.groups.get(message.sender, frozenset()),
        sender_inside=tenant.accepts(matching.domain_of(message.sender)),
        source=source,
        headers=values,
        below=ways.domain_conditions == "subdomains",
    )


def _looks_behind(tenant: Tenant, message: Message, source: int | None) -> bool:
    """Tell whether enhanced filtering skips the connecting host, so that the address behind it, unknown here, counts.

    The connector is the one that lists the address or, listing none, the sender's domain.
    """
    sender = matching.domain_of(message.sender)
    for connector in tenant.connectors:
        if connector.users and message.recipient not in connector.users:
            continue
        is_its = matching.covers(connector.addresses, source) if connector.addresses else connector.is_for(sender)
        if is_its and (connector.skips_last or matching.covers(connector.skipped, source)):
            return True
    return False
