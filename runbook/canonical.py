"""Canonical JSON (RFC 8785): what the package rfc8785 writes, for the values of a run in a tenth of the time.

A run hashes its plans and each journal entry several times, and the package looks at every value by itself.
"""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import Any

import rfc8785

_LARGEST = 2**53 - 1


def dumps(value: Any) -> bytes:
    """Return exactly what `rfc8785.dumps` returns, and raise exactly what it raises."""
    try:
        return _text(value).encode()
    except (ValueError, TypeError, RecursionError):
        return rfc8785.dumps(value)  # the package says what is wrong, and of several things the one that it meets first


def _text(value: Any) -> str:
    """Spell a value of one of the usual types; all others, and odd numbers, are the package's."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is dict and all(type(name) is str for name in value):
        plain = all(map(str.isascii, value))
        names = sorted(value) if plain else sorted(value, key=lambda name: name.encode("utf-16be", "surrogatepass"))
        return f"{{{','.join([f'{encode_basestring(name)}:{_text(value[name])}' for name in names])}}}"
    if kind is list or kind is tuple:
        return f"[{','.join(map(_text, value))}]"
    if value is None or kind is bool:
        return _WORDS[value]
    if kind is int and -_LARGEST <= value <= _LARGEST:
        return str(value)
    return rfc8785.dumps(value).decode()


_WORDS = {None: "null", True: "true", False: "false"}
