"""What an identity holds, as the services themselves tell it: a question each, no change.

Exchange Online lists the cmdlets that the identity may run (``EXOModuleFile``); tokens name application
permissions and directory roles; Microsoft Graph and Cloudflare are asked for what the plan will ask them for. What
Cloudflare would allow to be written cannot be found out without writing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tenantapi import ApiError, Services
from tenantapi.cloudflare import TokenState
from tenantapi.errors import ForbiddenError, Service, SignInError, UnauthorizedError
from tenantapi.grants import Grants

ALL: Collection[Service] = ("Exchange Online", "Microsoft Graph", "Cloudflare")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Why something could not be found out; `refused` is True when the service turned this identity away."""

    reason: str
    remedy: str = ""
    refused: bool = False
    status: int | None = None
    codes: tuple[int, ...] = ()
    signed_in: bool = True
    """False when there was no token to ask with."""


NOT_ASKED = Unread(reason="it was not asked for")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What was found out about one identity."""

    cmdlets: frozenset[str] | Unread = NOT_ASKED
    """Names of the cmdlets that it may run."""
    exchange: Grants | Unread | None = NOT_ASKED
    """Claims of its token for Exchange Online; None when the token is opaque."""
    graph: Grants | Unread | None = NOT_ASKED
    domains: dict[str, bool | Unread] = field(default_factory=dict)
    """Per domain: whether Microsoft Graph knows it in this directory."""
    token: TokenState | Unread = NOT_ASKED
    """State of the Cloudflare token."""
    account: bool | Unread = NOT_ASKED
    """True when the Cloudflare account's domains could be read."""


def read_holding(services: Services, domains: Sequence[str], asked: Collection[Service] = ALL) -> Holding:
    """Ask the services and return what the identity holds. Raises nothing on their account: an error is an `Unread`.

    The token of a service is read before the service itself is asked, so that a refusal can be explained.
    """
    exchange = _ask(services.exchange.grants) if "Exchange Online" in asked else NOT_ASKED
    graph = _ask(services.graph.grants) if "Microsoft Graph" in asked else NOT_ASKED
    cloudflare = "Cloudflare" in asked
    return Holding(
        exchange=exchange,
        cmdlets=exchange if isinstance(exchange, Unread) else _ask(services.exchange.allowed_cmdlets),
        graph=graph,
        domains={} if isinstance(graph, Unread) else {name: _domain(services, name) for name in domains},
        token=_ask(services.cloudflare.verify_token) if cloudflare else NOT_ASKED,
        account=_account(services) if cloudflare else NOT_ASKED,
    )


def _domain(services: Services, name: str) -> bool | Unread:
    row = _ask(lambda: services.graph.domain(name))
    return row if isinstance(row, Unread) else row is not None


def _account(services: Services) -> bool | Unread:
    access = _ask(services.cloudflare.can_read_domains)
    if isinstance(access, Unread):
        return access
    return True if access.allowed else unread(access.error)


def _ask(question: Callable[[], T]) -> T | Unread:
    try:
        return question()
    except ApiError as error:
        return unread(error)


def unread(error: ApiError | None) -> Unread:
    """Say in words why something could not be found out."""
    if error is None:
        return Unread(reason="the service gave no reason", refused=True)
    return Unread(
        reason=f"{error.summary}: {error.detail}",
        remedy=error.remedy,
        refused=isinstance(error, (UnauthorizedError, ForbiddenError)),
        status=error.status,
        codes=error.codes,
        signed_in=not isinstance(error, SignInError),
    )
