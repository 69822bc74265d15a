"""Plays the transcripts in ``tests/cases/sim`` against a running simulated tenant.

A case is a list of steps; a step is one request and what its answer must hold. Requests are written with
``http.client``, so nothing between the transcript and the socket can be clever.
"""

from __future__ import annotations

import http.client
import json
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from simtenant import profiles, server, state

CASES = Path(__file__).parents[1] / "cases" / "sim"
HOSTS = {"exchange": "outlook.office365.com", "graph": "graph.microsoft.com", "cloudflare": "api.cloudflare.com"}
SCOPES = {name: f"https://{HOSTS[name]}/.default" for name in ("exchange", "graph")}


def _load() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8")):
            found.append(pytest.param(case, id=f"{path.stem}: {case['name']}"))
    return found


@dataclass
class Player:
    """One tenant, one connection, the names saved so far and a clock that only the case moves."""

    directory: Path
    port: int
    now: datetime
    names: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, Any, Any, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        try:
            value = json.loads(raw)
        except ValueError:
            value = None
        return answer.status, value, answer.headers, raw

    def token(self, service: str) -> str:
        if service not in self.tokens:
            form = {
                "grant_type": "client_credentials",
                "client_id": self.names["client"],
                "client_secret": self.names["secret"],
                "scope": SCOPES[service],
            }
            path = f"/{self.names['tenant']}/oauth2/v2.0/token"
            status, value, _, _ = self.send("POST", path, urlencode(form).encode(), {})
            assert status == 200, value
            self.tokens[service] = value["access_token"]
        return self.tokens[service]


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One fresh tenant per profile, to be copied: making one waits for the disk."""
    made = {}
    for profile in profiles.PROFILES:
        made[profile] = tmp_path_factory.mktemp(profile)
        state.create(made[profile], profile=profile)
    return made


@pytest.mark.parametrize("case", _load())
def test_transcript(case: dict[str, Any], tmp_path: Path, templates: dict[str, Path]) -> None:
    shutil.copytree(templates[case.get("profile", "new")], tmp_path, dirs_exist_ok=True)
    known = json.loads((tmp_path / "credentials.json").read_text(encoding="utf-8"))
    names = {
        "tenant": known["tenant_id"],
        "client": known["client_id"],
        "secret": known["client_secret"],
        "account": known["cloudflare_account_id"],
        "domains": f"/client/v4/accounts/{known['cloudflare_account_id']}/email-security/settings/domains",
        "apitoken": known["cloudflare_api_token"],
    }
    player = Player(directory=tmp_path, port=0, now=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC), names=names)
    with server.running(tmp_path, clock=lambda: player.now) as running:
        player.port = running.server_address[1]
        for name, value in case.get("switches", {}).items():
            state.set_switch(tmp_path, name, value)
        for number, step in enumerate(case["steps"], start=1):
            try:
                _play(player, _filled(step, names))
            except AssertionError as error:
                raise AssertionError(f"step {number}: {error}") from None


def _filled(value: Any, names: dict[str, str]) -> Any:
    """Put saved names in place of ``{name}``."""
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace("{" + name + "}", text)
        return value
    if isinstance(value, list):
        return [_filled(item, names) for item in value]
    if isinstance(value, dict):
        return {_filled(key, names): _filled(item, names) for key, item in value.items()}
    return value


def _play(player: Player, step: dict[str, Any]) -> None:
    if "advance" in step:
        player.now += timedelta(seconds=step["advance"])
    if "set" in step:
        change = step["set"]
        state.set_property(player.directory, change["kind"], change["of"], change["property"], change["value"])
    if "arm" in step:
        # Sign-ins are calls too: they are over before the counting begins.
        for service in SCOPES:
            player.token(service)
        status, value, _, _ = player.send("POST", "/_sim/faults", json.dumps(step["arm"]).encode(), {})
        assert status == 200, value
    if "cmdlet" not in step and "request" not in step:
        return
    method, path, body, headers = _request(player, step)
    if step.get("status") == "none":
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError, TimeoutError)):
            player.send(method, path, body, headers)
        return
    status, value, answered, raw = player.send(method, path, body, headers)
    assert status == step.get("status", 200), f"status {status}: {raw[:600]!r}"
    for name, expected in step.get("headers_have", {}).items():
        assert _fits(answered.get(name), expected), f"header {name} is {answered.get(name)!r}"
    if "raw" in step:
        assert raw == step["raw"].encode("latin-1"), raw
    for pointer, expected in step.get("has", {}).items():
        found = _at(value, pointer)
        assert _fits(found, expected), f"{pointer} is {found!r}, not {expected!r}"
    for pointer in step.get("lacks", []):
        assert _at(value, pointer) is MISSING, f"{pointer} is {_at(value, pointer)!r}"
    for name, pointer in step.get("save", {}).items():
        found = _at(value, pointer)
        assert found is not MISSING, f"nothing at {pointer} to save"
        player.names[name] = str(found)


def _request(player: Player, step: dict[str, Any]) -> tuple[str, str, bytes | None, dict[str, str]]:
    headers = {"Content-Type": "application/json"}
    if "cmdlet" in step:
        service = "exchange"
        method, path = "POST", f"/adminapi/beta/{player.names['tenant']}/InvokeCommand{step.get('query', '')}"
        content: Any = {"CmdletInput": {"CmdletName": step["cmdlet"], "Parameters": step.get("parameters", {})}}
    else:
        method, path = step["request"].split(" ", 1)
        service = _service(path)
        content = step.get("body")
    as_ = step.get("as", service)
    if as_ == "cloudflare":
        headers["Authorization"] = f"Bearer {player.names['apitoken']}"
    elif as_ in SCOPES:
        headers["Authorization"] = f"Bearer {player.token(as_)}"
    headers["Host"] = step.get("host", HOSTS.get(service, "login.microsoftonline.com"))
    headers |= step.get("headers", {})
    if content is None:
        return method, path, None, headers
    text = content if isinstance(content, str) else json.dumps(content)
    return method, path, text.encode(), headers


def _service(path: str) -> str:
    lowered = path.lower()
    for start, service in (("/client/v4", "cloudflare"), ("/v1.0", "graph"), ("/adminapi", "exchange")):
        if lowered.startswith(start):
            return service
    return "none"


class _Missing:
    def __repr__(self) -> str:
        return "missing"


MISSING = _Missing()


def _at(value: Any, pointer: str) -> Any:
    """Follow ``value/0/Name``, ``value/Name=Default/SpamAction``, ``value/*/Name`` or ``value/#`` (a count)."""
    parts = pointer.split("/")
    for place, part in enumerate(parts):
        if part == "*" and isinstance(value, list):
            return [_at(item, "/".join(parts[place + 1 :])) for item in value]
        value = _step(value, part)
        if value is MISSING:
            return MISSING
    return value


def _step(value: Any, part: str) -> Any:
    if part == "#":
        return len(value)
    if isinstance(value, dict):
        return value.get(part, MISSING)
    if not isinstance(value, list):
        return MISSING
    if "=" in part:
        name, wanted = part.split("=", 1)
        return next((item for item in value if str(item.get(name)) == wanted), MISSING)
    return value[int(part)] if int(part) < len(value) else MISSING


def _fits(found: Any, expected: Any) -> bool:
    """Compare; a text that starts with ``~`` must be contained, everything else must be equal and of one type."""
    if isinstance(expected, str) and expected.startswith("~"):
        return isinstance(found, str) and expected[1:] in found
    return type(found) is type(expected) and found == expected
