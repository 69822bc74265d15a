"""Whatever a tenant holds: applied there is nothing left to plan, and taken back it is what it was.

The tenants are drawn, and live in this process; the clients, the kinds, the writing and the way back are the real ones.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_process import connected

from runbook.journal import Journal
from runbook.kinds import BY_TYPE, KINDS, VALUE_TYPES
from runbook.plan import Attribute, Plan, Resource, diff
from runbook.section.applying import Patience, apply_changes
from runbook.section.observing import read_for
from runbook.undo import Circumstances, invert, remaining
from simtenant.local import LocalTenant
from tenantapi import Services

STAMPS = {"WhenChanged", "WhenCreated", "modified_at"}
PERMISSIONS = st.sampled_from([0, 1, 3, 7, 11, 39, 43])
ACTIONS = st.sampled_from(["MoveToJmf", "Quarantine", "AddXHeader"])
TAGS = st.sampled_from(["DefaultFullAccessPolicy", "AdminOnlyAccessPolicy"])
POLICY = {
    "SpamAction": ACTIONS,
    "HighConfidenceSpamAction": ACTIONS,
    "PhishSpamAction": ACTIONS,
    "SpamQuarantineTag": TAGS,
    "PhishQuarantineTag": TAGS,
    "QuarantineRetentionPeriod": st.integers(1, 30),
    "BulkThreshold": st.integers(1, 9),
}
DOMAIN = {
    "transport": st.sampled_from(["a.example.net", "b.example.net", None]),
    "require_tls_outbound": st.sampled_from([True, False, None]),
    "drop_dispositions": st.lists(st.sampled_from(["MALICIOUS", "SPAM", "BULK"]), unique=True),
    "ip_restrictions": st.lists(st.sampled_from(["192.0.2.0/24", "198.51.100.0/24"]), unique=True),
}
RULE = {
    "SetSCL": st.integers(-1, 9).filter(lambda value: value not in (2, 3, 4)),
    "HeaderContainsMessageHeader": st.sampled_from(["X-One", "X-Two"]),
    "HeaderContainsWords": st.lists(st.sampled_from(["BULK", "SPAM", "SPOOF"]), min_size=1, unique=True),
    "SenderIpRanges": st.lists(st.sampled_from(["192.0.2.1", "198.51.100.0/26"]), min_size=1, unique=True),
    "Enabled": st.booleans(),
    "Mode": st.sampled_from(["Enforce", "Audit"]),
    "FromScope": st.sampled_from(["InOrganization", "NotInOrganization"]),
    "SenderDomainIs": st.lists(st.sampled_from(["a.example", "b.example"]), min_size=1, unique=True),
    "SetHeaderName": st.sampled_from(["X-Seen", "X-Told"]),
    "SetHeaderValue": st.sampled_from(["yes", "Yes"]),
    "StopRuleProcessing": st.booleans(),
}
INBOUND = {
    "Comment": st.sampled_from(["one", "One"]),
    "SenderDomains": st.lists(st.sampled_from(["*", "a.example"]), min_size=1, unique=True),
    "SenderIPAddresses": st.lists(st.sampled_from(["192.0.2.1", "198.51.100.0/26"]), min_size=1, unique=True),
    "RequireTls": st.booleans(),
    "RestrictDomainsToIPAddresses": st.booleans(),
    "EFSkipLastIP": st.booleans(),
    "EFUsers": st.lists(st.just("one@example.com"), max_size=1),
    "Enabled": st.booleans(),
}
OUTBOUND = {
    "RecipientDomains": st.lists(st.sampled_from(["a.example", "b.example"]), min_size=1, unique=True),
    "UseMXRecord": st.just(False),
    "SmartHosts": st.lists(st.sampled_from(["relay.example", "192.0.2.1"]), min_size=1, unique=True),
    "TlsSettings": st.sampled_from(["EncryptionOnly", "CertificateValidation"]),
    "Enabled": st.booleans(),
}
QUARANTINE = {"EndUserQuarantinePermissionsValue": PERMISSIONS, "ESNEnabled": st.booleans()}
WANTED_DOMAIN = {**DOMAIN, "transport": st.just("c.example.net"), "require_tls_outbound": st.booleans()}


def drawn(draw: st.DrawFn, values: dict[str, Any]) -> dict[str, Any]:
    return {name: draw(value) for name, value in values.items()}


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what stands there, by kind, and what is wanted of it."""
    return {
        "policy": drawn(draw, POLICY),
        "domain": drawn(draw, DOMAIN),
        "rule": drawn(draw, RULE) if draw(st.booleans()) else None,
        "quarantine": drawn(draw, QUARANTINE) if draw(st.booleans()) else None,
        "inbound": drawn(draw, INBOUND) if draw(st.booleans()) else None,
        "outbound": drawn(draw, OUTBOUND) if draw(st.booleans()) else None,
        "wanted": {
            ("HostedContentFilterPolicy", "Default"): drawn(draw, POLICY),
            ("EmailSecurityDomain", "example.com"): drawn(draw, WANTED_DOMAIN),
            ("InboundConnector", "Our inbound"): drawn(draw, INBOUND),
            ("OutboundConnector", "Our outbound"): drawn(draw, OUTBOUND),
            ("TransportRule", "Our rule"): drawn(draw, RULE),
            ("QuarantinePolicy", "Our policy"): drawn(draw, QUARANTINE),
        },
        "stop": draw(st.integers(0, 6)),
    }


