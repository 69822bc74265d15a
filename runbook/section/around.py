"""Read what decides where mail lands: all rules, policies, lists and connectors, and not only what a section is about.

Reads alone. What a service does not tell is unknown, with the reason, and stops nobody: it is then not known where
mail lands, and that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from runbook.kinds.kind import plain_name
from runbook.outcome.surroundings import (
    CONNECTION_FILTER,
    CONNECTOR,
    DOMAIN,
    MAIL_EXCHANGE,
    POLICY,
    POLICY_RULE,
    PRESET_RULE,
    QUARANTINE,
    RULE,
    Part,
    Surroundings,
    projected,
)
from tenantapi import ApiError, Services
from tenantapi.errors import (
    ApiTimeoutError,
    CircuitOpenError,
    ServiceError,
    SignInError,
    ThrottledError,
    UnauthorizedError,
    UnreachableError,
)

_CMDLETS = {
    RULE: "Get-TransportRule",
    POLICY: "Get-HostedContentFilterPolicy",
    POLICY_RULE: "Get-HostedContentFilterRule",
    PRESET_RULE: "Get-EOPProtectionPolicyRule",
    QUARANTINE: "Get-QuarantinePolicy",
    CONNECTION_FILTER: "Get-HostedConnectionFilterPolicy",
    CONNECTOR: "Get-InboundConnector",
}
_NEVER_EMPTY = {
    POLICY: "anti-spam policies",
    QUARANTINE: "quarantine policies",
    CONNECTION_FILTER: "connection filters",
}
"""Every tenant has one of these [DOCS; DEF]: an empty list of them is not believed."""
_SERVICES = {DOMAIN: "Cloudflare", MAIL_EXCHANGE: "Microsoft Graph"}
_NO_ANSWER = (
    UnreachableError,
    ApiTimeoutError,
    CircuitOpenError,
    SignInError,
    UnauthorizedError,
    ThrottledError,
    ServiceError,
)
GOVERNING = (POLICY_RULE, PRESET_RULE)
"""What says for whom a policy is in force."""


def look_around(services: Services, domains: Sequence[str], now: str, only: Iterable[str] = ()) -> Surroundings:
    """Read all that decides where mail to these domains lands, or `only` some of its parts. Nothing raises."""
    wanted = tuple(only)
    readers: dict[str, Callable[[], Iterable[Mapping[str, Any]]]] = {
        DOMAIN: lambda: _domains(services, domains),
        MAIL_EXCHANGE: lambda: _mail_exchanges(services, domains),
        **{name: _Rows(services, cmdlet) for name, cmdlet in _CMDLETS.items()},
    }
    down: dict[str, str] = {}
    parts = {name: _part(name, read, down) for name, read in readers.items() if not wanted or name in wanted}
    return Surroundings(read_at=now, parts=parts)


class _Rows:
    """All rows that a cmdlet lists; a class, because a loop makes several of these readers."""

    def __init__(self, services: Services, cmdlet: str) -> None:
        self._services, self._cmdlet = services, cmdlet

    def __call__(self) -> Iterable[Mapping[str, Any]]:
        return self._services.exchange.rows(self._cmdlet)


def _part(name: str, read: Callable[[], Iterable[Mapping[str, Any]]], down: dict[str, str]) -> Part:
    """Read one part; a service that gave no answer to one question is not asked the next, for each may take minutes."""
    service = _SERVICES.get(name, "Exchange Online")
    if service in down:
        return Part(unknown=down[service])
    try:
        rows = tuple(projected(row) for row in read())
    except ApiError as error:
        reason = f"{error.summary}: {error.detail}".strip().rstrip(".")
        if isinstance(error, _NO_ANSWER):
            down[service] = reason
        return Part(unknown=reason)
    if not rows and name in _NEVER_EMPTY:
        return Part(unknown=f"the list of {_NEVER_EMPTY[name]} came empty, although every tenant has one")
    if name == QUARANTINE:
        rows = tuple({**row, "Name": plain_name(row)} for row in rows)
    return Part(rows=rows)


def _domains(services: Services, domains: Sequence[str]) -> Iterable[Mapping[str, Any]]:
    for domain in domains:
        row = services.cloudflare.domain(domain)
        if row is not None:
            yield row


def _mail_exchanges(services: Services, domains: Sequence[str]) -> Iterable[Mapping[str, Any]]:
    for domain in domains:
        host = services.graph.expected_mx(domain)
        if host is not None:
            yield {"domain": domain, "mail_exchange": host}
