"""The real clients on a tenant that lives in this process, without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests

from simtenant.adapter import InProcessAdapter
from simtenant.local import LocalTenant
from tenantapi import Secret, Services, Tenant, connect


@contextmanager
def connected(far: LocalTenant) -> Iterator[Services]:
    """Connect to a tenant with its own made-up credentials; nobody waits."""
    known = far.credentials
    tenant = Tenant(
        name="drawn",
        tenant_id=known["tenant_id"],
        client_id=known["client_id"],
        client_secret=Secret(known["client_secret"]),
        cloudflare_account_id=known["cloudflare_account_id"],
        cloudflare_api_token=Secret(known["cloudflare_api_token"]),
    )
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", InProcessAdapter(far))
        yield connect(tenant, session=session, sleep=lambda _: None)
