"""Get tokens from Entra ID with msal, over the tenant's own session.

App-only sign-in with a client secret [facts 1.11: CIPP-EXO, SCUBA, EXOH]. Tokens live in memory only.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from tenantapi.calls import Answer, Fault
from tenantapi.errors import ApiError, MalformedAnswerError, SignInError, TenantMismatchError, UnauthorizedError
from tenantapi.http import Http
from tenantapi.tenant import Secret, Tenant, concealed, is_header_safe, same_vendor

if TYPE_CHECKING:
    from msal import ConfidentialClientApplication

_SERVICE: Final = "Entra ID"

# Codes named in facts 1.11 [CIPP-API Get-NormalizedError and second-hand]; wording and advice are ours.
_REMEDIES: Final = {
    7000215: "The client secret is wrong. Store the secret's value, not its id, and mind a stray blank.",
    7000222: "The client secret has expired. Make a new one in the app registration and store its value.",
    700016: "This directory does not know the application. Check client_id and tenant_id, and that the app "
    "was consented to in this directory.",
    90002: "There is no such directory. Check tenant_id, and that the cloud is the right one.",
    65001: "Nobody has consented to the application's permissions. Let an administrator grant consent.",
    53003: "A conditional access policy blocks this sign-in. Exempt the workload identity or its location.",
    50034: "The account does not exist in this directory. Check tenant_id and the account.",
    50049: "The cloud does not know this directory. Check the cloud of the tenant.",
    500011: "The service has no account in this directory. Check that the tenant holds a plan with it.",
    700027: "The certificate does not belong to the application. Upload it to the app registration.",
    7000112: "The application is disabled. Enable its enterprise application in this directory.",
}
_OTHERWISE: Final = "Look the number up at https://login.microsoftonline.com/error and correct the app registration."


class Tokens:
    """Hold one tenant's tokens: one sign-in per scope, repeated when msal finds a token near its end."""

    def __init__(self, tenant: Tenant, http: Http) -> None:
        self._tenant = tenant
        self._door = _Door(http, tenant, self._refusal)
        self._app: ConfidentialClientApplication | None = None

    def bearer(self, scope: str) -> Secret:
        """Return a token for a scope such as ``https://graph.microsoft.com/.default``.

        Raises ``SignInError`` with the AADSTS codes when Entra ID refuses, the network's errors as they are,
        and ``TenantMismatchError`` when the token says that it belongs to another directory.
        """
        found = self._acquire(scope)
        if "access_token" not in found:
            self._app = None  # msal would answer the same refusal from its cache for a minute, mended or not
            raise self._refusal(found)
        token = found["access_token"]
        if not isinstance(token, str) or not is_header_safe(token):
            self._app = None
            raise self._unreadable("its token is not one line of plain text")
        bearer = Secret(token)
        named = token_tenant(bearer)
        if named is not None and named.lower() != self._tenant.tenant_id.lower():
            raise TenantMismatchError(
                f"Tenant {self._tenant.name} is {self._tenant.tenant_id}, but the token belongs to {named}. "
                "Nothing was sent with it.",
                remedy="This library or the sign-in service is at fault. Do not repeat the run.",
                service=_SERVICE,
            )
        return bearer

    def renew(self, scope: str) -> Secret:
        """Forget every token of this tenant and return a fresh one."""
        if self._app is not None:
            self._app.remove_tokens_for_client()
        return self.bearer(scope)

    def authorised(self, scope: str, send: Callable[[Secret], Answer]) -> Answer:
        """Send a call with a token, and once more with a fresh one when the service answers 401.

        A 401 is said before any work is done, so that this holds for writes too. The second 401 is raised.
        """
        try:
            return send(self.bearer(scope))
        except UnauthorizedError:
            return send(self.renew(scope))

    def _acquire(self, scope: str) -> dict[str, Any]:
        secret = self._tenant.client_secret
        if secret is None:
            raise SignInError(
                f"Tenant {self._tenant.name} has no client secret for application {self._tenant.client_id}.",
                remedy="Set AZURE_CLIENT_SECRET, or name the credential in the tenant's description.",
                service=_SERVICE,
            )
        self._door.failure = None
        try:
            if self._app is None:
                self._app = self._application(secret)
            return dict(self._app.acquire_token_for_client(scopes=[scope]))
        except ApiError:
            raise
        except Exception as cause:
            # msal reads the answers as it goes, and any fault in them comes out as whatever the reading raised.
            # It also rewords a ValueError of ours, such as one raised by the observer of calls.
            self._app = None
            if self._door.failure is not None:
                raise self._door.failure from None
            raise self._unreadable(f"msal could not read it ({type(cause).__name__})") from cause

    def _application(self, secret: Secret) -> ConfidentialClientApplication:
        from msal import (
            ConfidentialClientApplication,
        )  # costs a fifth of a second, and not every run signs in

        return ConfidentialClientApplication(
            self._tenant.client_id,
            client_credential=secret.reveal(),
            authority=f"https://{self._tenant.hosts.login}/{self._tenant.tenant_id}",
            http_client=self._door,
            instance_discovery=False,  # the login host comes from our own table
        )

    def _unreadable(self, why: str) -> MalformedAnswerError:
        return MalformedAnswerError(
            f"Tenant {self._tenant.name}: the sign-in service answered something that is no token: {why}.",
            remedy="Check the tenant id and the cloud, and repeat later.",
            service=_SERVICE,
        )

    def _refusal(self, found: Mapping[str, Any]) -> SignInError:
        text = str(found.get("error_description") or found.get("error") or "no reason given")
        codes = _codes(found.get("error_codes"), text)
        secrets = [self._tenant.client_secret] if self._tenant.client_secret else []
        said = concealed(" ".join(text.split()), secrets)
        return SignInError(
            f"Tenant {self._tenant.name}, application {self._tenant.client_id}: {said.rstrip('.')}.",
            remedy=next((_REMEDIES[code] for code in codes if code in _REMEDIES), _OTHERWISE),
            service=_SERVICE,
            status=found.get("status"),
            request_id=_text(found.get("trace_id")),
            kind=_text(found.get("error")),
            codes=codes,
        )