def stand(services: Services, far: LocalTenant, case: dict[str, Any]) -> None:
    """Put the tenant into the drawn state, by the vendors' own calls."""
    exchange = services.exchange
    exchange.invoke("Set-HostedContentFilterPolicy", {"Identity": "Default", **case["policy"]}, write=True)
    for name, value in case["domain"].items():
        far.set_property("EmailSecurityDomain", "example.com", name, value)
    if case["rule"] is not None:
        exchange.invoke("New-TransportRule", {"Name": "our RULE", **case["rule"]}, write=True)
    for name in ("inbound", "outbound"):
        if case[name] is not None:
            cmdlet = f"New-{name.title()}Connector"
            exchange.invoke(cmdlet, {"Name": f"our {name}".upper(), **case[name]}, write=True)
    if case["quarantine"] is not None:
        exchange.invoke("New-QuarantinePolicy", {"Name": "Our policy", **case["quarantine"]}, write=True)


def wanted(case: dict[str, Any]) -> list[Resource]:
    return [
        Resource(
            kind=kind,
            identity=identity,
            section="s",
            attributes=tuple(Attribute(name=name, value=value) for name, value in values.items()),
            may_create=BY_TYPE[kind].creates,
        )
        for (kind, identity), values in case["wanted"].items()
    ]


def planned(services: Services, resources: list[Resource]) -> Plan:
    observed = read_for(services, resources)
    return diff(resources, observed, section="s", scope={}, types=VALUE_TYPES)


def back(services: Services, plan: Plan, begun: set[tuple[str, str]], unfinished: set[tuple[str, str]]) -> Plan:
    inverse = invert(plan)
    return remaining(
        inverse,
        read_for(services, [change for change in inverse.changes if change.key in begun]),
        Circumstances(
            types=VALUE_TYPES,
            begun=begun,
            unfinished=unfinished,
            halfway={kind.type: kind.halfway for kind in KINDS},
            whole=False,
        ),
    )


def carried_out(services: Services, plan: Plan) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.jsonl")
        patience = Patience(limit_seconds=1, sleep=lambda _: None)
        apply_changes(services, plan, journal, patience, lambda change, status, error: None)


def held(far: LocalTenant) -> dict[str, Any]:
    """Everything, without the stamps that every write moves, and without what is not set."""
    found = {key: json.loads(text) for key, text in far.canonical().items()}
    return {
        key: {name: value for name, value in body.items() if name not in STAMPS and value not in (None, [])}
        for key, body in found.items()
    }


thorough = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@thorough
@given(cases())
def test_applied_nothing_is_left_and_taken_back_it_is_what_it_was(case: dict[str, Any]) -> None:
    far = LocalTenant(profile="busy")
    with connected(far) as services:
        stand(services, far, case)
        before = held(far)
        resources = wanted(case)
        plan = planned(services, resources)
        assert plan.can_apply, plan.problems
        carried_out(services, plan)
        assert planned(services, resources).is_empty
        keys = {change.key for change in plan.pending}
        way_back = back(services, plan, keys, set())
        assert way_back.can_apply or not keys, way_back.problems
        carried_out(services, way_back)
        assert held(far) == before


@thorough
@given(cases())
def test_stopped_after_any_change_it_can_be_taken_back(case: dict[str, Any]) -> None:
    far = LocalTenant(profile="busy")
    with connected(far) as services:
        stand(services, far, case)
        before = held(far)
        plan = planned(services, wanted(case))
        some = Plan(section="s", scope={}, changes=plan.pending[: case["stop"]])
        carried_out(services, some)
        keys = {change.key for change in some.changes}
        carried_out(services, back(services, some, keys, set()))
        assert held(far) == before
