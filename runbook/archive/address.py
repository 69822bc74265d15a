"""Addresses where records are kept: ``s3://bucket/prefix``, ``abfs://container/prefix``, ``file:///share/runs``.

An address is shown in messages, in lists and in shells' histories, so one that holds a credential is refused, and
nothing of an address that was refused is ever quoted. Credentials come from where the store's own library looks.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from runbook.errors import UsageError
from runbook.secretlike import kind_of_secret

VARIABLE = "RUNBOOK_STORE"
_SORTS = {
    "s3": "s3", "s3a": "s3", "abfs": "abfs", "abfss": "abfs", "az": "abfs", "file": "file", "memory": "memory"
}  # fmt: skip
_WHERE = {
    "s3": "AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the role of the machine",
    "abfs": "AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN or the three "
    "AZURE_STORAGE_CLIENT_ID, _CLIENT_SECRET and _TENANT_ID, AZURE_STORAGE_CONNECTION_STRING, or the identity of the "
    "machine",
}
_HOW = """Write it like one of these:

    s3://bucket/prefix
    abfs://container/prefix
    file:///share/runs

Credentials are taken from the environment (see runbook/docs/storage.md).
"""
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PLAIN = re.compile(r"(?!\.{1,2}$)[\w .-]+")


@dataclass(frozen=True, slots=True)
class Address:
    """An address without credentials, made by `parse`."""

    sort: str
    """``s3``, ``abfs``, ``file`` or ``memory``."""
    place: str
    """Bucket or container; empty where there is none."""
    prefix: str
    """What comes before every name, without slashes around it; for ``file``, the whole path."""

    def __str__(self) -> str:
        if self.sort == "file":
            return f"file:///{self.folder.as_posix().lstrip('/')}"
        return f"{self.sort}://" + "/".join(part for part in (self.place, self.prefix) if part)

    @property
    def folder(self) -> Path:
        """The folder that a ``file`` address names."""
        return Path(self.prefix)

    @property
    def credentials(self) -> str:
        """Say where this store's credentials are looked for."""
        return f"Credentials are taken from {_WHERE[self.sort]}." if self.sort in _WHERE else ""


def parse(text: str) -> Address:
    """Return the address that a text spells. Raises UsageError, which quotes nothing of it."""
    scheme, separator, rest = text.strip().partition("://")
    sort = _SORTS.get(scheme.lower(), "")
    if not separator or not re.fullmatch(r"[A-Za-z0-9+.-]{1,20}", scheme):
        raise UsageError("What was given is not the address of a store. It is not shown here.", _HOW)
    if not sort:
        raise UsageError(f"Records cannot be kept at an address that begins with {scheme}://.", _HOW)
    # user:password@, a signed query, a connection string: whatever it is, it is no part of a place.
    if re.search(r"[@?#;&=]", rest) or kind_of_secret(rest, may_be_hash=True):
        raise UsageError(
            "The address of a store has a part that can be a credential (before @, or after ? or ;). "
            "It is not shown here.",
            f"{_HOW}{_credentials(sort)}If a credential was given here, it stands in the shell's history: replace it.",
        )
    if sort == "file":
        return _local(rest)
    place, _, prefix = rest.partition("/")
    parts = [part for part in prefix.split("/") if part]
    if (sort == "memory" and not place) or (sort != "memory" and not _BUCKET.fullmatch(place)):
        raise UsageError(f"After {scheme}:// the name of a bucket or container must come.", _HOW)
    if not all(map(is_plain, parts)):
        raise UsageError("The address of a store has a prefix with more than letters, digits, '.', '_' and '-'.", _HOW)
    return Address(sort, place, "/".join(parts))


def _credentials(sort: str) -> str:
    return f"They are {_WHERE[sort]}. " if sort in _WHERE else ""


def _local(rest: str) -> Address:
    host, _, path = rest.partition("/")
    if host not in ("", "localhost"):
        raise UsageError("A file address has three slashes: file:///share/runs.", _HOW)
    drive = re.match(r"[A-Za-z]:", path)  # file:///C:/runs
    return Address("file", "", os.path.abspath(path if drive else "/" + path))


def is_plain(part: str) -> bool:
    """Whether a part of a name means the same at every store: letters, digits, blanks and ``._-``, and no ``..``."""
    return _PLAIN.fullmatch(part) is not None
