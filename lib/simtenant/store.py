"""The tenant's memory: SQLite in write-ahead mode, so that servers, kernels and tests can share it.

Durability: WAL with ``synchronous=NORMAL``. A committed change survives the death of any process; a power cut
may lose the last changes but never mixes old with new.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simtenant import request_log
from simtenant.request_log import LogRow

Body = dict[str, Any]

DATABASE_NAME = "state.db"

_SCHEMA = """
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE object (position INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL,
                     UNIQUE (kind, key));
CREATE TABLE secret (purpose TEXT NOT NULL, digest TEXT NOT NULL, body TEXT NOT NULL,
                     PRIMARY KEY (purpose, digest)) WITHOUT ROWID;
"""
_TABLES = ("setting", "object", "secret", "request")
_MESSAGES = """
CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, after INTEGER NOT NULL,
                                    body TEXT NOT NULL)
"""
"""Made when it is first needed, for a tenant on disk may be older than its mail flow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One stored object: ``key`` never changes, ``body`` is its properties (a fresh copy)."""

    kind: str
    key: str
    body: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the tenant held at one moment; its rows are the tables' own."""

    objects: tuple[tuple[int, str, str, str], ...]
    settings: tuple[tuple[str, str], ...]

    def bodies(self) -> dict[tuple[str, str], str]:
        """Give the stored text of every object by kind and key."""
        return {(kind, key): body for _, kind, key, body in self.objects}


