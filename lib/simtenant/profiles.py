"""Start states: what a tenant holds before anybody touches it.

Every profile has the built-in quarantine policies, the untouched Default anti-spam policy and a few objects
that belong to somebody else and must never change. Sources of the factory values: live fixtures [G2O-FIX,
CIPP-SHAPE], built-ins and presets [DEF].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from simtenant import cloudflare_domains, connectors, contentfilter, graph, organization, people, quarantine, rules
from simtenant.directory import ZERO_GUID, stable_guid, stamp
from simtenant.store import Transaction
from simtenant.wire import moment_text

ORGANIZATION = "simulated.onmicrosoft.com"
DOMAINS = ("example.com", "example.org")
FOREIGN_DOMAIN = "example.net"

_BORN = datetime(2025, 3, 4, 9, 30, tzinfo=UTC)
_TOUCHED = datetime(2026, 2, 11, 14, 5, tzinfo=UTC)
_BUILT_INS = (
    ("AdminOnlyAccessPolicy", 0, False),
    ("DefaultFullAccessPolicy", 39, False),
    ("DefaultFullAccessWithNotificationPolicy", 39, True),
)
_MAIL_EXCHANGES = {
    "example.com": "example-com.mail.protection.outlook.com",
    # The newer form cannot be derived from the domain's name, which is why it is here [CIPP DNS health].
    "example.org": "example-org.k7-v1.mx.microsoft",
    FOREIGN_DOMAIN: "example-net.mail.protection.outlook.com",
}


def fill(tx: Transaction, profile: str) -> None:
    """Put a profile's objects into an empty tenant; raises KeyError for a name that is none."""
    if profile not in PROFILES:
        raise KeyError(f"no profile {profile!r}; there are {', '.join(PROFILES)}")
    _common(tx)
    PROFILES[profile](tx)


def add(tx: Transaction, kind: str, name: str, body: Mapping[str, Any], *, built_in: bool = False) -> None:
    """Store an object of the directory with an identifier made from its name."""
    guid = ZERO_GUID if built_in else stable_guid(kind, name)
    times = {"WhenCreated": stamp(_BORN), "WhenChanged": stamp(_TOUCHED)}
    key = f"builtin:{name}" if built_in else guid
    tx.put(kind, key, {**times, **body, "Name": name, "Guid": guid})


def _common(tx: Transaction) -> None:
    _organization(tx, dehydrated=False)
    _quarantine(tx)
    add(
        tx,
        contentfilter.POLICY,
        "Default",
        {**contentfilter.factory_values(), "IsDefault": True},
    )
    add(
        tx,
        organization.FILTER,
        "Default",
        {"IsDefault": True, "IPAllowList": [], "IPBlockList": [], "DirectoryBasedEdgeBlockMode": "Default"},
    )
    _foreign_rules(tx)
    _domains(tx)
    _gateway(tx)
    people.fill(tx, DOMAINS[0])


def _organization(tx: Transaction, *, dehydrated: bool) -> None:
    body = {
        "Name": ORGANIZATION,
        "Identity": ORGANIZATION,
        "Guid": stable_guid("OrganizationConfig", ORGANIZATION),
        "DisplayName": "Simulated organisation",
        "IsDehydrated": dehydrated,
        "ActivityBasedAuthenticationTimeoutInterval": "06:00:00",
        "DefaultAuthenticationPolicy": None,
        "ConnectorsEnabled": True,
    }
    tx.put(organization.CONFIG, ORGANIZATION, body)


def _quarantine(tx: Transaction) -> None:
    for name, permissions, notified in _BUILT_INS:
        body = {
            "EndUserQuarantinePermissionsValue": permissions,
            "ESNEnabled": notified,
            "QuarantinePolicyType": "QuarantinePolicy",
            "QuarantineRetentionDays": 30,
            "_builtin": True,
        }
        add(tx, quarantine.KIND, name, body, built_in=True)
    virtual = {
        "QuarantinePolicyType": quarantine.GLOBAL_TYPE,
        "EndUserQuarantinePermissionsValue": 0,
        "EndUserSpamNotificationFrequency": "1.00:00:00",
        "EndUserSpamNotificationFrequencyInDays": 1,
        "QuarantineRetentionDays": 30,
        "_virtual": True,
    }
    add(tx, quarantine.KIND, quarantine.VIRTUAL_NAME, virtual, built_in=True)


