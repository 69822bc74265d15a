"""Misbehaviour on demand: each kind of fault, when it strikes, and what it leaves behind."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from simtenant import faults, server, state
from simtenant.wire import Request


class Client:
    """A client that opens a connection per call and knows one tenant."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self.known = json.loads((directory / "credentials.json").read_text(encoding="utf-8"))
        self.domains = f"/client/v4/accounts/{self.known['cloudflare_account_id']}/email-security/settings/domains"
        self.bearer = {"Authorization": f"Bearer {self.known['cloudflare_api_token']}"}
        form = {
            "grant_type": "client_credentials",
            "client_id": self.known["client_id"],
            "client_secret": self.known["client_secret"],
            "scope": "https://outlook.office365.com/.default",
        }
        _, _, raw = self.send("POST", f"/{self.known['tenant_id']}/oauth2/v2.0/token", urlencode(form).encode())
        self.exchange = {"Authorization": f"Bearer {json.loads(raw)['access_token']}"}

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=0.5)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def set_faults(self, *items: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        status, _, raw = self.send("POST", "/_sim/faults", json.dumps(items).encode())
        return status, json.loads(raw)

    def invoke(self, cmdlet: str, **parameters: Any) -> tuple[int, Any, bytes]:
        body = json.dumps({"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}).encode()
        path = f"/adminapi/beta/{self.known['tenant_id']}/InvokeCommand"
        return self.send("POST", path, body, self.exchange)

    def policies(self) -> list[str]:
        return [policy["Name"] for policy in state.objects(self.directory)["QuarantinePolicy"]]

    def last_logged(self) -> dict[str, Any]:
        return state.requests_log(self.directory)[-1]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    state.create(tmp_path)
    with server.running(tmp_path) as running:
        yield Client(tmp_path, running.server_address[1])


CASES = [
    # kind, status the caller sees (None: no answer), whether the write took effect
    ("status", 503, False),
    ("status-after", 503, True),
    ("html", 502, False),
    ("throttle", 429, False),
    ("drop-before", None, False),
    ("drop-after", None, True),
    ("timeout-before", None, False),
    ("timeout-after", None, True),
    ("malformed", 200, True),
    ("ignored", 200, False),
    ("embedded-error", 200, False),
    ("partial", 200, True),
    ("refuse", None, False),
    ("expired-token", 401, False),
    ("wrong-secret", 401, False),
    ("unmodified", 200, False),
    ("not-json", 200, True),
    ("html-after", 200, True),
    ("warning-only", 200, True),
    ("empty-list", 200, True),
    ("stale-reads", 200, True),
    ("slow", 200, True),
    ("edit", 200, True),
]


def test_every_kind_has_a_case() -> None:
    assert {kind for kind, _, _ in CASES} == set(faults.KINDS)


@pytest.mark.parametrize(("kind", "status", "kept"), CASES)
def test_kind(client: Client, kind: str, status: int | None, kept: bool) -> None:
    edit = {"kind": "TransportRule", "identity": "Company disclaimer", "property": "Mode", "value": "Audit"}
    more = {"edit": edit} if kind == "edit" else {}
    assert client.set_faults({"kind": kind, "seconds": 0.1 if kind == "slow" else 30, **more})[0] == 200
    if status is None:
        usual = TimeoutError if kind.startswith("timeout") else http.client.RemoteDisconnected
        error = ConnectionResetError if kind == "refuse" else usual
        with pytest.raises(error):
            client.invoke("New-QuarantinePolicy", Name="Mine")
    else:
        seen, _, raw = client.invoke("New-QuarantinePolicy", Name="Mine")
        assert seen == status
        if kind in {"malformed", "not-json", "html-after"}:
            with pytest.raises(ValueError, match=r"char \d"):
                json.loads(raw)
        if kind == "embedded-error":
            assert json.loads(raw)["error"]["code"] == "InternalServerError"
    assert ("Mine" in client.policies()) is kept
    row = client.last_logged()
    assert (row["cmdlet"], row["write"], row["status"]) == ("New-QuarantinePolicy", True, status)
    assert client.invoke("Get-QuarantinePolicy")[0] == 200


@pytest.mark.parametrize("status", [None, 500])
def test_half_of_a_change_is_kept(client: Client, status: int | None) -> None:
    client.set_faults({"kind": "partial", "status": status})
    changes = {"Identity": "Default", "QuarantineRetentionPeriod": 9, "BulkThreshold": 3}
    assert client.invoke("Set-HostedContentFilterPolicy", **changes)[0] == (status or 200)
    policy = state.objects(client.directory)["HostedContentFilterPolicy"][0]
    assert (policy["QuarantineRetentionPeriod"], policy["BulkThreshold"]) == (9, 7)


def test_half_of_a_patch_is_kept(client: Client) -> None:
    domain = state.objects(client.directory)["EmailSecurityDomain"][0]
    client.set_faults({"kind": "partial", "match": {"method": "PATCH"}})
    body = json.dumps({"lookback_hops": 5, "require_tls_outbound": True}).encode()
    assert client.send("PATCH", f"{client.domains}/{domain['id']}", body, client.bearer)[0] == 200
    changed = state.objects(client.directory)["EmailSecurityDomain"][0]
    assert (changed["lookback_hops"], changed["require_tls_outbound"]) == (5, False)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"at": None}, [503, 200, 200, 200]),
        ({"at": 2}, [200, 503, 200, 200]),
        ({"at": 2, "times": 2}, [200, 503, 503, 200]),
        ({"at": 3, "times": None}, [200, 200, 503, 503]),
    ],
)
def test_which_calls_are_struck(client: Client, fault: dict[str, Any], expected: list[int]) -> None:
    client.set_faults({"kind": "status", "status": 503, **fault})
    assert [client.invoke("Get-TransportRule")[0] for _ in expected] == expected


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({"cmdlet": "get-acceptedDOMAIN"}, [200, 500, 200]),
        ({"method": "GET"}, [200, 200, 500]),
        ({"path": "email-security"}, [200, 200, 500]),
        ({"path": "invokecommand"}, [500, 500, 200]),
        ({"write": True}, [200, 200, 200]),
        ({"write": False}, [500, 500, 500]),
        ({"cmdlet": "Get-AcceptedDomain", "method": "GET"}, [200, 200, 200]),
        ({}, [500, 500, 500]),
    ],
)
def test_only_matching_calls_are_counted(client: Client, match: dict[str, str], expected: list[int]) -> None:
    client.set_faults({"kind": "status", "status": 500, "match": match, "times": None})
    seen = [
        client.invoke("Get-TransportRule")[0],
        client.invoke("Get-AcceptedDomain")[0],
        client.send("GET", client.domains, headers=client.bearer)[0],
    ]
    assert seen == expected


