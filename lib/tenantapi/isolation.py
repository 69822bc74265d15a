"""Prove of every call that it stays within one tenant, by all that it says itself about where it belongs.

Sessions that leak from one customer into the next, and the wrong tenant shown and changed, are what people of other
tools report [Microsoft365DSC 2796, CIPP 5106].
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

from tenantapi.calls import Order
from tenantapi.errors import Service, TenantMismatchError
from tenantapi.grants import read_grants
from tenantapi.tenant import Secret, Tenant, concealed

_LONGEST: Final = 100
# Anchors that name a person and the domain of an address, which is no directory id [facts 1.3].
_PEOPLE: Final = ("UPN:", "SMTP:")


class Isolation:
    """Prove calls of one tenant.

    Looked at are the directory that the bearer token says (``tid``), the directory in the path (Exchange Online:
    ``/adminapi/beta/{tenant}/``, sign-in: ``/{tenant}/oauth2/``), that of the anchor mailbox, the account in a
    path of Cloudflare, and whether a token for Cloudflare is this tenant's. All that are there are this tenant's. A
    path of Exchange Online always names the directory. A token that is no JWT, as tokens need not be, says
    nothing; nor does the anchor of a person.
    """

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._of_tokens: dict[str, str | None] = {}

    def prove(self, order: Order, url: str, headers: Mapping[str, str]) -> None:
        """Raise ``TenantMismatchError`` unless this address and these header fields belong to this tenant alone.

        Both are taken as they go on the wire: what prepares a request also rewrites the path.
        """
        findings = [*self._of_path(order, url), *self._of_anchor(headers), *self._of_bearer(order, headers)]
        if findings:
            said = concealed("; ".join(findings), order.secrets)
            raise mismatch(self._tenant, f"{said}. Nothing was sent.", order.service)

    def _of_path(self, order: Order, url: str) -> Iterator[str]:
        path = urlsplit(url).path
        parts = [unquote(part) for part in path.split("/")[1:]]
        shape = [part.lower() for part in parts]
        directory, account = None, None
        if shape[:1] == ["adminapi"]:
            directory = parts[2] if len(parts) > 2 else ""
        elif shape[1:2] in (["oauth2"], ["v2.0"]) and not order.nearby:
            directory = parts[0]
        elif shape[:3] == ["client", "v4", "accounts"]:
            account = parts[3] if len(parts) > 3 else ""
        bound = directory is not None or account is not None
        if any(part in (".", "..") or (bound and (not part or "/" in part or "\\" in part)) for part in parts):
            yield f"the path {_brief(path)} can be read in two ways"
        if directory is not None and not _same(directory, self._tenant.tenant_id):
            yield f"the path names {_brief(directory) or 'none'}"
        if directory is None and order.service == "Exchange Online":
            yield f"the path {_brief(path)} names no directory"
        if account is not None and account.lower() != self._tenant.cloudflare_account_id.lower():
            yield f"the path names account {_brief(account) or 'none'}, not {self._tenant.cloudflare_account_id}"

    def _of_anchor(self, headers: Mapping[str, str]) -> Iterator[str]:
        anchor = headers.get("X-AnchorMailbox")
        if anchor is None:
            return
        directory = anchor.rpartition("@")[2]
        if anchor.upper().startswith(_PEOPLE) and _guid(directory) is None:
            return
        if not _same(directory, self._tenant.tenant_id):
            yield f"the anchor mailbox belongs to {_brief(directory)}"

    def _of_bearer(self, order: Order, headers: Mapping[str, str]) -> Iterator[str]:
        sent = headers.get("Authorization")
        if sent is None:
            return
        token = sent.partition(" ")[2]
        if order.service == "Cloudflare":
            if not token or Secret(token) != self._tenant.cloudflare_api_token:
                yield "the Cloudflare token is not this tenant's"
            return
        if token not in self._of_tokens:
            self._of_tokens[token] = directory_of(Secret(token)) if token else None
        directory = self._of_tokens[token]
        if directory is not None and not _same(directory, self._tenant.tenant_id):
            yield f"the token belongs to {directory}"


def check_token(tenant: Tenant, bearer: Secret) -> None:
    """Raise ``TenantMismatchError`` for a token that says it belongs to another directory than the tenant's."""
    directory = directory_of(bearer)
    if directory is not None and not _same(directory, tenant.tenant_id):
        raise mismatch(tenant, f"the token belongs to {directory}. Nothing was sent with it.", "Entra ID")


def directory_of(bearer: Secret) -> str | None:
    """Return the directory that a token says it is for; None when it says none."""
    claims = read_grants(bearer)
    return claims.tenant_id if claims is not None else None


def mismatch(tenant: Tenant, found: str, service: Service) -> TenantMismatchError:
    """Make the error that says how a call would leave the tenant."""
    return TenantMismatchError(
        f"Tenant {tenant.name} is {tenant.tenant_id}, but {found}",
        remedy="The identity belongs to another directory, a service named another tenant, or this library is at "
        "fault. Check tenant_id and do not repeat the run before that.",
        service=service,
    )


def _brief(text: str) -> str:
    """Show the beginning of what a service may have made up."""
    return text[:_LONGEST]


def _same(one: str, other: str) -> bool:
    found = _guid(one)
    return found is not None and found == _guid(other)


def _guid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