class Transaction:
    """Everything that may be read or changed while a transaction is open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._settings: dict[str, str] | None = None
        """All settings, once one was asked for: a call looks at half a dozen."""

    def all(self, kind: str) -> list[Record]:
        """List the objects of a kind in the order of their creation."""
        rows = self._connection.execute("SELECT key, body FROM object WHERE kind=? ORDER BY position", (kind,))
        return [Record(kind=kind, key=key, body=json.loads(body)) for key, body in rows]

    def kinds(self) -> list[str]:
        """List the kinds that have at least one object."""
        rows = self._connection.execute("SELECT kind FROM object GROUP BY kind ORDER BY MIN(position)")
        return [kind for (kind,) in rows]

    def get(self, kind: str, key: str) -> Record | None:
        """Find one object by its key."""
        row = self._connection.execute("SELECT body FROM object WHERE kind=? AND key=?", (kind, key)).fetchone()
        return None if row is None else Record(kind=kind, key=key, body=json.loads(row[0]))

    def put(self, kind: str, key: str, body: Mapping[str, Any]) -> None:
        """Store an object; one that exists keeps its place in the order."""
        self._connection.execute(
            "INSERT INTO object (kind, key, body) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, key) DO UPDATE SET body=excluded.body",
            (kind, key, json.dumps(dict(body), ensure_ascii=False)),
        )

    def delete(self, kind: str, key: str) -> None:
        """Forget an object; nothing happens when there is none."""
        self._connection.execute("DELETE FROM object WHERE kind=? AND key=?", (kind, key))

    def setting(self, name: str, default: Any = None) -> Any:
        """Read a setting of the tenant itself."""
        if self._settings is None:
            self._settings = dict(self._connection.execute("SELECT name, value FROM setting").fetchall())
        text = self._settings.get(name)
        return default if text is None else json.loads(text)

    def set_setting(self, name: str, value: Any) -> None:
        """Store a setting of the tenant itself."""
        self._settings = None
        self._connection.execute(
            "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value=excluded.value",
            (name, json.dumps(value)),
        )

    def next_serial(self) -> int:
        """Count creations, so that identifiers of new objects depend on nothing but the calls made."""
        serial = int(self.setting("serial", 0)) + 1
        self.set_setting("serial", serial)
        return serial

    def secret(self, purpose: str, digest: str) -> Body | None:
        """Find what is known of a credential by the digest of its text; the text itself is never stored."""
        row = self._connection.execute(
            "SELECT body FROM secret WHERE purpose=? AND digest=?", (purpose, digest)
        ).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def put_secret(self, purpose: str, digest: str, body: Mapping[str, Any]) -> None:
        """Remember a credential by its digest."""
        self._connection.execute(
            "INSERT OR REPLACE INTO secret VALUES (?, ?, ?)", (purpose, digest, json.dumps(dict(body)))
        )

    def append_log(self, row: LogRow) -> int:
        """Write down a request and give its number."""
        return request_log.append(self._connection, row)

    def set_logged_status(self, number: int, status: int | None) -> None:
        """Correct the status of a logged request to what was really sent."""
        self._connection.execute("UPDATE request SET status=? WHERE n=?", (status, number))

    def log(self, since: int = 0) -> list[Body]:
        """List the requests after number ``since``."""
        return request_log.rows(self._connection, since)

    def last_request(self) -> int:
        """Give the number of the last logged request, 0 where none is."""
        return int(self._connection.execute("SELECT COALESCE(MAX(n), 0) FROM request").fetchone()[0])

    def forget_log(self) -> None:
        """Drop all logged requests; numbers go on from where they were."""
        self._connection.execute("DELETE FROM request")

    def add_message(self, at: str, body: Mapping[str, Any]) -> int:
        """Keep a test message and give its number; it is told after which request it came."""
        self._connection.execute(_MESSAGES)
        cursor = self._connection.execute(
            "INSERT INTO message (at, after, body) SELECT ?, COALESCE(MAX(n), 0), ? FROM request",
            (at, json.dumps(dict(body), ensure_ascii=False)),
        )
        return int(cursor.lastrowid or 0)

    def messages(self, since: int = 0) -> list[Body]:
        """List the test messages after number ``since``: {id, at, after, …}."""
        self._connection.execute(_MESSAGES)
        rows = self._connection.execute("SELECT id, at, after, body FROM message WHERE id>? ORDER BY id", (since,))
        return [{"id": number, "at": at, "after": after, **json.loads(body)} for number, at, after, body in rows]

    def sent_after(self, call: int) -> list[tuple[int, str]]:
        """List the numbers and times of the test messages that came after the vendor call with this number."""
        self._connection.execute(_MESSAGES)
        return self._connection.execute("SELECT id, at FROM message WHERE after>=? ORDER BY id", (call,)).fetchall()

    def snapshot(self) -> Snapshot:
        """Copy all objects and settings (switches are among them); credentials, log and messages are no part."""
        objects = self._connection.execute("SELECT position, kind, key, body FROM object").fetchall()
        settings = self._connection.execute("SELECT name, value FROM setting").fetchall()
        return Snapshot(objects=tuple(objects), settings=tuple(settings))

    def restore(self, snapshot: Snapshot) -> None:
        """Put all objects and settings back to what they were."""
        self._settings = None
        self._connection.execute("DELETE FROM object")
        self._connection.execute("DELETE FROM setting")
        self._connection.executemany("INSERT INTO object VALUES (?, ?, ?, ?)", snapshot.objects)
        self._connection.executemany("INSERT INTO setting VALUES (?, ?)", snapshot.settings)

    def add(self, snapshot: Snapshot) -> None:
        """Put objects and settings behind those that there are; none of them may be there already."""
        self._settings = None
        rows = [row[1:] for row in sorted(snapshot.objects)]
        self._connection.executemany("INSERT INTO object (kind, key, body) VALUES (?, ?, ?)", rows)
        self._connection.executemany("INSERT INTO setting VALUES (?, ?)", snapshot.settings)

    def is_empty(self) -> bool:
        """Tell whether this database has no tables yet."""
        row = self._connection.execute("SELECT COUNT(*) FROM sqlite_master WHERE name='setting'").fetchone()
        return int(row[0]) == 0

    def build(self) -> None:
        """Make the tables, or clear them when they exist."""
        self._settings = None
        if not self.is_empty():
            self._connection.execute(_MESSAGES)
            for table in (*_TABLES, "message"):
                self._connection.execute(f"DELETE FROM {table}")
            return
        for statement in (*_SCHEMA.split(";"), request_log.TABLE):
            if statement.strip():
                self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version={request_log.FORM}")

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Undo what happens inside if it raises; what came before stays."""
        self._connection.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK TO attempt")
            self._settings = None
            raise
        finally:
            self._connection.execute("RELEASE attempt")


class Store:
    """A directory's database; one connection per thread, opened on first use."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connected(self.directory)
            self._local.connection = connection
        return connection

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a write transaction: all of it is kept when the block ends, none of it when it raises."""
        with opened(self._connection()) as transaction:
            yield transaction

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the database open for the length of the block.

        When the last connection closes, SQLite folds the log into the database and waits for the disk. With one
        connection held, the end of a thread's own connection costs nothing.
        """
        connection = sqlite3.connect(self.directory / DATABASE_NAME, timeout=30, isolation_level=None)
        try:
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            yield
        finally:
            connection.close()

    def close(self) -> None:
        """Close this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None


def connected(directory: Path, *, synchronous: str = "NORMAL", shared: bool = False) -> sqlite3.Connection:
    """Open a directory's database; ``shared`` is for a connection that threads take turns at."""
    # Transactions are opened by hand below: Python's own rules would begin them too late for a read.
    connection = sqlite3.connect(
        directory / DATABASE_NAME, timeout=30, isolation_level=None, check_same_thread=not shared
    )
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    if request_log.is_old(connection):
        with opened(connection) as transaction:
            if not transaction.is_empty():
                request_log.renew(connection)
    return connection


@contextmanager
def opened(connection: sqlite3.Connection) -> Iterator[Transaction]:
    """Open a write transaction on a connection: kept when the block ends, undone when it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield Transaction(connection)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
