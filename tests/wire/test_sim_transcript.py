"""The transcript of a server, and the check that holds it against the contracts."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from wire import contract

from simtenant import server, state, transcript

LIB = str(Path(__file__).parents[2] / "lib")
ACCOUNT = "0" * 32
DOMAINS = f"/client/v4/accounts/{ACCOUNT}/email-security/settings/domains"
INVOKE = "/adminapi/beta/tenant/InvokeCommand"
FAILURE = {"success": False, "errors": [{"code": 1400, "message": "no"}], "messages": [], "result": None}
EMPTY = {"success": True, "errors": [], "messages": [], "result": []}
ROWS = {
    "@odata.context": "x",
    "adminapi.warnings@odata.type": "#Collection(String)",
    "@adminapi.warnings": [],
    "value": [{"Name": "x", "Guid@data.type": "System.Guid", "Guid": "y"}],
}


def call(method: str = "GET", path: str = DOMAINS, **changed: Any) -> dict[str, Any]:
    blank = {"query": [], "agent": None, "request": None, "status": 200, "answer": EMPTY, "fault": None}
    return {"method": method, "path": path, "lenient": False, **blank, **changed}


def invoke(cmdlet: str, parameters: Any, **changed: Any) -> dict[str, Any]:
    body = {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}
    return call("POST", INVOKE, **{"request": body, "answer": ROWS, **changed})


@pytest.fixture(scope="module")
def contracts() -> contract.Contracts:
    if not contract.FACTS.is_dir():
        pytest.skip("the facts are not beside this checkout")
    return contract.Contracts.read()


BROKEN = [
    pytest.param(call(answer={**EMPTY, "result": [{"id": "no uuid"}]}), "result/0/id", id="answer: format"),
    pytest.param(call(answer={"result": []}), "'success' is a required", id="answer: envelope"),
    pytest.param(call(status=418, answer=EMPTY), "Failure|const|expected", id="answer: failure form"),
    pytest.param(call(status=302, answer=None), "status 302", id="answer: status"),
    pytest.param(call(query=[["per_page", "9999"]]), "9999 is greater", id="query: range"),
    pytest.param(call(query=[["page_size", "5"]]), "page_size is no parameter", id="query: unknown"),
    pytest.param(call(query=[["status", "active"]]), "'active' is not one of", id="query: enum"),
    pytest.param(call(query=[["page", "²"]]), "'²' is not of type 'integer'", id="query: a digit that is none"),
    pytest.param(
        invoke("Set-TransportRule", {"Identity": "x", "SetSCL": None}, agent="ours/1"), "documented type", id="null"
    ),
    pytest.param(call(answer={**EMPTY, "result": [{"status": "active"}]}), "'active' is not valid", id="letter case"),
    pytest.param(call(request={}), "body was sent", id="body where none belongs"),
    pytest.param(call(path=DOMAINS.replace(ACCOUNT, "short")), "too short", id="path: length"),
    pytest.param(call("PATCH", f"{DOMAINS}/{ACCOUNT}", request={}), "not a 'uuid'", id="path: format"),
    pytest.param(call("HEAD"), "no such operation", id="no operation"),
    pytest.param(
        call("POST", status=201, request={"domain": "a.example"}, answer={**EMPTY, "result": {}}),
        "'regions' is a required",
        id="body: required",
    ),
    pytest.param(
        call("POST", f"{DOMAINS}/batch", request={"deletes": [], "patches": [], "puts": [], "posts": [], "x": 1}),
        "x is no field",
        id="body: unknown field",
    ),
    pytest.param(invoke("Get-Nonsense", {}), "no documented cmdlet", id="cmdlet"),
    pytest.param(invoke("Get-TransportRule", {"Colour": 1}), "no parameter colour", id="parameter"),
    pytest.param(invoke("New-TransportRule", {}), "needs name", id="parameter: required"),
    pytest.param(invoke("New-TransportRule", {"Name": "x", "SetSCL": 10}), "10 is out of range", id="range"),
    pytest.param(invoke("New-TransportRule", {"Name": "x" * 65}), "too long", id="length"),
    pytest.param(invoke("New-TransportRule", {"Name": "x", "Enabled": "true"}), "documented type", id="type"),
    pytest.param(invoke("New-TransportRule", {"Name": "x", "Mode": "Loud"}), "not among Audit", id="enum"),
    pytest.param(invoke("New-TransportRule", {"Name": ["x"]}), "documented type", id="text"),
    pytest.param(
        invoke("Get-TransportRule", {}, answer={**ROWS, "value": [{"Colour": 1}]}), "Colour is no property", id="row"
    ),
    pytest.param(invoke("Get-TransportRule", {}, answer={"value": []}), "must be lists", id="envelope"),
]


@pytest.mark.parametrize(("row", "text"), BROKEN)
def test_what_breaks_a_contract_is_found(contracts: contract.Contracts, row: dict[str, Any], text: str) -> None:
    tally = contract.Tally()
    contracts.check(row, tally, "ours/")
    assert tally.violations
    assert any(part in violation for part in text.split("|") for violation in tally.violations), tally.violations


FINE = [
    call(),
    call(query=[["domain", "a.example"], ["domain", "b.example"], ["per_page", "1000"]]),
    call(status=400, query=[["per_page", "9999"]], answer=FAILURE),
    call(status=502, answer=None, fault="html"),
    call("DELETE", lenient=True),
    invoke("get-transportrule", {"RESULTSIZE": "Unlimited"}),
    invoke("New-TransportRule", {"Name": "x", "SetSCL": -1, "FromScope": "InOrganization"}),
    invoke(
        "Set-HostedConnectionFilterPolicy", {"Identity": "Default", "IPAllowList": []}, answer={**ROWS, "value": []}
    ),
    invoke("Get-Nonsense", {}, status=403, answer=None),
]


@pytest.mark.parametrize("row", FINE)
def test_what_keeps_a_contract_passes(contracts: contract.Contracts, row: dict[str, Any]) -> None:
    tally = contract.Tally()
    contracts.check(row, tally)
    assert tally.violations == []


TOLERATED = [
    ("New-TransportRule", {"Name": "x", "SetSCL": "5"}),
    ("New-TransportRule", {"Name": "x", "Mode": "Enf"}),
    ("New-TransportRule", {"Name": "x", "HeaderContainsWords": "x"}),
    ("Set-TransportRule", {"Identity": "x", "Comments": None}),
]


@pytest.mark.parametrize(("cmdlet", "parameters"), TOLERATED)
def test_the_client_is_held_to_what_others_are_forgiven(
    contracts: contract.Contracts, cmdlet: str, parameters: dict[str, Any]
) -> None:
    row = invoke(cmdlet, parameters, agent="ours/1 library/2", answer={**ROWS, "value": []})
    found = []
    for client in (None, "ours/"):
        tally = contract.Tally()
        contracts.check(row, tally, client)
        found.append(len(tally.violations))
    assert found == [0, 1]


def test_a_wrong_request_that_is_refused_counts_against_the_client_only(contracts: contract.Contracts) -> None:
    row = call(status=400, query=[["page", "0"]], answer=FAILURE, agent="ours/1")
    tally = contract.Tally()
    contracts.check(row, tally)
    assert (tally.counts["cloudflare refused"], tally.violations) == (1, [])
    contracts.check(row, tally, "ours/")
    assert len(tally.violations) == 1


@pytest.mark.parametrize(
    ("rows", "code"), [([call()], 0), ([call(), call(request={})], 1), ([], 1)], ids=["fine", "broken", "nothing"]
)
def test_the_command_tells_by_its_exit_code(
    contracts: contract.Contracts, tmp_path: Path, rows: list[dict[str, Any]], code: int
) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    done = subprocess.run([sys.executable, contract.__file__, str(file)], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stdout
    assert f"violations: {1 if len(rows) == 2 else 0}" in done.stdout


def converse(url: str, known: dict[str, Any]) -> str:
    """Sign in and call each service once; give the access token."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    form = {
        "grant_type": "client_credentials",
        "client_id": known["client_id"],
        "client_secret": known["client_secret"],
        "scope": "https://outlook.office365.com/.default",
    }
    connection.request("POST", f"/{known['tenant_id']}/oauth2/v2.0/token", urlencode(form))
    token = json.loads(connection.getresponse().read())["access_token"]
    body = json.dumps({"CmdletInput": {"CmdletName": "Get-AcceptedDomain", "Parameters": {}}})
    path = f"/adminapi/beta/{known['tenant_id']}/InvokeCommand"
    connection.request("POST", path, body, {"Authorization": f"Bearer {token}", "User-Agent": "tester/1"})
    connection.getresponse().read()
    domains = f"/client/v4/accounts/{known['cloudflare_account_id']}/email-security/settings/domains?per_page=2"
    connection.request("GET", domains, headers={"Authorization": f"Bearer {known['cloudflare_api_token']}"})
    connection.getresponse().read()
    connection.close()
    return str(token)


