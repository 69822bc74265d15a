"""A test message as it is handed in: checked, and frozen."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simtenant.wire import moment_text

VIAS = ("gateway", "direct")
DISPOSITIONS = ("MALICIOUS", "SUSPICIOUS", "SPAM", "SPOOF", "BULK")
VERDICTS = ("none", "bulk", "spam", "high-confidence-spam", "phish", "high-confidence-phish", "malware")
OUTSIDE_SENDER = "someone@sender.example"

_FIELDS = ("to", "from", "via", "connecting_ip", "disposition", "headers", "verdict", "groups", "now")
_ADDRESS = re.compile(r"[^\s@]+@[^\s@.]+(\.[^\s@.]+)*")
_HEADER_NAME = re.compile(r"[!-9;-~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to one recipient; addresses and groups are in small letters."""

    recipient: str
    sender: str = OUTSIDE_SENDER
    via: str
    connecting_ip: str
    """The host that connects to Microsoft 365."""
    disposition: str | None = None
    """The gateway's verdict; None when it has none."""
    headers: tuple[tuple[str, str], ...] = ()
    """What the message carries before anybody touches it."""
    verdict: str = "none"
    """What Microsoft's own filter makes of the message, before any wish of a rule."""
    groups: frozenset[str] = frozenset()
    """Groups of the recipient beyond those that the tenant knows."""
    now: datetime

    def told(self) -> dict[str, Any]:
        """Give the message as it is handed in, with every field."""
        return {
            "to": self.recipient,
            "from": self.sender,
            "via": self.via,
            "connecting_ip": self.connecting_ip,
            "disposition": self.disposition,
            "headers": [list(pair) for pair in self.headers],
            "verdict": self.verdict,
            "groups": sorted(self.groups),
            "now": moment_text(self.now),
        }


def parse(value: object, now: datetime) -> Message:
    """Read a message from JSON; ``now`` is the far end's clock. Raises ValueError saying what is wrong with it."""
    if not isinstance(value, Mapping):
        raise ValueError("a message is an object of names and values")
    strange = [str(name) for name in value if name not in _FIELDS]
    if strange:
        raise ValueError(f"a message has no {', '.join(strange)}; it has {', '.join(_FIELDS)}")
    missing = [name for name in ("to", "via", "connecting_ip") if value.get(name) is None]
    if missing:
        raise ValueError(f"the message lacks {', '.join(missing)}")
    via, disposition = _choice(value, "via", VIAS), None
    if value.get("disposition") is not None:
        disposition = _choice(value, "disposition", DISPOSITIONS)
        if via != "gateway":
            raise ValueError("only a message that comes via the gateway has its disposition")
    return Message(
        recipient=address("to", value["to"]),
        sender=address("from", value["from"]) if value.get("from") is not None else OUTSIDE_SENDER,
        via=via,
        connecting_ip=_ip(value["connecting_ip"]),
        disposition=disposition,
        headers=_headers(value.get("headers")),
        verdict=_choice(value, "verdict", VERDICTS) if value.get("verdict") is not None else "none",
        groups=frozenset(addresses("groups", value.get("groups"))),
        now=now if value.get("now") is None else _moment(value["now"]),
    )


def address(name: str, value: object) -> str:
    """Read an address of mail; raises ValueError naming the field."""
    if not isinstance(value, str) or _ADDRESS.fullmatch(value) is None:
        raise ValueError(f"{name} is an address like user@example.com, not {value!r}")
    return value.lower()


def addresses(name: str, value: object) -> list[str]:
    """Read a list of addresses, None for an empty one; raises ValueError naming the field."""
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise ValueError(f"{name} is a list of addresses, not {value!r}")
    return [address(name, item) for item in value]


def _choice(value: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    if value[name] not in allowed:
        raise ValueError(f"{name} is one of {', '.join(allowed)}, not {value[name]!r}")
    return str(value[name])


def _ip(value: object) -> str:
    try:
        if not isinstance(value, str):
            raise ValueError
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(f"connecting_ip is an IP address, not {value!r}") from None


def _headers(value: object) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise ValueError(f"headers is a list of pairs of name and value, not {value!r}")
    pairs = []
    for pair in value:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise ValueError(f"a header is a pair of name and value, not {pair!r}")
        if _HEADER_NAME.fullmatch(pair[0]) is None or "\n" in pair[1] or "\r" in pair[1]:
            raise ValueError(f"{pair[0]!r}: {pair[1]!r} is no header")
        pairs.append((pair[0], pair[1]))
    return tuple(pairs)


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        raise ValueError(f"now is a moment like 2026-05-06T12:00:00Z, not {value!r}") from None
    if moment.tzinfo is None:
        raise ValueError(f"now needs its offset from UTC, as in 2026-05-06T12:00:00Z, not {value!r}")
    return moment
