"""Which service a request is for, by its path alone."""

from __future__ import annotations

from simtenant import entra

SIGN_IN = "signin"
EXCHANGE = "exchange"
GRAPH = "graph"
CLOUDFLARE = "cloudflare"


def service_of(path: str) -> str:
    """Name the service that a path belongs to."""
    lower = path.lower()
    if lower.startswith("/client/v4/"):
        return CLOUDFLARE
    if lower.startswith("/v1.0/"):
        return GRAPH
    return SIGN_IN if entra.serves(path) else EXCHANGE
