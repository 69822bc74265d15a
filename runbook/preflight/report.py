"""The preflight of one tenant: who signs in, what each section needs, and what is held beyond need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from runbook.errors import ExitCode
from runbook.library import Document
from runbook.preflight import needs
from runbook.preflight.findings import Finding, judge
from runbook.preflight.holding import Holding, Unread, read_holding
from tenantapi import Services, Tenant
from tenantapi.cloudflare import TokenState
from tenantapi.grants import EXCHANGE_APP_ROLE, EXCHANGE_SCOPES, GRAPH_PERMISSION, Grants, role_names

_READERS = ("get-", "test-", "find-", "search-")
_ENOUGH = "Exchange Administrator"
_EXAMPLES = 5
# What every sign-in of a person brings along [Microsoft identity platform, scopes].
_PLAIN_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionFindings:
    """What one section of the tutorial needs, and whether it is held."""

    section: str
    title: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The preflight of one tenant; `exit_code` sums it up."""

    tenant: str
    identity: tuple[str, ...]
    """Sentences about who signs in and what the tokens say."""
    sections: tuple[SectionFindings, ...]
    excess: tuple[str, ...]
    """What is held and not needed, a sentence each."""
    notes: tuple[str, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding once, in the order of the sections."""
        return tuple(dict.fromkeys(item for section in self.sections for item in section.findings))

    @property
    def exit_code(self) -> int:
        """0 all that can be known is held, 4 something is missing, 5 something could not be found out."""
        if any(item.verdict == "missing" for item in self.findings):
            return ExitCode.REFUSED
        if any(item.verdict == "unknown" and not item.by_nature for item in self.findings):
            return ExitCode.UNREADABLE
        return ExitCode.DONE

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain JSON."""
        return {"format": 1, "exit_code": self.exit_code, **asdict(self)}


def examine(services: Services, document: Document, domains: Sequence[str]) -> Report:
    """Ask the services what this identity holds, and compare it with what the sections need. Writes nothing."""
    holding = read_holding(services, domains)
    wanted = {section.id: needs.of_section(document, section.id) for section in document.sections}
    return Report(
        tenant=services.tenant.name,
        identity=tuple(_identity(services.tenant, holding)),
        sections=tuple(
            SectionFindings(
                section=section.id,
                title=section.heading,
                findings=tuple(judge(right, holding) for right in wanted[section.id]),
            )
            for section in document.sections
        ),
        excess=tuple(_excess(holding, {right.name for rights in wanted.values() for right in rights})),
        notes=tuple(_notes(holding)),
    )


def _identity(tenant: Tenant, holding: Holding) -> Iterator[str]:
    ways = {
        "secret": f"application {tenant.client_id}, by client secret",
        "certificate": f"application {tenant.client_id}, by certificate",
        "device-code": f"a person through application {tenant.client_id}, by device code",
        "managed-identity": f"managed identity {tenant.managed_identity_client_id or 'of this machine'}",
    }
    yield f"Directory {tenant.tenant_id} ({tenant.cloud}): {ways[tenant.sign_in]}"
    yield f"Exchange Online: {_token_words(holding.exchange)}"
    if isinstance(holding.cmdlets, frozenset):
        yield f"Exchange Online lists {len(holding.cmdlets)} cmdlets for it"
    yield f"Microsoft Graph: {_token_words(holding.graph)}"
    yield f"Cloudflare: {_state_words(holding.token)}"


def _token_words(grants: Grants | Unread | None) -> str:
    if isinstance(grants, Unread):
        return grants.reason
    if grants is None:
        return "signed in; the token is opaque"
    who = f"signed in as {grants.user}" if grants.user else "signed in"
    held = sorted(grants.scopes or grants.app_roles)
    return (
        f"{who}; permissions: {', '.join(held) or 'none'}; directory roles: {', '.join(role_names(grants)) or 'none'}"
    )


def _state_words(token: TokenState | Unread) -> str:
    if isinstance(token, Unread):
        return token.reason
    end = f", until {token.expires_on}" if token.expires_on else ""
    return f"a token of {'an account' if token.owner == 'account' else 'a user'}, {token.status.lower()}{end}"


def _excess(holding: Holding, needed: set[str]) -> Iterator[str]:
    """Say what is held beyond need. Nothing is said of what could not be read, nor of Cloudflare's permissions."""
    exchange, graph = holding.exchange, holding.graph
    if isinstance(exchange, Grants):
        roles = [role for role in role_names(exchange) if role != _ENOUGH]
        if "Global Administrator" in roles:
            yield f"directory role Global Administrator: {_ENOUGH} is enough"
        yield from (f"directory role {role}" for role in roles if role != "Global Administrator")
        own = {EXCHANGE_APP_ROLE} | EXCHANGE_SCOPES | _PLAIN_SCOPES
        yield from (f"Exchange Online permission {name}" for name in _beyond(exchange, own))
    if isinstance(graph, Grants):
        yield from (f"Microsoft Graph permission {name}" for name in _beyond(graph, {GRAPH_PERMISSION} | _PLAIN_SCOPES))
    if isinstance(holding.cmdlets, frozenset):
        known = {name.casefold() for name in needed}
        spare = sorted(
            name
            for name in holding.cmdlets
            if name.casefold() not in known and not name.casefold().startswith(_READERS)
        )
        if spare:
            more = f" and {len(spare) - _EXAMPLES} more" if len(spare) > _EXAMPLES else ""
            yield f"{len(spare)} cmdlets that change something else: {', '.join(spare[:_EXAMPLES])}{more}"


def _beyond(grants: Grants, needed: set[str] | frozenset[str]) -> list[str]:
    return sorted((grants.app_roles | grants.scopes) - needed)


def _notes(holding: Holding) -> Iterator[str]:
    for name, known in holding.domains.items():
        if known is False:
            yield f"{name} is not a domain of this directory, so no expected MX can be read for it."
    if not isinstance(holding.token, Unread):
        yield "What else the Cloudflare token may do cannot be read with it; look at it in the dashboard."
