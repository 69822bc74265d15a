"""The gateway's part: it holds a message back, or marks it and hands it on.

Sources: one disposition header per message, SPAM travels as UCE [dispositions-2024]; drop_dispositions is the
quarantine of the gateway, delivery goes to ``transport`` [cloudflare.md 1]. The header's present name, whether
BULK is written and what becomes of a forged header are switches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from simtenant.mailflow.matching import domain_of
from simtenant.mailflow.message import Message
from simtenant.mailflow.tenant import GatewayDomain, Tenant
from simtenant.mailflow.ways import Ways

OLD_HEADER = "X-Area1Security-Disposition"
NEW_HEADER = "X-CFEmailSecurity-Disposition"

_HEADERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"old": (OLD_HEADER,), "new": (NEW_HEADER,), "both": (OLD_HEADER, NEW_HEADER)}
)
_FORGEABLE = frozenset({OLD_HEADER.lower(), NEW_HEADER.lower()})
_WORDS: Mapping[str, str] = MappingProxyType({"SPAM": "UCE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What leaves the gateway."""

    place: str | None
    """Where the message stays; None: it reaches Microsoft 365."""
    headers: tuple[tuple[str, str], ...]
    steps: tuple[str, ...]


def pass_on(tenant: Tenant, message: Message, ways: Ways) -> Handed:
    """Take a message through the gateway, or past it when it came directly or the gateway is not in line."""
    if message.via == "direct":
        return Handed(
            place=None, headers=message.headers, steps=("The message comes directly, not through the gateway.",)
        )
    name = domain_of(message.recipient)
    domain = tenant.gateway.get(name)
    if domain is None or not domain.in_line:
        why = "does not know" if domain is None else "is not in line (DIRECT) for"
        return Handed(
            place=None,
            headers=message.headers,
            steps=(f"The gateway {why} the domain {name}, so it neither holds nor marks the message.",),
        )
    if (message.disposition or "NONE") in domain.held:
        step = f"The gateway keeps {message.disposition or 'NONE'} for the domain {name} in its own quarantine."
        return Handed(place="gateway-quarantine", headers=message.headers, steps=(step,))
    headers, marked = _marked(message, ways)
    place, delivered = _next_hop(tenant, name, domain)
    return Handed(place=place, headers=headers, steps=(marked, delivered))


def _marked(message: Message, ways: Ways) -> tuple[tuple[tuple[str, str], ...], str]:
    """Give the headers with the gateway's own, and a sentence about it."""
    headers = message.headers
    if ways.forged_disposition == "replaced":
        headers = tuple(pair for pair in headers if pair[0].lower() not in _FORGEABLE)
    if message.disposition is None:
        return headers, "The gateway has no verdict and writes no disposition header."
    if message.disposition == "BULK" and ways.bulk_disposition == "not-written":
        return headers, "The gateway shows BULK on its dashboard only and writes no header."
    names, word = _HEADERS[ways.disposition_header], _WORDS.get(message.disposition, message.disposition)
    step = f"The gateway writes {' and '.join(names)}: {word}."
    return (*headers, *((name, word) for name in names)), step


def _next_hop(tenant: Tenant, name: str, domain: GatewayDomain) -> tuple[str | None, str]:
    expected = tenant.mail_exchanges.get(name, "")
    if expected and domain.transport == expected:
        return None, f"The gateway delivers to {expected}, which is the domain's host at Microsoft 365."
    to = domain.transport or "no next hop"
    return "elsewhere", f"The gateway delivers to {to}, not to the domain's host at Microsoft 365."
