"""Talk to one tenant's mail settings: Cloudflare Email Security, Microsoft Graph and Exchange Online.

    services = connect(tenant)
    services.cloudflare.domain("example.com")
    services.exchange.rows("Get-QuarantinePolicy")

Exchange Online is asked through ``InvokeCommand``, which Microsoft does not document for third parties; the
supported way to the same settings is the ExchangeOnlineManagement PowerShell module [facts 1.10].
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tenantapi.errors import ApiError
from tenantapi.tenant import Certificate, Secret, Tenant

if TYPE_CHECKING:
    from pathlib import Path

    import requests

    from tenantapi.calls import Call
    from tenantapi.cloudflare import CloudflareClient
    from tenantapi.exchange import ExchangeClient
    from tenantapi.graph import GraphClient
    from tenantapi.http import Http
    from tenantapi.pacing import Patience
    from tenantapi.traffic import Traffic

__all__ = ["ApiError", "Certificate", "Secret", "Services", "Tenant", "connect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Hold the clients of one tenant, which share one session; close them or use a ``with`` block."""

    tenant: Tenant
    cloudflare: CloudflareClient
    graph: GraphClient
    exchange: ExchangeClient
    _http: Http = field(repr=False)

    def secrets(self) -> tuple[Secret, ...]:
        """Return the tenant's credentials and every token that was used so far."""
        return self._http.secrets()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Services:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(
    tenant: Tenant,
    *,
    on_call: Callable[[Call], None] | None = None,
    session: requests.Session | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
    jitter: Callable[[], float] | None = None,
    ids: Callable[[], str] | None = None,
    patience: Patience | None = None,
    traffic: Traffic | None = None,
    prompt: Callable[[str], None] | None = None,
    token_cache: Path | None = None,
) -> Services:
    """Make the clients of a tenant; nothing is sent until the first call.

    ``on_call`` is told of each attempt before it is sent and after it ended; if it raises before, nothing is
    sent. ``prompt`` shows a person the code to enter and ``token_cache`` names the file to keep that sign-in in;
    both are for a tenant whose ``sign_in`` is ``device-code``. ``traffic`` says when each call may be sent, where
    several connections keep to one budget. ``clock`` counts seconds since the epoch. The other arguments replace
    what a test must not leave to chance.
    """
    # Here, so that the names above can be had without loading requests.
    from tenantapi.cloudflare import CloudflareClient
    from tenantapi.exchange import ExchangeClient
    from tenantapi.graph import GraphClient
    from tenantapi.http import Http
    from tenantapi.tokens import Tokens

    chance = {} if jitter is None else {"jitter": jitter}
    http = Http(
        tenant,
        session=session,
        sleep=sleep,
        clock=clock,
        on_call=on_call,
        patience=patience,
        traffic=traffic,
        **chance,
    )
    tokens = Tokens(tenant, http, prompt=prompt, token_cache=token_cache, sleep=sleep, clock=clock)
    return Services(
        tenant=tenant,
        cloudflare=CloudflareClient(http, tenant),
        graph=GraphClient(http, tenant, tokens),
        exchange=ExchangeClient(http, tenant, tokens, **({} if ids is None else {"ids": ids})),
        _http=http,
    )
