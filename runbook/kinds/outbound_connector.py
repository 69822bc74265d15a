"""Outbound connectors to partners: for which recipients, by which hosts, and how safely mail is handed on.

Wire and making: `runbook.kinds.connector`. The facts name the cmdlets and these properties [tutorial-language 4.6];
how the lists read back is not published, so that domains are read in the form of inbound connectors, too.
"""

from __future__ import annotations

from runbook.kinds.connector import ALWAYS, DOMAINS, Connectors
from runbook.values import BOOLEAN, TEXT, WORD, WORD_SET, Json, ValueType


def _hosts(value: object) -> Json:
    """Hosts with and without their last dot, addresses with and without the brackets of an address literal."""
    words = WORD_SET.canonical(value)
    if not isinstance(words, list):
        return []
    bare = (str(word).removesuffix(".") for word in words)
    return [*sorted({word[1:-1] if word.startswith("[") and word.endswith("]") else word for word in bare})]


_OUTBOUND = Connectors(
    type="OutboundConnector",
    title="outbound connector",
    types={
        "ConnectorType": WORD,
        "Comment": TEXT,
        "RecipientDomains": DOMAINS,
        "UseMXRecord": BOOLEAN,
        "SmartHosts": ValueType(name="set of hosts", read=_hosts, show=WORD_SET.show),
        "TlsSettings": WORD,
        **ALWAYS,
    },
    others=(
        "AllAcceptedDomains",
        "CloudServicesMailEnabled",
        "IsTransportRuleScoped",
        "RouteAllMessagesViaOnPremises",
        "SenderRewritingEnabled",
        "TestMode",
        "TlsDomain",
    ),
    unsafe=lambda properties: "",
    together={},
)

KIND = _OUTBOUND.kind()
