"""Sign-in of a person by device code, and the refresh tokens that come of it.

Flow and error words are those of the OAuth device grant as Entra ID documents it; msal goes by the words. The
person at the browser is played by the control endpoint ``/_sim/device``. Numbers: assumption ``aadsts-codes``.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from simtenant import authz, switches
from simtenant.aadsts import RefusedError
from simtenant.store import Body, Transaction
from simtenant.wire import moment_text, parse_moment

GRANTS = ("urn:ietf:params:oauth:grant-type:device_code", "device_code")
ACTIONS = ("approve", "decline")

_LIFETIME = timedelta(minutes=15)
_REFRESH_LIFETIME = timedelta(days=90)
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ23456789"
_PAGE = "https://microsoft.com/devicelogin"


def begin(tx: Transaction, application: Mapping[str, Any], scope: str, now: datetime) -> Body:
    """Start a sign-in: what the device shows, and the code it polls with."""
    user_code = "".join(secrets.choice(_LETTERS) for _ in range(9))
    device_code = secrets.token_urlsafe(48)
    tx.put_secret("device-code", authz.digest(device_code), {"user_code": user_code})
    waiting = {
        "client_id": application["client_id"],
        "scope": scope,
        "state": "pending",
        "expires": moment_text(now + _LIFETIME),
    }
    tx.set_setting(f"device:{user_code}", waiting)
    return {
        "user_code": user_code,
        "device_code": device_code,
        "verification_uri": _PAGE,
        "expires_in": int(_LIFETIME.total_seconds()),
        # Never 0: msal would then poll without a pause and never ask whether to stop.
        "interval": max(1, switches.number(tx, "device_interval_seconds")),
        "message": f"To sign in, use a web browser to open the page {_PAGE} and enter the code {user_code}.",
    }


def decide(tx: Transaction, user_code: object, action: object, upn: object) -> None:
    """Play the person who enters the code; raises ValueError naming what is wrong."""
    waiting = tx.setting(f"device:{user_code}")
    if waiting is None:
        raise ValueError(f"no sign-in waits for the code {user_code!r}")
    if action not in ACTIONS:
        raise ValueError(f"action is one of {', '.join(ACTIONS)}, not {action!r}")
    people = [str(person.body["upn"]) for person in tx.all(authz.PERSON)]
    if action == "approve" and upn not in people:
        raise ValueError(f"user is one of {', '.join(people)}, not {upn!r}")
    changed = {"state": "approved", "upn": upn} if action == "approve" else {"state": "declined"}
    tx.set_setting(f"device:{user_code}", {**waiting, **changed})


def poll(tx: Transaction, form: Mapping[str, str], client_id: str, now: datetime) -> tuple[str, str]:
    """Give who has signed in and the scope that was asked for; raises RefusedError while nobody has."""
    code = form.get("device_code") or form.get("code") or ""
    known = tx.secret("device-code", authz.digest(code))
    waiting = tx.setting(f"device:{known['user_code']}") if known is not None else None
    if known is None or waiting is None or waiting["client_id"] != client_id or waiting["state"] == "used":
        raise RefusedError(70018, "bad_verification_code", "The device code is not valid.")
    if parse_moment(waiting["expires"]) <= now:
        raise RefusedError(70020, "expired_token", "The device code has expired.")
    if waiting["state"] == "pending":
        raise RefusedError(70016, "authorization_pending", "The person has not signed in yet. Keep polling.")
    if waiting["state"] == "declined":
        raise RefusedError(70017, "authorization_declined", "The person declined the sign-in.")
    return str(waiting["upn"]), str(waiting["scope"])


def close(tx: Transaction, form: Mapping[str, str]) -> None:
    """Mark a device code as used, once its tokens were given."""
    known = tx.secret("device-code", authz.digest(form.get("device_code") or form.get("code") or ""))
    if known is not None:
        name = f"device:{known['user_code']}"
        tx.set_setting(name, {**tx.setting(name), "state": "used"})


def refresh_token(tx: Transaction, client_id: str, upn: str, now: datetime) -> str:
    """Make a refresh token; it is good for every service, for ninety days without use."""
    token = secrets.token_urlsafe(64)
    known = {"client_id": client_id, "upn": upn, "expires": moment_text(now + _REFRESH_LIFETIME)}
    tx.put_secret("refresh-token", authz.digest(token), known)
    return token


def refreshed(tx: Transaction, form: Mapping[str, str], client_id: str, now: datetime) -> str:
    """Give the person a refresh token belongs to; raises RefusedError."""
    known = tx.secret("refresh-token", authz.digest(form.get("refresh_token", "")))
    if known is None or known["client_id"] != client_id:
        raise RefusedError(9002313, "invalid_grant", "The refresh token is not valid.")
    if parse_moment(known["expires"]) <= now:
        raise RefusedError(700082, "invalid_grant", "The refresh token has expired due to inactivity.")
    return str(known["upn"])
