"""Make a certificate for tests of the sign-in; it exists for one run only."""

from __future__ import annotations

import base64
import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, kw_only=True)
class Made:
    """A PEM file, its two parts, and the SHA-256 thumbprint as an assertion carries it."""

    path: Path
    key: bytes
    certificate: bytes
    thumbprint: str


def make(path: Path, *, begin: float, days: int = 3650, passphrase: str | None = None, key=None) -> Made:
    """Write key and self-signed certificate to a file."""
    key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "runbook test")])
    start = datetime.datetime.fromtimestamp(begin, datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
    public = made.public_bytes(Encoding.PEM)
    path.write_bytes(text + public)
    mark = base64.urlsafe_b64encode(made.fingerprint(hashes.SHA256())).decode().rstrip("=")
    return Made(path=path, key=text, certificate=public, thumbprint=mark)