def test_throttling_speaks_each_vendors_language(client: Client) -> None:
    client.set_faults({"kind": "throttle", "retry_after": 2, "times": None})
    status, headers, raw = client.invoke("Get-TransportRule")
    assert (status, headers["Retry-After"], headers["Content-Type"]) == (429, "2", "text/plain")
    assert b"maximum number of concurrent requests per tenant" in raw
    status, headers, raw = client.send("GET", client.domains, headers=client.bearer)
    assert (status, headers["Retry-After"], json.loads(raw)["errors"][0]["code"]) == (429, "2", 10429)
    status, headers, raw = client.send("GET", "/v1.0/domains")
    assert (status, headers["Retry-After"], json.loads(raw)["error"]["code"]) == (429, "2", "TooManyRequests")


def test_throttling_without_a_time(client: Client) -> None:
    client.set_faults({"kind": "throttle"})
    status, headers, _ = client.invoke("Get-TransportRule")
    assert (status, headers.get("Retry-After")) == (429, None)


def test_a_wrong_secret_is_refused_in_each_vendors_language(client: Client) -> None:
    client.set_faults({"kind": "wrong-secret", "times": None})
    status, _, raw = client.send("POST", f"/{client.known['tenant_id']}/oauth2/v2.0/token", b"grant_type=x")
    assert (status, json.loads(raw)["error"], json.loads(raw)["error_codes"]) == (401, "invalid_client", [7000215])
    assert client.invoke("Get-TransportRule")[0] == 401
    status, _, raw = client.send("GET", client.domains, headers=client.bearer)
    assert (status, json.loads(raw)["success"]) == (401, False)
    status, _, raw = client.send("GET", "/v1.0/domains")
    assert (status, json.loads(raw)["error"]["code"]) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        ({"share": 0}, set()),
        ({"share": 1}, set(range(1, 13))),
        ({"share": 1, "at": 11}, {11, 12}),
        ({"share": 1, "at": 4, "times": 2}, {4, 5}),
        ({"share": 0.3, "seed": 1}, {1, 3, 7, 11, 12}),
        ({"share": 0.3, "seed": 1, "times": 2}, {1, 3}),
        ({"share": 0.3, "seed": 2}, {1, 3, 4, 5, 9, 10, 11}),
    ],
)
def test_a_share_of_the_calls_is_struck(client: Client, fault: dict[str, Any], struck: set[int]) -> None:
    client.set_faults({"kind": "throttle", **fault})
    seen = {number for number in range(1, 13) if client.invoke("Get-AcceptedDomain")[0] == 429}
    assert seen == struck
    assert json.loads(client.send("GET", "/_sim/faults")[2])[0]["struck"] == len(struck)


