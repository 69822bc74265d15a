"""Read and change the email-security domains of one Cloudflare account.

API v4, ``/accounts/{account_id}/email-security/settings/domains`` [PY 5.9.0, SPEC; cloudflare.md 1].
Deleting the whole collection is left out on purpose: an empty body would take every domain [RUN].
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from tenantapi.calls import Answer, Fault
from tenantapi.errors import ApiError, InvalidRequestError, MalformedAnswerError, SignInError
from tenantapi.failures import refusal
from tenantapi.http import Http
from tenantapi.tenant import Tenant

_BASE: Final = "https://api.cloudflare.com/client/v4"
_SERVICE: Final = "Cloudflare"
_PAGE_SIZE: Final = 1000  # the documented maximum
_PAGE_CAP: Final = 100
# An empty or dotted id would shorten the path, and the shorter path is the whole collection.
_ID: Final = re.compile(r"[0-9A-Za-z-]+")
_CREDENTIAL_CODES: Final = {6003, 6103, 6111, 9106}
_CREDENTIAL_REMEDY: Final = "Check the Cloudflare API token: it must be a token, sent whole, not a global API key."
_PERMISSION_REMEDY: Final = (
    "Give the token the permission 'Cloud Email Security: Read', and for changes "
    "'Cloud Email Security: Write', on this account, and check that the account has the product."
)


class CloudflareClient:
    """Call Cloudflare for one account.

    Answers are the ``result`` of Cloudflare's envelope, as plain dictionaries. Every function raises an
    ``ApiError``; an answer 200 that says ``success: false`` is an ``InvalidRequestError`` as well.
    """

    def __init__(self, http: Http, tenant: Tenant) -> None:
        self._http = http
        self._tenant = tenant
        self._account = f"/accounts/{quote(tenant.cloudflare_account_id, safe='')}"
        self._domains = f"{self._account}/email-security/settings/domains"

    def domains(self) -> tuple[dict[str, Any], ...]:
        """Return every domain of the account; a list that is not whole is a ``MalformedAnswerError``."""
        return self._all({})

    def domain(self, name: str) -> dict[str, Any] | None:
        """Return the domain with exactly this name in any letter case, or None when the account has none.

        The service's own filter is asked for but not relied on.
        """
        wanted = name.strip().rstrip(".").lower()
        if not wanted:
            raise ValueError("The domain name is empty.")
        rows = self._all({"domain": wanted})
        found = [row for row in rows if row["domain"].rstrip(".").lower() == wanted]
        if len(found) > 1:
            raise MalformedAnswerError(
                f"{self._tenant.name}, GET domains: {len(found)} domains are named {wanted}.",
                remedy="Look at the account's domains in the dashboard; a name may be there only once.",
                service=_SERVICE,
            )
        return found[0] if found else None

    def edit_domain(self, domain_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Change the given fields of a domain and return it (PATCH).

        Every field given is sent, ``ip_restrictions: []`` too, which older versions required. PATCH cannot
        set ``transport``, ``lookback_hops`` or the TLS flags back to null; :meth:`replace_domain` can [TS].
        """
        return self._one("PATCH", domain_id, fields)

    def replace_domain(self, domain_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Replace the whole configuration of a domain and return it (PUT)."""
        return self._one("PUT", domain_id, fields)

    def create_domain(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Add a domain and return it; it must be verified by its TXT record before it works."""
        answer = self._send("POST", self._domains, "POST domain", json=fields)
        result = _member(answer)
        if not _is_domain(result):
            raise answer.malformed("the new domain has no id or no name")
        return result

    def delete_domain(self, domain_id: str) -> dict[str, Any]:
        """Remove a domain and return ``{id}``; scanning stops and this cannot be undone."""
        return self._one("DELETE", domain_id, None)

    def verification(self, domain_id: str) -> dict[str, Any]:
        """Return the TXT record that proves a domain: status, txt_record_name, txt_record_value [SPEC]."""
        answer = self._send("GET", f"{self._domains}/{_checked(domain_id)}/verification", "GET verification")
        return _member(answer)

    def verify_token(self) -> dict[str, Any]:
        """Return id and status of the token: active, disabled or expired.

        A user's token and an account's token are asked about at different places; the second is asked when
        the first does not know the token. This proves the token, not its permissions.
        """
        try:
            answer = self._send("GET", "/user/tokens/verify", "GET token")
        except ApiError as error:
            if error.status not in (400, 401, 403, 404):
                raise
            answer = self._send("GET", f"{self._account}/tokens/verify", "GET account token")
        result = _member(answer)
        if not isinstance(result.get("status"), str):
            raise answer.malformed("the token's status is missing")
        return result

    def _one(self, method: str, domain_id: str, fields: Mapping[str, Any] | None) -> dict[str, Any]:
        if fields is not None and not fields:
            raise ValueError("There is no field to change.")
        path = f"{self._domains}/{_checked(domain_id)}"
        answer = self._send(method, path, f"{method} domain", json=fields)
        result = _member(answer)
        if str(result.get("id")) != domain_id:
            raise answer.malformed(f"it is about domain {result.get('id')!r}, not {domain_id!r}")
        return result

    def _all(self, filters: Mapping[str, str]) -> tuple[dict[str, Any], ...]:
        listing = _Listing()
        fixed = {**filters, "per_page": str(_PAGE_SIZE), "order": "domain", "direction": "asc"}
        for number in range(1, _PAGE_CAP + 1):
            answer = self._send("GET", self._domains, "GET domains", params={**fixed, "page": str(number)})
            if listing.ends_with(answer, number):
                return tuple(listing.rows.values())
        raise answer.malformed(f"the list does not end within {_PAGE_CAP} pages")

    def _send(
        self,
        method: str,
        path: str,
        operation: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Send one call and return its answer, whose envelope says success."""
        token = self._tenant.cloudflare_api_token
        if token is None:
            raise SignInError(
                f"Tenant {self._tenant.name} has no Cloudflare API token.",
                remedy="Set CLOUDFLARE_API_TOKEN, or name the credential in the tenant's description.",
                service=_SERVICE,
            )
        answer = self._http.request(
            method,
            _BASE + path,
            service=_SERVICE,
            operation=operation,
            safe=method == "GET",
            params=params,
            json=json,
            bearer=token,
            explain=_explain,
        )
        success = answer.object().get("success")
        if success is False:
            raise refusal(InvalidRequestError, answer, _explain(answer))
        if success is not True:
            raise answer.malformed("it does not say whether it succeeded")
        return answer


class _Listing:
    """Gather the pages of one list, and refuse whatever contradicts itself.

    The service's own SDK reads until a page is empty and never leaves a server that repeats page 1
    [cloudflare-python 2584]; here the announced numbers and the ids themselves must agree.
    """

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self._announced: int | None = None

    def ends_with(self, answer: Answer, number: int) -> bool:
        """Take in page ``number`` and tell whether it was the last one."""
        page = _members(answer)
        for row in page:
            if str(row["id"]) in self.rows:
                raise answer.malformed(f"page {number} repeats domain {row['domain']}")
            self.rows[str(row["id"])] = row
        info = _page_info(answer)
        if info.get("page", number) != number:
            raise answer.malformed(f"page {number} was asked for and page {info['page']} came")
        announced = info.get("total_count", self._announced)
        if self._announced is not None and announced != self._announced:
            raise answer.malformed("the number of domains changed while they were read")
        self._announced = announced
        pages = info.get("total_pages")
        if page and (pages is None or number < pages):
            return False
        if pages is not None and number < pages:
            raise answer.malformed(f"page {number} of {pages} is empty")
        if announced is not None and announced != len(self.rows):
            raise answer.malformed(f"{announced} domains were announced and {len(self.rows)} came")
        return True


def _members(answer: Answer) -> list[dict[str, Any]]:
    found = answer.object().get("result")
    if not isinstance(found, list) or not all(_is_domain(row) for row in found):
        raise answer.malformed("the result is not a list of domains with id and name")
    return found


def _member(answer: Answer) -> dict[str, Any]:
    found = answer.object().get("result")
    if not isinstance(found, dict):
        raise answer.malformed("the result is not an object")
    return found


def _is_domain(row: object) -> bool:
    # Ids were integers until version 5 of the SDK [PYn].
    return isinstance(row, dict) and isinstance(row.get("id"), (str, int)) and isinstance(row.get("domain"), str)


def _page_info(answer: Answer) -> dict[str, int]:
    """Return the numbers of ``result_info``; those that are missing or null are left out."""
    info = answer.object().get("result_info")
    names = ("page", "total_count", "total_pages")
    found = {name: info[name] for name in names if info.get(name) is not None} if isinstance(info, dict) else {}
    if not all(isinstance(value, int) for value in found.values()):
        raise answer.malformed("the page numbers are not numbers")
    return found


def _checked(domain_id: str) -> str:
    if not _ID.fullmatch(domain_id):
        raise ValueError(f"{domain_id!r} is not the id of a domain. Nothing was sent.")
    return domain_id


def _explain(answer: Answer) -> Fault:
    """Read code, message, pointer and ``error_chain`` of every error [SPEC; ISS for the chain]."""
    try:
        listed = answer.object().get("errors")
    except MalformedAnswerError:
        listed = None
    errors = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    chains = [link for entry in errors for link in _chain(entry)]
    codes = tuple(entry["code"] for entry in (*errors, *chains) if isinstance(entry.get("code"), int))
    if _CREDENTIAL_CODES & set(codes):
        remedy = _CREDENTIAL_REMEDY
    else:
        remedy = _PERMISSION_REMEDY if answer.status == 403 else ""
    return Fault(text="; ".join(_sentence(entry) for entry in errors), codes=codes, remedy=remedy)


def _chain(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = entry.get("error_chain")
    return [link for link in found if isinstance(link, dict)] if isinstance(found, list) else []


def _sentence(entry: Mapping[str, Any]) -> str:
    source = entry.get("source")
    pointer = source.get("pointer") if isinstance(source, dict) else None
    causes = [_sentence(link) for link in _chain(entry)]
    where = f" at {pointer}" if pointer else ""
    because = f" (because: {'; '.join(causes)})" if causes else ""
    return f"{entry.get('code', 'no code')} {entry.get('message', 'no message')}{where}{because}"
