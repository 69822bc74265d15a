"""How words, addresses and domains are compared.

Words: whole ones, whatever their letters' case; a phrase of several words matches that phrase only [peers 7,
New-TransportRule]. Addresses: single ones, dashed ranges and prefixes [DOCS].
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable
from functools import cache
from typing import Any

Span = tuple[int, int]


def texts(value: Any) -> tuple[str, ...]:
    """Give the texts of a property that may be a list, a single text, or nothing."""
    if value is None or value == "":
        return ()
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else (str(value),)


def lower(value: Any) -> frozenset[str]:
    """Give the texts of a property in small letters, without blanks around them."""
    return frozenset(text.strip().lower() for text in texts(value))


def phrases(words: Iterable[str]) -> re.Pattern[str] | None:
    """Make one pattern that finds any of the words as a whole; None when there are none."""
    parts = [re.escape(word) for word in words if word]
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)", re.IGNORECASE) if parts else None


def spans(entries: Iterable[str]) -> tuple[Span, ...]:
    """Read address entries as pairs of first and last; what is no IPv4 entry covers nothing."""
    return tuple(span for entry in entries if (span := _span(entry)) is not None)


@cache
def _span(entry: str) -> Span | None:
    try:
        if "-" in entry:
            first, _, last = entry.partition("-")
            return int(ipaddress.IPv4Address(first.strip())), int(ipaddress.IPv4Address(last.strip()))
        network = ipaddress.IPv4Network(entry.strip(), strict=False)
    except ValueError:
        return None
    return int(network.network_address), int(network.broadcast_address)


@cache
def number(ip: str) -> int | None:
    """Give an IPv4 address as a number; None for any other, which no range covers."""
    try:
        return int(ipaddress.IPv4Address(ip))
    except ValueError:
        return None


def covers(ranges: Iterable[Span], ip: int | None) -> bool:
    """Tell whether one of the ranges holds the address; an unknown address is in none."""
    return ip is not None and any(first <= ip <= last for first, last in ranges)


def domain_of(address: str) -> str:
    """Give the domain of an address."""
    return address.rpartition("@")[2]


def in_domains(domain: str, domains: Collection[str], *, below: bool) -> bool:
    """Tell whether a domain is one of these or, with ``below``, lies below one of them."""
    return domain in domains or (below and any(domain.endswith(f".{other}") for other in domains))
