"""The application without a socket: latency, routing by path, and what the log keeps."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest

from simtenant import state
from simtenant.app import App
from simtenant.store import Store
from simtenant.wire import Request, is_loopback, split_target


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    state.create(tmp_path)
    return tmp_path


def test_latency_is_added_to_vendor_calls_only(directory: Path) -> None:
    waited: list[float] = []
    app = App(Store(directory), latency_seconds=0.25, sleep=waited.append)
    app.respond(Request(method="GET", path="/_sim/health"))
    assert waited == []
    app.respond(Request(method="GET", path="/v1.0/domains"))
    app.respond(Request(method="GET", path="/client/v4/user/tokens/verify"))
    assert waited == [0.25, 0.25]
    app.close_thread()


def test_the_log_tells_what_was_asked_and_keeps_no_credential(directory: Path) -> None:
    known = json.loads((directory / "credentials.json").read_text(encoding="utf-8"))
    app = App(Store(directory))
    form = {
        "grant_type": "client_credentials",
        "client_id": known["client_id"],
        "client_secret": known["client_secret"],
        "scope": "https://outlook.office365.com/.default",
    }
    path = f"/{known['tenant_id']}/oauth2/v2.0/token"
    host = {"host": "login.microsoftonline.com"}
    reply = app.respond(Request(method="POST", path=path, headers=host, body=urlencode(form).encode()))
    assert reply.answer is not None
    token = json.loads(reply.answer.body)["access_token"]
    invoke = f"/adminapi/beta/{known['tenant_id']}/InvokeCommand"
    body = json.dumps({"CmdletInput": {"CmdletName": "remove-transportrule", "Parameters": {"Identity": "x"}}}).encode()
    bearer = {"authorization": f"Bearer {token}"}
    app.respond(Request(method="POST", path=invoke, headers=bearer, body=body))
    cloudflare = {"authorization": f"Bearer {known['cloudflare_api_token']}"}
    app.respond(Request(method="GET", path="/client/v4/user/tokens/verify", headers=cloudflare))
    app.close_thread()
    rows = state.requests_log(directory)
    assert [(row["method"], row["cmdlet"], row["status"], row["write"]) for row in rows] == [
        ("POST", None, 200, False),
        ("POST", "Remove-TransportRule", 404, True),
        ("GET", None, 200, False),
    ]
    assert rows[0]["host"] == "login.microsoftonline.com"
    assert [row["tenant"] for row in rows] == [known["tenant_id"]] * 3
    kept = b"".join(file.read_bytes() for file in directory.glob("state.db*"))
    for secret in (token, known["client_secret"], known["cloudflare_api_token"]):
        assert secret.encode() not in kept


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1:8080", True),
        ("127.0.0.1", True),
        ("localhost:1", True),
        ("[::1]:80", True),
        ("[::1]", True),
        ("", True),
        ("graph.microsoft.com", False),
        ("10.0.0.1:80", False),
        ("127.example.com", False),
    ],
)
def test_which_hosts_are_this_machine(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_targets_are_decoded_once() -> None:
    assert split_target("/a%20b/c?%24select=X%2CY&d=1&d=2&e=") == (
        "/a b/c",
        (("$select", "X,Y"), ("d", "1"), ("d", "2"), ("e", "")),
    )
