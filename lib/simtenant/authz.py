"""Who may do what: the callers behind access tokens, and the cmdlets each directory role may run.

Sources: the ladder 401, 403, 200 and the read roles [G2O; live, DOCS-C]; writers per cmdlet [DOCS]; delegated
roles for Graph's domains [Graph reference]. Applications and people are ordinary objects of kinds
``Application`` and ``Person``, so a test takes a role away by setting a property; directory roles count at once,
application roles and consent with the next token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from urllib.parse import urlsplit

from simtenant.binding import Cmdlet, cmdlets
from simtenant.store import Transaction
from simtenant.wire import Request, parse_moment

APPLICATION = "Application"
PERSON = "Person"
EXCHANGE = "exchange"
GRAPH = "graph"
EXCHANGE_APP_ROLE = "Exchange.ManageAsApp"
GRAPH_APP_ROLE = "Domain.Read.All"
EXCHANGE_SCOPE = "Exchange.Manage"
GRAPH_SCOPE = "Domain.Read.All"

_EXCHANGE_ID = "00000002-0000-0ff1-ce00-000000000000"
_GRAPH_ID = "00000003-0000-0000-c000-000000000000"
_RESOURCES: Mapping[str, str] = MappingProxyType(
    {
        "outlook.office365.com": EXCHANGE,
        "outlook.office365.us": EXCHANGE,
        "outlook-dod.office365.us": EXCHANGE,
        "outlook.office365.cn": EXCHANGE,
        _EXCHANGE_ID: EXCHANGE,
        "graph.microsoft.com": GRAPH,
        "graph.microsoft.us": GRAPH,
        "dod-graph.microsoft.us": GRAPH,
        "microsoftgraph.chinacloudapi.cn": GRAPH,
        _GRAPH_ID: GRAPH,
    }
)
_EVERYTHING = {"Exchange Administrator", "Global Administrator"}
_SECURITY_WRITERS = {"Security Administrator"}
_READERS = {"Security Reader", "Security Administrator", "Global Reader"}
_ONLY_GLOBAL_READER = {"Get-OrganizationConfig", "Get-InboundConnector", "Get-OutboundConnector"}
_DOMAIN_READERS = {"Domain Name Administrator", "Global Reader", "Global Administrator"}
_SECURITY_OBJECTS = {
    "QuarantinePolicy",
    "HostedContentFilterPolicy",
    "HostedContentFilterRule",
    "HostedConnectionFilterPolicy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The application, or the person using one, behind a valid token."""

    client_id: str
    name: str
    grants: frozenset[str]
    """Application roles, or for a person the scopes that were consented to."""
    directory_roles: frozenset[str]
    upn: str | None = None
    """The person's name; None for an application by itself."""

    @property
    def may_use_exchange(self) -> bool:
        """Tell whether the token has a grant for Exchange at all."""
        return (EXCHANGE_APP_ROLE if self.upn is None else EXCHANGE_SCOPE) in self.grants

    @property
    def may_read_domains(self) -> bool:
        """Tell whether Graph shows the caller the tenant's domains."""
        if self.upn is None:
            return GRAPH_APP_ROLE in self.grants
        return GRAPH_SCOPE in self.grants and bool(self.directory_roles & _DOMAIN_READERS)

    def may_run(self, cmdlet: Cmdlet) -> bool:
        """Tell whether a directory role of the caller includes the cmdlet."""
        roles = self.directory_roles
        if roles & _EVERYTHING:
            return True
        if cmdlet.writes:
            return bool(roles & _SECURITY_WRITERS) and cmdlet.object in _SECURITY_OBJECTS
        if cmdlet.name in _ONLY_GLOBAL_READER:
            return "Global Reader" in roles
        return bool(roles & _READERS)

    def allowed(self) -> list[str]:
        """List the cmdlets the caller may run, as the module-file probe tells them."""
        return sorted(cmdlet.name for cmdlet in cmdlets().values() if self.may_run(cmdlet))


class Unauthenticated(Exception):
    """The request carries no usable token; the text says why and holds nothing of the token."""


def digest(secret: str) -> str:
    """Give the digest under which a credential is remembered."""
    return hashlib.sha256(secret.encode()).hexdigest()


def audience(resource: str) -> str | None:
    """Tell which service a resource names, by address or by application id; None for any other."""
    return _RESOURCES.get(urlsplit(resource).hostname or resource.rstrip("/").lower())


def identify(tx: Transaction, request: Request, wanted: str, now: datetime) -> Caller:
    """Find out who is calling; raises Unauthenticated for a missing, unknown, stale or misdirected token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("no bearer token was sent")
    known = tx.secret("access-token", digest(token.strip()))
    if known is None:
        raise Unauthenticated("the token was not issued here")
    if parse_moment(known["expires"]) <= now:
        raise Unauthenticated("the token has expired")
    if known["audience"] != wanted:
        raise Unauthenticated("the audience of the token is another service")
    upn = known.get("upn")
    record = tx.get(APPLICATION, known["client_id"])
    holder = record if upn is None else tx.get(PERSON, upn)
    if record is None or holder is None:
        raise Unauthenticated("the application or the person no longer exists")
    return Caller(
        client_id=known["client_id"],
        name=str(holder.body["display_name"]),
        grants=frozenset(known["roles"]),
        directory_roles=frozenset(holder.body["directory_roles"]),
        upn=upn,
    )
