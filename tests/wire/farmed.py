"""A farm of simulated tenants as a process, and a client that knows one of them, for the tests of farms."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

LIB = str(Path(__file__).parents[2] / "lib")


@contextmanager
def farm(*options: str, files: int = 1024) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a farm with a soft limit of open files, and give its process and what it says when all listen."""
    process = subprocess.Popen(
        ["sh", "-c", f'ulimit -Sn {files}; exec "$@"', "sh", sys.executable, "-m", "simtenant.farm", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": LIB},
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


class Client:
    """One tenant's client: a connection per call, but for what ``keeping`` says."""

    def __init__(self, directory: Path, url: str | None = None) -> None:
        self.directory = directory
        self.url = url or json.loads((directory / "address.json").read_text(encoding="utf-8"))["url"]
        self.known = json.loads((directory / "credentials.json").read_text(encoding="utf-8"))

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=10)

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, Any]:
        connection = self.connection()
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            raw = answer.read()
            return answer.status, answer.headers, json.loads(raw) if raw[:1] in (b"{", b"[") else raw
        finally:
            connection.close()

    def token(self) -> tuple[int, Any, Any]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.known["client_id"],
            "client_secret": self.known["client_secret"],
            "scope": "https://outlook.office365.com/.default",
        }
        return self.send("POST", f"/{self.known['tenant_id']}/oauth2/v2.0/token", urlencode(form).encode())

    def domains(self) -> tuple[int, Any, Any]:
        path = f"/client/v4/accounts/{self.known['cloudflare_account_id']}/email-security/settings/domains"
        return self.send("GET", path, headers={"Authorization": f"Bearer {self.known['cloudflare_api_token']}"})

    def rules(self, bearer: str) -> tuple[int, Any, Any]:
        body = json.dumps({"CmdletInput": {"CmdletName": "Get-TransportRule", "Parameters": {}}}).encode()
        path = f"/adminapi/beta/{self.known['tenant_id']}/InvokeCommand"
        return self.send("POST", path, body, {"Authorization": f"Bearer {bearer}"})

    def misbehave(self, *faults: dict[str, Any]) -> None:
        assert self.send("POST", "/_sim/faults", json.dumps(faults).encode())[0] == 200
