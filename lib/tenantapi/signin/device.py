"""Sign in a person by device code: a code here, a browser anywhere [facts 1.11: SCUBA, M365, EXOH].

The application must allow public client flows. One sign-in serves Exchange Online and Graph, because a refresh
token of Entra ID is not bound to one service.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tenantapi.errors import NOBODY_TO_ASK
from tenantapi.signin.cachefile import CacheFile
from tenantapi.signin.door import Door
from tenantapi.signin.refusals import NEEDS_A_PERSON, codes_of, not_possible
from tenantapi.tenant import Tenant

if TYPE_CHECKING:
    from msal import PublicClientApplication, SerializableTokenCache

_WAITING = frozenset({"authorization_pending", "slow_down"})


class Device:
    """Get tokens for a person: from what is kept, by its refresh token, or by showing a code.

    ``prompt`` shows a text to the person; without one, nobody is asked and a kept sign-in must do.
    """

    def __init__(
        self,
        tenant: Tenant,
        door: Door,
        *,
        prompt: Callable[[str], None] | None,
        kept: CacheFile | None,
        sleep: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        self._tenant = tenant
        self._door = door
        self._prompt = prompt
        self._kept = kept
        self._sleep = sleep
        self._clock = clock
        self._app: PublicClientApplication | None = None
        self._cache: SerializableTokenCache | None = None

    user: str | None = None
    """The name that the person signed in with, once that is known."""

    def acquire(self, scope: str, *, fresh: bool) -> dict[str, Any]:
        """Return msal's answer, a token or a refusal."""
        app = self._application()
        found = self._silently(app, scope, fresh=fresh)
        if found is None or (self._prompt is not None and NEEDS_A_PERSON.intersection(codes_of(found))):
            found = self._by_code(app, scope)
        if "access_token" in found:
            accounts = app.get_accounts()
            self.user = (accounts[0].get("username") or None) if accounts else None
        self._keep()
        return found

    def forget(self) -> None:
        """Begin anew the next time, with what the file holds."""
        self._app = self._cache = None

    def _application(self) -> PublicClientApplication:
        if self._app is not None:
            return self._app
        from msal import PublicClientApplication, SerializableTokenCache

        self._cache = SerializableTokenCache()
        text = self._kept.load() if self._kept is not None else None
        if text is not None:
            self._cache.deserialize(text)
        self._app = PublicClientApplication(
            self._tenant.client_id,
            authority=f"https://{self._tenant.hosts.login}/{self._tenant.tenant_id}",
            http_client=self._door,
            instance_discovery=False,
            token_cache=self._cache,
        )
        return self._app

    def _silently(self, app: PublicClientApplication, scope: str, *, fresh: bool) -> dict[str, Any] | None:
        accounts = app.get_accounts()
        if not accounts:
            return None
        found = app.acquire_token_silent_with_error([scope], account=accounts[0], force_refresh=fresh)
        return None if found is None else dict(found)

    def _by_code(self, app: PublicClientApplication, scope: str) -> dict[str, Any]:
        if self._prompt is None:
            raise not_possible(
                self._tenant,
                "nobody has signed in yet, and nobody can be asked here.",
                "Sign in once at a terminal, with a file to keep the sign-in in.",
                kind=NOBODY_TO_ASK,
            )
        flow = app.initiate_device_flow(scopes=[scope])
        if "device_code" not in flow or "message" not in flow:
            return dict(flow)
        self._prompt(str(flow["message"]))
        flow["interval"] = max(1, flow["interval"])  # msal would ask without any pause
        end = self._clock() + flow["expires_in"]
        while True:
            self._sleep(float(flow["interval"]))
            flow["latest_attempt_at"] = 0  # the pause was ours; by msal's clock it may have been none
            found = dict(app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True))
            if found.get("error") not in _WAITING or self._clock() >= end:
                return found

    def _keep(self) -> None:
        if self._kept is not None and self._cache is not None and self._cache.has_state_changed:
            self._kept.save(self._cache.serialize())
