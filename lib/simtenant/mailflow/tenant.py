"""What mail flow needs of a tenant, read once from a transaction into frozen values.

Sources: order of policies and of their rules [DEF how-policies-and-protections-are-combined]; null conditions
of a preset mean everyone [live; SCUBA].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from simtenant import cloudflare_domains, connectors, contentfilter, graph, organization, quarantine, ranking
from simtenant.mailflow import matching, recipients
from simtenant.mailflow.matching import Span
from simtenant.mailflow.walk import Rule, rule_of
from simtenant.rules import KIND as TRANSPORT_RULE
from simtenant.store import Body, Transaction

PRESET_RULE = "EOPProtectionPolicyRule"
PRESETS = ("Strict", "Standard")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayDomain:
    """A domain at the gateway."""

    in_line: bool
    held: frozenset[str]
    """Dispositions that the gateway keeps for itself."""
    transport: str
    """The next hop; empty when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whom a policy is for: conditions of several kinds are all needed, one exception is enough [DEF]."""

    people: frozenset[str]
    groups: frozenset[str]
    domains: frozenset[str]

    def kinds(self, recipient: str, groups: frozenset[str], *, below: bool) -> list[bool]:
        """Tell of each kind that is set whether the recipient fits it."""
        domain = matching.domain_of(recipient)
        fits = []
        if self.people:
            fits.append(recipient in self.people)
        if self.groups:
            fits.append(not self.groups.isdisjoint(groups))
        if self.domains:
            fits.append(matching.in_domains(domain, self.domains, below=below))
        return fits


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """An anti-spam policy with the rule that gives it its recipients."""

    name: str
    settings: Mapping[str, Any]
    rule: str | None = None
    """None for the Default policy, which has no rule and comes last."""
    wanted: Scope | None = None
    unwanted: Scope | None = None

    def reaches(self, recipient: str, groups: frozenset[str], *, below: bool) -> bool:
        """Tell whether the policy is for this recipient; without conditions it is for everyone [live; SCUBA]."""
        wanted = self.wanted is None or all(self.wanted.kinds(recipient, groups, below=below))
        return wanted and not (self.unwanted is not None and any(self.unwanted.kinds(recipient, groups, below=below)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """An enabled inbound connector."""

    name: str
    domains: frozenset[str]
    addresses: tuple[Span, ...]
    locked: bool
    """Whether mail of its domains is refused from any other address."""
    skips_last: bool
    skipped: tuple[Span, ...]
    users: frozenset[str]
    """Whom enhanced filtering is for; empty for everyone."""

    def is_for(self, sender_domain: str) -> bool:
        """Tell whether mail of this domain is the connector's."""
        return "*" in self.domains or sender_domain in self.domains


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A quarantine policy: its permission bits, and whether it notifies."""

    name: str
    bits: int
    notifies: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """Everything that decides where a message lands."""

    gateway: Mapping[str, GatewayDomain]
    mail_exchanges: Mapping[str, str]
    """The host that Microsoft 365 expects for a domain, by domain."""
    accepted: frozenset[str]
    accepted_with_all_below: frozenset[str]
    allowed: tuple[Span, ...]
    blocked: tuple[Span, ...]
    connectors: tuple[Connector, ...]
    rules: tuple[Rule, ...]
    """By priority, those that are switched off left out."""
    policies: tuple[Policy, ...]
    """In the order of precedence; Default is the last."""
    quarantine: Mapping[str, Access]
    """By name in small letters."""
    groups: Mapping[str, frozenset[str]]
    """Of the people that the tenant knows, by address."""

    def accepts(self, domain: str) -> bool:
        """Tell whether mail for a domain is the tenant's."""
        below = matching.in_domains(domain, self.accepted_with_all_below, below=True)
        return domain in self.accepted or below


