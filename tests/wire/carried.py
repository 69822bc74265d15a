"""What the tests with foreign clients share: a running tenant, and the way of https calls to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from simtenant import server, state
from simtenant.wire import Clock, utc_now


@dataclass
class Tenant:
    directory: Path
    url: str
    known: dict[str, Any]


class Gateway(HTTPAdapter):
    """Carries calls for the vendors' hosts to loopback and leaves the meant host in the Host header."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **named: Any) -> requests.Response:
        meant = urlsplit(str(request.url))
        here = urlsplit(self.url)
        request.headers["Host"] = meant.netloc
        request.url = urlunsplit((here.scheme, here.netloc, meant.path, meant.query, ""))
        return super().send(request, *args, **named)


@contextmanager
def running(directory: Path, *, profile: str = "new", clock: Clock = utc_now) -> Iterator[Tenant]:
    """Serve a new tenant in a directory."""
    state.create(directory, profile=profile)
    with server.running(directory, clock=clock) as serving:
        known = json.loads((directory / "credentials.json").read_text(encoding="utf-8"))
        yield Tenant(directory, serving.url, known)


@contextmanager
def carried(tenant: Tenant) -> Iterator[requests.Session]:
    """Open a session whose calls, whatever their host, end at the tenant."""
    with requests.Session() as opened:
        opened.trust_env = False
        opened.mount("https://", Gateway(tenant.url))
        opened.mount("http://169.254.169.254", Gateway(tenant.url))
        yield opened
