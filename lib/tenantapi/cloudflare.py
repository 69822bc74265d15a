"""Read and change the email-security domains of one Cloudflare account.

API v4, ``/accounts/{account_id}/email-security/settings/domains`` [PY 5.9.0, SPEC; cloudflare.md 1].
Deleting the whole collection is left out on purpose: an empty body would take every domain [RUN].
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote

from tenantapi.calls import Answer
from tenantapi.errors import (
    ApiError,
    ForbiddenError,
    InvalidRequestError,
    MalformedAnswerError,
    NotFoundError,
    SignInError,
    UnauthorizedError,
)
from tenantapi.failures import refusal
from tenantapi.http import Http
from tenantapi.pages import Listing, explain, is_domain, member, members
from tenantapi.tenant import Tenant

_BASE: Final = "https://api.cloudflare.com/client/v4"
_SERVICE: Final = "Cloudflare"
_PAGE_SIZE: Final = 1000  # the documented maximum
_PAGE_CAP: Final = 100
# An empty or dotted id would shorten the path, and the shorter path is the whole collection.
_ID: Final = re.compile(r"[0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenState:
    """Hold what Cloudflare says of an API token [cloudflare.md 1, preflight]."""

    owner: Literal["user", "account"]
    """Whether a person owns it or the account itself."""
    id: str
    status: str
    """``active``, ``disabled`` or ``expired``."""
    expires_on: str | None = None
    """End of its life as the service writes it (RFC 3339), or None when it has none."""
    not_before: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAccess:
    """Tell whether something may be read; ``error`` holds the refusal, in the service's words, when not."""

    allowed: bool
    error: ApiError | None = None

    def __bool__(self) -> bool:
        return self.allowed


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
        result = member(answer)
        if not is_domain(result):
            raise answer.malformed("the new domain has no id or no name")
        return result

    def delete_domain(self, domain_id: str) -> dict[str, Any]:
        """Remove a domain and return ``{id}``; scanning stops and this cannot be undone."""
        return self._one("DELETE", domain_id, None)

    def verification(self, domain_id: str) -> dict[str, Any]:
        """Return the TXT record that proves a domain: status, txt_record_name, txt_record_value [SPEC]."""
        answer = self._send("GET", f"{self._domains}/{_checked(domain_id)}/verification", "GET verification")
        return member(answer)

    def verify_token(self) -> TokenState:
        """Return whose the token is and whether it is active.

        A user's token and an account's token are asked about at different places; the second is asked when
        the first does not know the token. This proves the token, not its permissions.
        """
        owner: Literal["user", "account"] = "user"
        try:
            answer = self._send("GET", "/user/tokens/verify", "GET token")
        except ApiError as error:
            if error.status not in (400, 401, 403, 404):
                raise
            owner = "account"
            answer = self._send("GET", f"{self._account}/tokens/verify", "GET account token")
        result = member(answer)
        status = result.get("status")
        if not isinstance(status, str):
            raise answer.malformed("the token's status is missing")
        ends, begins = result.get("expires_on"), result.get("not_before")
        return TokenState(
            owner=owner,
            id=str(result.get("id", "")),
            status=status,
            expires_on=ends if isinstance(ends, str) else None,
            not_before=begins if isinstance(begins, str) else None,
        )

    def can_read_domains(self) -> ReadAccess:
        """Ask for one domain and tell whether the token may read the account's domains, and if not, why not.

        This is the real check of the permission and of the account; what no reading can show is the
        permission to write. Only a refusal of this identity counts as an answer; every other error is raised.
        """
        try:
            answer = self._send("GET", self._domains, "GET one domain", params={"per_page": "1", "page": "1"})
        except (ForbiddenError, UnauthorizedError, NotFoundError, InvalidRequestError) as error:
            return ReadAccess(allowed=False, error=error)
        members(answer)
        return ReadAccess(allowed=True)

    def _one(self, method: str, domain_id: str, fields: Mapping[str, Any] | None) -> dict[str, Any]:
        if fields is not None and not fields:
            raise ValueError("There is no field to change.")
        path = f"{self._domains}/{_checked(domain_id)}"
        answer = self._send(method, path, f"{method} domain", json=fields)
        result = member(answer)
        if str(result.get("id")) != domain_id:
            raise answer.malformed(f"it is about domain {result.get('id')!r}, not {domain_id!r}")
        return result

    def _all(self, filters: Mapping[str, str]) -> tuple[dict[str, Any], ...]:
        listing = Listing()
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
            explain=explain,
        )
        success = answer.object().get("success")
        if success is False:
            raise refusal(InvalidRequestError, answer, explain(answer))
        if success is not True:
            raise answer.malformed("it does not say whether it succeeded")
        return answer


def _checked(domain_id: str) -> str:
    if not _ID.fullmatch(domain_id):
        raise ValueError(f"{domain_id!r} is not the id of a domain. Nothing was sent.")
    return domain_id
