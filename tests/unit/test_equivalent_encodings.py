"""Another spelling of the same thing is no difference, and one real difference is always found.

A case is a row as the service sends it, the same in another spelling, and one with a single thing really different. The
rows go the whole way: over the wire, through the client, the kind's read, the plan and the check for a moved tenant.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from wire import client_stage

import tenantapi
from runbook.errors import PlanRefused, UnreadableState
from runbook.kinds import BY_TYPE, VALUE_TYPES
from runbook.plan import Attribute, Change, Observed, Plan, Resource, diff, plan_json
from runbook.section.approving import unchanged_everywhere, unmoved
from runbook.section.observing import read_for

CASES = Path(__file__).parent.parent / "cases" / "equivalent"
LEFT_OUT = "(missing)"
# What the corpus must hold, and how many pairs of it at least.
CATEGORIES = {
    "null, [] and missing": 15,
    "order": 8,
    "letter case of tags": 6,
    "letter case of names": 6,
    "letter case of words": 6,
    "ISO and .NET time spans": 12,
    "numbers as text": 10,
    "booleans as text": 5,
    "permission text in any order": 10,
    "address spellings": 15,
    "stray blanks": 2,
    "annotations": 3,
}
READS = {
    "QuarantinePolicy": "Get-QuarantinePolicy",
    "GlobalQuarantinePolicy": "Get-QuarantinePolicy",
    "HostedContentFilterPolicy": "Get-HostedContentFilterPolicy",
    "HostedConnectionFilterPolicy": "Get-HostedConnectionFilterPolicy",
    "OrganizationConfig": "Get-OrganizationConfig",
    "TransportRule": "Get-TransportRule",
    "InboundConnector": "Get-InboundConnector",
    "OutboundConnector": "Get-OutboundConnector",
}


class FarEnd(client_stage.Stage):
    """Answer every read of one kind with the rows that lie here, in the services' own envelopes."""

    def __init__(self, known: dict[str, str]) -> None:
        super().__init__({}, known)
        self.kind, self.rows = "", list[dict[str, Any]]()
        self.policies: list[dict[str, Any]] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        host = str(request.url).split("/")[2]
        if host in client_stage.LOGIN_HOSTS:
            answer = self.sign_in(request)
        elif host == "api.cloudflare.com":
            info = {"page": 1, "per_page": 1000, "count": len(self.rows), "total_count": len(self.rows)}
            info["total_pages"] = 1
            envelope = {"success": True, "errors": [], "messages": [], "result": self.rows, "result_info": info}
            answer = {"json": envelope}
        elif self.kind == "HostedContentFilterPolicy" and "Get-QuarantinePolicy" in str(request.body):
            answer = {"json": {"@adminapi.warnings": [], "value": self.policies}}
        else:
            asked = json.loads(request.body or "")["CmdletInput"]
            assert asked["CmdletName"] == READS[self.kind]
            is_global = asked["Parameters"].get("QuarantinePolicyType") == "GlobalQuarantinePolicy"
            assert is_global == (self.kind == "GlobalQuarantinePolicy")
            answer = {"json": {"@adminapi.warnings": [], "value": self.rows}}
        response: requests.Response = self.respond(request, answer)
        return response


@dataclass(frozen=True)
class Reader:
    """The clients of one tenant, and the far end whose rows they read."""

    far: FarEnd
    services: tenantapi.Services

    def __call__(self, case: dict[str, Any], which: str) -> Observed:
        self.far.kind, self.far.rows = case["kind"], [row(case, which), *case["beside"]]
        self.far.policies = case["policies"]
        (found,) = read_for(self.services, [asking(case["kind"], case["identity"], case.get("named", ()))])
        return found


def asking(kind: str, identity: str, names: Iterable[str]) -> Resource:
    attributes = tuple(Attribute(name=name, value=None) for name in names)
    return Resource(kind=kind, identity=identity, section="s", attributes=attributes, may_create=True)


@pytest.fixture(scope="module")
def read() -> Iterator[Reader]:
    known = client_stage.made_up(None)
    far = FarEnd(known)
    session = requests.Session()
    session.mount("https://", far)
    tenant = tenantapi.Tenant(
        name="contoso",
        tenant_id=known["tenant"],
        client_id=known["client"],
        client_secret=tenantapi.Secret(known["client_secret"]),
        cloudflare_account_id=known["account"],
        cloudflare_api_token=tenantapi.Secret(known["cloudflare"]),
    )
    # A clock that stands still: no token ends while the cases run.
    with tenantapi.connect(tenant, session=session, clock=lambda: client_stage.START) as services:
        yield Reader(far, services)


def row(case: dict[str, Any], which: str) -> dict[str, Any]:
    merged = {**case["row"], **case.get("first", {}), **(case.get(which, {}) if which != "first" else {})}
    return {name: value for name, value in merged.items() if value != LEFT_OUT}


def load(part: str) -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        whole = yaml.safe_load(path.read_text(encoding="utf-8"))
        common = {name: whole[name] for name in ("kind", "identity", "row", "beside")}
        common["policies"] = whole.get("policies", [])  # what a tag may name
        common["where_named"] = whole.get("where_named", [])  # what is compared only where a text names it
        for name, case in whole[part].items():
            if part == "unknown":
                case = {"identity": whole["identity"], **case, "odd": case["row"]}
                case["row"] = whole["row"]
            found.append(pytest.param({**common, **case}, id=f"{path.stem}: {name}"))
    return found


