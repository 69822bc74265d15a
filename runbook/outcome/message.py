"""The messages whose way is asked for: what each carries, where it comes from, and to whom it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Disposition = Literal["MALICIOUS", "SUSPICIOUS", "SPAM", "SPOOF", "BULK"]
Verdict = Literal["none", "bulk", "spam", "high-confidence-spam", "phish", "high-confidence-phish"]
Via = Literal["gateway", "direct"]

DISPOSITIONS: tuple[Disposition, ...] = ("MALICIOUS", "SUSPICIOUS", "SPAM", "SPOOF", "BULK")
"""What the gateway may make of a message, one a message [dispositions-2024]."""
TOKENS: dict[Disposition, str] = {
    "MALICIOUS": "MALICIOUS",
    "SUSPICIOUS": "SUSPICIOUS",
    "SPAM": "UCE",
    "SPOOF": "SPOOF",
    "BULK": "BULK",
}
"""What the header then says: SPAM travels as UCE [dispositions-2024, header structure; cloudflare-docs#10143]."""
OLD_HEADER = "X-Area1Security-Disposition"
"""Name of the header by the reference page of 2024."""
NEW_HEADER = "X-CFEmailSecurity-Disposition"
"""Name of the header by the tutorial of April 2026; whether both are written is not confirmed [cloudflare.md]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One class of recipients: those of a domain, or of them those of a group, or one address."""

    domain: str
    address: str = ""
    """Empty for anybody of the domain whom no policy names."""
    groups: frozenset[str] = frozenset()
    """Addresses of the groups that the recipient is known to be in, in lower case."""
    open_groups: frozenset[str] = frozenset()
    """Groups whose members nobody could list: whether the recipient is in them is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to one recipient."""

    recipient: Recipient
    via: Via = "gateway"
    connecting_ip: str = ""
    """Address of the host that hands it to Microsoft 365; empty where that is not known."""
    disposition: Disposition | None = None
    """What the gateway makes of it; None for nothing."""
    headers: tuple[tuple[str, str], ...] = ()
    """Fields that it carries already, such as a disposition that somebody forged."""
    verdict: Verdict = "none"
    """What Microsoft's own filter makes of it, before any rule has its say."""
    sender: str = ""
    """The sender's address, outside the organisation; empty where that is not known."""
