"""What is said of one right, from what was found out about an identity; and that all needs are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook.kinds import KINDS, Right
from runbook.library import load
from runbook.preflight import Holding, judge, lacking
from runbook.preflight.holding import Unread
from runbook.preflight.needs import DOMAINS_OF_GRAPH, of_section
from tenantapi.cloudflare import TokenState
from tenantapi.grants import Grants

CASES = yaml.safe_load((Path(__file__).parent.parent / "cases" / "preflight" / "findings.yaml").read_text())
RIGHTS = {right.name: right for kind in KINDS for right in kind.rights} | {DOMAINS_OF_GRAPH.name: DOMAINS_OF_GRAPH}


def unread(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() & {"refused", "failed"}:
        refused = "refused" in value
        return Unread(reason=value["refused" if refused else "failed"], refused=refused)
    return value


def grants(value: Any) -> Grants | Unread | None:
    value = unread(value)
    if not isinstance(value, dict):
        return value  # type: ignore[no-any-return]
    sets = {name: frozenset(value.get(name, ())) for name in ("app_roles", "directory_roles", "scopes")}
    return Grants(tenant_id=None, application_id=None, audience=None, user=value.get("user"), expires=None, **sets)


def holding(case: dict[str, Any]) -> Holding:
    found: dict[str, Any] = {}
    right = RIGHTS[case["right"]]
    if "grants" in case:
        found["graph" if right.service == "Microsoft Graph" else "exchange"] = grants(case["grants"])
    if "cmdlets" in case:
        cmdlets = unread(case["cmdlets"])
        found["cmdlets"] = frozenset(cmdlets) if isinstance(cmdlets, list) else cmdlets
    if "domains" in case:
        found["domains"] = {name: unread(value) for name, value in case["domains"].items()}
    if "account" in case:
        found["account"] = unread(case["account"])
    if "token" in case:
        found["token"] = TokenState(id="t", **case["token"])
    return Holding(**found)


@pytest.mark.parametrize("name", CASES)
def test_finding(name: str) -> None:
    case = CASES[name]
    found = judge(RIGHTS[case["right"]], holding(case))
    assert (found.verdict, found.by_nature) == (case["verdict"], case.get("by_nature", False))
    assert case.get("why", "") in found.why
    assert found.verdict == "held" or found.why
    assert bool(lacking([found.right], holding(case))) == (found.verdict != "held" and not found.by_nature)


def test_nothing_is_held_before_anything_was_asked() -> None:
    assert {judge(right, Holding()).verdict for right in RIGHTS.values()} == {"unknown"}


def test_every_section_names_what_it_needs() -> None:
    document = load()
    needs = [{right.name for right in of_section(document, section.id)} for section in document.sections]
    assert needs == [
        {"Cloud Email Security: Read", "Cloud Email Security: Write", "Domain.Read.All"},
        {f"{verb}-QuarantinePolicy" for verb in ("Get", "New", "Set", "Remove")},
        {f"{verb}-QuarantinePolicy" for verb in ("Get", "New", "Set")},
        {
            "Get-HostedContentFilterPolicy",
            "Get-HostedContentFilterRule",
            "Get-EOPProtectionPolicyRule",
            "Get-QuarantinePolicy",
            "Set-HostedContentFilterPolicy",
        },
        {f"{verb}-TransportRule" for verb in ("Get", "New", "Set", "Enable", "Disable", "Remove")},
    ]


def test_a_right_knows_whether_it_changes_something() -> None:
    reads = {right.name for right in RIGHTS.values() if not right.writes}
    assert all(name.startswith("Get-") or "Read" in name for name in reads)
    assert Right(service="Exchange Online", name="Set-TransportRule", writes=True) in RIGHTS.values()