@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_server_writes_every_call_and_no_credential(tmp_path: Path, how: str) -> None:
    directory, file = tmp_path / "tenant", tmp_path / "calls.jsonl"
    options = ["--transcript", str(file)] if how == "option" else []
    more = {transcript.VARIABLE: str(file)} if how == "environment" else {}
    kept = {name: text for name, text in os.environ.items() if name != transcript.VARIABLE}
    process = subprocess.Popen(
        [sys.executable, "-m", "simtenant.server", "--dir", str(directory), *options],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**kept, **more, "PYTHONPATH": LIB},
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("listening on ").strip()
        known = json.loads((directory / "credentials.json").read_text(encoding="utf-8"))
        token = converse(url, known)
    finally:
        process.terminate()
        process.communicate(timeout=5)
    text = file.read_text(encoding="utf-8")
    for secret in (token, known["client_secret"], known["cloudflare_api_token"]):
        assert secret not in text
    sign_in, exchange, cloudflare = (json.loads(line) for line in text.splitlines())
    assert (sign_in["status"], sign_in["request"], sign_in["answer"]) == (200, None, None)
    assert (exchange["agent"], exchange["request"]["CmdletInput"]["CmdletName"]) == ("tester/1", "Get-AcceptedDomain")
    assert exchange["answer"]["value"][0]["DomainName"] == "example.com"
    assert (cloudflare["method"], cloudflare["query"], cloudflare["status"]) == ("GET", [["per_page", "2"]], 200)
    assert len(cloudflare["answer"]["result"]) == 2