def read(tx: Transaction) -> Tenant:
    """Read the tenant as it is now."""
    filters = [record.body for record in tx.all(organization.FILTER)]
    accepted = [record.body for record in tx.all(organization.DOMAIN)]
    return Tenant(
        gateway=MappingProxyType(dict(_gateway_domain(row.body) for row in tx.all(cloudflare_domains.DOMAIN))),
        mail_exchanges=MappingProxyType(dict(_mail_exchange(row.body) for row in tx.all(graph.DOMAIN))),
        accepted=frozenset(str(body["DomainName"]).lower() for body in accepted),
        accepted_with_all_below=frozenset(
            str(body["DomainName"]).lower() for body in accepted if body.get("MatchSubDomains")
        ),
        allowed=matching.spans(text for body in filters for text in matching.texts(body.get("IPAllowList"))),
        blocked=matching.spans(text for body in filters for text in matching.texts(body.get("IPBlockList"))),
        connectors=tuple(_connector(row.body) for row in tx.all(connectors.INBOUND) if row.body.get("Enabled")),
        rules=tuple(
            rule_of(row.body) for row in ranking.ranked(tx, TRANSPORT_RULE) if row.body.get("State") == "Enabled"
        ),
        policies=_policies(tx),
        quarantine=MappingProxyType(dict(_access(row.body) for row in tx.all(quarantine.KIND))),
        groups=MappingProxyType(recipients.groups(tx)),
    )


def _gateway_domain(body: Body) -> tuple[str, GatewayDomain]:
    return str(body["domain"]).lower(), GatewayDomain(
        in_line="DIRECT" in (body.get("allowed_delivery_modes") or ()),
        held=frozenset(body.get("drop_dispositions") or ()),
        transport=host(body.get("transport")),
    )


def _mail_exchange(body: Body) -> tuple[str, str]:
    return str(body["id"]).lower(), host(body.get("mailExchange"))


def host(name: Any) -> str:
    """Spell a host's name in one way."""
    return str(name or "").strip().rstrip(".").lower()


def _connector(body: Body) -> Connector:
    domains = [text.removeprefix("smtp:").partition(";")[0] for text in matching.lower(body.get("SenderDomains"))]
    return Connector(
        name=str(body.get("Name")),
        domains=frozenset(domains),
        addresses=matching.spans(matching.texts(body.get("SenderIPAddresses"))),
        locked=bool(body.get("RestrictDomainsToIPAddresses")),
        skips_last=bool(body.get("EFSkipLastIP")),
        skipped=matching.spans(matching.texts(body.get("EFSkipIPs"))),
        users=matching.lower(body.get("EFUsers")),
    )


def _access(body: Body) -> tuple[str, Access]:
    name = str(body["Name"])
    bits = int(body.get("EndUserQuarantinePermissionsValue") or 0)
    return name.lower(), Access(name=name, bits=bits, notifies=bool(body.get("ESNEnabled")))


def _policies(tx: Transaction) -> tuple[Policy, ...]:
    """List the policies that reach somebody: Strict, Standard, custom by priority, Default [DEF]."""
    settings = {str(record.body["Name"]).lower(): record.body for record in tx.all(contentfilter.POLICY)}
    presets = [record.body for record in ranking.ranked(tx, PRESET_RULE)]
    ordered = [body for level in PRESETS for body in presets if _level(body, settings) == level]
    ordered += [record.body for record in ranking.ranked(tx, contentfilter.RULE)]
    found = [_ruled(body, settings) for body in ordered if body.get("State") == "Enabled"]
    last = [
        Policy(name=str(body["Name"]), settings=MappingProxyType(body))
        for body in settings.values()
        if body.get("IsDefault")
    ]
    return (*(policy for policy in found if policy is not None), *last)


def _level(rule: Body, settings: Mapping[str, Body]) -> str:
    """Tell a preset by its policy's recommended type, or else by the first word of the rule's name [live]."""
    policy = settings.get(str(rule.get(contentfilter.POLICY) or "").lower(), {})
    level = str(policy.get("RecommendedPolicyType") or "")
    return level if level in PRESETS else str(rule["Name"]).partition(" ")[0]


def _ruled(rule: Body, settings: Mapping[str, Body]) -> Policy | None:
    """Join a rule with its policy; a rule whose policy is gone reaches nobody."""
    body = settings.get(str(rule.get(contentfilter.POLICY) or "").lower())
    if body is None:
        return None
    return Policy(
        name=str(body["Name"]),
        settings=MappingProxyType(body),
        rule=str(rule["Name"]),
        wanted=_scope(rule, ""),
        unwanted=_scope(rule, "ExceptIf"),
    )


def _scope(rule: Body, prefix: str) -> Scope:
    return Scope(
        people=matching.lower(rule.get(f"{prefix}SentTo")),
        groups=matching.lower(rule.get(f"{prefix}SentToMemberOf")),
        domains=matching.lower(rule.get(f"{prefix}RecipientDomainIs")),
    )
