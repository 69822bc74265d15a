"""What counts as an address range in the three places that take one.

Sources: connection filter and connectors take single IPv4 addresses and /24 to /32, the filter also dashed
ranges of at most 256 addresses; a transport rule takes any mask [DOCS, DEF]. None takes IPv6 (for rules:
assumption ``rule-ipv6-refused``).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from simtenant.envelope import invalid

_WIDEST_PREFIX = 24
_LONGEST_RANGE = 256


def check_rule_ranges(name: str, texts: Iterable[str]) -> None:
    """Refuse what a transport rule refuses; raises CmdletError naming the entry."""
    for text in texts:
        _bounds(name, text)


def check_filter_entries(name: str, texts: Iterable[str]) -> None:
    """Refuse what the connection filter refuses; raises CmdletError naming the entry."""
    for text in texts:
        first, last = _bounds(name, text)
        if int(last) - int(first) >= _LONGEST_RANGE:
            raise invalid(f"{name}: '{text}' is too large. A range can hold 256 addresses, a prefix /24 to /32.")


def is_mixed(texts: Iterable[str]) -> bool:
    """Tell whether single addresses, ranges and prefixes stand in one list."""
    return len({"range" if "-" in text else "prefix" if "/" in text else "address" for text in texts}) > 1


def check_connector_addresses(name: str, texts: Iterable[str], *, public: bool = False) -> None:
    """Refuse what a connector refuses; raises CmdletError naming the entry.

    ``public``: dashed ranges are fine but private addresses are not (EFSkipIPs).
    """
    for text in texts:
        first, last = _bounds(name, text)
        if public and (first.is_private or last.is_private):
            raise invalid(f"{name}: '{text}' is a private address.")
        if not public and ("-" in text or int(last) - int(first) >= 1 << (32 - _WIDEST_PREFIX)):
            raise invalid(f"{name}: '{text}' must be a single IPv4 address or a prefix from /24 to /32.")


def normalised(text: str) -> str:
    """Spell an entry without host bits and without /32."""
    if "-" in text or "/" not in text:
        return text
    network = ipaddress.ip_network(text, strict=False)
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _bounds(name: str, text: str) -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]:
    try:
        if "-" in text:
            low, _, high = text.partition("-")
            first, last = ipaddress.IPv4Address(low.strip()), ipaddress.IPv4Address(high.strip())
            if first > last:
                raise ValueError("upside down")
            return first, last
        network = ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        raise invalid(f"{name}: '{text}' isn't an IPv4 address, range or prefix.") from None
    return network.network_address, network.broadcast_address