def token_tenant(bearer: Secret) -> str | None:
    """Return the directory a token says it belongs to (claim ``tid``), or None when it is not readable.

    The signature is not checked: this guards against mixing up our own tokens, not against forgery.
    """
    try:
        payload = bearer.reveal().split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        tenant = claims["tid"]
    except (IndexError, KeyError, TypeError, ValueError):
        return None
    return tenant if isinstance(tenant, str) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _codes(listed: object, text: str) -> tuple[int, ...]:
    if isinstance(listed, list) and listed and all(isinstance(code, int) for code in listed):
        return tuple(listed)
    return tuple(dict.fromkeys(int(code) for code in re.findall(r"AADSTS(\d+)", text)))


class _Door:
    """Be the ``http_client`` that msal asks for, and send its calls by the way of all others."""

    def __init__(self, http: Http, tenant: Tenant, refusal: Callable[[Mapping[str, Any]], SignInError]) -> None:
        self._http = http
        self._tenant = tenant
        self._refusal = refusal
        self.failure: Exception | None = None
        """What the last call raised, for msal does not let every exception pass as it is."""

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> _Reply:
        answer = self._send("GET", url, "read sign-in addresses", params=params, headers=headers)
        if answer.status >= 400:
            # msal would say no more than that the authority is wrong; the number is in the body.
            raise self._refusal({**answer.object(), "status": answer.status})
        return _Reply(answer)

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> _Reply:
        return _Reply(self._send("POST", url, "sign in", params=params, headers=headers, form=data))

    def close(self) -> None:
        """Leave the session open: it is not msal's."""

    def _send(self, method: str, url: str, operation: str, **parts: Any) -> Answer:
        if not same_vendor(urlsplit(url).hostname or "", self._tenant.hosts.login):
            raise MalformedAnswerError(
                f"{self._tenant.name}: the sign-in service names an address that is not its own: "
                f"{url.partition('?')[0]}. "
                "The client secret was not sent there.",
                remedy="Check that nothing stands between this machine and the sign-in service.",
                service=_SERVICE,
            )
        try:
            answer = self._http.request(
                method,
                url,
                service=_SERVICE,
                operation=operation,
                safe=True,  # asking twice for a token changes nothing
                tolerate=(400, 401),
                explain=_explain,
                **parts,
            )
        except Exception as error:
            self.failure = error
            raise
        answer.object()  # msal would write a body that is not JSON into the log
        return answer


def _explain(answer: Answer) -> Fault:
    return Fault(text=f"{urlsplit(answer.order.url).hostname} did not sign this application in")


class _Reply:
    """Show an answer the way msal reads one."""

    def __init__(self, answer: Answer) -> None:
        self.status_code = answer.status
        self.headers = dict(answer.headers)
        self.text = answer.body.decode("utf-8-sig")

    def raise_for_status(self) -> None:
        """Do nothing: a failed status never comes this far."""
