"""What every vendor's front has in common: one request in, one answer out, as plain values."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Clock = Callable[[], datetime]
Headers = tuple[tuple[str, str], ...]

JSON_TYPE = "application/json; charset=utf-8"


def utc_now() -> datetime:
    """Give the present moment with its time zone."""
    return datetime.now(UTC)


def moment_text(moment: datetime) -> str:
    """Write a moment as ISO 8601 in UTC, to the second, ending in Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_moment(text: str) -> datetime:
    """Read what ``moment_text`` wrote."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, already read from the socket."""

    method: str
    path: str
    """Decoded path without the query."""
    query: tuple[tuple[str, str], ...] = ()
    """Decoded pairs in the order sent; a key may repeat."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""

    @property
    def host(self) -> str:
        """Name the host the client meant to reach."""
        return self.headers.get("host", "")

    @property
    def base_url(self) -> str:
        """Give the address that absolute links in an answer start with.

        A client that was carried to loopback keeps the vendor's host in its Host header and must be sent back
        there over https; a client that addressed loopback itself gets plain http.
        """
        scheme = "http" if is_loopback(self.host) else "https"
        return f"{scheme}://{self.host}"

    def values(self, name: str) -> list[str]:
        """List every value of a query key."""
        return [value for key, value in self.query if key == name]

    def value(self, name: str) -> str | None:
        """Give the last value of a query key."""
        found = self.values(name)
        return found[-1] if found else None

    def json(self) -> Any:
        """Read the body as JSON; raises ValueError when it is none."""
        return json.loads(self.body.decode("utf-8"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer, ready for the socket."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def with_headers(self, *extra: tuple[str, str]) -> Answer:
        """Give the same answer with headers added at the end."""
        return Answer(status=self.status, headers=(*self.headers, *extra), body=self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """An answer together with what the request log should know of the request."""

    answer: Answer
    cmdlet: str | None = None
    write: bool = False
    tenant: str | None = None
    """As the path named it; None when the path names none."""


def json_answer(status: int, value: object, *extra: tuple[str, str], content_type: str = JSON_TYPE) -> Answer:
    """Wrap a JSON value."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return Answer(status=status, headers=(("Content-Type", content_type), *extra), body=body)


def text_answer(status: int, text: str, *extra: tuple[str, str], content_type: str = "text/plain") -> Answer:
    """Wrap a text."""
    return Answer(status=status, headers=(("Content-Type", content_type), *extra), body=text.encode())


def split_target(target: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Cut a request target into its decoded path and query pairs."""
    parts = urlsplit(target)
    return unquote(parts.path), tuple(parse_qsl(parts.query, keep_blank_values=True))


def is_loopback(host: str) -> bool:
    """Tell whether a Host header names this machine (or nothing at all)."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    name = name.strip("[]")
    if name in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
