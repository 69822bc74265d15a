"""What a tenant holds, looked at and changed from inside a transaction, past all checks and without a log row."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from simtenant.directory import same, shapes, stamp
from simtenant.store import Body, Record, Transaction
from simtenant.wire import moment_text

_IDENTITY_PROPERTIES = ("Name", "Guid", "DomainName", "id", "domain", "client_id", "upn")


def objects(tx: Transaction) -> dict[str, list[Body]]:
    """Show everything the tenant holds, by kind, as plain properties and without any credential."""
    return {kind: [_plain(record) for record in tx.all(kind)] for kind in tx.kinds()}


def canonical(tx: Transaction) -> dict[str, str]:
    """Give one text per object, by ``kind/key``: JSON with sorted names and no blanks.

    Two texts are equal exactly when nothing of the object changed, its dates included, so a run can prove that
    it left the objects of others alone. The key is the object's GUID or id, or ``builtin:`` and its name.
    """
    return {
        f"{kind}/{record.key}": json.dumps(
            _plain(record), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        for kind in tx.kinds()
        for record in tx.all(kind)
    }


def set_property(tx: Transaction, kind: str, identity: str, property: str, value: Any, now: datetime) -> None:
    """Change one property; raises KeyError for what is unknown, ValueError for what is ambiguous or no JSON."""
    try:
        json.dumps(value)
    except TypeError:
        raise ValueError(f"{property} must be a JSON value, not {type(value).__name__}") from None
    record = _only(tx, kind, identity)
    if property not in record.body and property not in _shape(kind):
        known = ", ".join(name for name in record.body if not name.startswith("_"))
        raise KeyError(f"{kind} {identity!r} has no property {property!r}; it has {known}")
    body = {**record.body, property: value}
    if "WhenChanged" in body and property != "WhenChanged":
        body["WhenChanged"] = stamp(now)
    if "modified_at" in body and property != "modified_at":
        body["modified_at"] = moment_text(now)
    tx.put(kind, record.key, body)


def _plain(record: Record) -> Body:
    return {name: value for name, value in record.body.items() if not name.startswith("_")}


def _shape(kind: str) -> set[str]:
    names = set(shapes().get(kind, {}))
    return names | set(shapes()["GlobalQuarantinePolicy"]) if kind == "QuarantinePolicy" else names


def _only(tx: Transaction, kind: str, identity: str) -> Record:
    records = tx.all(kind)
    if not records:
        raise KeyError(f"no objects of kind {kind!r}; there are {', '.join(tx.kinds())}")
    found = [
        record for record in records if any(same(record.body.get(name, ""), identity) for name in _IDENTITY_PROPERTIES)
    ]
    if not found:
        raise KeyError(f"no {kind} {identity!r}; there are {', '.join(_label(record) for record in records)}")
    if len(found) > 1:
        raise ValueError(f"{identity!r} names several objects: {', '.join(_label(record) for record in found)}")
    return found[0]


def _label(record: Record) -> str:
    return next(
        (str(record.body[name]) for name in ("Name", *_IDENTITY_PROPERTIES) if record.body.get(name)),
        record.key,
    )
