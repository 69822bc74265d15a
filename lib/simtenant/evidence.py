"""Whom a request names: the directory of its token, of its path and of its anchor. Never the token itself.

A token of Entra ID names its directory in the claim ``tid``, whoever issued it, so a token of another tenant is
seen as what it is. A token of Cloudflare names nothing; of one that was not issued here nobody can tell more.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass

from simtenant import authz, cloudflare
from simtenant.store import Transaction
from simtenant.wire import Answer, Request

UNKNOWN = "unknown"
"""Stands for the owner of a token that does not tell it and was not issued here."""

_PATHS = (
    re.compile(r"/adminapi/[^/]+/(?P<name>[^/]+)/", re.IGNORECASE),
    re.compile(r"/(?P<name>[^/]+)/(?:oauth2/v2\.0/|v2\.0/\.well-known/)", re.IGNORECASE),
    re.compile(r"/client/v4/accounts/(?P<name>[^/]+)", re.IGNORECASE),
)
_LONGEST = 100
"""A name of a directory is no longer; what is longer comes from nobody's client and is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a request says of its tenant, in three places."""

    token_of: str | None
    path_of: str | None
    anchor_of: str | None


def named(tx: Transaction, request: Request) -> Named:
    """Read whom a request names."""
    found = next((match["name"] for pattern in _PATHS if (match := pattern.match(request.path))), None)
    anchor = request.headers.get("x-anchormailbox")
    return Named(
        token_of=_token_of(tx, request),
        path_of=_short(found),
        anchor_of=None if anchor is None else _short(anchor.rpartition("@")[2]),
    )


def wait_of(answer: Answer | None) -> int | None:
    """Give the seconds that an answer asks its caller to wait."""
    values = [] if answer is None else [value for name, value in answer.headers if name.lower() == "retry-after"]
    return int(values[-1]) if values and values[-1].isascii() and values[-1].isdecimal() else None


def _token_of(tx: Transaction, request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        return None
    if token.count(".") == 2:
        return _short(_claimed(token)) or UNKNOWN
    known = tx.secret("cloudflare-token", authz.digest(token))
    record = None if known is None else tx.get(cloudflare.TOKEN, known["id"])
    return UNKNOWN if record is None else str(record.body["account_id"])


def _claimed(token: str) -> str | None:
    part = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return str(claims["tid"])
    except (ValueError, KeyError, TypeError):
        return None


def _short(name: str | None) -> str | None:
    return None if name is None else name[:_LONGEST]
