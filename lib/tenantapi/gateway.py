"""Open the one session of a tenant, and carry its calls to a simulated tenant where one is named."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from tenantapi.tenant import Tenant


class GatewayAdapter(HTTPAdapter):
    """Carry calls for production addresses to a loopback server, unencrypted.

    Path, query and body stay as they are; the host that was meant travels in the ``Host`` field. The answer
    looks as if it came from there. A proxy never sees such a call.
    """

    def __init__(self, gateway: str) -> None:
        super().__init__()
        self._gateway = urlsplit(gateway).netloc

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a copy of the request to the gateway."""
        parts = urlsplit(request.url or "")
        carried = request.copy()
        carried.headers["Host"] = parts.netloc
        carried.url = urlunsplit(("http", self._gateway, parts.path, parts.query, ""))
        kwargs["proxies"] = {}
        response = super().send(carried, *args, **kwargs)
        response.request = request
        response.url = request.url or ""
        return response


def open_session(tenant: Tenant, session: requests.Session | None = None) -> requests.Session:
    """Return the session for a tenant: the given one, or a new one.

    For a tenant with a gateway every scheme leads there, on a given session too, so that no call can reach
    the production service by mistake; the proxy settings of the environment are then left aside.
    """
    session = session or requests.Session()
    if tenant.gateway is not None:
        adapter = GatewayAdapter(tenant.gateway)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        session.trust_env = False
    return session
