"""The people of a start state: those who sign in to administer it, and those who receive mail."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from simtenant import authz
from simtenant.mailflow import recipients
from simtenant.store import Transaction

_ADMINISTRATORS: tuple[tuple[str, str, list[str]], ...] = (
    ("admin", "Avery Administrator", ["Exchange Administrator", "Global Reader"]),
    ("reader", "Robin Reader", ["Global Reader"]),
    ("clerk", "Charlie Clerk", []),
)
_RECIPIENTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "admin@example.com": ("staff@example.com",),
        "reader@example.com": ("staff@example.com",),
        "clerk@example.com": ("staff@example.com", "front-desk@example.com"),
        "chief@example.com": ("staff@example.com", "executives@example.com"),
        "treasurer@example.com": ("staff@example.com", "executives@example.com"),
        "office@example.org": (),
        "press@example.org": ("front-desk@example.com",),
        "partner@example.net": (),
    }
)
_UNEXPANDABLE = ("everyone@example.com",)
"""A group of which nobody can list the members, as with one that a query makes."""


def fill(tx: Transaction, domain: str) -> None:
    """Add everybody; administrators have their addresses in ``domain``."""
    for name, shown, roles in _ADMINISTRATORS:
        upn = f"{name}@{domain}"
        tx.put(authz.PERSON, upn, {"upn": upn, "display_name": shown, "directory_roles": roles, "enabled": True})
    recipients.put(tx, _RECIPIENTS, _UNEXPANDABLE)
