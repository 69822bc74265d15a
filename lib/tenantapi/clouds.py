"""Name the hosts of each Microsoft cloud, what is not confirmed there, and which hosts belong to one vendor.

Hosts follow facts 1.12 [SCUBA; M365; Graph national-cloud page; Exchange admin API v2.0 page]. The worldwide
cloud and GCC share theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """Name the three hosts of one Microsoft cloud, and the services that nobody is known to have reached there."""

    login: str
    graph: str
    exchange: str
    unconfirmed: frozenset[str] = frozenset()
    """Services as an ``ApiError`` names them."""


_WORLD: Final = Cloud(login="login.microsoftonline.com", graph="graph.microsoft.com", exchange="outlook.office365.com")

CLOUDS: Final[dict[str, Cloud]] = {
    "commercial": _WORLD,
    "gcc": _WORLD,
    "gcc-high": Cloud(login="login.microsoftonline.us", graph="graph.microsoft.us", exchange="outlook.office365.us"),
    "dod": Cloud(
        login="login.microsoftonline.us",
        graph="dod-graph.microsoft.us",
        exchange="outlook-dod.office365.us",
    ),
    "china": Cloud(
        login="login.partner.microsoftonline.cn",
        graph="microsoftgraph.chinacloudapi.cn",
        exchange="outlook.office365.cn",
        # Whether InvokeCommand answers in this cloud is open, and several names of the host are told
        # (facts 1.12 and 7, point 8).
        unconfirmed=frozenset({"Exchange Online"}),
    ),
}

# A service may name another host of its own in an answer (a redirect, a next page). Names below these
# suffixes are given out by the vendor alone, so a token may travel there; a bare "chinacloudapi.cn" would
# hold customers' machines.
_VENDOR_DOMAINS: Final = (
    "cloudflare.com",
    "office365.com",
    "office365.us",
    "office365.cn",
    "microsoft.com",
    "microsoft.us",
    "microsoftonline.com",
    "microsoftonline.us",
    "partner.microsoftonline.cn",
    "microsoftgraph.chinacloudapi.cn",
)


def vendor_domain(host: str) -> str | None:
    """Return the vendor's domain that a host name belongs to, or None for any other host."""
    name = host.lower().rstrip(".")
    for domain in _VENDOR_DOMAINS:
        if name == domain or name.endswith("." + domain):
            return domain
    return None


def same_vendor(one: str, other: str) -> bool:
    """Tell whether two hosts belong to one domain of one vendor."""
    domain = vendor_domain(one)
    return domain is not None and domain == vendor_domain(other)