def test_without_being_asked_nothing_is_written(tmp_path: Path) -> None:
    assert transcript.wanted(None, {}) is None
    assert transcript.wanted(None, {transcript.VARIABLE: ""}) is None
    first, second = tmp_path / "first", tmp_path / "second"
    chosen = transcript.wanted(first, {transcript.VARIABLE: str(second)})
    assert chosen is not None
    assert chosen.path == first


def test_a_fault_is_named_beside_the_call_it_struck(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    state.create(tmp_path / "tenant")
    with server.running(tmp_path / "tenant", record=file) as running:
        connection = http.client.HTTPConnection(urlsplit(running.url).netloc, timeout=5)
        connection.request("POST", "/_sim/faults", json.dumps([{"kind": "html"}]))
        connection.getresponse().read()
        connection.request("GET", "/client/v4/user/tokens/verify")
        assert connection.getresponse().status == 502
        connection.close()
    row = json.loads(file.read_text(encoding="utf-8"))
    assert (row["fault"], row["status"], row["answer"]) == ("html", 502, None)


OPEN = [
    (invoke("Set-TransportRule", {"Identity": "x", "ExpiryDate": None}, agent="ours/1"), "date cleared by null"),
    (invoke("Set-TransportRule", {"Identity": "x", "ActivationDate": None}, agent="ours/1"), "date cleared by null"),
    (call(answer={**EMPTY, "result": [{"status": "active"}]}, turned=["cloudflare_status_case"]), "letter case"),
]


@pytest.mark.parametrize(("row", "why"), OPEN)
def test_what_the_facts_leave_open_is_counted_by_its_reason(
    contracts: contract.Contracts, row: dict[str, Any], why: str
) -> None:
    tally = contract.Tally()
    contracts.check(row, tally, "ours/")
    assert not [text for text in tally.violations if "null is not" in text or "'active'" in text], tally.violations
    assert any(why in line and line.startswith("open: ") for line in tally.text().splitlines())


def test_half_a_request_is_none(tmp_path: Path) -> None:
    """A client that dies between the head and the body has asked for nothing, and nothing is answered or written."""
    file = tmp_path / "transcript.jsonl"
    state.create(tmp_path / "tenant")
    head = f"POST {INVOKE} HTTP/1.1\r\nHost: x\r\nUser-Agent: tenantapi/1\r\nContent-Length: 50\r\n\r\n"
    with server.running(tmp_path / "tenant", record=file) as running:
        address = urlsplit(running.url)
        with socket.create_connection((address.hostname, address.port), timeout=10) as client:
            client.sendall(head.encode() + b'{"CmdletInput"')
            client.shutdown(socket.SHUT_WR)
            assert client.recv(100) == b""
    assert not file.exists() or file.read_text() == ""
