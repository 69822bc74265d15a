"""Whatever a caller sends, the tenant answers in its services' forms, and a refused call leaves nothing behind."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from simtenant.binding import Cmdlet, cmdlets
from simtenant.local import LocalTenant
from simtenant.wire import Request

TABLE = "#Exchange.GenericHashTable"
NAMES = ("Default", "Partner policy", "Company disclaimer", "From the partner", "Partner access", "Brand new")
ODD: list[Any] = [
    None, True, 0, -1, 5, 300, 10**30, 1.5, "", "x", "7", "²", "1.00:00:00", "a" * 70, "DefaultFullAccessPolicy",
    [], ["a"], [None], [1], [" b "], ["192.0.2.0/24"], ["::1"], {}, "Description -like '[a'",
    {"@odata.type": TABLE, "add": ["192.0.2.1"]}, {"@odata.type": TABLE, "remove": "x"},
    {"@odata.type": TABLE, "add": None},
]  # fmt: skip
FIELDS = (
    "domain", "allowed_delivery_modes", "drop_dispositions", "ip_restrictions", "regions", "lookback_hops",
    "transport", "folder", "integration_id", "require_tls_outbound", "id",
)  # fmt: skip


class Stage:
    """A busy tenant, a token, and the state every example begins with."""

    def __init__(self) -> None:
        self.tenant = LocalTenant(profile="busy")
        known = self.tenant.credentials
        form = {
            "grant_type": "client_credentials",
            "client_id": known["client_id"],
            "client_secret": known["client_secret"],
            "scope": "https://outlook.office365.com/.default",
        }
        path = f"/{known['tenant_id']}/oauth2/v2.0/token"
        reply = self.tenant.respond(Request(method="POST", path=path, body=urlencode(form).encode()))
        assert reply.answer is not None
        self.exchange = {"authorization": f"Bearer {json.loads(reply.answer.body)['access_token']}"}
        self.gateway = {"authorization": f"Bearer {known['cloudflare_api_token']}"}
        self.invoke = f"/adminapi/beta/{known['tenant_id']}/InvokeCommand"
        self.domains = f"/client/v4/accounts/{known['cloudflare_account_id']}/email-security/settings/domains"
        self.ids = [domain["id"] for domain in self.tenant.objects()["EmailSecurityDomain"][:2]]
        self.start = self.tenant.snapshot()
        self.before = self.tenant.canonical()

    def check(self, request: Request) -> int:
        """Send a request from the start and hold what every answer must keep."""
        self.tenant.restore(self.start)
        answer = self.tenant.respond(request).answer
        assert answer is not None
        assert answer.status < 500, answer.body
        assert isinstance(json.loads(answer.body), dict)
        after = self.tenant.canonical()
        if answer.status >= 400 or request.method == "GET":
            assert after == self.before
        for kind in ("TransportRule", "HostedContentFilterRule"):
            rules = self.tenant.objects().get(kind, [])
            assert sorted(rule["Priority"] for rule in rules) == list(range(len(rules)))
        return answer.status


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


def calls(cmdlet: Cmdlet) -> st.SearchStrategy[dict[str, Any]]:
    """Draw parameters: mandatory ones mostly as names of things that exist, a few others at odds."""
    known = list(cmdlet.parameters.values())
    named = {parameter.name: st.sampled_from([*NAMES, *ODD]) for parameter in known if parameter.required}
    others = (st.lists(st.sampled_from(known), max_size=3) if known else st.just([])).flatmap(
        lambda some: st.fixed_dictionaries(
            {parameter.name: st.sampled_from([*parameter.values, *ODD]) for parameter in some}
        )
    )
    return st.tuples(others, st.fixed_dictionaries(named)).map(lambda pair: {**pair[0], **pair[1]})


COMMANDS = st.sampled_from(sorted(cmdlets().values(), key=lambda cmdlet: cmdlet.name)).flatmap(
    lambda cmdlet: st.tuples(st.just(cmdlet.name), calls(cmdlet))
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(command=COMMANDS)
@example(command=("New-QuarantinePolicy", {"Name": "Brand new", "EndUserQuarantinePermissionsValue": None}))
@example(command=("Remove-TransportRule", {"Identity": "Company disclaimer"}))
def test_any_parameters_of_any_cmdlet(stage: Stage, command: tuple[str, dict[str, Any]]) -> None:
    body = {"CmdletInput": {"CmdletName": command[0], "Parameters": command[1]}}
    stage.check(Request(method="POST", path=stage.invoke, headers=stage.exchange, body=json.dumps(body).encode()))


ENTRIES = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from([*ODD, ["DIRECT"], ["GLOBAL"], "a.example", "{id}"]))
BODIES = st.one_of(
    ENTRIES,
    st.lists(ENTRIES, max_size=2),
    st.sampled_from(ODD),
    st.fixed_dictionaries({part: st.lists(ENTRIES, max_size=2) for part in ("deletes", "patches", "puts", "posts")}),
)
QUERIES = st.lists(
    st.tuples(
        st.sampled_from(["page", "per_page", "order", "direction", "search", "domain", "status", "integration_id"]),
        st.sampled_from(["", "0", "2", "x", "²", "asc", "domain", "PENDING"]),
    ),
    max_size=2,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE"]),
    rest=st.sampled_from(["", "/batch", "/nobody", "/{id}", "/{id}/verification"]),
    body=BODIES,
    query=QUERIES,
)
@example(method="GET", rest="", body=None, query=[("page", "²")])
@example(
    method="POST",
    rest="/batch",
    body={"deletes": [{"id": "{id}"}], "patches": [{"id": "nobody"}], "puts": [], "posts": []},
    query=[],
)
def test_any_body_at_any_path_of_the_gateway(
    stage: Stage, method: str, rest: str, body: Any, query: list[tuple[str, str]]
) -> None:
    path = stage.domains + rest.replace("{id}", stage.ids[0])
    text = json.dumps(body).replace("{id}", stage.ids[1]).encode()
    stage.check(Request(method=method, path=path, query=tuple(query), headers=stage.gateway, body=text))
