"""The tenant's region: some calls must go to a host with the region's prefix.

The module-file probe, asked without following redirects, may answer 302 to such a host; most tenants work
without it, the compliance host always redirects [SCUBA, CIPP-EXO]. A client that follows by itself loses its
Authorization header and turns a POST into a GET.
"""

from __future__ import annotations

from urllib.parse import urlencode

from simtenant import switches
from simtenant.store import Transaction
from simtenant.wire import Answer, Request, is_loopback

PREFIX = "simprd01"

_HOST = "outlook.office365.com"


def redirect(tx: Transaction, request: Request, endpoint: str) -> Answer | None:
    """Give the 302 that a call meets, or None when it is at the right host."""
    wanted = switches.chosen(tx, "region")
    concerned = wanted == "everything" or (wanted == "probe" and endpoint == "exomodulefile")
    if not concerned or request.host.startswith(f"{PREFIX}."):
        return None
    host = _HOST if is_loopback(request.host) else request.host
    query = f"?{urlencode(request.query)}" if request.query else ""
    return Answer(status=302, headers=(("Location", f"https://{PREFIX}.{host}{request.path}{query}"),))
