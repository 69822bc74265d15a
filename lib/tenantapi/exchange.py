"""Run cmdlets of Exchange Online through its ``InvokeCommand`` address.

The address is not documented for third parties; the wire follows public clients and captures [CIPP-EXO, G2O,
PYC, CAP; facts 1]. Signing in as an application needs the app role ``Exchange.ManageAsApp`` and a directory
role [G2O live].
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from tenantapi import envelope
from tenantapi.calls import Answer
from tenantapi.clouds import same_vendor
from tenantapi.errors import InvalidRequestError
from tenantapi.failures import refusal, require_confirmed
from tenantapi.grants import Grants
from tenantapi.http import Http
from tenantapi.tenant import Secret, Tenant
from tenantapi.tokens import Tokens

_SERVICE: Final = "Exchange Online"
_PAGE_CAP: Final = 100
# The system mailbox that stands for the organisation when an application calls [CIPP-EXO, PYC].
_ANCHOR: Final = "APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{tenant_id}"
_USER_ANCHOR: Final = "UPN:"  # [CIPP-EXO, MOD]
# Those of our cmdlets that take ResultSize [DOCS]; "Unlimited" avoids pages altogether [G2O].
_LIST_CHANGE: Final = "#Exchange.GenericHashTable"  # [CIPP ConvertTo-CIPPExoHashtable, EXOH; facts 1.2]
_HAVE_RESULT_SIZE: Final = frozenset({"get-transportrule", "get-accepteddomain", "get-inboundconnector"})
# The service ignores which module version asks; it only wants the parameter [facts 1.1, value open].
_MODULE_VERSION: Final = "3.0.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Hold what a cmdlet gave back: its rows without type annotations, and its warnings."""

    rows: tuple[dict[str, Any], ...]
    warnings: tuple[str, ...]


def list_change(*, add: Collection[str] = (), remove: Collection[str] = ()) -> dict[str, Any]:
    """Return a parameter's value that changes a list in place: PowerShell's ``@{Add=…; Remove=…}`` on the wire.

    Raises ValueError when nothing is to be put in or taken out: such a value would clear the list [CIPP-SF].
    """
    parts = {"add": list(add), "remove": list(remove)}
    if not any(parts.values()):
        raise ValueError("an empty change of a list would clear it. Nothing was sent.")
    return {"@odata.type": _LIST_CHANGE, **{name: items for name, items in parts.items() if items}}


