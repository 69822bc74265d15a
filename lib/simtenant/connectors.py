"""Inbound and outbound connectors.

Sources: inbound parameters, Partner-only properties, /24 to /32 [DOCS]; the exception of a type change [public
sample]; SenderDomains read back as ``smtp:<domain>;<cost>`` [live]. Of outbound connectors the facts only name the
cmdlets and what three of the portal's labels set [tutorial-language 4.6]: the rest of them is the assumption
``outbound-connector``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from simtenant import addresses, directory
from simtenant.binding import Delta
from simtenant.directory import Call, Outcome
from simtenant.envelope import CmdletError, duplicate, invalid
from simtenant.store import Body, Record

INBOUND = "InboundConnector"
OUTBOUND = "OutboundConnector"

_NOT_STORED = {"Identity", "Name", "Confirm", "WhatIf"}
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    INBOUND: {
        "Enabled": True,
        "ConnectorType": "Partner",
        "ConnectorSource": "Default",
        "RequireTls": True,
        "TlsSenderCertificateName": None,
    },
    OUTBOUND: {
        "Enabled": True,
        "ConnectorType": "Partner",
        "ConnectorSource": "Default",
        "UseMXRecord": True,
        "TlsSettings": None,
        "TlsDomain": None,
    },
}
_DOMAIN = re.compile(r"\*|(?:\*\.)?[^\s@*;:/]+")
_NOT_NULL = {"SenderDomains", "RecipientDomains"}


def get_inbound(call: Call) -> Outcome:
    """List inbound connectors."""
    return directory.listed(call, INBOUND)


def new_inbound(call: Call) -> Outcome:
    """Create an inbound connector, switched on unless Enabled is false."""
    return _new(call, INBOUND)


def set_inbound(call: Call) -> Outcome:
    """Change an inbound connector; its type is fixed."""
    return _set(call, INBOUND)


def remove_inbound(call: Call) -> Outcome:
    """Delete an inbound connector."""
    return _remove(call, INBOUND)


def get_outbound(call: Call) -> Outcome:
    """List outbound connectors."""
    return directory.listed(call, OUTBOUND)


def new_outbound(call: Call) -> Outcome:
    """Create an outbound connector, switched on unless Enabled is false."""
    return _new(call, OUTBOUND)


def set_outbound(call: Call) -> Outcome:
    """Change an outbound connector; its type is fixed."""
    return _set(call, OUTBOUND)


def remove_outbound(call: Call) -> Outcome:
    """Delete an outbound connector."""
    return _remove(call, OUTBOUND)


def _new(call: Call, kind: str) -> Outcome:
    body = {**_DEFAULTS[kind], **_settings(call, {})}
    _check(kind, body)
    return Outcome(records=(directory.create(call, kind, str(call.arguments["Name"]), body),))


def _set(call: Call, kind: str) -> Outcome:
    record = directory.find(call, kind)
    settings = _settings(call, record.body)
    if settings.get("ConnectorType", record.body["ConnectorType"]) != record.body["ConnectorType"]:
        raise CmdletError(
            "The type of a connector can't be changed after it was created.",
            exception=f"Microsoft.Exchange.Management.Tasks.Error{kind}ConnectorTypeCannotChangeException",
        )
    _check(kind, {**record.body, **settings})
    name = call.arguments.get("Name")
    if name is not None:
        _refuse_taken(call, record, name)
        settings["Name"] = name
    return directory.change(call, record, settings)


def _refuse_taken(call: Call, record: Record, name: str) -> None:
    others = (other for other in call.tx.all(record.kind) if other.key != record.key)
    if any(directory.same(other.body["Name"], name) for other in others):
        raise duplicate(record.kind, name)


def _remove(call: Call, kind: str) -> Outcome:
    call.tx.delete(kind, directory.find(call, kind).key)
    return Outcome()


def _settings(call: Call, before: Mapping[str, Any]) -> Body:
    settings: Body = {}
    for name, value in call.arguments.items():
        if name in _NOT_STORED:
            continue
        if isinstance(value, Delta):
            value = value.apply(before.get(name) or [])
        if isinstance(value, tuple):
            value = list(value)
        if isinstance(value, list):
            _refuse_twice(name, value)
        if name in _NOT_NULL and not value:
            raise invalid(f"{name} can't be empty.")
        settings[name] = [_address_space(text) for text in value] if name == "SenderDomains" else value
    return settings


def _refuse_twice(name: str, items: Iterable[str]) -> None:
    seen: set[str] = set()
    for item in items:
        if item.casefold() in seen:
            raise invalid(f"{name}: '{item}' is already in the list.")
        seen.add(item.casefold())


def _address_space(text: str) -> str:
    domain, _, cost = re.sub(r"(?i)^smtp:", "", text.strip()).partition(";")
    if _DOMAIN.fullmatch(domain.strip()) is None or not (cost.strip() or "1").isdigit():
        raise invalid(f"SenderDomains: '{text}' isn't a domain.")
    return f"smtp:{domain.strip()};{cost.strip() or '1'}"


def _check(kind: str, body: Mapping[str, Any]) -> None:
    if kind == INBOUND:
        _check_inbound(body)
    else:
        _check_outbound(body)


def _check_inbound(body: Mapping[str, Any]) -> None:
    partner = body["ConnectorType"] == "Partner"
    sender_addresses = body.get("SenderIPAddresses") or ()
    if sender_addresses and not partner:
        raise invalid("SenderIPAddresses can be set on a connector of type Partner only.")
    for name in ("RestrictDomainsToCertificate", "RestrictDomainsToIPAddresses"):
        if body.get(name) and not partner:
            raise invalid(f"{name} can be set on a connector of type Partner only.")
    if body.get("RestrictDomainsToCertificate") and not body.get("TlsSenderCertificateName"):
        raise invalid("RestrictDomainsToCertificate needs TlsSenderCertificateName.")
    addresses.check_connector_addresses("SenderIPAddresses", sender_addresses)
    addresses.check_connector_addresses("EFSkipIPs", body.get("EFSkipIPs") or (), public=True)


def _check_outbound(body: Mapping[str, Any]) -> None:
    """Refuse what cannot route mail: no recipients to route for, or no host to route to."""
    for text in body.get("RecipientDomains") or ():
        if _DOMAIN.fullmatch(text) is None:
            raise invalid(f"RecipientDomains: '{text}' isn't a domain.")
    if body["ConnectorType"] == "Partner" and not (body.get("RecipientDomains") or body.get("IsTransportRuleScoped")):
        raise invalid("A connector of type Partner needs RecipientDomains.")
    if bool(body.get("SmartHosts")) is bool(body["UseMXRecord"]):
        raise invalid("SmartHosts are needed when UseMXRecord is false, and can't be used when it is true.")
    if (body.get("TlsSettings") == "DomainValidation") != bool(body.get("TlsDomain")):
        raise invalid("TlsSettings DomainValidation and TlsDomain need each other.")