def _foreign_rules(tx: Transaction) -> None:
    """Add three rules that somebody else wrote."""
    foreign: tuple[tuple[str, dict[str, Any]], ...] = (
        (
            "Company disclaimer",
            {
                "FromScope": "InOrganization",
                "SentToScope": "NotInOrganization",
                "ApplyHtmlDisclaimerLocation": "Append",
                "ApplyHtmlDisclaimerText": "<p>This message is meant for its addressee.</p>",
                "ApplyHtmlDisclaimerFallbackAction": "Wrap",
                "Comments": "Agreed with the legal department",
            },
        ),
        ("Mark external senders", {"FromScope": "NotInOrganization", "PrependSubject": "[External] "}),
        (
            "Hold executables",
            {
                "AttachmentHasExecutableContent": True,
                "DeleteMessage": True,
                "State": "Disabled",
                "Mode": "Audit",
            },
        ),
    )
    for priority, (name, body) in enumerate(foreign):
        _rule(tx, name, priority, body)


def _rule(tx: Transaction, name: str, priority: int, body: Mapping[str, Any]) -> None:
    author = {"CreatedBy": "Avery Administrator", "LastModifiedBy": "Avery Administrator"}
    add(tx, rules.KIND, name, {**rules.factory_values(), **author, **body, "Priority": priority})


def _domains(tx: Transaction) -> None:
    for position, name in enumerate((*DOMAINS, FOREIGN_DOMAIN, ORGANIZATION)):
        initial = name == ORGANIZATION
        accepted = {
            "DomainName": name,
            "DomainType": "Authoritative",
            "Default": position == 0,
            "InitialDomain": initial,
            "AuthenticationType": "Managed",
            "RawAuthenticationType": "Managed",
            "LiveIdInstanceType": "Business",
            "AddressBookEnabled": True,
        }
        add(tx, organization.DOMAIN, name, accepted)
        entra = {
            "id": name,
            "isDefault": position == 0,
            "isInitial": initial,
            "isVerified": True,
            "supportedServices": ["Email", "OfficeCommunicationsOnline"],
            "mailExchange": _MAIL_EXCHANGES.get(name),
        }
        tx.put(graph.DOMAIN, name, entra)


def _gateway(tx: Transaction) -> None:
    """Add the domains the gateway knows: two that a tutorial may change, one that is none of its business."""
    own: tuple[tuple[str, dict[str, Any]], ...] = (
        ("example.com", {"transport": "mail.example.com"}),
        (
            "example.org",
            {"allowed_delivery_modes": ["BCC"], "require_tls_outbound": None, "drop_dispositions": []},
        ),
        (FOREIGN_DOMAIN, {"transport": _MAIL_EXCHANGES[FOREIGN_DOMAIN], "lookback_hops": 1}),
    )
    for position, (name, body) in enumerate(own):
        _gateway_domain(tx, name, body, 10 + position)


def _gateway_domain(tx: Transaction, name: str, body: Mapping[str, Any], day: int) -> None:
    """Add a domain that was onboarded ``day`` days into the month of the gateway's start."""
    base: dict[str, Any] = {
        "allowed_delivery_modes": ["DIRECT"],
        "drop_dispositions": ["MALICIOUS", "SPAM"],
        "ip_restrictions": [],
        "regions": ["GLOBAL"],
        "lookback_hops": 2,
        "require_tls_inbound": None,
        "require_tls_outbound": False,
        "folder": None,
        "integration_id": None,
        "inbox_provider": "Microsoft",
        "status": "ACTIVE",
        "spf_status": "good",
        "dmarc_status": "good",
    }
    domain_id = stable_guid(cloudflare_domains.DOMAIN, name)
    fields = {
        **base,
        **body,
        "id": domain_id,
        "domain": name,
        "created_at": moment_text(_BORN.replace(day=1) + timedelta(days=day - 1)),
        "modified_at": moment_text(_TOUCHED),
    }
    tx.put(cloudflare_domains.DOMAIN, domain_id, fields)


