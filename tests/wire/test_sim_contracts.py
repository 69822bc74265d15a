"""Answers against what others wrote down: Cloudflare's contract, and the tables of Exchange's cmdlets and objects.

The tables lie beside the repository in a development checkout only; without them these tests are skipped.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from simtenant import server, state
from simtenant.binding import cmdlets
from simtenant.directory import shapes

FACTS = Path(__file__).parents[3] / "shared" / "facts"

pytestmark = pytest.mark.skipif(not FACTS.is_dir(), reason=f"the facts are not beside this checkout ({FACTS.name})")


class Client:
    def __init__(self, directory: Path, port: int) -> None:
        self.known = json.loads((directory / "credentials.json").read_text(encoding="utf-8"))
        self.port = port
        self.domains = f"/client/v4/accounts/{self.known['cloudflare_account_id']}/email-security/settings/domains"

    def send(self, method: str, path: str, body: Any = None, bearer: str | None = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        headers = {"Authorization": f"Bearer {bearer or self.known['cloudflare_api_token']}"}
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        connection.request(method, path, text, headers)
        answer = connection.getresponse()
        value = json.loads(answer.read() or b"null")
        connection.close()
        return answer.status, value

    def rows(self, cmdlet: str, **parameters: Any) -> list[dict[str, Any]]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.known["client_id"],
            "client_secret": self.known["client_secret"],
            "scope": "https://outlook.office365.com/.default",
        }
        _, token = self.send("POST", f"/{self.known['tenant_id']}/oauth2/v2.0/token", urlencode(form))
        body = {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}
        path = f"/adminapi/beta/{self.known['tenant_id']}/InvokeCommand"
        status, value = self.send("POST", path, body, token["access_token"])
        assert status == 200, value
        return list(value["value"])


@pytest.fixture
def client(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Client]:
    state.create(tmp_path, profile=getattr(request, "param", "new"))
    with server.running(tmp_path) as running:
        yield Client(tmp_path, running.server_address[1])


def _table() -> dict[str, Any]:
    return dict(json.loads((FACTS / "exchange-cmdlets.json").read_text(encoding="utf-8")))


# The facts name these cmdlets [tutorial-language 4.6] and have no page of them; see the assumption outbound-connector.
WITHOUT_A_PAGE = {f"{verb}-OutboundConnector" for verb in ("Get", "New", "Set", "Remove")}


def test_every_cmdlet_has_the_documented_parameters() -> None:
    table = _table()["cmdlets"]
    assert {cmdlet.name for cmdlet in cmdlets().values()} == set(table) | WITHOUT_A_PAGE
    for name, entry in table.items():
        known = {parameter.name for parameter in cmdlets()[name.lower()].parameters.values()}
        assert known == set(entry["params"]) | set(entry.get("otherParameterTypes", {})), name
        for parameter, facts in entry["params"].items():
            mine = cmdlets()[name.lower()].parameters[parameter.lower()]
            assert list(mine.values) == facts.get("values", []), (name, parameter)
            limits = [limit for limit in facts.get("range", []) if not isinstance(limit, str)]
            # Two priorities are bounded by the number of rules, which is not a number in a table.
            assert list(mine.range or []) == (limits if len(limits) == 2 and None not in limits else []), (
                name,
                parameter,
            )
            assert mine.max_length == facts.get("maxLength"), (name, parameter)
            assert mine.required is facts.get("required", False), (name, parameter)


def test_every_shape_has_the_observed_properties() -> None:
    for kind, entry in _table()["objects"].items():
        observed = entry.get("properties") or entry.get("props")
        assert set(shapes()[kind]) == set(observed), kind
    extra = set(_table()["objects"]["QuarantinePolicy"]["globalOnlyProps"])
    assert set(shapes()["GlobalQuarantinePolicy"]) - set(shapes()["QuarantinePolicy"]) == extra


# Grades of the facts that leave something open, and two titles in which their words stand for something else.
_OPEN = re.compile(r"unconfirmed|second-hand|not confirmed|not found|assumed|inferred|public sample", re.IGNORECASE)
_NO_GRADES = ("meta/", "info/")


def _open_places(value: Any, place: str = "") -> list[str]:
    if isinstance(value, str):
        return [place.rstrip("/")] if _OPEN.search(value) and not place.startswith(_NO_GRADES) else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = []
    for key, part in pairs:
        name = part["id"] if isinstance(key, int) and isinstance(part, dict) and "id" in part else key
        found += _open_places(part, f"{place}{name}/")
    return found


def test_every_open_fact_stands_in_the_table_of_assumptions() -> None:
    cases = yaml.safe_load((Path(__file__).parents[1] / "cases" / "assumptions.yaml").read_text(encoding="utf-8"))
    covered = [fact for case in cases for fact in case.get("facts", ())]
    for facts in (_table(), _contract()):
        missing = [place for place in _open_places(facts) if not any(fact in place for fact in covered)]
        assert missing == []
    assert {fact for fact in covered if fact.startswith("md ")} == {f"md {n}" for n in range(1, 13)}


READS = [
    ("QuarantinePolicy", {}),
    ("HostedContentFilterPolicy", {}),
    ("HostedContentFilterRule", {}),
    ("EOPProtectionPolicyRule", {}),
    ("ATPProtectionPolicyRule", {}),
    ("TransportRule", {"ResultSize": "Unlimited"}),
    ("HostedConnectionFilterPolicy", {}),
    ("AcceptedDomain", {}),
    ("InboundConnector", {}),
    ("OutboundConnector", {}),
    ("OrganizationConfig", {}),
]


@pytest.mark.parametrize("client", ["busy", "presets"], indirect=True)
def test_every_row_holds_every_property_with_the_right_kind_and_annotation(client: Client) -> None:
    for kind, parameters in READS:
        for row in client.rows(f"Get-{kind}", **parameters):
            values = {name: value for name, value in row.items() if "@" not in name}
            assert set(values) == set(shapes()[kind]), kind
            for name, value in values.items():
                assert _well_annotated(row, name, value, shapes()[kind][name]), (kind, name, value)


def _well_annotated(row: dict[str, Any], name: str, value: Any, kind: str) -> bool:
    data, odata = row.get(f"{name}@data.type"), row.get(f"{name}@odata.type")
    if value is None:
        return (data is odata is None and kind.endswith("?")) or (
            kind in {"text", "datetime"} and data is odata is None
        )
    if kind == "guid":
        return (data, odata) == ("System.Guid", "#Guid") and len(value) == 36
    if kind == "datetime":
        ending = "Z" if name.endswith("UTC") else "+00:00"
        return (data, odata) == ("System.DateTime", None) and value.endswith(ending)
    if isinstance(value, list):
        return (data, odata) == (None, "#Collection(String)") and kind in {"list", "list?", "any?"}
    if isinstance(value, int) and not isinstance(value, bool):
        return (data, odata) == ("System.Int32", None) and kind in {"int32", "any?"}
    return data is odata is None and (isinstance(value, bool) is (kind == "bool") or kind == "any?")


def _contract() -> dict[str, Any]:
    return dict(json.loads((FACTS / "cloudflare-email-security.json").read_text(encoding="utf-8")))


def _check(method: str, template: str, status: int, value: Any) -> None:
    """Hold an answer against the schema of the operation, or of a failure."""
    jsonschema = pytest.importorskip("jsonschema")
    contract = _contract()
    operation = contract["paths"][template][method]
    content = operation["responses"].get(str(status)) or operation["responses"]["4XX"]
    if "$ref" in content:
        content = contract["components"]["responses"][content["$ref"].rsplit("/", 1)[-1]]
    schema = {**content["content"]["application/json"]["schema"], "components": contract["components"]}
    jsonschema.validate(value, schema, format_checker=jsonschema.FormatChecker())


def test_every_answer_of_cloudflare_keeps_the_contract(client: Client) -> None:
    prefix = "/accounts/{account_id}/email-security/settings/domains"
    one = f"{prefix}/{{domain_id}}"
    new = {
        "domain": "new.example",
        "allowed_delivery_modes": ["DIRECT"],
        "drop_dispositions": [],
        "ip_restrictions": [],
        "regions": ["GLOBAL"],
    }
    rest = {name: value for name, value in new.items() if name != "domain"}
    status, listed = client.send("GET", client.domains)
    _check("get", prefix, status, listed)
    status, made = client.send("POST", client.domains, new)
    assert status == 201
    _check("post", prefix, status, made)
    path = f"{client.domains}/{made['result']['id']}"
    steps: list[tuple[str, str, str, Any, int]] = [
        ("POST", client.domains, prefix, new, 409),
        ("POST", client.domains, prefix, {}, 400),
        ("GET", path, one, None, 200),
        ("PATCH", path, one, {"lookback_hops": 2}, 200),
        ("PATCH", path, one, {"lookback_hops": 0}, 400),
        ("PUT", path, one, rest, 200),
        ("GET", f"{path}/verification", f"{one}/verification", None, 200),
        (
            "POST",
            f"{client.domains}/batch",
            f"{prefix}/batch",
            {"deletes": [], "patches": [], "puts": [], "posts": []},
            200,
        ),
        ("DELETE", path, one, None, 200),
        ("GET", path, one, None, 404),
        ("DELETE", client.domains, prefix, None, 400),
        ("DELETE", client.domains, prefix, [{"id": listed["result"][0]["id"]}], 200),
        ("GET", "/client/v4/user/tokens/verify", "/user/tokens/verify", None, 200),
        (
            "GET",
            f"/client/v4/accounts/{client.known['cloudflare_account_id']}/tokens/verify",
            "/accounts/{account_id}/tokens/verify",
            None,
            200,
        ),
    ]
    for method, target, template, body, expected in steps:
        status, value = client.send(method, target, body)
        assert status == expected, (method, target, value)
        _check(method.lower(), template, status, value)
    status, value = client.send("GET", client.domains, bearer="wrong")
    assert status == 401
    _check("get", prefix, status, value)
