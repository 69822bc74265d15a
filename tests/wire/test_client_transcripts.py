"""Play the hand-written transcripts in tests/cases/wire against the client.

A case names a call of the client, every request that must then be on the wire in this order, the answers to give, the
pauses, and the result or the error. Requests to the sign-in host are answered by the stage itself unless the case
lists them. ``${name}`` stands for a value made afresh for each run, so that no credential is ever written down.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import pickle
import re
import secrets
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import requests
import yaml
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse
from urllib3 import exceptions as lower

import tenantapi
from tenantapi import errors

CASES = Path(__file__).parents[1] / "cases" / "wire"
LOGIN_HOSTS = {"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"}
START = 1_780_000_000.0


def cases():
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8")):
            yield pytest.param(case, id=f"{path.stem}: {case['name']}")


def jwt(tenant_id):
    def part(claims):
        return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part({'tid': tenant_id, 'jti': secrets.token_hex(8)})}.{secrets.token_hex(8)}"


def network_failure(name, url):
    """Make the exception that requests raises for a failure of the network; real sockets check the same elsewhere."""
    if name == "connect-timeout":
        return requests.ConnectTimeout(lower.MaxRetryError(None, url, lower.ConnectTimeoutError("slow")))
    if name == "refused":
        return requests.ConnectionError(lower.MaxRetryError(None, url, lower.NewConnectionError(None, "refused")))
    if name == "read-timeout":
        return requests.ReadTimeout(lower.ReadTimeoutError(None, url, "no answer"))
    if name == "reset":
        return requests.ConnectionError(lower.ProtocolError("aborted", ConnectionResetError(104, "reset")))
    if name == "untrusted":
        return requests.exceptions.SSLError(
            lower.MaxRetryError(None, url, lower.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED]"))
        )
    raise KeyError(name)


class LostBody(io.BytesIO):
    """A body whose connection breaks while it is read."""

    def read(self, *_):
        raise ConnectionResetError(104, "reset")


class Stage(BaseAdapter):
    """Answer from the script, and note every departure from it."""

    def __init__(self, case, known):
        super().__init__()
        self.script = list(case.get("wire", []))
        self.known = known
        self.departures = []
        self.sign_ins = dict.fromkeys(("exchange", "graph"), 0)
        self.explicit = any(urlsplit(step["expect"]["url"]).hostname in LOGIN_HOSTS for step in self.script)

    def close(self):
        pass

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        if urlsplit(request.url).hostname in LOGIN_HOSTS and not self.explicit:
            return self.respond(request, self.sign_in(request))
        if not self.script:
            self.departures.append(f"one request too many: {request.method} {request.url}")
            raise requests.ConnectionError("the script has ended")
        step = self.script.pop(0)
        self.departures += self.compare(filled(step["expect"], self.known), request)
        if timeout is None or None in timeout:
            self.departures.append("a call without time-outs")
        answer = filled(step["answer"], self.known)
        if "raise" in answer:
            raise network_failure(answer["raise"], request.url)
        return self.respond(request, answer)

    def sign_in(self, request):
        base = f"https://{urlsplit(request.url).hostname}/{self.known['tenant']}"
        if request.method == "GET":
            return {
                "json": {
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                    "issuer": f"{base}/v2.0",
                }
            }
        form = dict(parse_qsl(request.body.decode() if isinstance(request.body, bytes) else request.body))
        audience = "graph" if "graph" in form["scope"] else "exchange"
        self.sign_ins[audience] += 1
        token = self.known[f"{audience}_{self.sign_ins[audience]}"]
        return {"json": {"token_type": "Bearer", "expires_in": 3599, "access_token": token}}

    @staticmethod
    def compare(expected, request):
        if request.method != expected["method"]:
            yield f"method {request.method}, expected {expected['method']}"
        if unquote(request.url) != unquote(expected["url"]):
            yield f"address {request.url}, expected {expected['url']}"
        for name, value in expected.get("headers", {}).items():
            if request.headers.get(name) != value:
                yield f"field {name} is {request.headers.get(name)!r}, expected {value!r}"
        body = request.body.decode() if isinstance(request.body, bytes) else request.body
        if "form" in expected:
            sent = {key: value for key, value in parse_qsl(body) if key in expected["form"]}
            if sent != expected["form"]:
                yield f"form {sent}, expected {expected['form']}"
        elif (json.loads(body) if body else None) != expected.get("json"):
            yield f"body {body}, expected {expected.get('json')}"

    @staticmethod
    def respond(request, answer):
        headers = {"Content-Type": "application/json"} if "json" in answer else {}
        headers |= answer.get("headers", {})
        if "json" in answer:
            body = json.dumps(answer["json"]).encode()
        else:
            body = bytes(answer["nul_bytes"]) if "nul_bytes" in answer else answer.get("text", "").encode()
        source = LostBody() if answer.get("lost_body") else io.BytesIO(body)
        raw = HTTPResponse(source, headers=headers, status=answer.get("status", 200), preload_content=False)
        response = requests.Response()
        response.status_code = raw.status
        response.headers.update(headers)
        response.raw, response.request, response.url = raw, request, request.url
        return response


def filled(value, known):
    """Put the values of this run in the place of ``${name}``."""
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda found: known[found[1]], value)
    if isinstance(value, dict):
        return {filled(key, known): filled(item, known) for key, item in value.items()}
    return [filled(item, known) for item in value] if isinstance(value, list) else value


def plain(value):
    """Show a result as JSON would."""
    if dataclasses.is_dataclass(value):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, frozenset):
        return sorted(value)
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


@dataclasses.dataclass
class Played:
    result: Any = None
    error: Exception | None = None
    sleeps: list[float] = dataclasses.field(default_factory=list)
    calls: list[Any] = dataclasses.field(default_factory=list)
    now: float = START

    def sleep(self, seconds):
        self.sleeps.append(round(seconds, 3))
        self.now += seconds


def play(case):
    tenant_id = str(uuid.uuid4())
    known = {
        "tenant": tenant_id,
        "other_tenant": str(uuid.uuid4()),
        "client": str(uuid.uuid4()),
        "account": secrets.token_hex(16),
        "client_secret": secrets.token_urlsafe(24),
        "cloudflare": secrets.token_urlsafe(24),
        "foreign_token": jwt(str(uuid.uuid4())),
    } | {f"{audience}_{n}": jwt(tenant_id) for audience in ("exchange", "graph") for n in (1, 2, 3)}
    kept = [value for name, value in known.items() if name not in ("tenant", "other_tenant", "client", "account")]
    without = case.get("without", [])
    tenant = tenantapi.Tenant(
        name="contoso",
        tenant_id=tenant_id,
        client_id=known["client"],
        client_secret=None if "client_secret" in without else tenantapi.Secret(known["client_secret"]),
        cloudflare_account_id=known["account"],
        cloudflare_api_token=None if "cloudflare" in without else tenantapi.Secret(known["cloudflare"]),
        cloud=case.get("cloud", "commercial"),
    )
    stage, played = Stage(case, known), Played()
    session = requests.Session()
    session.mount("https://", stage)
    services = tenantapi.connect(
        tenant,
        session=session,
        sleep=played.sleep,
        clock=lambda: played.now,
        jitter=lambda: 1.0,
        ids=lambda: "id-1",
        on_call=played.calls.append,
    )
    service, function = case["call"].split(".")
    call = getattr(getattr(services, service), function)
    try:
        for _ in range(case.get("times", 1)):
            played.result = call(*filled(case.get("args", []), known), **filled(case.get("kwargs", {}), known))
    except errors.ApiError as error:
        played.error = error
    return played, stage, known, kept


@pytest.mark.parametrize("case", list(cases()))
def test_transcript(case):
    played, stage, known, kept = play(case)
    assert stage.departures == []
    if "error" not in case and played.error is not None:
        raise played.error
    assert stage.script == [], "requests that were never made"
    assert played.sleeps == case.get("sleeps", [])
    if "result" in case:
        assert plain(played.result) == filled(case["result"], known)
    else:
        check_error(filled(case["error"], known), played.error)
    check_calls(case, played)
    shown = [repr(played.error), str(played.error), repr(played.calls)]
    shown.append(pickle.dumps(played.error).decode("latin-1"))
    assert not [value for value in kept for text in shown if value in text], "a credential is to be seen"


def check_error(expected, error):
    assert error is not None, "an error was expected"
    assert type(error).__name__ == expected.pop("class")
    for text in expected.pop("says", []):
        assert text in str(error)
    assert error.summary + ": " in str(error)
    assert "contoso" in str(error)
    for text in expected.pop("never_says", []):
        assert text not in str(error)
    for name, value in ({"ambiguous": False} | expected).items():
        found = getattr(error, name)
        assert (list(found) if isinstance(found, tuple) else found) == value, name
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def check_calls(case, played):
    """Each attempt is told twice, in order, and writes are told as writes."""
    calls = [call for call in played.calls if call.service != "Entra ID"]
    assert [call.phase for call in calls[::2]] == ["sent"] * len(calls[::2])
    assert [call.n for call in calls[::2]] == [call.n for call in calls[1::2]]
    assert all(call.phase in ("answered", "failed") for call in calls[1::2])
    told = [f"{call.operation} {call.status or call.error}" for call in calls[1::2]]
    if "told" in case:
        assert told == case["told"]
    write = case.get("kwargs", {}).get("write", case["call"].split("_")[0].split(".")[1] in WRITES)
    assert {call.write for call in calls} <= {write}


WRITES = {"edit", "replace", "create", "delete"}
