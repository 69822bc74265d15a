"""Inbound connectors from partners: whose mail is taken, from which addresses, and what is looked at behind them.

Wire and making: `runbook.kinds.connector`. A connector with RestrictDomainsToIPAddresses refuses all mail of its
domains that comes from other addresses, so the addresses go with the restriction in one call, and it never restricts
to no address at all. Addresses are single or /24 to /32 [DOCS]. Enhanced filtering is part of the same object:
EFSkipLastIP, EFSkipIPs, and EFUsers, which is empty for the whole organisation [DOCS].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.kinds.connector import ALWAYS, DOMAINS, Connectors
from runbook.plan import Attribute
from runbook.values import BOOLEAN, NETWORKS, TEXT, WORD, WORD_SET

_RESTRICTS, _ADDRESSES = "RestrictDomainsToIPAddresses", "SenderIPAddresses"


def _unsafe(properties: Mapping[str, Any]) -> str:
    if not BOOLEAN.canonical(properties.get(_RESTRICTS)) or NETWORKS.canonical(properties.get(_ADDRESSES)):
        return ""
    return f"would refuse all mail of its domains: {_RESTRICTS} is on, and {_ADDRESSES} is empty"


_INBOUND = Connectors(
    type="InboundConnector",
    title="inbound connector",
    types={
        "ConnectorType": WORD,
        "Comment": TEXT,
        "SenderDomains": DOMAINS,
        _ADDRESSES: NETWORKS,
        "RequireTls": BOOLEAN,
        _RESTRICTS: BOOLEAN,
        "EFSkipLastIP": BOOLEAN,
        "EFSkipIPs": NETWORKS,
        "EFUsers": WORD_SET,
        **ALWAYS,
    },
    others=(
        "AssociatedAcceptedDomains",
        "ClientHostNames",
        "CloudServicesMailEnabled",
        "EFSkipMailGateway",
        "EFTestMode",
        "RestrictDomainsToCertificate",
        "ScanAndDropRecipients",
        "TlsSenderCertificateName",
        "TreatMessagesAsInternal",
        "TrustedOrganizations",
    ),
    unsafe=_unsafe,
    together={_RESTRICTS: (_ADDRESSES,)},
)

KIND = _INBOUND.kind(
    implied=(
        Attribute(name="SenderDomains", value=["*"], note="the service demands one; told by addresses, it is for all"),
        Attribute(name="RequireTls", value=True, note="the wizard's default [tutorial of 2024, security restrictions]"),
        Attribute(name=_RESTRICTS, value=False, note="off unless the tutorial asks for it"),
    )
)
