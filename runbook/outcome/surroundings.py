"""What a tenant holds that decides where a message lands: rows as the services gave them, or why there are none.

It is read once, kept in the run's folder, and everything that is said of a message's way is computed from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Row = Mapping[str, Any]

DOMAIN = "EmailSecurityDomain"
MAIL_EXCHANGE = "ExpectedMailExchange"
"""Rows of ``domain`` and ``mail_exchange``: where Microsoft expects a domain's mail [GRAPHMETA]."""
RULE = "TransportRule"
POLICY = "HostedContentFilterPolicy"
POLICY_RULE = "HostedContentFilterRule"
PRESET_RULE = "EOPProtectionPolicyRule"
QUARANTINE = "QuarantinePolicy"
CONNECTION_FILTER = "HostedConnectionFilterPolicy"
CONNECTOR = "InboundConnector"
PARTS = (
    DOMAIN, MAIL_EXCHANGE, RULE, POLICY, POLICY_RULE, PRESET_RULE, QUARANTINE, CONNECTION_FILTER, CONNECTOR
)  # fmt: skip

# What a row says of itself and nobody needs to know where a message lands.
_BOOKKEEPING = frozenset(
    """
    DistinguishedName ExchangeVersion ExchangeObjectId ObjectCategory ObjectClass WhenChanged WhenCreated
    WhenChangedUTC WhenCreatedUTC OrganizationalUnitRoot OrganizationalUnitRootInternal OrganizationId
    OriginatingServer IsValid AdminDisplayName Description Actions RuleVersion CreatedBy
    LastModifiedBy ImmutableId Comments Comment ManuallyModified Size RegexSize
    """.split()
)


COUNTED = ("Conditions", "Exceptions")
"""Properties in which a rule lists its own conditions and exceptions, one name each [CIPP-SHAPE, G2O-FIX]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """All rows of one kind; `unknown` says why they are not to be had, and is empty where they are."""

    rows: tuple[Row, ...] = ()
    unknown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What was found, at one moment."""

    read_at: str
    """ISO time in UTC."""
    parts: Mapping[str, Part] = field(default_factory=lambda: MappingProxyType({}))

    def part(self, name: str) -> Part:
        """Return a kind's rows; a kind that was never read is unknown."""
        return self.parts.get(name, Part(unknown="it was not read"))

    def rows(self, name: str) -> tuple[Row, ...]:
        """Return a kind's rows, none where they are unknown."""
        return self.part(name).rows

    @property
    def unread(self) -> tuple[tuple[str, str], ...]:
        """Kind and reason of everything that could not be read."""
        found = ((name, self.part(name).unknown) for name in PARTS)
        return tuple((name, why) for name, why in found if why)


def projected(row: Row) -> dict[str, Any]:
    """Return of a row what bears on a message's way: nothing unset, no bookkeeping, no annotations."""
    return {
        name: value
        for name, value in row.items()
        if value is not None and value != [] and value != "" and name not in _BOOKKEEPING and "@" not in name
    }


def as_json(found: Surroundings) -> dict[str, Any]:
    """Return what was found as plain JSON."""
    parts = {
        name: {"rows": [dict(row) for row in part.rows], "unknown": part.unknown} for name, part in found.parts.items()
    }
    return {"read_at": found.read_at, "parts": parts}


def from_json(stored: Mapping[str, Any]) -> Surroundings:
    """Return what `as_json` wrote down. Raises KeyError or TypeError for anything else."""
    parts = {name: Part(rows=tuple(part["rows"]), unknown=part["unknown"]) for name, part in stored["parts"].items()}
    return Surroundings(read_at=stored["read_at"], parts=parts)


def with_plans(found: Surroundings, plans: Sequence[Mapping[str, Any]]) -> Surroundings:
    """Return what would be found once plans (as JSON) were carried out. Parts that are unknown stay so."""
    parts = dict(found.parts)
    for plan in plans:
        for change in plan["changes"]:
            part = parts.get(change["kind"])
            if part is not None and not part.unknown and change["action"] != "none":
                parts[change["kind"]] = Part(rows=_changed(part.rows, change))
    return Surroundings(read_at=found.read_at, parts=parts)


def _named(row: Row, key: str, wanted: str) -> bool:
    return str(row.get(key)).strip().lower() == wanted


def _changed(rows: tuple[Row, ...], change: Mapping[str, Any]) -> tuple[Row, ...]:
    key = "domain" if change["kind"] == DOMAIN else "Name"
    wanted = str(change["identity"]).strip().lower()
    after = _after(change)
    if change["action"] == "create":
        # Without a priority, a new rule comes behind all others [DOCS].
        place = {"Priority": len(rows)} if change["kind"] == RULE else {}
        return (*rows, {key: change["identity"], **place, **after})
    if change["action"] == "delete":
        return tuple(row for row in rows if not _named(row, key, wanted))
    if change["kind"] == RULE:  # what the service counted belongs to the rule as it was
        rows = tuple(
            {k: v for k, v in row.items() if k not in COUNTED} if _named(row, key, wanted) else row for row in rows
        )
    return tuple({**row, **after} if _named(row, key, wanted) else row for row in rows)


def _after(change: Mapping[str, Any]) -> dict[str, Any]:
    """The changed properties in the spelling in which they are read back."""
    found = {item["name"]: item["after"] for item in change["properties"] if item["changed"]}
    found.pop("AlsoSet", None)
    if change["kind"] == RULE and "Enabled" in found:
        found["State"] = "Enabled" if found.pop("Enabled") else "Disabled"
    if "EndUserQuarantinePermissionsValue" in found:
        found["EndUserQuarantinePermissions"] = found.pop("EndUserQuarantinePermissionsValue")
    return found
