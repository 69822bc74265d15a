"""Tell by its shape whether a text is a credential, so that it can be refused before it is kept anywhere.

Only well-known shapes are found; a password that looks like a word cannot be. Nothing here quotes what it saw.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

MASK = "[secret]"
"""What stands where a credential was blotted out; as a value it is refused like one."""

_NAMES = re.compile(r"secret|passw(?:or)?d|passphrase|token|api_?key|private_?key|credential", re.IGNORECASE)

# Shapes: RFC 7519 (a JWT's header begins '{"', which is 'eyJ'), RFC 6750, RFC 7468. Those of Entra's client secrets
# and Cloudflare's tokens are not promised by the vendors; they are what secret scanners look for (general knowledge).
_ANYWHERE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a signed token (JWT)", re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}")),
    ("a key or certificate (PEM)", re.compile(r"-----BEGIN [A-Z0-9 ]+-----")),
    ("an authorisation header", re.compile(r"\bBearer\s+\S{8,}", re.IGNORECASE)),
    ("a client secret of Entra ID", re.compile(r"[\w.~-]{3}\dQ~[\w.~-]{20,}")),
    ("an API token of Cloudflare", re.compile(r"\bcf(?:ut|at|k)_[\w-]{30,}")),
    ("a credential that was blotted out", re.compile(re.escape(MASK))),
)
_CLOUDFLARE_TOKEN = re.compile(r"(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[A-Za-z0-9_-]{40}")
_RUN_NAME = re.compile(r"\d{8}T\d{6}Z-[A-Za-z0-9._-]+-[0-9a-f]{6}")
_CLOUDFLARE_KEY = re.compile(r"[0-9a-f]{37}")


def kind_of_secret(value: object, *, may_be_hash: bool = False) -> str:
    """Say which sort of credential a value looks like, in words; empty when it looks like none.

    Lists and mappings are looked into. `may_be_hash` is for a value that hexadecimal digits alone may be.
    """
    if isinstance(value, str):
        return _kind_of_text(value, may_be_hash)
    parts: Iterable[object] = ()
    if isinstance(value, Mapping):
        parts = (*value.keys(), *value.values())
    elif isinstance(value, list | tuple | set | frozenset):
        parts = value
    return next(filter(None, (kind_of_secret(part, may_be_hash=may_be_hash) for part in parts)), "")


def _kind_of_text(text: str, may_be_hash: bool) -> str:
    for kind, shape in _ANYWHERE:
        if shape.search(text):
            return kind
    for word in re.split(r"[\s,;=:\"']+", text):
        if _RUN_NAME.fullmatch(word):
            continue  # a run's name may have just as many letters as a token
        if _CLOUDFLARE_TOKEN.fullmatch(word):
            return "an API token of Cloudflare"
        if not may_be_hash and _CLOUDFLARE_KEY.fullmatch(word):
            return "an API key of Cloudflare"
    return ""


def is_secrets_name(name: str) -> bool:
    """Whether a name says that its value is a credential."""
    return _NAMES.search(name) is not None
