"""The request log: one row for each vendor call, without any credential.

Rows tell when a request was there and when its answer was ready, on a clock that is never set back, and whom its
token, its path and its anchor named: ``judge`` reads that.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

TABLE = """
CREATE TABLE request (n INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, method TEXT NOT NULL,
                      host TEXT NOT NULL, path TEXT NOT NULL, cmdlet TEXT, status INTEGER,
                      "write" INTEGER NOT NULL, tenant TEXT NOT NULL, arrived REAL, answered REAL,
                      retry_after INTEGER, token_of TEXT, path_of TEXT, anchor_of TEXT)
"""
FORM = 1
"""Number of the tables' form, kept as SQLite's ``user_version``; 0 is the one without the columns added since."""

_ADDED: Mapping[str, str] = MappingProxyType(
    {
        "arrived": "REAL",
        "answered": "REAL",
        "retry_after": "INTEGER",
        "token_of": "TEXT",
        "path_of": "TEXT",
        "anchor_of": "TEXT",
    }
)
"""Columns that a tenant on disk may be too old to have."""
_COLUMNS = ("n", "at", "method", "host", "path", "cmdlet", "status", "write", "tenant", *_ADDED)
_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)
_APPEND = f"INSERT INTO request ({_NAMES}) VALUES (NULL{', ?' * (len(_COLUMNS) - 1)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """One request as the log keeps it; it has no room for a header or a body, hence none for a credential."""

    at: str
    method: str
    host: str
    path: str
    cmdlet: str | None
    status: int | None
    """None: the connection was left without an answer."""
    write: bool
    tenant: str
    arrived: float | None = None
    """Seconds of the machine's monotonic clock, which all its processes share, when the request was there."""
    answered: float | None = None
    """The same clock when the answer was ready."""
    retry_after: int | None = None
    """Seconds that the answer asked its caller to wait."""
    token_of: str | None = None
    """Directory (or account) of the token; None without one, ``evidence.UNKNOWN`` when it cannot be told."""
    path_of: str | None = None
    """Directory (or account) that the path names, if it names one."""
    anchor_of: str | None = None
    """What the anchor mailbox names behind its @."""


def append(connection: sqlite3.Connection, row: LogRow) -> int:
    """Write down a request and give its number."""
    return int(connection.execute(_APPEND, [getattr(row, name) for name in _COLUMNS[1:]]).lastrowid or 0)


def rows(connection: sqlite3.Connection, since: int) -> list[dict[str, Any]]:
    """List the requests after number ``since``; what an older version did not write down is None."""
    found = connection.execute(f"SELECT {_NAMES} FROM request WHERE n>? ORDER BY n", (since,))
    listed = [dict(zip(_COLUMNS, row, strict=True)) for row in found]
    for row in listed:
        row["write"] = bool(row["write"])
    return listed


def is_old(connection: sqlite3.Connection) -> bool:
    """Tell whether a database has another form than this version makes (an empty one has)."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0]) < FORM


def renew(connection: sqlite3.Connection) -> None:
    """Add the columns that are missing; within a transaction of the caller's."""
    if not is_old(connection):
        return
    for name, kind in _ADDED.items():
        connection.execute(f"ALTER TABLE request ADD COLUMN {name} {kind}")
    connection.execute(f"PRAGMA user_version={FORM}")
