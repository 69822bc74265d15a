"""Play one hand-written transcript against the client, and say in words where the client departs from it.

A case names a call of the client, every request that must then be on the wire in this order, the answers to give, the
pauses, and the result or the error. Requests to the sign-in host are answered by the stage itself unless the case
lists them. ``${name}`` stands for a value made afresh for each run, so that no credential is ever written down.
"""

from __future__ import annotations

import base64
import dataclasses
import gzip
import io
import json
import pickle
import re
import secrets
import time
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
import yaml
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse
from urllib3 import exceptions as lower

import tenantapi
from tenantapi import errors

CASES = Path(__file__).parents[1] / "cases" / "wire"
LOGIN_HOSTS = {"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"}
SCOPES = {
    "https://outlook.office365.com/.default": "exchange",
    "https://outlook.office365.us/.default": "exchange",
    "https://outlook-dod.office365.us/.default": "exchange",
    "https://outlook.office365.cn/.default": "exchange",
    "https://graph.microsoft.com/.default": "graph",
    "https://graph.microsoft.us/.default": "graph",
    "https://dod-graph.microsoft.us/.default": "graph",
    "https://microsoftgraph.chinacloudapi.cn/.default": "graph",
}
WRITES = {"edit", "replace", "create", "delete"}
START = 1_780_000_000.0


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every case with its name; one with ``each`` stands for as many cases as it lists variations."""
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8")):
            for variation in case.pop("each", [{}]):
                words = filled(case, {name: str(value) for name, value in variation.items()}, partly=True)
                yield f"{path.stem}: {words['name']}", words


def jwt(**claims: Any) -> str:
    def part(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part({'jti': secrets.token_hex(8), **claims})}.{secrets.token_hex(8)}"


def network_failure(name: str, url: str) -> requests.RequestException:
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
        scope = form["scope"]
        audience = SCOPES.get(scope)
        if audience is None:
            self.departures.append(f"scope {scope}")
            audience = "exchange"
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
            form = dict(parse_qsl(body or ""))
            sent = {key: value for key, value in form.items() if key in expected["form"]}
            if sent != expected["form"]:
                yield f"form {sent}, expected {expected['form']}"
            yield from assertion_faults(expected, form)
        elif (json.loads(body) if body else None) != expected.get("json"):
            yield f"body {body}, expected {expected.get('json')}"

    @staticmethod
    def respond(request, answer):
        headers = {"Content-Type": "application/json"} if "json" in answer else {}
        headers |= answer.get("headers", {})
        if "json" in answer:
            body = json.dumps(answer["json"]).encode()
            body = gzip.compress(body) if "Content-Encoding" in headers else body
        else:
            body = bytes(answer["nul_bytes"]) if "nul_bytes" in answer else answer.get("text", "").encode()
        source = LostBody() if answer.get("lost_body") else io.BytesIO(body)
        raw = HTTPResponse(source, headers=headers, status=answer.get("status", 200), preload_content=False)
        response = requests.Response()
        response.status_code = raw.status
        response.headers.update(headers)
        response.raw, response.request, response.url = raw, request, request.url
        return response


def assertion_faults(expected, form):
    """Look into a client assertion, whose signature is made afresh each time."""
    if "assertion" not in expected:
        return
    header, claims = (
        json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        for part in form["client_assertion"].split(".")[:2]
    )
    for name, value in expected["assertion"].items():
        found = str(header.get(name, claims.get(name))).rstrip("=")  # msal leaves the padding of a thumbprint on
        if found != value:
            yield f"assertion {name} is {found!r}, expected {value!r}"


def filled(value, known, *, partly=False):
    """Put the values of this run in the place of ``${name}``."""
    if isinstance(value, str):
        whole = re.fullmatch(r"\$\{(\w+)\}", value)
        if partly and whole and whole[1] in known and known[whole[1]].isdecimal():
            return int(known[whole[1]])
        return re.sub(r"\$\{(\w+)\}", lambda f: known[f[1]] if f[1] in known or not partly else f[0], value)
    if isinstance(value, dict):
        return {filled(key, known, partly=partly): filled(item, known, partly=partly) for key, item in value.items()}
    return [filled(item, known, partly=partly) for item in value] if isinstance(value, list) else value


def plain(value):
    """Show a result as JSON would."""
    if dataclasses.is_dataclass(value):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, errors.ApiError):
        return type(value).__name__
    if isinstance(value, frozenset):
        return sorted(value)
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


@dataclasses.dataclass
class Played:
    """What came of a case."""

    result: Any = None
    error: Exception | None = None
    sleeps: list[float] = dataclasses.field(default_factory=list)
    calls: list[Any] = dataclasses.field(default_factory=list)
    prompts: list[str] = dataclasses.field(default_factory=list)
    now: float = START

    def sleep(self, seconds):
        self.sleeps.append(round(seconds, 3))
        self.now += seconds


def made_up(certificate) -> dict[str, str]:
    """Make the values that the cases call by name."""
    tenant_id, client, uid = (str(uuid.uuid4()) for _ in range(3))
    identity = {"tid": tenant_id, "aud": client, "oid": uid, "preferred_username": "ann@example.com"}
    info = json.dumps({"uid": uid, "utid": tenant_id}).encode()
    known = {
        "tenant": tenant_id,
        "other_tenant": str(uuid.uuid4()),
        "client": client,
        "account": secrets.token_hex(16),
        "domain_1": str(uuid.uuid4()),
        "user_id": uid,
        "client_info": base64.urlsafe_b64encode(info).decode(),
        "thumbprint": certificate.thumbprint if certificate else "",
        "client_secret": secrets.token_urlsafe(24),
        "cloudflare": secrets.token_urlsafe(24),
        "device_code": secrets.token_urlsafe(24),
        "refresh_1": secrets.token_urlsafe(24),
        "foreign_token": jwt(tid=str(uuid.uuid4())),
        "id_token": jwt(exp=int(time.time()) + 3600, iat=int(time.time()), iss="x", **identity),
    }
    rights = {
        "appid": client,
        "aud": "https://outlook.office365.com",
        "exp": 1_900_000_000,
        "roles": ["Exchange.ManageAsApp"],
        "wids": ["29232CDF-9323-42FD-ADE2-1D097AF3E4DE"],
    }
    known |= {f"{service}_{n}": jwt(tid=tenant_id, **rights) for service in ("exchange", "graph") for n in (1, 2, 3)}
    person = {"azp": client, "aud": "x", "scp": "a b", "upn": "ann@example.com"}
    known |= {f"person_{n}": jwt(tid=tenant_id, **person) for n in (1, 2, 3)}
    del person["upn"]
    names = ("preferred_username", "unique_name")
    return known | {f"by_{name}": jwt(tid=tenant_id, **person, **{name: "bob@example.com"}) for name in names}


OPEN_WORDS = ("tenant", "other_tenant", "client", "account", "domain_1", "user_id", "client_info", "thumbprint")


def play(case, certificate=None, *, known=None, token_cache=None):
    """Run the case; return what came of it, the stage, the values of this run, and those that are secret."""
    known = known or made_up(certificate)
    without = case.get("without", [])
    options = filled(case.get("tenant", {}), known)
    if options.get("sign_in") == "certificate":
        options["certificate"] = tenantapi.Certificate(path=certificate.path)
    tenant = tenantapi.Tenant(
        name="contoso",
        tenant_id=known["tenant"],
        client_id=known["client"],
        client_secret=None if "client_secret" in without else tenantapi.Secret(known["client_secret"]),
        cloudflare_account_id=known["account"],
        cloudflare_api_token=None if "cloudflare" in without else tenantapi.Secret(known["cloudflare"]),
        cloud=case.get("cloud", "commercial"),
        **options,
    )
    stage, played = Stage(case, known), Played()
    session = requests.Session()
    session.mount("https://", stage)
    session.mount("http://", stage)
    services = tenantapi.connect(
        tenant,
        session=session,
        sleep=played.sleep,
        clock=lambda: played.now,
        jitter=lambda: 1.0,
        ids=lambda: "id-1",
        on_call=played.calls.append,
        prompt=None if "prompt" in without else played.prompts.append,
        token_cache=token_cache,
    )
    try:
        for step in case.get("calls", [case] * case.get("times", 1)):
            service, function = step["call"].split(".")
            call = getattr(getattr(services, service), function)
            played.result = call(*filled(step.get("args", []), known), **filled(step.get("kwargs", {}), known))
    except errors.ApiError as error:
        played.error = error
    kept = [value for name, value in known.items() if name not in OPEN_WORDS]
    return played, stage, known, kept


def departures(case, certificate=None) -> Iterator[str]:
    """Play the case and say every difference from it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # msal warns when it is asked too soon
        played, stage, known, kept = play(case, certificate)
    yield from stage.departures
    if "error" not in case and played.error is not None:
        yield f"{type(played.error).__name__}: {played.error}"
        return
    if stage.script:
        yield f"{len(stage.script)} requests were never made"
    for name in ("sleeps", "prompts"):
        if getattr(played, name) != filled(case.get(name, []), known):
            yield f"{name} {getattr(played, name)}, expected {case.get(name, [])}"
    if "result" in case:
        found, wanted = plain(played.result), filled(case["result"], known)
        if found != wanted:
            yield f"result {found}, expected {wanted}"
    else:
        yield from error_faults(filled(case["error"], known), played.error)
    yield from call_faults(case, played)
    shown = [repr(played.error), str(played.error), repr(played.calls)]
    shown.append(pickle.dumps(played.error).decode("latin-1"))
    if any(value in text for value in kept for text in shown):
        yield "a credential is to be seen"


