"""The organisation itself, its connection filter, its accepted domains and its inbound connectors.

Sources: IsDehydrated and Enable-OrganizationCustomization [DOCS, CIPP-AUD]; connection filter grammar [DOCS,
DEF]; connector rules [DOCS; type change: public sample]; SenderDomains read back as ``smtp:<domain>;<cost>`
[live].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simtenant import addresses, directory, switches
from simtenant.binding import Delta
from simtenant.directory import Call, Outcome
from simtenant.envelope import CmdletError, duplicate, invalid, unfit
from simtenant.store import Body, Record

CONFIG = "OrganizationConfig"
FILTER = "HostedConnectionFilterPolicy"
DOMAIN = "AcceptedDomain"
CONNECTOR = "InboundConnector"

_NOT_STORED = {"Identity", "Name", "Confirm", "WhatIf", "MakeDefault", "ConfigurationXmlRaw"}
_MOST_ENTRIES = 1273
_CONNECTOR_DEFAULTS: Mapping[str, Any] = {
    "Enabled": True,
    "ConnectorType": "Partner",
    "ConnectorSource": "Default",
    "RequireTls": True,
    "TlsSenderCertificateName": None,
}


def get_config(call: Call) -> Outcome:
    """Show the organisation; after hydration some reads may still show the old value (hydration_polls)."""
    record = call.tx.all(CONFIG)[0]
    left = int(call.tx.setting("hydration_polls_left", 0))
    if left:
        call.tx.set_setting("hydration_polls_left", left - 1)
        record = Record(kind=CONFIG, key=record.key, body={**record.body, "IsDehydrated": True})
    return Outcome(records=(record,))


def enable_customization(call: Call) -> Outcome:
    """Hydrate the organisation; a second run is an error [DOCS]."""
    record = call.tx.all(CONFIG)[0]
    if not record.body["IsDehydrated"]:
        raise CmdletError(
            "This operation isn't required. The organization is already enabled for customization.",
            exception="Microsoft.Exchange.Management.Tasks.InvalidOperationException",
        )
    call.tx.put(CONFIG, record.key, {**record.body, "IsDehydrated": False})
    call.tx.set_setting("hydration_polls_left", switches.number(call.tx, "hydration_polls"))
    return Outcome()


def get_filter(call: Call) -> Outcome:
    """Show the connection filter; there is one, named Default."""
    return directory.listed(call, FILTER)


def set_filter(call: Call) -> Outcome:
    """Change the connection filter's lists."""
    record = directory.find(call, FILTER)
    settings = _settings(call, record.body)
    for name in ("IPAllowList", "IPBlockList"):
        sent = call.arguments.get(name)
        if isinstance(sent, tuple) and addresses.is_mixed(sent):
            _refuse_mixed(call, name)
        addresses.check_filter_entries(name, settings.get(name) or ())
        if len(settings.get(name) or ()) > _MOST_ENTRIES:
            raise invalid(f"{name} can have at most {_MOST_ENTRIES} entries.")
    return directory.change(call, record, settings)


def _refuse_mixed(call: Call, name: str) -> None:
    """Refuse a replacing list of several kinds, which needs the form with add [DOCS]."""
    if switches.chosen(call.tx, "mixed_filter_entries") == "refuse":
        raise invalid(f"{name}: addresses, ranges and prefixes can't replace the list together. Add them instead.")


def get_domains(call: Call) -> Outcome:
    """List accepted domains."""
    return directory.listed(call, DOMAIN)


def get_connectors(call: Call) -> Outcome:
    """List inbound connectors."""
    return directory.listed(call, CONNECTOR)


def new_connector(call: Call) -> Outcome:
    """Create an inbound connector."""
    body = {**_CONNECTOR_DEFAULTS, **_settings(call, {})}
    _check_connector(body)
    return Outcome(records=(directory.create(call, CONNECTOR, str(call.arguments["Name"]), body),))


def set_connector(call: Call) -> Outcome:
    """Change an inbound connector; its type is fixed."""
    record = directory.find(call, CONNECTOR)
    settings = _settings(call, record.body)
    if settings.get("ConnectorType", record.body["ConnectorType"]) != record.body["ConnectorType"]:
        raise CmdletError(
            "The type of an inbound connector can't be changed after it was created.",
            exception="Microsoft.Exchange.Management.Tasks.ErrorInboundConnectorConnectorTypeCannotChangeException",
        )
    _check_connector({**record.body, **settings})
    name = call.arguments.get("Name")
    if name is not None:
        if any(
            other.key != record.key and directory.same(other.body["Name"], name) for other in call.tx.all(CONNECTOR)
        ):
            raise duplicate(CONNECTOR, name)
        settings["Name"] = name
    return directory.change(call, record, settings)


def remove_connector(call: Call) -> Outcome:
    """Delete an inbound connector."""
    call.tx.delete(CONNECTOR, directory.find(call, CONNECTOR).key)
    return Outcome()


def _settings(call: Call, before: Mapping[str, Any]) -> Body:
    settings: Body = {}
    for name, value in call.arguments.items():
        if name in _NOT_STORED:
            continue
        if isinstance(value, Delta):
            value = _in_place(call, name, value, before.get(name) or [])
        if name == "SenderDomains" and value is not None:
            value = [_sender_domain(text) for text in value]
        settings[name] = list(value) if isinstance(value, tuple) else value
    return settings


def _in_place(call: Call, name: str, delta: Delta, before: list[str]) -> list[str]:
    """Change a list by what is added and removed, as public clients have it; other readings are a switch."""
    reading = switches.chosen(call.tx, "list_change")
    if reading == "refuse":
        raise unfit(name, "System.Collections.Hashtable", "a list of texts.")
    return list(delta.add) if reading == "replace" else delta.apply(before)


def _sender_domain(text: str) -> str:
    domain, _, cost = text.removeprefix("smtp:").partition(";")
    return f"smtp:{domain.strip()};{cost.strip() or '1'}"


def _check_connector(body: Mapping[str, Any]) -> None:
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
