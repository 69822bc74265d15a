"""Access tokens and ID tokens: opaque to the services here, readable to whoever looks inside.

A token has the three parts of a JWT; its signature is random and proves nothing, for the services know a token
by its digest. Claims follow the documented token reference; the identifiers of directory roles in ``wids`` are
the public template ids (assumption ``token-claims``).
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from simtenant import authz, switches
from simtenant.directory import stable_guid
from simtenant.store import Body, Transaction
from simtenant.wire import moment_text

_ADDRESSES: Mapping[str, str] = {
    authz.EXCHANGE: "https://outlook.office365.com",
    authz.GRAPH: "https://graph.microsoft.com",
}
# Application permissions of Exchange begin like this; all others here are Graph's.
_EXCHANGE_PERMISSIONS = ("Exchange.", "AdminAPI.", "full_access_as_app")
_ROLE_TEMPLATES: Mapping[str, str] = {
    "Global Administrator": "62e90394-69f5-4237-9190-012177145e10",
    "Exchange Administrator": "29232cdf-9323-42fd-ade2-1d097af3e4de",
    "Security Administrator": "194ae4cb-b126-40b2-bd5b-6091b380977d",
    "Security Reader": "5d6b6bb7-de71-4623-b4af-96380a352509",
    "Global Reader": "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
    "Domain Name Administrator": "8329153b-31d0-4727-b945-745eb3bc5f31",
}


def for_application(tx: Transaction, application: Body, audience: str, now: datetime) -> tuple[str, int]:
    """Make a token of an application by itself and give it with its lifetime in seconds."""
    of_exchange = audience == authz.EXCHANGE
    roles = sorted(role for role in application["app_roles"] if role.startswith(_EXCHANGE_PERMISSIONS) == of_exchange)
    own = {
        "app_displayname": application["display_name"],
        "idtyp": "app",
        "oid": stable_guid("ServicePrincipal", str(application["client_id"])),
        "roles": roles,
        "wids": _templates(application["directory_roles"]),
    }
    return _issue(tx, application, audience, own, {"roles": roles}, now)


def for_person(
    tx: Transaction, application: Body, person: Body, audience: str, scopes: Iterable[str], now: datetime
) -> tuple[str, int]:
    """Make a token of a person who uses an application and give it with its lifetime in seconds."""
    granted = sorted(scopes)
    own = {
        "name": person["display_name"],
        "idtyp": "user",
        "oid": object_id(person),
        "scp": " ".join(granted),
        "upn": person["upn"],
        "unique_name": person["upn"],
        "wids": _templates(person["directory_roles"]),
    }
    return _issue(tx, application, audience, own, {"roles": granted, "upn": person["upn"]}, now)


def id_token(tx: Transaction, application: Body, person: Body, now: datetime) -> str:
    """Make the token that tells a client who signed in."""
    claims = {
        "aud": application["client_id"],
        "name": person["display_name"],
        "oid": object_id(person),
        "preferred_username": person["upn"],
        "sub": stable_guid("Subject", str(person["upn"]), str(application["client_id"])),
        "ver": "2.0",
    }
    return _sealed({**_frame(tx, now, switches.number(tx, "token_lifetime_seconds")), **claims})


def client_info(tx: Transaction, person: Body) -> str:
    """Give what msal makes its account identifier from."""
    return _part({"uid": object_id(person), "utid": tx.setting("tenant_id")})


def object_id(person: Body) -> str:
    """Give the directory's identifier of a person."""
    return stable_guid("Person", str(person["upn"]))


def _issue(tx: Transaction, application: Body, audience: str, own: Body, known: Body, now: datetime) -> tuple[str, int]:
    lifetime = switches.number(tx, "token_lifetime_seconds")
    claims = {"aud": _ADDRESSES[audience], "appid": application["client_id"], "uti": secrets.token_urlsafe(16)}
    token = _sealed({**_frame(tx, now, lifetime), **claims, **own, "ver": "1.0"})
    remembered = {
        "client_id": application["client_id"],
        "audience": audience,
        "expires": moment_text(now + timedelta(seconds=lifetime)),
        **known,
    }
    tx.put_secret("access-token", authz.digest(token), remembered)
    return token, lifetime


def _frame(tx: Transaction, now: datetime, lifetime: int) -> dict[str, Any]:
    moment, tenant = int(now.timestamp()), str(tx.setting("tenant_id"))
    times = {"iat": moment, "nbf": moment, "exp": moment + lifetime}
    return {"iss": f"https://sts.windows.net/{tenant}/", "tid": tenant, **times}


def _templates(roles: Iterable[str]) -> list[str]:
    return [_ROLE_TEMPLATES[role] for role in roles if role in _ROLE_TEMPLATES]


def _sealed(claims: Mapping[str, object]) -> str:
    return ".".join((_part({"typ": "JWT", "alg": "none"}), _part(claims), secrets.token_urlsafe(32)))


def _part(value: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