def _new(tx: Transaction) -> None:
    """Add nothing: the ordinary start."""


def _dehydrated(tx: Transaction) -> None:
    """Make it an organisation that was never customised."""
    _organization(tx, dehydrated=True)


def _presets(tx: Transaction) -> None:
    """Switch the preset policies on: Strict for one group, Standard for everybody else."""
    common = {
        **contentfilter.factory_values(),
        "HighConfidenceSpamAction": "Quarantine",
        "PhishSpamAction": "Quarantine",
        "HighConfidenceSpamQuarantineTag": "DefaultFullAccessWithNotificationPolicy",
        "PhishQuarantineTag": "DefaultFullAccessWithNotificationPolicy",
        "QuarantineRetentionPeriod": 30,
    }
    strict = {**common, "SpamAction": "Quarantine", "BulkSpamAction": "Quarantine", "BulkThreshold": 5}
    levels: tuple[tuple[str, int, str, dict[str, Any], dict[str, Any]], ...] = (
        ("Strict", 0, "1739187000001", strict, {"SentToMemberOf": [f"executives@{DOMAINS[0]}"]}),
        ("Standard", 1, "1739187000002", {**common, "BulkThreshold": 6}, {}),
    )
    for level, priority, number, settings, scope in levels:
        title = f"{level} Preset Security Policy"
        policy = f"{title}{number}"
        add(tx, contentfilter.POLICY, policy, {**settings, "RecommendedPolicyType": level})
        rule: dict[str, Any] = {"Priority": priority, "State": "Enabled", **scope}
        others = {"AntiPhishPolicy": policy, "MalwareFilterPolicy": policy}
        add(tx, "EOPProtectionPolicyRule", title, {**rule, contentfilter.POLICY: policy, **others})
        safe = {"SafeAttachmentPolicy": policy, "SafeLinksPolicy": policy}
        add(tx, "ATPProtectionPolicyRule", title, {**rule, **safe})


def _busy(tx: Transaction) -> None:
    """Make it a large, lived-in tenant: many rules, a custom policy for one domain, a connector."""
    for number in range(3, 100):
        body = {
            "SubjectContainsWords": [f"project {number:03}"],
            "SetHeaderName": "X-Project",
            "SetHeaderValue": str(number),
        }
        _rule(tx, f"Project routing {number:03}", number, body)
    partner = f"Partner mail of {FOREIGN_DOMAIN}"
    settings = {**contentfilter.factory_values(), "SpamAction": "Quarantine", "QuarantineRetentionPeriod": 30}
    add(tx, contentfilter.POLICY, "Partner policy", settings)
    scope = {"RecipientDomainIs": [FOREIGN_DOMAIN], "Priority": 0, "State": "Enabled"}
    add(tx, contentfilter.RULE, partner, {**scope, contentfilter.POLICY: "Partner policy"})
    connector = {
        "Enabled": True,
        "ConnectorType": "Partner",
        "ConnectorSource": "AdminUI",
        "SenderDomains": ["smtp:*;1"],
        "SenderIPAddresses": ["192.0.2.0/24"],
        "RequireTls": True,
        "TlsSenderCertificateName": None,
    }
    add(tx, connectors.INBOUND, "From the partner", connector)
    own = {**connector, "ConnectorType": "OnPremises", "SenderIPAddresses": [], "RequireTls": False, "Enabled": False}
    add(tx, connectors.INBOUND, "From our own servers", own)
    add(
        tx,
        quarantine.KIND,
        "Partner access",
        {**quarantine.ordinary_values(), "EndUserQuarantinePermissionsValue": 11, "ESNEnabled": True},
    )
    for number in range(40):
        _gateway_domain(tx, f"brand{number:02}.example", {"transport": f"mx.brand{number:02}.example"}, 13 + number)


PROFILES: Mapping[str, Callable[[Transaction], None]] = MappingProxyType(
    {"new": _new, "dehydrated": _dehydrated, "presets": _presets, "busy": _busy}
)
