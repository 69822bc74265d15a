"""Who may do what: access tokens, application roles, and the cmdlets each directory role may run.

Sources: the ladder 401, 403, 200 and the read roles [G2O; live, DOCS-C]; writers per cmdlet [DOCS]. An
application's roles are ordinary objects of kind ``Application``, so a test takes one away by setting a
property; directory roles count at once, application roles with the next token.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from simtenant import switches
from simtenant.binding import Cmdlet, cmdlets
from simtenant.store import Body, Transaction
from simtenant.wire import Request, moment_text, parse_moment

APPLICATION = "Application"
EXCHANGE = "exchange"
GRAPH = "graph"
EXCHANGE_APP_ROLE = "Exchange.ManageAsApp"
GRAPH_APP_ROLE = "Domain.Read.All"

_AUDIENCES: Mapping[str, str] = {
    EXCHANGE: "https://outlook.office365.com",
    GRAPH: "https://graph.microsoft.com",
}
_EVERYTHING = {"Exchange Administrator", "Global Administrator"}
_SECURITY_WRITERS = {"Security Administrator"}
_READERS = {"Security Reader", "Security Administrator", "Global Reader"}
_ONLY_GLOBAL_READER = {"Get-OrganizationConfig", "Get-InboundConnector"}
_SECURITY_OBJECTS = {
    "QuarantinePolicy",
    "HostedContentFilterPolicy",
    "HostedContentFilterRule",
    "HostedConnectionFilterPolicy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The application behind a valid token."""

    client_id: str
    name: str
    app_roles: frozenset[str]
    directory_roles: frozenset[str]

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


def issue(tx: Transaction, application: Body, audience: str, tenant_id: str, now: datetime) -> tuple[str, int]:
    """Make an access token and give it with its lifetime in seconds.

    It has the three parts of a JWT so that clients may look into it; its signature is random and proves
    nothing.
    """
    lifetime = switches.number(tx, "token_lifetime_seconds")
    roles = sorted(set(application["app_roles"]) & {_role_for(audience)})
    claims = {
        "aud": _AUDIENCES[audience],
        "iss": f"https://sts.windows.net/{tenant_id}/",
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int(now.timestamp()) + lifetime,
        "appid": application["client_id"],
        "app_displayname": application["display_name"],
        "idtyp": "app",
        "roles": roles,
        "tid": tenant_id,
        "uti": secrets.token_urlsafe(16),
        "ver": "1.0",
    }
    parts = (_part({"typ": "JWT", "alg": "none"}), _part(claims), secrets.token_urlsafe(32))
    token = ".".join(parts)
    known = {
        "client_id": application["client_id"],
        "audience": audience,
        "roles": roles,
        "expires": moment_text(now + timedelta(seconds=lifetime)),
    }
    tx.put_secret("access-token", digest(token), known)
    return token, lifetime


def identify(tx: Transaction, request: Request, audience: str, now: datetime) -> Caller:
    """Find out who is calling; raises Unauthenticated for a missing, unknown, stale or misdirected token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("no bearer token was sent")
    known = tx.secret("access-token", digest(token.strip()))
    if known is None:
        raise Unauthenticated("the token was not issued here")
    if parse_moment(known["expires"]) <= now:
        raise Unauthenticated("the token has expired")
    if known["audience"] != audience:
        raise Unauthenticated("the audience of the token is another service")
    record = tx.get(APPLICATION, known["client_id"])
    if record is None:
        raise Unauthenticated("the application no longer exists")
    return Caller(
        client_id=known["client_id"],
        name=str(record.body["display_name"]),
        app_roles=frozenset(known["roles"]),
        directory_roles=frozenset(record.body["directory_roles"]),
    )


def _role_for(audience: str) -> str:
    return EXCHANGE_APP_ROLE if audience == EXCHANGE else GRAPH_APP_ROLE


def _part(value: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
