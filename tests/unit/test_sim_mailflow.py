"""Where test messages land: each case cites its fact and is set up over the vendors' own wires where it can be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from simtenant import mailflow, rules, state, switches
from simtenant.adapter import InProcessAdapter
from simtenant.binding import cmdlets
from simtenant.directory import shapes
from simtenant.local import LocalTenant
from simtenant.mailflow import conditions
from simtenant.mailflow.outcome import PLACES, Rights
from simtenant.mailflow.ways import Ways
from simtenant.store import Store

FOLDER = Path(__file__).parents[1] / "cases" / "mailflow"
NOON = datetime(2026, 5, 6, 12, 0, tzinfo=UTC)
BASE = {"to": "clerk@example.com", "via": "gateway", "connecting_ip": "104.30.32.5"}
CONTROL = "https://control.invalid/_sim/"


def loaded(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


SETUPS = loaded("setups.yaml")
CASES = [
    pytest.param(case, id=f"{name}: {case['name']}")
    for name in ("document", "gateway", "door", "rules", "filter", "governed")
    for case in loaded(f"{name}.yaml")
]


class Admin:
    """Sets a tenant of this process up as an administrator would."""

    def __init__(self, tenant: LocalTenant) -> None:
        self.tenant, known = tenant, tenant.credentials
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("https://", InProcessAdapter(tenant))
        form = {
            "grant_type": "client_credentials",
            "client_id": known["client_id"],
            "client_secret": known["client_secret"],
            "scope": "https://outlook.office365.com/.default",
        }
        url = f"https://login.microsoftonline.com/{known['tenant_id']}/oauth2/v2.0/token"
        self.exchange = {"Authorization": f"Bearer {self.session.post(url, data=form).json()['access_token']}"}
        self.cloudflare = {"Authorization": f"Bearer {known['cloudflare_api_token']}"}

    def do(self, steps: list[Any]) -> None:
        for step in steps:
            if isinstance(step, list):
                self.do(step)
            elif "cmdlet" in step:
                self.invoke(step["cmdlet"], step["with"])
            elif "domain" in step:
                self.patch(step["domain"], step["patch"])
            elif "recipients" in step:
                self.tenant.set_recipients(step["recipients"])
            else:
                self.tenant.set_property(*step["object"])

    def invoke(self, cmdlet: str, parameters: Mapping[str, Any]) -> None:
        answer = self.session.post(
            f"https://outlook.office365.com/adminapi/beta/{self.tenant.credentials['tenant_id']}/InvokeCommand",
            json={"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}},
            headers=self.exchange,
        )
        assert answer.status_code == 200, answer.text

    def patch(self, domain: str, changes: Mapping[str, Any]) -> None:
        account = self.tenant.credentials["cloudflare_account_id"]
        url = f"https://api.cloudflare.com/client/v4/accounts/{account}/email-security/settings/domains"
        listed = self.session.get(url, params={"domain": domain}, headers=self.cloudflare).json()["result"]
        answer = self.session.patch(f"{url}/{listed[0]['id']}", json=changes, headers=self.cloudflare)
        assert answer.status_code == 200, answer.text


@pytest.fixture
def tenant() -> Iterator[LocalTenant]:
    made = LocalTenant(profile="presets", clock=lambda: NOON)
    yield made
    made.close()


@pytest.mark.parametrize("case", CASES)
def test_a_message_lands_where_its_fact_says(case: dict[str, Any]) -> None:
    tenant = LocalTenant(profile=case.get("profile", "new"), clock=lambda: NOON)
    admin = Admin(tenant)
    admin.do([SETUPS[name] for name in case.get("setup", ())])
    admin.do(case.get("do", []))
    for name, value in case.get("switches", {}).items():
        tenant.turn(name, value)
    before, calls = tenant.canonical(), tenant.log()
    told = tenant.deliver({**BASE, **case["message"]})
    expected = dict(case["expect"])
    if expected.get("user_may") is not None:
        expected["user_may"] = {name: name in expected["user_may"] for name in asdict(Rights())}
    assert {name: told[name] for name in expected} == expected, "\n".join(told["steps"])
    assert case["fact"]
    assert told["place"] in PLACES
    assert (told["user_may"] is None) is (told["place"] not in {"quarantine", "gateway-quarantine"})
    assert told["steps"] and all(step.endswith(".") for step in told["steps"])
    assert (tenant.canonical(), tenant.log()) == (before, calls)
    tenant.close()


def test_the_two_ends_of_a_case_are_far_apart() -> None:
    """A set of cases that never reaches a place would not notice that it is gone."""
    reached = {case.values[0]["expect"].get("place") for case in CASES}
    assert set(PLACES) <= reached
    assert len(CASES) >= 60
    names = [case.id for case in CASES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in loaded("refused.yaml")])
def test_what_is_no_message_is_refused_in_words(tenant: LocalTenant, case: dict[str, Any]) -> None:
    answer = Admin(tenant).session.post(f"{CONTROL}messages", json=case["body"])
    assert answer.status_code == 400
    assert case["text"] in answer.json()["error"]
    with pytest.raises(ValueError, match=case["text"].replace("(", r"\(")):
        tenant.deliver(case["body"])
    assert tenant.messages() == []


def test_of_several_messages_none_is_kept_when_one_is_none(tenant: LocalTenant) -> None:
    with pytest.raises(ValueError, match="connecting_ip"):
        tenant.deliver_all([BASE, {**BASE, "connecting_ip": "nowhere"}])
    assert tenant.messages() == []
    assert [told["place"] for told in tenant.deliver_all([BASE, {**BASE, "via": "direct"}])] == ["elsewhere", "inbox"]


def test_the_control_endpoint_delivers_keeps_and_lists(tenant: LocalTenant) -> None:
    session = Admin(tenant).session
    tenant.forget_log()
    before = session.get(f"{CONTROL}objects").json()
    message = {**BASE, "disposition": "SPOOF", "headers": [["Subject", "Grüße"]]}
    told = session.post(f"{CONTROL}messages", json=message).json()
    assert told == tenant.deliver(message)
    assert list(told) == [
        "place", "quarantine_policy", "user_may", "notified", "policy", "rules", "scl", "steps",
    ]  # fmt: skip
    first, second = session.get(f"{CONTROL}messages").json()
    assert (first["id"], second["id"]) == (1, 2)
    assert first["at"] == second["at"] == "2026-05-06T12:00:00Z"
    assert first["outcome"] == told
    full = {"from": "someone@sender.example", "verdict": "none", "groups": [], "now": "2026-05-06T12:00:00Z"}
    assert first["message"] == {**message, **full}
    assert tenant.deliver(first["message"]) == told
    assert [row["id"] for row in session.get(f"{CONTROL}messages?since=2").json()] == [3]
    assert session.get(f"{CONTROL}messages?since=x").status_code == 400
    assert session.post(f"{CONTROL}messages", data="{").status_code == 400
    assert session.post(f"{CONTROL}mailbag", json=[message, message]).json() == [told, told]
    assert session.post(f"{CONTROL}mailbag", json=[]).json() == []
    for body in (message, [message, {"to": 1}]):
        assert session.post(f"{CONTROL}mailbag", json=body).status_code == 400
    assert [row["id"] for row in session.get(f"{CONTROL}messages?since=3").json()] == [4, 5], "all of a bag or none"
    assert session.get(f"{CONTROL}objects").json() == before
    assert tenant.log() == []


def test_messages_outlive_a_snapshot_and_end_with_a_reset(tmp_path: Path) -> None:
    state.create(tmp_path)
    store = Store(tmp_path)
    with store.transaction() as tx:
        held = tx.snapshot()
        tx.add_message("2026-05-06T12:00:00Z", {"message": {}})
        tx.restore(held)
        assert [row["id"] for row in tx.messages()] == [1]
    state.create(tmp_path, force=True)
    with store.transaction() as tx:
        assert tx.messages() == []
    store.close()


def test_a_tenant_that_is_older_than_its_mail_can_be_reset(tmp_path: Path) -> None:
    state.create(tmp_path)
    state.create(tmp_path, force=True)
    store = Store(tmp_path)
    with store.transaction() as tx:
        tx._connection.execute("DROP TABLE message")
        assert tx.messages() == []
        tx._connection.execute("DROP TABLE message")
    state.create(tmp_path, force=True)
    store.close()


def test_people_are_shown_replaced_and_gone_back_to(tenant: LocalTenant) -> None:
    session = Admin(tenant).session
    start, shown = tenant.snapshot(), session.get(f"{CONTROL}recipients").json()
    executives = [row["address"] for row in shown["recipients"] if "executives@example.com" in row["groups"]]
    assert executives == ["chief@example.com", "treasurer@example.com"]
    assert shown["unexpandable_groups"] == ["everyone@example.com"]
    assert not any("everyone@example.com" in row["groups"] for row in shown["recipients"])
    new = {"recipients": [{"address": "One@example.com", "groups": ["A@example.com"]}, {"address": "two@example.com"}]}
    answer = session.post(f"{CONTROL}recipients", json=new)
    assert answer.json() == {"recipients": 2, "unexpandable_groups": 1}
    assert tenant.recipients() == {
        "recipients": [
            {"address": "one@example.com", "groups": ["a@example.com"]},
            {"address": "two@example.com", "groups": []},
        ],
        "unexpandable_groups": ["everyone@example.com"],
    }
    tenant.set_recipients({"unexpandable_groups": []})
    assert (len(tenant.recipients()["recipients"]), tenant.recipients()["unexpandable_groups"]) == (2, [])
    tenant.restore(start)
    assert tenant.recipients() == shown


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ([], "object with recipients"),
        ({}, "object with recipients"),
        ({"recipients": [], "groups": []}, "no groups here"),
        ({"recipients": {}}, "list of objects"),
        ({"recipients": ["a@example.com"]}, "object with address"),
        ({"recipients": [{"address": "a@example.com", "name": "A"}]}, "object with address"),
        ({"recipients": [{"address": "a"}]}, "address is an address"),
        ({"recipients": [{"address": "a@example.com"}, {"address": "A@example.com"}]}, "twice"),
        ({"recipients": [{"address": "a@example.com", "groups": ["g"]}]}, "groups is an address"),
        ({"unexpandable_groups": "g@example.com"}, "list of addresses"),
    ],
)
def test_what_are_no_people_is_refused_in_words(tenant: LocalTenant, body: Any, text: str) -> None:
    before = tenant.recipients()
    answer = Admin(tenant).session.post(f"{CONTROL}recipients", data=json.dumps(body))
    assert (answer.status_code, text in answer.json()["error"]) == (400, True), answer.text
    assert tenant.recipients() == before


@pytest.mark.parametrize("profile", ["new", "dehydrated", "presets", "busy"])
def test_every_profile_has_people(profile: str) -> None:
    tenant = LocalTenant(profile=profile)
    shown = tenant.recipients()
    assert len(shown["recipients"]) >= 5
    assert shown["unexpandable_groups"]
    tenant.close()


def test_every_condition_of_a_rule_is_decided_or_says_why_not() -> None:
    known = conditions.EVALUATED | conditions.UNEVALUATED.keys() | conditions.NOTHING_ATTACHED
    cmdlet = next(cmdlet for cmdlet in cmdlets().values() if cmdlet.name == "New-TransportRule")
    names = [parameter.name for parameter in cmdlet.parameters.values()]
    wanted, unwanted, _ = rules.sorted_parts(dict.fromkeys(names, "x"))
    shape = shapes()["TransportRule"]
    assert {*wanted, *(name for name in shape if f"ExceptIf{name}" in shape)} == known
    assert {name.removeprefix("ExceptIf") for name in unwanted} <= known
    assert not conditions.EVALUATED & conditions.UNEVALUATED.keys()
    body = dict.fromkeys(known, "x")
    for name in known:
        assert (conditions.compiled(name, body) is None) is (name in conditions.UNEVALUATED), name


def test_ways_and_switches_have_the_same_defaults() -> None:
    for field in fields(Ways):
        assert field.default == switches.SWITCHES[field.name].default


def test_delivery_is_pure_and_needs_no_store(tenant: LocalTenant) -> None:
    with tenant._store.transaction() as tx:
        view, ways = mailflow.read(tx), mailflow.chosen_ways(tx)
    message = mailflow.parse({**BASE, "via": "direct", "verdict": "spam"}, NOON)
    assert mailflow.deliver(view, message, ways) == mailflow.deliver(view, message, ways)
    assert mailflow.deliver(view, message, ways).told() == tenant.deliver({**BASE, "via": "direct", "verdict": "spam"})


def test_a_message_marks_the_assumptions_it_relied_on(tenant: LocalTenant) -> None:
    session = Admin(tenant).session
    calls = len(tenant.log())
    assert not [row for row in session.get(f"{CONTROL}assumptions").json() if row["id"].startswith("mail-")]
    tenant.deliver(BASE)
    rows = {row["id"]: row for row in session.get(f"{CONTROL}assumptions?since={calls}").json()}
    assert rows["mail-requested-scl"]["messages"] == [1]
    assert rows["mail-requested-scl"]["calls"] == []
    tenant.turn("requested_scl", "ignored")
    session.get("https://graph.microsoft.com/v1.0/domains")
    rows = {row["id"]: row for row in session.get(f"{CONTROL}assumptions").json()}
    assert rows["mail-requested-scl"]["statement"].startswith("Not so here, for the switch requested_scl is ignored")
    assert rows["graph-error-codes"]["messages"] == []
    later = session.get(f"{CONTROL}assumptions?since={calls + 1}").json()
    assert not [row for row in later if row["id"].startswith("mail-")]
