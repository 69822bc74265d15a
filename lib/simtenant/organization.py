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
from simtenant.envelope import CmdletError, invalid, unfit
from simtenant.store import Body, Record

CONFIG = "OrganizationConfig"
FILTER = "HostedConnectionFilterPolicy"
DOMAIN = "AcceptedDomain"

_NOT_STORED = {"Identity", "Name", "Confirm", "WhatIf", "MakeDefault", "ConfigurationXmlRaw"}
_MOST_ENTRIES = 1273


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


def _settings(call: Call, before: Mapping[str, Any]) -> Body:
    settings: Body = {}
    for name, value in call.arguments.items():
        if name in _NOT_STORED:
            continue
        if isinstance(value, Delta):
            value = _in_place(call, name, value, before.get(name) or [])
        settings[name] = list(value) if isinstance(value, tuple) else value
    return settings


def _in_place(call: Call, name: str, delta: Delta, before: list[str]) -> list[str]:
    """Change a list by what is added and removed, as public clients have it; other readings are a switch."""
    reading = switches.chosen(call.tx, "list_change")
    if reading == "refuse":
        raise unfit(name, "System.Collections.Hashtable", "a list of texts.")
    return list(delta.add) if reading == "replace" else delta.apply(before)
