"""Name a tenant, its credentials and the way it signs in; nothing here touches the network or a file."""

from __future__ import annotations

import base64
import hmac
import ipaddress
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NoReturn, SupportsIndex, final, get_args
from urllib.parse import quote, urlsplit
from uuid import UUID

from tenantapi.clouds import CLOUDS, Cloud

_MASK: Final = "[secret]"
_PART: Final = 12
# The header of a signed token begins '{"' [RFC 7519], which is this in base64.
_TOKEN_SHAPE: Final = re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*)*")
_HEADER_SAFE: Final = re.compile(r"[!-~]([ -~]*[!-~])?")
_ACCOUNT: Final = re.compile(r"[0-9A-Za-z-]*")


@final
class Secret:
    """Hold a credential so that it cannot slip out by printing, formatting, pickling or JSON.

    Only :meth:`reveal` gives the text away. Comparison takes the same time wherever two texts differ. An
    empty text is refused with ``ValueError``, because it is always a credential that was not set.
    """

    __slots__ = ("__text", "__written")

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError("A secret is a text.")
        if not text:
            raise ValueError("The secret is empty. Leave it out (None) if there is none.")
        self.__text = text
        self.__written: frozenset[str] = frozenset()

    def written(self) -> frozenset[str]:
        """Return the ways in which the text may be written, for the one place that looks for it in other texts."""
        if not self.__written:
            self.__written = frozenset(_forms(self.__text))
        return self.__written

    def reveal(self) -> str:
        """Return the text itself, for the one place that puts it on the wire."""
        return self.__text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__text.encode(), other.__text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    def __repr__(self) -> str:
        return _MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(_MASK, spec)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        # `dataclasses.asdict` copies by this door; without it the refusal to pickle would refuse that as
        # well.
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("A secret is never pickled. Pass the name of the credential and read it again.")


def concealed(text: str, secrets: Iterable[Secret]) -> str:
    """Blot out every given credential in a text: whole, in part, written for an address, or in base64.

    A part is 12 characters or more, so that an echo which the service cut short is found as well. Whatever has the
    shape of a signed token is blotted out, known or not: an assertion made for one call is not among the known.
    """
    marked = bytearray(len(text))
    for found in _TOKEN_SHAPE.finditer(text):
        _mark(marked, found.start(), found.end())
    forms = {form for secret in secrets for form in secret.written()}
    for size in {min(len(form), _PART) for form in forms}:
        alike = [form for form in forms if min(len(form), _PART) == size]
        for start in range(len(text) - size + 1):
            if any(text[start : start + size] in form for form in alike):
                _mark(marked, start, start + size)
    if 1 not in marked:
        return text
    return "".join(
        _MASK if hidden else "".join(text[place] for place in places)
        for hidden, places in itertools.groupby(range(len(text)), marked.__getitem__)
    )


def _mark(marked: bytearray, start: int, end: int) -> None:
    marked[start:end] = b"\1" * (end - start)


def _forms(secret: str) -> Iterator[str]:
    """Give a credential the ways it can be written: as it is, for an address, and inside base64 at any place."""
    yield secret
    if len(secret) < _PART:
        return  # in other spellings, something so short would be found everywhere
    yield quote(secret, safe="")
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(b" " * shift + secret.encode()).decode().rstrip("=")
            yield whole[4 if shift else 0 : -2]  # without what depends on its neighbours


def is_header_safe(text: str) -> bool:
    """Tell whether a text can travel in a header field: plain ASCII on one line, no blank at either end.

    requests names the offending value in its own error, so a credential has to be looked at before.
    """
    return _HEADER_SAFE.fullmatch(text) is not None


SignIn = Literal["secret", "certificate", "device-code", "managed-identity"]
WAYS: Final[tuple[str, ...]] = get_args(SignIn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Say where the certificate of an application lies: a PEM file with its private key and the certificate.

    The file is read when signing in and not before, so that a renewed certificate is found.
    """

    path: Path
    passphrase: Secret | None = None
    """What the private key in the file is locked with, if it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """Describe one Microsoft 365 tenant and the Cloudflare account before it.

    Raises ``ValueError``, which never shows a credential, when a part cannot be meant: an unknown cloud or way
    of signing in, a tenant id that is no GUID (the anchor mailbox and the check against the token need one),
    an account id that would change the path, a credential that no header can carry (a line end read along
    from a file), a gateway that is not loopback.
    """

    name: str
    tenant_id: str
    client_id: str
    client_secret: Secret | None
    cloudflare_account_id: str
    cloudflare_api_token: Secret | None
    cloud: str = "commercial"
    gateway: str | None = None
    """Address of a simulated tenant, ``http://127.0.0.1:PORT``; every call of this tenant then goes there."""
    sign_in: SignIn = "secret"
    """How tokens are had from Entra ID; nothing is tried beside it. ``client_id`` is the application that a
    secret, a certificate or a device code signs in to, and means nothing to a managed identity."""
    certificate: Certificate | None = None
    managed_identity_client_id: str | None = None
    """Which of a machine's user-assigned identities is meant; None for the machine's own."""
    allow_unconfirmed: bool = False
    """True to call a service also where nobody is known to have reached it in this cloud."""

    def __post_init__(self) -> None:
        if self.cloud not in CLOUDS:
            raise ValueError(f"Tenant {self.name}: cloud {self.cloud!r} is not one of {', '.join(CLOUDS)}.")
        if self.sign_in not in WAYS:
            raise ValueError(f"Tenant {self.name}: sign_in {self.sign_in!r} is not one of {', '.join(WAYS)}.")
        try:
            UUID(self.tenant_id)
        except ValueError:
            raise ValueError(
                f"Tenant {self.name}: tenant_id {_brief(self.tenant_id)} is not a GUID. "
                "Take the directory (tenant) id from the Entra admin centre, not a domain name."
            ) from None
        if not _ACCOUNT.fullmatch(self.cloudflare_account_id):
            raise ValueError(
                f"Tenant {self.name}: cloudflare_account_id {_brief(self.cloudflare_account_id)} "
                "has characters that an account id never has."
            )
        for field in ("client_secret", "cloudflare_api_token"):
            secret: Secret | None = getattr(self, field)
            if secret is not None and not is_header_safe(secret.reveal()):
                raise ValueError(
                    f"Tenant {self.name}: {field} has blanks or a line end around it, or characters that are "
                    "not plain ASCII. Store it again without them."
                )
        if self.gateway is not None:
            _check_gateway(self.name, self.gateway)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Return every credential of this description."""
        passphrase = self.certificate.passphrase if self.certificate is not None else None
        held = (self.client_secret, self.cloudflare_api_token, passphrase)
        return tuple(secret for secret in held if secret is not None)

    @property
    def hosts(self) -> Cloud:
        """Return the hosts of this tenant's cloud."""
        return CLOUDS[self.cloud]


def _brief(text: str) -> str:
    """Show the beginning of a value that stands in the wrong place, but not all: it may be a credential."""
    return repr(text) if len(text) < _PART else f"{text[:4]!r}… ({len(text)} characters)"


def _check_gateway(name: str, gateway: str) -> None:
    parts = urlsplit(gateway)
    host = parts.hostname or ""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
        port = parts.port
    except ValueError:
        loopback, port = False, None
    extras = parts.username or parts.password or parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme != "http" or not loopback or not port or extras:
        raise ValueError(
            f"Tenant {name}: the gateway must be http://127.0.0.1:PORT, because credentials travel there "
            "unencrypted. Start a simulated tenant on this machine and give its address."
        )
