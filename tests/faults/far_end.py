"""A simulated tenant that the acceptance cases share a stage with: another administrator, faults, altered answers."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode, urlsplit

from conftest import Kit

from runbook import simulated

Alter = Callable[[str, dict[str, Any]], dict[str, Any] | None]
"""Takes a cmdlet and the JSON of its answer; returns other JSON, or None to leave it."""


@dataclass
class FarEnd:
    """A kit with its tenant being served; `between` is a door to it at which answers can be changed on the way."""

    kit: Kit
    port: int

    @property
    def known(self) -> dict[str, Any]:
        return simulated.credentials(self.kit.state)

    def send(self, path: str, body: bytes, method: str = "POST", **headers: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            raw = answer.read()
            assert answer.status == 200, raw
            return json.loads(raw)
        finally:
            connection.close()

    def admin(self, cmdlet: str, **parameters: Any) -> None:
        """Do something as another administrator; it is no call of the kit's and is not counted as one."""
        form = {"grant_type": "client_credentials", "scope": "https://outlook.office365.com/.default"}
        form |= {name: self.known[name] for name in ("client_id", "client_secret")}
        tenant = self.known["tenant_id"]
        token = self.send(f"/{tenant}/oauth2/v2.0/token", urlencode(form).encode())["access_token"]
        body = {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}
        path = f"/adminapi/beta/{tenant}/InvokeCommand"
        self.send(path, json.dumps(body).encode(), Authorization=f"Bearer {token}")
        self.forget()

    def forget(self) -> None:
        """Drop the log of calls, so that what follows is counted alone."""
        from simtenant import state

        state.forget_log(self.kit.state)

    def fault(self, **fault: Any) -> None:
        self.send("/_sim/faults", json.dumps([fault]).encode())

    def behave(self) -> None:
        self.send("/_sim/faults", b"", method="DELETE")

    def switch(self, **switches: Any) -> None:
        self.send("/_sim/switches", json.dumps(switches).encode())

    def writes(self) -> list[str]:
        """The writes since the log was last dropped, by cmdlet or method."""
        return [row["cmdlet"] or row["method"] for row in self.kit.writes()]

    def held(self, kind: str, name: str) -> dict[str, Any]:
        found = [row for row in simulated.objects(self.kit.state)[kind] if row["Name"].casefold() == name.casefold()]
        assert len(found) == 1, f"{len(found)} objects named {name}"
        return found[0]

    def plan(self, *parameters: str) -> Any:
        return self.kit("plan", "--tenant", "demo", *parameters)

    def apply(self, tenant: str = "demo", **environment: str) -> Any:
        """Apply the newest plan."""
        approved = self.kit.result("plan")["plan_hash"]
        return self.kit("apply", "--tenant", tenant, "--approve", approved, **environment)

    def through(self, address: str) -> None:
        """Describe the tenant `between`: the same one, reached through a door that alters answers."""
        content = {"tenants": {"between": {"simulated": {"address": address, "state": str(self.kit.state)}}}}
        (self.kit.folder / "tenants.yaml").write_text(json.dumps(content))

    def changes(self) -> list[dict[str, Any]]:
        """The pending changes of the newest plan, all sections."""
        stored = json.loads((self.kit.newest("plan") / "plan.json").read_text())
        return [item for part in stored["sections"] for item in part["changes"] if item["action"] != "none"]


@contextlib.contextmanager
def serving(kit: Kit, *, profile: str = "new") -> Iterator[FarEnd]:
    """Serve a kit's tenant, begun anew, for the length of a block."""
    simulated.reset(kit.state, profile=profile)
    with simulated.serving(kit.state) as url:
        yield FarEnd(kit, int(urlsplit(url).port or 0))


@contextlib.contextmanager
def altering(far: FarEnd, alter: Alter) -> Iterator[str]:
    """Open a door to the tenant that changes answers of cmdlets on the way; yields its address."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection("127.0.0.1", far.port, timeout=30)
            connection.request(self.command, self.path, body=body, headers=dict(self.headers))
            answer = connection.getresponse()
            raw = _altered(self.path, body, answer.read())
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)
            connection.close()

        do_GET = do_POST = do_PATCH = _pass  # noqa: N815 - names of the base class

        def log_message(self, format: str, *args: Any) -> None:
            """Write no access log."""

    def _altered(path: str, body: bytes, raw: bytes) -> bytes:
        if not path.lower().split("?")[0].endswith("/invokecommand"):
            return raw
        other = alter(json.loads(body)["CmdletInput"]["CmdletName"], json.loads(raw))
        return raw if other is None else json.dumps(other).encode()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