def test_a_share_is_about_that_part_of_many_calls() -> None:
    request = Request(method="GET", path="/v1.0/domains")
    for seed in range(5):
        fault = faults.parse([{"kind": "throttle", "share": 0.05, "seed": seed}])[0]
        struck = sum(fault.due(number, 0) for number in range(1, 4001))
        assert fault.matches(request, None)
        assert 150 < struck < 250, (seed, struck)


def test_latency_goes_together_with_another_fault(client: Client) -> None:
    client.set_faults({"kind": "slow", "seconds": 0.2, "times": None}, {"kind": "status", "status": 500, "at": 2})
    began = time.monotonic()
    assert [client.invoke("Get-AcceptedDomain")[0] for _ in range(2)] == [200, 500]
    assert time.monotonic() - began > 0.4


def test_what_is_in_force_tells_its_counts(client: Client) -> None:
    client.set_faults({"kind": "status", "at": 2, "times": 1}, {"kind": "html", "match": {"method": "PUT"}})
    assert [client.invoke("Get-AcceptedDomain")[0] for _ in range(3)] == [200, 503, 200]
    assert json.loads(client.send("GET", "/_sim/faults")[2]) == [
        {"kind": "status", "at": 2, "times": 1, "counted": 3, "struck": 1},
        {"kind": "html", "at": 1, "times": 1, "counted": 0, "struck": 0},
    ]


def test_faults_end_when_cleared(client: Client) -> None:
    client.set_faults({"kind": "status", "times": None})
    assert client.invoke("Get-TransportRule")[0] == 503
    assert client.send("DELETE", "/_sim/faults")[0] == 200
    assert client.invoke("Get-TransportRule")[0] == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"kind": "nonsense"},
        {"kind": "status", "every": 2},
        {"kind": "status", "match": {"header": "x"}},
        {"kind": "status", "at": "first"},
        {"kind": "status", "match": 7},
        {"kind": "status", "match": {"write": "yes"}},
        {"kind": "status", "match": {"cmdlet": 7}},
        {"kind": "slow", "seconds": "long"},
        {"kind": "slow", "seconds": -1},
        {"kind": "partial", "keep": "both"},
        {"kind": "edit"},
        {"kind": "edit", "edit": {"kind": "TransportRule"}},
        {"kind": "status", "edit": {"kind": "a", "identity": "b", "property": "c", "value": "d"}},
        {"kind": "stale-reads", "reads": 1.5},
        {"kind": "throttle", "share": 1.01},
        {"kind": "throttle", "share": "half"},
        {"kind": "throttle", "share": True},
        {"kind": "throttle", "share": 0.5, "seed": -1},
    ],
)
def test_a_wrong_fault_is_refused_in_words(client: Client, wrong: dict[str, Any]) -> None:
    status, value = client.set_faults(wrong)
    assert status == 400
    assert value["error"]
    assert client.invoke("Get-TransportRule")[0] == 200


def test_stopping_does_not_wait_for_a_caller_that_hangs(tmp_path: Path) -> None:
    state.create(tmp_path)
    began = time.monotonic()
    with server.running(tmp_path) as running:
        client = Client(tmp_path, running.server_address[1])
        client.set_faults({"kind": "timeout-before", "seconds": 60})
        with pytest.raises(TimeoutError):
            client.invoke("Get-TransportRule")
    assert time.monotonic() - began < 5
