"""Play the requests of the transcripts against a running simulated tenant, with nothing but `http.client` between.

The client is held to the same transcripts elsewhere, so that neither side is ever measured by the other alone. Those
that a well-behaved server would answer as written are marked with `server` in the cases.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from wire.client_stage import cases, filled

ROOT = Path(__file__).resolve().parents[2]
MARKED = [pytest.param(case, id=name) for name, case in cases() if "server" in case]


@dataclass(frozen=True, kw_only=True)
class Far:
    """A running simulated tenant, seen from outside."""

    port: int
    known: dict[str, str]

    def send(self, request: dict[str, Any]) -> tuple[int, bytes]:
        """Send one request of a transcript, as it stands."""
        parts = urlsplit(request["url"])
        query = f"?{quote(parts.query, safe='=&$,%:+')}" if parts.query else ""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        body = json.dumps(request["json"]) if "json" in request else urlencode(request.get("form", {})) or None
        kind = {} if "json" not in request else {"Content-Type": "application/json"}
        headers = {**kind, **request.get("headers", {}), "Host": parts.netloc}
        connection.request(request["method"], parts.path + query, body, headers)
        with connection.getresponse() as response:
            answered = response.status, response.read()
        connection.close()
        return answered

    def cmdlet(self, name: str, parameters: dict[str, Any]) -> tuple[int, bytes]:
        url = f"https://outlook.office365.com/adminapi/beta/{self.known['tenant']}/InvokeCommand"
        body = {"CmdletInput": {"CmdletName": name, "Parameters": parameters}}
        headers = {"Authorization": f"Bearer {self.known['exchange_1']}"}
        return self.send({"method": "POST", "url": url, "json": body, "headers": headers})


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        if path.is_file():
            return json.loads(path.read_text())
        time.sleep(0.02)
    raise RuntimeError("the simulated tenant did not start")


def token(far: Far, made: dict[str, Any], host: str) -> str:
    url = f"https://login.microsoftonline.com/{made['tenant_id']}/oauth2/v2.0/token"
    form = {"grant_type": "client_credentials", "client_id": made["client_id"], "client_secret": made["client_secret"]}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = {"method": "POST", "url": url, "headers": headers, "form": form | {"scope": f"https://{host}/.default"}}
    status, body = far.send(request)
    assert status == 200, body
    return json.loads(body)["access_token"]


@pytest.fixture(scope="module")
def far(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    command = [sys.executable, "-m", "simtenant.server", "--dir", str(folder), "--exit-with-stdin"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "lib")}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    try:
        address = wait_for(folder / "address.json", process)
        made = json.loads((folder / "credentials.json").read_text())
        known = {
            "tenant": made["tenant_id"],
            "client": made["client_id"],
            "account": made["cloudflare_account_id"],
            "cloudflare": made["cloudflare_api_token"],
        }
        server = Far(port=urlsplit(address["url"]).port, known=known)
        known["exchange_1"] = token(server, made, "outlook.office365.com")
        known["graph_1"] = token(server, made, "graph.microsoft.com")
        url = f"https://api.cloudflare.com/client/v4/accounts/{known['account']}/email-security/settings/domains"
        headers = {"Authorization": f"Bearer {known['cloudflare']}"}
        listed = json.loads(server.send({"method": "GET", "url": url, "headers": headers})[1])["result"]
        known["domain_1"] = next(row["id"] for row in listed if row["domain"] == "example.com")
        yield server
    finally:
        process.stdin.close()
        process.wait(10)


@pytest.mark.parametrize("case", MARKED)
def test_the_server_answers_as_the_transcript_says(case, far):
    wanted = {} if case["server"] is True else case["server"]
    for step in wanted.get("before", []):
        for cmdlet, parameters in step.items():
            status, body = far.cmdlet(cmdlet, parameters)
            assert status == 200, body
    known = dict(far.known)
    if "token" in wanted:
        known["exchange_1"] = known[wanted["token"]]
    step = case["wire"][0]
    status, body = far.send(filled(step["expect"], known))
    answer = filled(step["answer"], known)
    assert status == answer.get("status", 200), body
    if "nul_bytes" in answer:
        assert set(body) == {0}
    if "json" in answer:
        assert list(missing(answer["json"], json.loads(body), wanted.get("skip", []))) == []
    assert [text for text in wanted.get("says", []) if text not in body.decode()] == []


def missing(expected, found, skip, place="$"):
    """Say what a transcript names and the answer does not hold; more than is named may be there."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            yield f"{place} is {found!r}"
            return
        for key, value in expected.items():
            if key not in found:
                yield f"{place}.{key} is missing"
            elif key not in skip:
                yield from missing(value, found[key], skip, f"{place}.{key}")
    elif isinstance(expected, list):
        if not isinstance(found, list) or (not expected and found):
            yield f"{place} is {found!r}, expected {expected!r}"
            return
        for item in expected:
            if not any(not list(missing(item, other, skip)) for other in found):
                yield f"{place} does not hold {item!r}"
    elif expected != found or type(expected) is not type(found):
        yield f"{place} is {found!r}, expected {expected!r}"


def test_both_sides_are_held_to_many_transcripts():
    assert len(MARKED) >= 18


@pytest.mark.parametrize(
    ("expected", "found", "said"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": 1}, {"b": 2}, ["$.a is missing"]),
        ({"a": 1}, {"a": True}, ["$.a is True, expected 1"]),
        ([{"a": 1}], [{"a": 2}, {"a": 1, "b": 2}], []),
        ([{"a": 1}], [{"a": 2}], ["$ does not hold {'a': 1}"]),
        ([], [1], ["$ is [1], expected []"]),
        ({"a": {"b": 1}}, {"a": None}, ["$.a is None"]),
    ],
)
def test_a_difference_is_seen(expected, found, said):
    assert list(missing(expected, found, [])) == said
