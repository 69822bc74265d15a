"""Carry msal's calls over the session of the tenant, so that they are timed, told and refused like all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from tenantapi.calls import Answer, Fault
from tenantapi.clouds import same_vendor
from tenantapi.errors import MalformedAnswerError
from tenantapi.http import Http
from tenantapi.signin.refusals import refused
from tenantapi.tenant import Secret, Tenant

_SERVICE: Final = "Entra ID"


class Door:
    """Be the ``http_client`` that msal asks for, and lead to the sign-in host of the tenant's cloud alone."""

    def __init__(self, http: Http, tenant: Tenant) -> None:
        self._http = http
        self._tenant = tenant
        self.failure: Exception | None = None
        """What the last call raised, for msal does not let every exception pass as it is."""

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> Reply:
        """Read the addresses of the sign-in service."""
        self._check_host(url)
        answer = self._send("GET", url, "read sign-in addresses", params=params, headers=headers)
        if answer.status >= 400:
            # msal would say no more than that the authority is wrong; the number is in the body.
            raise refused(self._tenant, {**answer.object(), "status": answer.status}, self.secrets())
        return Reply(answer)

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> Reply:
        """Ask for a token, or for a device code."""
        self._check_host(url)
        # msal leaves it to requests to drop what is None; an assertion comes as bytes.
        form = {
            name: value.decode() if isinstance(value, bytes) else str(value)
            for name, value in (data or {}).items()
            if value is not None
        }
        return Reply(self._send("POST", url, "sign in", params=params, headers=headers, form=form))

    def secrets(self) -> tuple[Secret, ...]:
        """Return what was sent so far and must not be repeated to anybody."""
        return self._http.secrets()

    def close(self) -> None:
        """Leave the session open: it is not msal's."""

    def _check_host(self, url: str) -> None:
        if same_vendor(urlsplit(url).hostname or "", self._tenant.hosts.login):
            return
        raise MalformedAnswerError(
            f"{self._tenant.name}: the sign-in service names an address that is not its own: "
            f"{url.partition('?')[0]}. "
            "No credential was sent there.",
            remedy="Check that nothing stands between this machine and the sign-in service.",
            service=_SERVICE,
        )

    def _send(self, method: str, url: str, operation: str, **parts: Any) -> Answer:
        try:
            answer = self._http.request(
                method,
                url,
                service=_SERVICE,
                operation=operation,
                safe=True,  # asking twice for a token changes nothing
                explain=_explain,
                **{"tolerate": (400, 401)} | parts,
            )
        except Exception as error:
            self.failure = error
            raise
        answer.object()  # msal would write a body that is not JSON into the log
        return answer


class MachineDoor(Door):
    """Lead to the metadata service of the machine, unencrypted and past any proxy, and nowhere else.

    The service is at a link-local address on virtual machines and at a local one in App Service [msal 1.39;
    Microsoft identity platform, "How to use managed identities on a VM"]. It answers only those on the machine.
    """

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> Reply:
        """Ask the machine for a token; a refusal is given to msal, which knows its shapes."""
        refusals = (400, 401, 403, 404)
        return Reply(self._send("GET", url, "sign in", params=params, headers=headers, nearby=True, tolerate=refusals))


def _explain(answer: Answer) -> Fault:
    return Fault(text=f"{urlsplit(answer.order.url).hostname} did not sign this application in")


class Reply:
    """Show an answer the way msal reads one."""

    def __init__(self, answer: Answer) -> None:
        self.status_code = answer.status
        self.headers = dict(answer.headers)
        self.text = answer.body.decode("utf-8-sig")

    def raise_for_status(self) -> None:
        """Do nothing: a failed status never comes this far."""
