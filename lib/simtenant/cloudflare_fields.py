"""Checks of the Email Security domain fields, per operation.

Source: field table of cloudflare.md section 1 (types PY, nullability TS, limits SPEC). The limits are
confirmed for POST and taken to hold for PUT and PATCH.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

DELIVERY_MODES = ("DIRECT", "BCC", "JOURNAL", "API", "RETRO_SCAN")
DISPOSITIONS = (
    "MALICIOUS",
    "MALICIOUS-BEC",
    "SUSPICIOUS",
    "SPOOF",
    "SPAM",
    "BULK",
    "ENCRYPTED",
    "EXTERNAL",
    "UNKNOWN",
    "NONE",
)
REGIONS = ("GLOBAL", "AU", "DE", "IN", "US")
FOLDERS = ("AllItems", "Inbox")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with a body: where, as a JSON pointer, and what."""

    pointer: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What one field accepts, and where it may be missing or null."""

    check: Callable[[Any], str | None]
    """Gives a complaint, or None."""
    required: bool = False
    """In POST and PUT."""
    null_in_patch: bool = False
    null_in_replace: bool = False


def _choices(allowed: tuple[str, ...], least: int) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        if not isinstance(value, list) or not least <= len(value) <= 10:
            return f"must be a list of {least} to 10 items"
        strange = [item for item in value if item not in allowed]
        return f"holds {strange[0]!r}, which is none of {', '.join(allowed)}" if strange else None

    return check


def _restrictions(value: Any) -> str | None:
    if not isinstance(value, list) or len(value) > 100:
        return "must be a list of at most 100 items"
    for item in value:
        try:
            ipaddress.ip_network(item, strict=False)
        except (ValueError, TypeError):
            return f"holds {item!r}, which is no address range"
    return None


def _hops(value: Any) -> str | None:
    good = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 20
    return None if good else "must be a whole number from 1 to 20"


def _boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _host(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "must be a host name"


def _folder(value: Any) -> str | None:
    return None if value in FOLDERS else f"must be one of {', '.join(FOLDERS)}"


def _uuid(value: Any) -> str | None:
    try:
        UUID(value)
    except (ValueError, TypeError, AttributeError):
        return "must be a UUID"
    return None


def _domain(value: Any) -> str | None:
    good = isinstance(value, str) and "." in value and not any(part == "" for part in value.split("."))
    return None if good else "must be a domain name"


_FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "allowed_delivery_modes": Field(check=_choices(DELIVERY_MODES, 1), required=True),
        "drop_dispositions": Field(check=_choices(DISPOSITIONS, 0), required=True),
        "ip_restrictions": Field(check=_restrictions, required=True),
        "regions": Field(check=_choices(REGIONS, 1), required=True),
        "folder": Field(check=_folder, null_in_patch=True, null_in_replace=True),
        "integration_id": Field(check=_uuid, null_in_patch=True, null_in_replace=True),
        "lookback_hops": Field(check=_hops, null_in_replace=True),
        "require_tls_inbound": Field(check=_boolean, null_in_replace=True),
        "require_tls_outbound": Field(check=_boolean, null_in_replace=True),
        "transport": Field(check=_host, null_in_replace=True),
    }
)
NULLABLE = tuple(name for name, field in _FIELDS.items() if field.null_in_replace)
"""Fields that PUT and POST reset to null when they are left out."""


def check(operation: str, body: Any, *, at: str = "") -> tuple[Problem, ...]:
    """Find what is wrong with a body; ``operation`` is ``create``, ``replace`` or ``patch``."""
    if not isinstance(body, Mapping):
        return (Problem(pointer=at or "/", text="must be a JSON object"),)
    known: dict[str, Field] = dict(_FIELDS)
    if operation == "create":
        known["domain"] = Field(check=_domain, required=True)
    problems: list[Problem] = []
    for name, value in body.items():
        field = known.get(name)
        complaint = "is not a field of this call" if field is None else _complaint(field, operation, value)
        if complaint is not None:
            problems.append(Problem(pointer=f"{at}/{name}", text=complaint))
    if operation != "patch":
        missing = [name for name, field in known.items() if field.required and name not in body]
        problems += [Problem(pointer=f"{at}/{name}", text="is required") for name in missing]
    return tuple(problems)


def _complaint(field: Field, operation: str, value: Any) -> str | None:
    if value is None:
        allowed = field.null_in_patch if operation == "patch" else field.null_in_replace
        return None if allowed else "must not be null here"
    return field.check(value)
