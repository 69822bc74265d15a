"""Certificates as an application's credential: making one, and checking what was signed with it.

An assertion is a JWT in the form real msal sends (measured with msal 1.39): RS256 with ``x5t`` when it was
given a SHA-1 thumbprint, PS256 with ``x5t#S256`` when it was given the certificate; audience is the token
endpoint, issuer and subject are the application. The ``cryptography`` package is imported only when a
certificate is used, so that the server starts quickly.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from simtenant import authz, switches
from simtenant.aadsts import RefusedError, bad_client
from simtenant.store import Transaction
from simtenant.wire import Request

BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_KEY_BITS = 2048
_VALID_DAYS = 730
_SKEW = timedelta(minutes=5)


def make(name: str, now: datetime) -> str:
    """Make a private key with its self-signed certificate, as PEM, valid from now for two years."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + timedelta(days=_VALID_DAYS))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (private + certificate.public_bytes(serialization.Encoding.PEM)).decode()


def public_part(pem: str) -> str:
    """Give the certificate of a PEM text without its key; raises ValueError when there is none."""
    match = _CERTIFICATE.search(pem)
    if match is None:
        raise ValueError("the PEM text holds no certificate")
    return match[0] + "\n"


def check(
    tx: Transaction, request: Request, form: Mapping[str, str], application: Mapping[str, Any], now: datetime
) -> None:
    """Accept the assertion of a form, or raise RefusedError."""
    if form.get("client_assertion_type") != BEARER:
        raise bad_client(50027, "The client_assertion_type must be jwt-bearer.")
    header, claims, signed, signature = _parts(form["client_assertion"])
    certificate = _registered(application.get("certificates", ()), header)
    _check_signature(certificate, header, signed, signature, now)
    _check_claims(request, claims, str(application["client_id"]), now)
    _check_replay(tx, claims)


def _parts(text: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    try:
        first, second, third = text.split(".")
        header, claims = (json.loads(_decoded(part)) for part in (first, second))
        if isinstance(header, dict) and isinstance(claims, dict):
            return header, claims, f"{first}.{second}".encode(), _decoded(third)
    except (ValueError, binascii.Error):
        pass
    raise bad_client(50027, "The client assertion is no JWT.")


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _registered(certificates: Sequence[str], header: Mapping[str, Any]) -> Any:
    """Find the certificate that the header names by thumbprint."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    for pem in certificates:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        content = certificate.public_bytes(Encoding.DER)
        for name, digest in (("x5t", hashlib.sha1(content)), ("x5t#S256", hashlib.sha256(content))):
            named = str(header.get(name, "")).rstrip("=")
            if named == base64.urlsafe_b64encode(digest.digest()).decode().rstrip("="):
                return certificate
    raise bad_client(
        700027, "The certificate that signed the client assertion is not registered on the application. [Key not found]"
    )


def _check_signature(
    certificate: Any, header: Mapping[str, Any], signed: bytes, signature: bytes, now: datetime
) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise bad_client(700027, "Client assertion failed signature validation. [The key used is expired]")
    paddings: dict[str, padding.AsymmetricPadding] = {
        "RS256": padding.PKCS1v15(),
        "PS256": padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH),
    }
    scheme = paddings.get(str(header.get("alg")))
    try:
        if scheme is not None:
            certificate.public_key().verify(signature, signed, scheme, hashes.SHA256())
            return
    except InvalidSignature:
        pass
    raise bad_client(700027, "Client assertion failed signature validation. [The signature does not fit the key]")


def _check_claims(request: Request, claims: Mapping[str, Any], client_id: str, now: datetime) -> None:
    if not claims.get("iss") == claims.get("sub") == client_id:
        raise bad_client(700021, "The client assertion's issuer and subject must be the client_id.")
    endpoint = f"{request.base_url}{request.path}"
    if str(claims.get("aud")).casefold() != endpoint.casefold():
        raise bad_client(700023, "The client assertion's audience must be the token endpoint.")
    moments = [claims.get(name, now.timestamp()) for name in ("nbf", "exp")]
    if "exp" not in claims or not all(isinstance(moment, int | float) for moment in moments):
        raise bad_client(50027, "The client assertion has no usable lifetime.")
    start, end = moments
    if not start - _SKEW.total_seconds() <= now.timestamp() <= end + _SKEW.total_seconds():
        raise bad_client(700024, "The client assertion is not within its valid time range.")


def _check_replay(tx: Transaction, claims: Mapping[str, Any]) -> None:
    """Refuse a second use, if the switch says so: msal itself uses one assertion for nine minutes."""
    number = claims.get("jti")
    if not isinstance(number, str) or not number:
        raise bad_client(50027, "The client assertion has no jti.")
    if switches.chosen(tx, "assertion_replay") == "refused":
        if tx.secret("assertion", authz.digest(number)) is not None:
            raise RefusedError(700025, "invalid_client", "The client assertion was used before.", 401)
        tx.put_secret("assertion", authz.digest(number), {})
