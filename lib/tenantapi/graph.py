"""Ask Microsoft Graph which MX record a domain is expected to have.

``GET /v1.0/domains`` and its ``serviceConfigurationRecords`` [GRAPHMETA v1.0; Graph reference; facts 4]. The
application needs ``Domain.Read.All``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urlsplit

from tenantapi.calls import Answer, Fault
from tenantapi.errors import MalformedAnswerError, NotFoundError
from tenantapi.failures import require_confirmed
from tenantapi.grants import Grants
from tenantapi.http import Http
from tenantapi.tenant import Secret, Tenant
from tenantapi.tokens import Tokens

_SERVICE: Final = "Microsoft Graph"
_PAGE_CAP: Final = 100
_MX: Final = "#microsoft.graph.domainDnsMxRecord"
_REMEDIES: Final = {
    401: "Check tenant_id, client_id and the cloud of this tenant.",
    403: "Grant the application the permission Domain.Read.All with an administrator's consent.",
    404: "Check the name, and that the domain was added to this Microsoft 365 tenant.",
}


class GraphClient:
    """Read the domains of one Microsoft 365 tenant. Every function raises an ``ApiError``."""

    def __init__(self, http: Http, tenant: Tenant, tokens: Tokens) -> None:
        self._http = http
        self._tenant = tenant
        self._tokens = tokens
        self._host = tenant.hosts.graph
        self._root = f"https://{self._host}/v1.0/domains"

    def domain(self, name: str) -> dict[str, Any] | None:
        """Return a domain of the tenant, or None when the service says that there is none.

        Only the service's own ``Request_ResourceNotFound`` counts as that; any other 404 is a
        ``NotFoundError``.
        """
        try:
            answer = self._get(f"{self._root}/{_segment(name)}", "GET domain")
        except NotFoundError as error:
            if error.kind == "Request_ResourceNotFound":
                return None
            raise
        row = answer.object()
        if str(row.get("id", "")).lower() != name.strip().lower():
            raise answer.malformed(f"it is about {row.get('id')!r}, not {name!r}")
        return row

    def service_records(self, name: str) -> tuple[dict[str, Any], ...]:
        """Return the DNS records that Microsoft 365 expects for a domain, of all types and services."""
        url = f"{self._root}/{_segment(name)}/serviceConfigurationRecords"
        return tuple(row for _, page in self._pages(url, "GET serviceConfigurationRecords") for row in page)

    def expected_mx(self, name: str) -> str | None:
        """Return the host that mail for a domain is to be sent to, or None when no mail record is expected.

        It is read, never made from the domain's name: newer hosts end in ``mx.microsoft`` [CIPP]. Two
        different hosts, or a mail record of an unknown sort, are a ``MalformedAnswerError``.
        """
        url = f"{self._root}/{_segment(name)}/serviceConfigurationRecords"
        hosts: set[str] = set()
        for answer, page in self._pages(url, "GET serviceConfigurationRecords"):
            hosts.update(_mail_host(answer, row) for row in page if _is_mail_exchanger(answer, row))
        if len(hosts) > 1:
            raise MalformedAnswerError(
                f"{self._tenant.name}, domain {name} is given {len(hosts)} mail hosts: {', '.join(sorted(hosts))}.",
                remedy="Look at the domain's records in the Microsoft 365 admin center and decide by hand.",
                service=_SERVICE,
            )
        return next(iter(hosts), None)

    def grants(self) -> Grants | None:
        """Return what the token for Graph says about this identity, or None when it cannot be read.

        It signs in if need be, and asks nothing of Graph itself.
        """
        require_confirmed(self._tenant, _SERVICE)
        return self._tokens.grants(f"https://{self._host}/.default")

    def _pages(self, url: str, operation: str) -> Iterator[tuple[Answer, list[dict[str, Any]]]]:
        seen = {url}
        for _ in range(_PAGE_CAP):
            answer = self._get(url, operation)
            body = answer.object()
            rows = body.get("value")
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise answer.malformed("it holds no list of rows")
            yield answer, rows
            link = body.get("@odata.nextLink")
            if link is None:
                return
            if not isinstance(link, str) or not self._is_ours(link):
                raise answer.malformed("the next page lies at another host")
            if link in seen:
                raise answer.malformed("the next page is one that was read before")
            seen.add(link)
            url = link
        raise answer.malformed(f"the list does not end within {_PAGE_CAP} pages")

    def _is_ours(self, link: str) -> bool:
        try:
            parts = urlsplit(link)
            return parts.scheme == "https" and parts.netloc.lower() == self._host
        except ValueError:
            return False

    def _get(self, url: str, operation: str) -> Answer:
        require_confirmed(self._tenant, _SERVICE)

        def send(bearer: Secret) -> Answer:
            return self._http.request(
                "GET", url, service=_SERVICE, operation=operation, safe=True, bearer=bearer, explain=_explain
            )

        return self._tokens.authorised(f"https://{self._host}/.default", send)


def _segment(name: str) -> str:
    text = name.strip().lower()
    if not text.strip("."):
        raise ValueError(f"{name!r} is not the name of a domain. Nothing was sent.")
    return quote(text, safe="")


def _is_mail_exchanger(answer: Answer, row: dict[str, Any]) -> bool:
    if row.get("supportedService") != "Email":
        return False
    sort = row.get("@odata.type")
    if sort is None and str(row.get("recordType", "")).lower() == "mx":
        # Passing over it would read as "no mail record", which is something else.
        raise answer.malformed("a mail record does not say of which type it is")
    return sort == _MX


def _mail_host(answer: Answer, row: dict[str, Any]) -> str:
    host = row.get("mailExchange")
    if not isinstance(host, str) or not host.strip("."):
        raise answer.malformed("a mail record names no host")
    return host.rstrip(".").lower()


def _explain(answer: Answer) -> Fault:
    """Read ``error.code`` and ``error.message`` [Graph reference]."""
    remedy = _REMEDIES.get(answer.status, "")
    try:
        error = answer.object().get("error")
    except MalformedAnswerError:
        error = None
    if not isinstance(error, dict):
        return Fault(remedy=remedy)
    kind = error.get("code")
    kind = kind if isinstance(kind, str) else None
    text = f"{kind}: {error.get('message', 'no message')}" if kind else str(error.get("message", ""))
    return Fault(text=text, kind=kind, remedy=remedy)