class ExchangeClient:
    """Run cmdlets in one tenant. Every function raises an ``ApiError``.

    Parameters are sent as they are given: nothing is added but ``ResultSize``, nothing is checked again.
    """

    def __init__(
        self,
        http: Http,
        tenant: Tenant,
        tokens: Tokens,
        *,
        ids: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._tenant = tenant
        self._ids = ids
        self._host = tenant.hosts.exchange

    def rows(self, cmdlet: str, **parameters: Any) -> tuple[dict[str, Any], ...]:
        """Run a ``Get-`` cmdlet and return all its rows, asking for all where the cmdlet can be asked."""
        if cmdlet.lower() in _HAVE_RESULT_SIZE:
            parameters = {"ResultSize": "Unlimited"} | parameters
        return self.invoke(cmdlet, parameters, write=False).rows

    def invoke(
        self, cmdlet: str, parameters: Mapping[str, Any], *, write: bool, select: Collection[str] = ()
    ) -> Result:
        """Run one cmdlet and return its rows and warnings.

        A read (``write=False``) may be repeated and its pages are followed to the end; a list that is not
        whole is a ``MalformedAnswerError``, and so is a read without a row but with a warning: a warning can be
        all that is left of a read that did not work [CIPP-EXO; facts 1.4]. A write is sent once: when its
        error is ``ambiguous``, read before repeating. A failure hidden in an answer 200 is an
        ``InvalidRequestError``. ``kind`` of an error is the exception type.
        """
        if write == cmdlet.lower().startswith("get-"):
            raise ValueError(f"{cmdlet} with write={write}: only Get- cmdlets are reads. Nothing was sent.")
        url = f"https://{self._host}/adminapi/beta/{self._tenant.tenant_id}/InvokeCommand"
        if select:
            url += "?$select=" + ",".join(quote(name, safe="") for name in select)
        body = {"CmdletInput": {"CmdletName": cmdlet, "Parameters": dict(parameters)}}
        answer = self._send("POST", url, cmdlet, safe=not write, body=body)
        rows, warnings = envelope.rows(answer, write=write), envelope.warnings(answer)
        seen = {url}
        while (link := self._next_link(answer, seen)) is not None:
            answer = self._next_page(link, cmdlet, body, before=answer)
            rows += envelope.rows(answer, write=False)
            warnings = (
                *(text for text in warnings if not envelope.is_truncated((text,))),
                *envelope.warnings(answer),
            )
        if envelope.is_truncated(warnings):
            raise answer.malformed(f"the service left rows out after {len(rows)}")
        if warnings and not rows and not write:
            raise answer.malformed(f"it holds no rows, and a warning: {'; '.join(warnings)}")
        return Result(rows=rows, warnings=warnings)

    def allowed_cmdlets(self) -> frozenset[str]:
        """Return the names of the cmdlets that this identity may run, to find missing roles before a change.

        ``EXOModuleFile`` with ``CommandName: *`` [CIPP-EXO]; a refused call and an unknown cmdlet look alike
        otherwise.
        """
        url = f"https://{self._host}/adminapi/v1.0/{self._tenant.tenant_id}/EXOModuleFile?Version={_MODULE_VERSION}"
        answer = self._send("GET", url, "GET EXOModuleFile", safe=True, headers={"CommandName": "*"})
        lists = [row.get("exportedCmdlets") for row in envelope.rows(answer, write=False)]
        if not lists or not all(isinstance(text, str) for text in lists):
            raise answer.malformed("it names no cmdlets")
        return frozenset(name.strip() for text in lists for name in str(text).split(",") if name.strip())

    def grants(self) -> Grants | None:
        """Return what the token for Exchange Online says about this identity, or None when it cannot be read.

        It signs in if need be, and asks nothing of Exchange Online itself.
        """
        require_confirmed(self._tenant, _SERVICE)
        return self._tokens.grants(f"https://{self._host}/.default")

    def _send(
        self,
        method: str,
        url: str,
        operation: str,
        *,
        safe: bool,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        require_confirmed(self._tenant, _SERVICE)
        fields = {
            "Prefer": "odata.maxpagesize=1000",
            "client-request-id": self._ids(),
            "Accept-Language": "en-US",  # warnings are recognised by their English words
            **(headers or {}),
        }

        def send(bearer: Secret) -> Answer:
            return self._http.request(
                method,
                url,
                service=_SERVICE,
                operation=operation,
                safe=safe,
                headers={"X-AnchorMailbox": self._anchor(), **fields},
                json=body,
                bearer=bearer,
                explain=envelope.explain,
            )

        answer = self._tokens.authorised(f"https://{self._host}/.default", send)
        fault = envelope.embedded_fault(answer)
        if fault is not None:
            raise refusal(fault.error or InvalidRequestError, answer, fault)
        return answer

    def _anchor(self) -> str:
        """Name the mailbox to route by: that of the person signed in, or else the organisation's own."""
        user = self._tokens.user
        if user is None:
            return _ANCHOR.format(tenant_id=self._tenant.tenant_id)
        return _USER_ANCHOR + user

    def _next_link(self, answer: Answer, seen: set[str]) -> str | None:
        """Return the address of the next page, or None at the end."""
        link = answer.object().get("@odata.nextLink") if answer.body else None
        if link is None:
            return None
        if not answer.order.safe:
            # The same body would be sent again, and with it the change.
            raise answer.malformed("a change was answered with pages")
        if not isinstance(link, str) or not self._is_ours(link):
            raise answer.malformed("the next page lies at another host")
        if link in seen or len(seen) >= _PAGE_CAP:
            raise answer.malformed("the pages do not end")
        seen.add(link)
        return link

    def _next_page(self, link: str, cmdlet: str, body: Mapping[str, Any], before: Answer) -> Answer:
        """Send the same body to the next page [CIPP-EXO, M365, EXOH]; some tenants refuse it always [G2O]."""
        try:
            return self._send("POST", link, cmdlet, safe=True, body=body)
        except InvalidRequestError as error:
            if envelope.is_stale_page(error):
                raise before.malformed("the service refuses to give the next page, so the list is not whole") from error
            raise

    def _is_ours(self, link: str) -> bool:
        try:
            parts = urlsplit(link)
            plain = parts.scheme == "https" and parts.port in (None, 443) and parts.username is None
            return plain and same_vendor(parts.hostname or "", self._host)
        except ValueError:
            return False
