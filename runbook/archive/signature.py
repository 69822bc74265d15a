"""``manifest.sig``: an Ed25519 signature over the canonical bytes of a manifest, and the keys for it.

The private key is a PEM file that RUNBOOK_SIGNING_KEY names. It is read when a run is sealed and written nowhere;
what the signature file carries is the public key, so that it can be held against itself without any other file.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from pydantic import BaseModel, ConfigDict, ValidationError

from runbook.errors import UsageError
from runbook.runs import json_text

SIGNATURE = "manifest.sig"
VARIABLE = "RUNBOOK_SIGNING_KEY"
_MAKE = "Make a pair with:\n\n    runbook records keygen PATH\n"


class SignatureFile(BaseModel):
    """A signature as it was read from a file."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    format: Literal[1]
    algorithm: Literal["Ed25519"]
    fingerprint: str
    public_key: str
    signature: str


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return the SHA-256 of a public key's DER form: what ``openssl pkey -pubin -outform DER | sha256sum`` prints."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def sign(key: Ed25519PrivateKey, content: bytes) -> dict[str, Any]:
    """Return the content of the signature file."""
    public = key.public_key()
    return {
        "format": 1,
        "algorithm": "Ed25519",
        "fingerprint": fingerprint(public),
        "public_key": base64.b64encode(public.public_bytes_raw()).decode(),
        "signature": base64.b64encode(key.sign(content)).decode(),
    }


def signer(raw: bytes, content: bytes) -> Ed25519PublicKey:
    """Return the key that the signature file `raw` carries, if its signature over `content` is good.

    Raises ValueError, with the reason, for a file that is not exactly what `sign` makes and for a signature that
    is not good. Whose key it is, the file cannot say.
    """
    try:
        found = SignatureFile.model_validate_json(raw)
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(found.public_key, validate=True))
        mark = base64.b64decode(found.signature, validate=True)
    except (ValidationError, ValueError):
        raise ValueError("is no signature that this kit could have made") from None
    same: Mapping[str, Any] = {
        **found.model_dump(),
        "fingerprint": fingerprint(key),
        "public_key": base64.b64encode(key.public_bytes_raw()).decode(),
        "signature": base64.b64encode(mark).decode(),
    }
    # One spelling only: spare bits of base64 and spaces in JSON would let a changed byte pass.
    if raw != json_text(same).encode():
        raise ValueError("was changed after it was made")
    try:
        key.verify(mark, content)
    except InvalidSignature:
        raise ValueError("does not fit the manifest: one of the two was changed, or it is another run's") from None
    return key


def signing_key() -> Ed25519PrivateKey | None:
    """Return the key that runs are to be signed with, or None when RUNBOOK_SIGNING_KEY is not set.

    Raises UsageError for a file that cannot be read, that others can read, or that is no Ed25519 key.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    try:
        with open(named, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            # Windows shows these bits without meaning anything by them.
            if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise UsageError(
                    f"The signing key {named} can be read by others (mode {stat.S_IMODE(mode):04o}).",
                    f"Take the right from them:\n\n    chmod 600 {named}\n",
                )
            content = file.read()
    except OSError as error:
        raise UsageError(f"The signing key {named} ({VARIABLE}) cannot be read: {error.strerror}.", _MAKE) from error
    try:
        key = load_pem_private_key(content, password=None)
    except TypeError:
        raise UsageError(f"The signing key {named} is locked by a passphrase, which cannot be asked for.") from None
    except (ValueError, UnsupportedAlgorithm):
        key = None  # what the library says may quote the file
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"The file {named} ({VARIABLE}) is no private Ed25519 key in PEM form.", _MAKE)
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """Return the public key in a PEM file. Raises UsageError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"The public key {path} cannot be read: {error.strerror}.") from error
    if b"PRIVATE KEY" in content:
        raise UsageError(f"{path} holds a private key.", "Give the public one, and keep the private one to yourself.")
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"The file {path} is no public Ed25519 key in PEM form.", _MAKE)
    return key


def make_pair(path: Path) -> tuple[Path, str]:
    """Write a new private key to `path`, for its owner alone, and the public one beside it; nothing is overwritten.

    Returns the public key's path and its fingerprint. Raises UsageError.
    """
    beside = path.with_name(path.name + ".pub")
    key = Ed25519PrivateKey.generate()
    public = key.public_key()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    made: list[Path] = []
    try:
        for target, content, mode in (
            (beside, public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644),
            (path, private, 0o600),
        ):
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            made.append(target)
            with open(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        for target in made:
            target.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise UsageError(
                f"{error.filename} is there already; no key is overwritten.", "Give another path."
            ) from None
        raise UsageError(f"The key {path} cannot be written: {error.strerror}.") from error
    return beside, fingerprint(public)