def error_faults(expected, error):
    if error is None:
        yield "an error was expected"
        return
    text = str(error)
    if type(error).__name__ != expected["class"]:
        yield f"{type(error).__name__} ({text}), expected {expected['class']}"
    if error.summary + ": " not in text or "contoso" not in text:
        yield f"summary or tenant is missing in {text!r}"
    yield from (f"{said!r} is missing in {text!r}" for said in expected.get("says", []) if said not in text)
    yield from (f"{said!r} is in {text!r}" for said in expected.get("never_says", []) if said in text)
    attributes = {name: value for name, value in expected.items() if name not in ("class", "says", "never_says")}
    for name, value in ({"ambiguous": False} | attributes).items():
        found = getattr(error, name, None)
        if (list(found) if isinstance(found, tuple) else found) != value:
            yield f"{name} is {found!r}, expected {value!r}"
    again = pickle.loads(pickle.dumps(error))
    if (type(again), str(again), vars(again)) != (type(error), text, vars(error)):
        yield "it pickles to something else"


def call_faults(case, played):
    """Each attempt is told twice, in order, and writes are told as writes."""
    calls = [call for call in played.calls if call.service != "Entra ID"]
    if [call.phase for call in calls[::2]] != ["sent"] * len(calls[::2]):
        yield "an attempt was not told before"
    if [call.n for call in calls[::2]] != [call.n for call in calls[1::2]]:
        yield "an attempt was not told twice"
    if not all(call.phase in ("answered", "failed") for call in calls[1::2]):
        yield "an attempt was not told after"
    told = [f"{call.operation} {call.status or call.error}" for call in calls[1::2]]
    if told != case.get("told", told):
        yield f"told {told}, expected {case['told']}"
    if "call" in case:
        write = case.get("kwargs", {}).get("write", case["call"].split("_")[0].split(".")[1] in WRITES)
        if not {call.write for call in calls} <= {write}:
            yield "a write was told as a read, or a read as a write"