def wanted(found: Observed, but: str = "") -> Resource:
    """Ask for exactly what was found, in the spelling in which it was found, but not for that property."""
    attributes = tuple(Attribute(name=name, value=value) for name, value in found.properties.items() if name != but)
    return Resource(kind=found.kind, identity=found.identity, section="s", attributes=attributes, may_create=True)


def plan(want: Observed, found: Observed, but: str = "") -> Plan:
    return diff([wanted(want, but)], [found], section="s", scope={}, types=VALUE_TYPES)


def only(made: Plan) -> Change:
    assert made.problems == ()
    (change,) = made.changes
    return change


def approved(made: Plan) -> dict[str, Any]:
    return {"sections": [{"hash": made.hash, **plan_json(made)}]}


@pytest.mark.parametrize("case", load("pairs"))
def test_another_spelling_is_no_difference(case: dict[str, Any], read: Reader) -> None:
    first, other = read(case, "first"), read(case, "other")
    assert first.presence == other.presence == "present"
    silent = set(case["where_named"]) - set(case.get("named", ()))
    assert set(first.properties) == set(BY_TYPE[case["kind"]].types) - silent
    for want, found in ((first, first), (first, other), (other, first), (other, other)):
        change = only(plan(want, found))
        assert [item.attribute for item in change.changed] == []
        assert change.action == "none"
    before, after = plan(first, first), plan(first, other)
    assert only(after).observed == only(before).observed
    assert after.hash == before.hash
    unmoved(only(before), other)
    unchanged_everywhere([after], approved(before))


@pytest.mark.parametrize("case", load("pairs"))
def test_one_real_difference_is_found(case: dict[str, Any], read: Reader) -> None:
    changed = read(case, "changed")
    for spelling in ("first", "other"):
        known = read(case, spelling)
        before, after = plan(known, known), plan(known, changed)
        if "unknown" in case:
            assert_unknown(before, after, changed, case["unknown"])
            continue
        assert after.hash != before.hash
        with pytest.raises(PlanRefused, match=MOVED.get(case["differs"], rf"made: {case['differs']} was [^;]*$")):
            unmoved(only(before), changed)
        with pytest.raises(PlanRefused):
            unchanged_everywhere([after], approved(before))
        if case["differs"] == "presence":
            assert only(after).action == "create"
        elif case["differs"] == "handle":
            assert only(after).action == "none"
        else:
            assert [item.attribute for item in only(after).changed] == [case["differs"]]
            assert moved(only(before), only(after)) == [case["differs"]]
            assert_moved_though_not_asked_for(known, changed, case["differs"])


MOVED = {"presence": "it existed, now it does not", "handle": "another one of the same name"}


def assert_moved_though_not_asked_for(known: Observed, changed: Observed, name: str) -> None:
    """What the text says nothing about is no difference, yet the tenant is no longer what was approved.

    A property that counts only where it is asked for is of no account to such a plan.
    """
    before, after = plan(known, known, but=name), plan(known, changed, but=name)
    assert only(after).action == "none"
    if BY_TYPE[known.kind].types[name].asked_only:
        assert name not in only(before).observed
        assert after.hash == before.hash
        unmoved(only(before), changed)
        return
    with pytest.raises(PlanRefused, match=f", {name}: was "):
        unchanged_everywhere([after], approved(before))


def moved(before: Change, after: Change) -> list[str]:
    names = {**before.observed, **after.observed}
    return [name for name in names if before.observed.get(name) != after.observed.get(name)]


def assert_unknown(before: Plan, after: Plan, found: Observed, reason: str) -> None:
    assert [item.presence for item in after.problems] == ["unknown"]
    assert reason in after.problems[0].reason
    with pytest.raises(UnreadableState, match="This change was not begun"):
        unmoved(only(before), found)
    with pytest.raises(UnreadableState):
        unchanged_everywhere([after], approved(before))


@pytest.mark.parametrize("case", load("unknown"))
def test_what_cannot_be_told_is_unknown(case: dict[str, Any], read: Reader) -> None:
    """Neither the same nor different: nothing is planned, and a plan that was made before is not applied."""
    known, odd = read(case, "first"), read(case, "odd")
    assert_unknown(plan(known, known), plan(known, odd), odd, case["reason"])


def test_the_corpus_is_whole() -> None:
    cases = [item.values[0] for item in load("pairs")]
    assert len(cases) >= 60  # the issue asks for as many
    assert {case["kind"] for case in cases} == set(BY_TYPE)
    held = Counter(case["category"] for case in cases)
    assert held.keys() == CATEGORIES.keys()
    assert {name: held[name] for name in CATEGORIES if held[name] < CATEGORIES[name]} == {}


@pytest.mark.parametrize("case", load("pairs"))
def test_a_pair_is_two_rows_and_one_thing_changed(case: dict[str, Any]) -> None:
    first, other, changed = (row(case, which) for which in ("first", "other", "changed"))
    assert json.dumps(other) != json.dumps(first)
    assert json.dumps(changed) not in (json.dumps(first), json.dumps(other))
    names = {name for name in {*first, *changed} if first.get(name, LEFT_OUT) != changed.get(name, LEFT_OUT)}
    assert len(names) == 1
