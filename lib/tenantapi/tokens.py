"""Hold the tokens of one tenant: signed in for on demand by the tenant's own way, checked, renewed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from tenantapi.calls import Answer
from tenantapi.errors import ApiError, MalformedAnswerError, UnauthorizedError
from tenantapi.grants import Grants, read_grants
from tenantapi.http import Http
from tenantapi.isolation import check_token
from tenantapi.signin.application import Application
from tenantapi.signin.cachefile import CacheFile
from tenantapi.signin.device import Device
from tenantapi.signin.door import Door, MachineDoor
from tenantapi.signin.machine import Machine
from tenantapi.signin.refusals import refused
from tenantapi.tenant import Secret, Tenant, is_header_safe

_SERVICE: Final = "Entra ID"
_HELD_SECONDS: Final = 60.0
"""How long a token is used without asking msal, which searches its cache for it at every call."""
_RENEWED_SECONDS: Final = 300
"""A token with less than that to live is msal's to renew [msal 1.39, application.py]."""


class Way(Protocol):
    """Be one way of signing in."""

    @property
    def user(self) -> str | None:
        """Return the name of the person signed in, or None for an application or a machine."""

    def acquire(self, scope: str, *, fresh: bool) -> dict[str, Any]:
        """Return msal's answer, a token or a refusal."""

    def forget(self) -> None:
        """Begin anew the next time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    since: float
    until: float
    token: Secret


class Tokens:
    """Hold one tenant's tokens: one sign-in per scope, repeated when msal finds a token near its end.

    They live in memory. ``token_cache`` names a file for the sign-in of a person, used for device codes
    alone and never for two tenants. ``prompt`` shows the person where to enter the code.
    """

    def __init__(
        self,
        tenant: Tenant,
        http: Http,
        *,
        prompt: Callable[[str], None] | None = None,
        token_cache: Path | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._tenant = tenant
        self._door = MachineDoor(http, tenant) if tenant.sign_in == "managed-identity" else Door(http, tenant)
        self._way = self._chosen(prompt, token_cache, sleep, clock)
        self._clock = clock
        self._held: dict[str, _Held] = {}

    @property
    def user(self) -> str | None:
        """Return the name of the person signed in; None for an application, and before the first token."""
        return self._way.user

    def bearer(self, scope: str) -> Secret:
        """Return a token for a scope such as ``https://graph.microsoft.com/.default``.

        Raises ``SignInError`` with the AADSTS codes when Entra ID refuses, the network's errors as they are,
        and ``TenantMismatchError`` when the token says that it belongs to another directory.
        """
        held = self._held.get(scope)
        if held is not None and held.since <= self._clock() < held.until:
            return held.token
        return self._bearer(scope, fresh=False)

    def renew(self, scope: str) -> Secret:
        """Return a fresh token, whatever is known."""
        return self._bearer(scope, fresh=True)

    def grants(self, scope: str) -> Grants | None:
        """Return what the token for a scope says about its bearer, or None when it cannot be read.

        Raises what :meth:`bearer` raises.
        """
        return read_grants(self.bearer(scope))

    def authorised(self, scope: str, send: Callable[[Secret], Answer]) -> Answer:
        """Send a call with a token, and once more with a fresh one when the service answers 401.

        A 401 is said before any work is done, so that this holds for writes too. The second 401 is raised.
        """
        try:
            return send(self.bearer(scope))
        except UnauthorizedError:
            return send(self.renew(scope))

    def _chosen(
        self,
        prompt: Callable[[str], None] | None,
        token_cache: Path | None,
        sleep: Callable[[float], None],
        clock: Callable[[], float],
    ) -> Way:
        tenant, door = self._tenant, self._door
        if isinstance(door, MachineDoor):
            return Machine(tenant, door)
        if tenant.sign_in == "device-code":
            kept = None if token_cache is None else CacheFile(token_cache, tenant)
            return Device(tenant, door, prompt=prompt, kept=kept, sleep=sleep, clock=clock)
        return Application(tenant, door, clock=clock)

    def _bearer(self, scope: str, *, fresh: bool) -> Secret:
        self._held.pop(scope, None)
        found = self._acquire(scope, fresh=fresh)
        if "access_token" not in found:
            self._way.forget()
            raise refused(self._tenant, found, self._door.secrets())
        token = found["access_token"]
        if not isinstance(token, str) or not is_header_safe(token):
            self._way.forget()
            raise self._unreadable("its token is not one line of plain text")
        bearer = Secret(token)
        check_token(self._tenant, bearer)
        now, lives = self._clock(), found.get("expires_in")
        seconds = min(_HELD_SECONDS, lives - _RENEWED_SECONDS) if isinstance(lives, int) else 0.0
        self._held[scope] = _Held(since=now, until=now + seconds, token=bearer)
        return bearer

    def _acquire(self, scope: str, *, fresh: bool) -> dict[str, Any]:
        self._door.failure = None
        try:
            return self._way.acquire(scope, fresh=fresh)
        except ApiError:
            raise
        except Exception as cause:
            # msal reads the answers as it goes, and any fault in them comes out as whatever the reading raised.
            # It also rewords a ValueError of ours, such as one raised by the observer of calls.
            self._way.forget()
            if self._door.failure is not None:
                raise self._door.failure from None
            raise self._unreadable(f"msal could not read it ({type(cause).__name__})") from cause

    def _unreadable(self, why: str) -> MalformedAnswerError:
        return MalformedAnswerError(
            f"Tenant {self._tenant.name}: the sign-in service answered something that is no token: {why}.",
            remedy="Check the tenant id and the cloud, and repeat later.",
            service=_SERVICE,
        )
