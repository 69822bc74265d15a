"""Carry one call and its answer between the layers: plain values, no network.

An answer's body is raw until somebody asks for JSON, and nobody may ask before the status was looked at: a
403 of Exchange Online is a run of NUL bytes declared as gzip, and a 429 may be plain text [G2O, EXOH, SCUBA;
facts 1.6].
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn
from urllib.parse import urlencode

from tenantapi.errors import ApiError, MalformedAnswerError, Service
from tenantapi.tenant import Secret, concealed

# Exchange and Graph, Entra ID, Cloudflare, in that order [CAP, MOD; msal; cloudflare.md 7].
_LONGEST_ID = 100
_REQUEST_ID_HEADERS = ("request-id", "x-ms-request-id", "cf-ray")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Tell an observer about one attempt: once before it is sent and once after.

    It holds no header, no body and no credential. ``path`` has no query. ``n`` counts the attempts of one
    connection from 1 and ties the two tellings together. ``error`` is the name of an error class.
    """

    n: int
    phase: Literal["sent", "answered", "failed"]
    service: Service
    method: str
    path: str
    operation: str
    write: bool
    status: int | None = None
    seconds: float | None = None
    request_id: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Hold all that is needed to send one call, perhaps more than once."""

    tenant: str
    method: str
    url: str
    service: Service
    operation: str
    safe: bool
    """True when repeating the call does no harm; everything else is a write."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    bearer: Secret | None = None
    nearby: bool = False
    """True for a call to this machine or link, which no proxy can carry."""
    secrets: tuple[Secret, ...] = field(default=(), repr=False)
    """What an answer to this call must not be seen to repeat."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("A call holds credentials and is never pickled.")

    @property
    def label(self) -> str:
        """Name tenant and operation, the way every error begins."""
        return f"{self.tenant}, {self.operation}"


class Headers(Mapping[str, str]):
    """Read header fields by name, whatever the letter case."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = {name.lower(): value for name, value in fields.items()}

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        # Cookies are as good as credentials, so only the names are shown.
        return f"Headers({', '.join(self._fields)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Hold what came back: the status, the header fields and the bytes."""

    status: int
    headers: Headers
    body: bytes = field(repr=False)
    order: Order

    @property
    def request_id(self) -> str | None:
        """Return the id under which the service's own support finds this call.

        It goes into logs and messages, so a credential that a service put there is blotted out.
        """
        for name in _REQUEST_ID_HEADERS:
            if name in self.headers:
                return concealed(self.headers[name], self.order.secrets)[:_LONGEST_ID]
        return None

    def json(self) -> Any:
        """Read the body as JSON; raise ``MalformedAnswerError`` when it is anything else."""
        try:
            return json.loads(self.body.decode("utf-8-sig"))
        except (ValueError, RecursionError) as cause:
            kind = self.headers.get("content-type", "no content type")
            raise self.malformed(f"the body is not JSON ({kind}, {len(self.body)} bytes)") from cause

    def object(self) -> dict[str, Any]:
        """Read the body as a JSON object; raise ``MalformedAnswerError`` when it is anything else."""
        found = self.json()
        if not isinstance(found, dict):
            raise self.malformed(f"a JSON object was expected, not {type(found).__name__}")
        return found

    def malformed(self, why: str) -> MalformedAnswerError:
        """Make the error that says why this answer cannot be relied on.

        It is ambiguous after a write: the service said nothing that could be understood, but it was asked.
        """
        write = not self.order.safe
        said = concealed(why, self.order.secrets)
        return MalformedAnswerError(
            f"{self.order.label}, HTTP {self.status}: {said}.{_trace(self.request_id)}",
            remedy=(
                "The change may have been made: read the object again before repeating it."
                if write
                else "What the service holds is unknown, which is not the same as absent. Read again later."
            ),
            service=self.order.service,
            status=self.status,
            request_id=self.request_id,
            ambiguous=write,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Hold a service's own words about a failure, as one of the clients read them."""

    text: str = ""
    kind: str | None = None
    codes: tuple[int, ...] = ()
    error: type[ApiError] | None = None
    """The class to raise, when the words say more than the status does."""
    remedy: str = ""


def _trace(request_id: str | None) -> str:
    return f" Request id {request_id}." if request_id else ""


def encoded(document: Mapping[str, Any] | None, form: Mapping[str, str] | None) -> tuple[bytes | None, dict[str, str]]:
    """Write a body, as JSON or as a form, and say which; ``TypeError`` for what JSON cannot hold."""
    if document is not None:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, default=_plain)
        return text.encode(), {"Content-Type": "application/json; charset=utf-8"}
    if form is not None:
        return urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    return None, {}


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"A value of type {type(value).__name__} cannot be sent as JSON.")


def unpacked(raw: bytes, headers: Headers) -> bytes:
    """Undo gzip where it is gzip indeed; anything else stays raw and fails later, as not being JSON."""
    if headers.get("content-encoding", "").strip().lower() not in ("gzip", "x-gzip"):
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error):
        return raw
