"""Draw tenants and messages at random, from a seed: for holding prediction and observation against each other."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from runbook.outcome.assumed import Assumed
from runbook.outcome.message import NEW_HEADER, OLD_HEADER, Message, Recipient
from simtenant.local import LocalTenant
from tenantapi import Services
from tenantapi.exchange import ExchangeClient

EGRESS = ["198.51.100.0/25", "203.0.113.4", "203.0.113.64-203.0.113.79"]
ADDRESSES = ["198.51.100.7", "203.0.113.4", "203.0.113.70", "192.0.2.9", "198.51.100.200"]
GROUPS = ["staff@example.com", "executives@example.com", "front-desk@example.com", "everyone@example.com"]
PEOPLE = ["chief@example.com", "clerk@example.com", "office@example.org", "press@example.org", "reader@example.com"]
DOMAINS = ["example.com", "example.org"]
SENDERS = ["someone@sender.example", "ann@partner.example", "bob@mail.partner.example"]
HEADERS = [OLD_HEADER, NEW_HEADER, "X-Other"]
WORDS = ["SUSPICIOUS", "BULK", "SPAM", "UCE", "SPOOF", "MALICIOUS", "SUSPICIOUS, BULK", "bulk"]
VERDICTS = ["none", "none", "bulk", "spam", "high-confidence-spam", "phish", "high-confidence-phish"]
ACTIONS = ["MoveToJmf", "Quarantine", "AddXHeader", "ModifySubject", "Delete"]
TAGS = ["DefaultFullAccessPolicy", "AdminOnlyAccessPolicy", "DefaultFullAccessWithNotificationPolicy", "Ask", "Let go"]


class Draw:
    """One tenant, and messages to it."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.profile = self.random.choice(["new", "presets", "new", "busy", "presets"])

    def some(self, values: list[Any], most: int = 3) -> list[Any]:
        return self.random.sample(values, self.random.randint(1, min(most, len(values))))

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def stand(self, services: Services, far: LocalTenant) -> Assumed:
        """Put the tenant into a drawn state, by the vendor's calls where there are any, and say what is assumed."""
        exchange = services.exchange
        self._gateway(services)
        self._policies(exchange, far)
        for number in range(self.random.randint(0, 5)):
            self._rule(exchange, number)
        self._door(exchange)
        return self._switches(far)

    def _gateway(self, services: Services) -> None:
        for domain, host in (("example.com", "example-com.mail.protection.outlook.com"),
                             ("example.org", "example-org.k7-v1.mx.microsoft")):  # fmt: skip
            body = {
                "transport": "mail.example.net" if self.chance(0.1) else host,
                "allowed_delivery_modes": ["BCC"] if self.chance(0.1) else ["DIRECT"],
                "drop_dispositions": self.some(["MALICIOUS", "SPAM", "BULK"]) if self.chance(0.6) else [],
                "ip_restrictions": [],
            }
            row = services.cloudflare.domain(domain)
            assert row is not None
            services.cloudflare.edit_domain(row["id"], body)

    def _policies(self, exchange: ExchangeClient, far: LocalTenant) -> None:
        for name, bits in (("Ask", 11), ("Let go", 7)):
            given = {"Name": name, "EndUserQuarantinePermissionsValue": bits, "ESNEnabled": self.chance(0.5)}
            exchange.invoke("New-QuarantinePolicy", given, write=True)
        exchange.invoke("Set-HostedContentFilterPolicy", {"Identity": "Default", **self._settings()}, write=True)
        for number in range(self.random.choice([0, 0, 1, 2])):
            name = f"Custom {number}"
            exchange.invoke("New-HostedContentFilterPolicy", {"Name": name, **self._settings()}, write=True)
            rule = {"Name": f"For some {number}", "HostedContentFilterPolicy": name, **self._scope()}
            exchange.invoke("New-HostedContentFilterRule", rule, write=True)
        if self.profile == "presets":
            for level in ("Strict", "Standard"):
                title = f"{level} Preset Security Policy"
                scope = self._scope() if level == "Strict" or self.chance(0.7) else {}
                for condition in ("SentTo", "SentToMemberOf", "RecipientDomainIs", "ExceptIfSentToMemberOf"):
                    far.set_property("EOPProtectionPolicyRule", title, condition, scope.get(condition))
                if self.chance(0.2):
                    far.set_property("EOPProtectionPolicyRule", title, "State", "Disabled")

    def _settings(self) -> dict[str, Any]:
        names = ("SpamAction", "HighConfidenceSpamAction", "PhishSpamAction", "BulkSpamAction")
        found: dict[str, Any] = {name: self.random.choice(ACTIONS) for name in names}
        tags = ("SpamQuarantineTag", "HighConfidenceSpamQuarantineTag", "PhishQuarantineTag", "BulkQuarantineTag",
                "HighConfidencePhishQuarantineTag")  # fmt: skip
        return {**found, **{name: self.random.choice(TAGS) for name in tags}}

    def _scope(self) -> dict[str, Any]:
        pool: dict[str, Callable[[], Any]] = {
            "SentTo": lambda: self.some(PEOPLE),
            "SentToMemberOf": lambda: self.some(GROUPS, 2),
            "RecipientDomainIs": lambda: self.some(DOMAINS),
        }
        chosen = {name: pool[name]() for name in self.some(list(pool), 2)}
        if self.chance(0.25):
            chosen["ExceptIfSentToMemberOf"] = self.some(GROUPS, 1)
        return chosen

    def _rule(self, exchange: ExchangeClient, number: int) -> None:
        given: dict[str, Any] = {"Name": f"Rule {number}", "Enabled": self.chance(0.85)}
        if self.chance(0.75):
            given |= {
                "HeaderContainsMessageHeader": self.random.choice(HEADERS),
                "HeaderContainsWords": self.some(WORDS),
            }
        if self.chance(0.5):
            given["SenderIpRanges"] = self.some(EGRESS)
        pool: dict[str, Callable[[], Any]] = {
            "ExceptIfSenderIpRanges": lambda: self.some(EGRESS, 1),
            "FromScope": lambda: self.random.choice(["NotInOrganization", "InOrganization"]),
            "SenderDomainIs": lambda: self.some(["sender.example", "partner.example"]),
            "RecipientDomainIs": lambda: self.some(DOMAINS),
            "SentTo": lambda: self.some(PEOPLE),
            "SentToMemberOf": lambda: self.some(GROUPS, 1),
            "SubjectContainsWords": lambda: ["invoice"],
            "ExceptIfSentTo": lambda: self.some(PEOPLE, 2),
            "ExceptIfSenderDomainIs": lambda: self.some(["sender.example", "partner.example"], 1),
            "From": lambda: ["someone@sender.example"],
        }
        given |= {name: value() for name, value in pool.items() if self.chance(0.12)}
        deeds: list[dict[str, Any]] = [
            *({"SetSCL": level} for level in (-1, 0, 5, 5, 6, 9, 9)),
            {"Quarantine": True}, {"DeleteMessage": True}, {"RedirectMessageTo": ["chief@example.com"]},
            {"SetHeaderName": OLD_HEADER, "SetHeaderValue": "UCE"}, {"RemoveHeader": OLD_HEADER},
            {"SetHeaderName": "X-Other", "SetHeaderValue": "BULK"},
            {"PrependSubject": "[x] "},
        ]  # fmt: skip
        given |= self.random.choice(deeds)
        given |= {"StopRuleProcessing": True} if self.chance(0.2) else {}
        given |= {"Mode": "Audit"} if self.chance(0.1) else {}
        given |= {"ExpiryDate": "2026-01-31T00:00:00Z"} if self.chance(0.07) else {}
        exchange.invoke("New-TransportRule", given, write=True)

    def _door(self, exchange: ExchangeClient) -> None:
        for name in ("IPAllowList", "IPBlockList"):
            if self.chance(0.15):
                filled = {"Identity": "Default", name: self.some(["198.51.100.0/25", "192.0.2.0/24"], 1)}
                exchange.invoke("Set-HostedConnectionFilterPolicy", filled, write=True)
        if self.chance(0.25):
            connector: dict[str, Any] = {
                "Name": "From the gateway", "ConnectorType": "Partner", "SenderDomains": ["*"],
                "SenderIPAddresses": ["198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24"],
            }  # fmt: skip
            if self.chance(0.3):
                connector |= {"SenderDomains": ["partner.example"], "SenderIPAddresses": []}
            if self.chance(0.5):
                connector |= {"EFSkipLastIP": True, "EFUsers": self.some(PEOPLE, 1) if self.chance(0.3) else []}
            elif self.chance(0.5):
                connector |= {"RestrictDomainsToIPAddresses": True, "SenderIPAddresses": ["198.51.100.0/25"]}
            exchange.invoke("New-InboundConnector", connector, write=True)

    def _switches(self, far: LocalTenant) -> Assumed:
        pick = self.random.choice
        header, bulk = pick(["old", "new", "both"]), pick(["written", "not-written"])
        turned = {
            "disposition_header": header,
            "bulk_disposition": bulk,
            "forged_disposition": pick(["replaced", "kept"]),
            "allow_list_and_scl": pick(["allow-wins", "rule-wins"]),
            "enhanced_filtering_ip": pick(["last-hop", "original"]),
            "requested_scl": pick(["honoured", "worse-counts", "ignored"]),
            "domain_conditions": pick(["exact", "subdomains"]),
        }
        for name, value in turned.items():
            far.turn(name, value)
        names = {"old": (OLD_HEADER,), "new": (NEW_HEADER,), "both": (OLD_HEADER, NEW_HEADER)}[header]
        # What is written into the header is told by any real message; the rest stays open.
        return Assumed(headers=names, bulk_is_written=bulk == "written", forged_is_replaced=None, scl_is_heeded=None)

    def message(self, known: dict[str, list[str]], unlisted: list[str]) -> tuple[Message, dict[str, Any]]:
        """Draw one message, as it is asked about and as it is handed in."""
        to = self.random.choice(PEOPLE)
        via = self.random.choice(["gateway", "gateway", "direct"])
        disposition = self.random.choice([None, "MALICIOUS", "SUSPICIOUS", "SPAM", "SPOOF", "BULK"])
        disposition = disposition if via == "gateway" else None
        headers = []
        if self.chance(0.5 if via == "direct" else 0.15):
            headers.append((self.random.choice(HEADERS), self.random.choice(["UCE", "BULK", "suspicious", "none"])))
        verdict, sender, address = (self.random.choice(pool) for pool in (VERDICTS, SENDERS, ADDRESSES))
        recipient = Recipient(
            domain=to.rpartition("@")[2], address=to, groups=frozenset(known[to]), open_groups=frozenset(unlisted)
        )
        asked = Message(
            recipient=recipient, via=via, connecting_ip=address, disposition=disposition, headers=tuple(headers),
            verdict=verdict, sender=sender,
        )  # fmt: skip
        handed = {
            "to": to, "from": sender, "via": via, "connecting_ip": address, "disposition": disposition,
            "headers": [list(item) for item in headers], "verdict": verdict,
        }  # fmt: skip
        return asked, handed
