"""Exchange's directory: how objects are named, found, listed, stamped and shown as rows.

Row shapes come from ``shapes.json``, which names its sources.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from simtenant import switches
from simtenant.envelope import duplicate, not_found
from simtenant.store import Body, Record, Transaction
from simtenant.wire import moment_text, parse_moment

ZERO_GUID = str(UUID(int=0))

_SEED = UUID("6f0a6b52-5d0c-5d1e-9a5b-3f3a7a3d2c11")
_UNSET: Mapping[str, Any] = {"text": "", "bool": False, "int32": 0, "guid": ZERO_GUID, "list": ()}
_CONTAINERS: Mapping[str, str] = {
    "QuarantinePolicy": "CN=QuarantineTag,CN=Transport Settings",
    "HostedContentFilterPolicy": "CN=Hosted Content Filter,CN=Transport Settings",
    "HostedConnectionFilterPolicy": "CN=Hosted Connection Filter,CN=Transport Settings",
    "HostedContentFilterRule": "CN=HostedContentFilterVersioned,CN=Rules,CN=Transport Settings",
    "EOPProtectionPolicyRule": "CN=EOPProtectionPolicyVersioned,CN=Rules,CN=Transport Settings",
    "ATPProtectionPolicyRule": "CN=ATPProtectionPolicyVersioned,CN=Rules,CN=Transport Settings",
    "TransportRule": "CN=TransportVersioned,CN=Rules,CN=Transport Settings",
    "AcceptedDomain": "CN=Accepted Domains,CN=Transport Settings",
    "InboundConnector": "CN=Transport Settings",
    "OutboundConnector": "CN=Transport Settings",
    "OrganizationConfig": "CN=Configuration",
}
_CLASSES: Mapping[str, str] = {
    "HostedContentFilterPolicy": "msExchHostedContentFilterConfig",
    "HostedConnectionFilterPolicy": "msExchHostedConnectionFilterConfig",
    "AcceptedDomain": "msExchAcceptedDomain",
    "InboundConnector": "msExchSMTPInboundConnector",
    "OutboundConnector": "msExchSMTPOutboundConnector",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One cmdlet on its way: bound arguments and everything it may touch."""

    tx: Transaction
    cmdlet: str
    arguments: Mapping[str, Any]
    """Canonical parameter names; absent when the caller did not send them."""
    now: datetime
    actor: str

    def identity(self) -> str | None:
        """Give the Identity argument, or None when it is absent, null or blank."""
        value = self.arguments.get("Identity")
        return str(value) if value else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a cmdlet did: the objects it shows and what it warns of."""

    records: tuple[Record, ...] = ()
    warnings: tuple[str, ...] = ()


Handler = Callable[[Call], Outcome]


def stable_guid(*parts: str) -> str:
    """Derive an identifier from names, the same on every machine and in every run."""
    return str(uuid5(_SEED, "/".join(parts)))


def stamp(moment: datetime) -> str:
    """Write a moment the way Exchange stores it: seven decimals of a second, UTC."""
    return moment_text(moment)[:-1] + ".0000000Z"


def create(call: Call, kind: str, name: str, body: Mapping[str, Any]) -> Record:
    """Store a new object under a name nobody has; raises CmdletError when it is taken."""
    if any(same(record.body.get("Name"), name) for record in call.tx.all(kind)):
        raise duplicate(kind, name)
    guid = stable_guid(kind, name, str(call.tx.next_serial()))
    lag = switches.number(call.tx, "visibility_lag_seconds")
    times = {"WhenCreated": stamp(call.now), "WhenChanged": stamp(call.now)}
    hidden = {"_visible_from": moment_text(call.now + timedelta(seconds=lag))} if lag else {}
    record = Record(kind=kind, key=guid, body={**body, "Name": name, "Guid": guid, **times, **hidden})
    call.tx.put(kind, guid, record.body)
    return record


def change(call: Call, record: Record, changes: Mapping[str, Any]) -> Outcome:
    """Store changed properties; a change that changes nothing gives a warning and leaves no trace."""
    if all(_blank(record.body.get(name)) == _blank(value) for name, value in changes.items()):
        shown = record.body.get("Name", record.key)
        warning = f"The command completed successfully but no settings of '{shown}' have been modified."
        return Outcome(warnings=(warning,))
    body = {**record.body, **changes, "WhenChanged": stamp(call.now)}
    lag = switches.number(call.tx, "update_lag_seconds")
    if lag:
        before = {name: value for name, value in record.body.items() if name != "_stale"}
        body["_stale"] = {"until": moment_text(call.now + timedelta(seconds=lag)), "body": before}
    call.tx.put(record.kind, record.key, body)
    return Outcome()


def _blank(value: Any) -> Any:
    """Give None for everything that reads back like a property that was never set."""
    return None if value in (None, "", []) or value is False else value


def same(left: object, right: object) -> bool:
    """Compare two names the way the directory does: without regard to letter case."""
    return str(left).casefold() == str(right).casefold()


def named(record: Record, identity: str) -> bool:
    """Tell whether an identity (name, ``Org\\Name``, DN, or GUID) means this object.

    The all-zero GUID of built-in objects means none of them, because several share it [CIPP].
    """
    plain = identity.rsplit("\\", 1)[-1]
    names = (record.body.get("Name"), record.body.get("DomainName"), distinguished_name(record))
    if any(name is not None and (same(name, identity) or same(name, plain)) for name in names):
        return True
    guid = record.body.get("Guid", ZERO_GUID)
    return bool(guid != ZERO_GUID and same(guid, identity.strip("{}")))


def visible(call: Call, kind: str) -> list[Record]:
    """List the objects of a kind that have become visible by now."""
    return [
        record
        for record in call.tx.all(kind)
        if "_visible_from" not in record.body or parse_moment(record.body["_visible_from"]) <= call.now
    ]


def _as_read(call: Call, record: Record) -> Record:
    """Give an object as a reader sees it, which right after a change may be as it was before."""
    stale = record.body.get("_stale")
    if stale is None or parse_moment(stale["until"]) <= call.now:
        return record
    return Record(kind=record.kind, key=record.key, body=dict(stale["body"]))


def find(call: Call, kind: str, identity: str | None = None) -> Record:
    """Find the object to act on; raises CmdletError 404 when nothing has that identity."""
    wanted = identity if identity is not None else call.identity()
    for record in visible(call, kind):
        if wanted and named(record, wanted):
            return record
    raise not_found(wanted or "")


def listed(call: Call, kind: str) -> Outcome:
    """Answer a Get: everything, or the one object named.

    A blank Identity lists everything [DOCS]; one that names nothing is a 404 [G2O; live] unless the switch
    ``unknown_identity`` says otherwise.
    """
    records = [_as_read(call, record) for record in visible(call, kind)]
    wanted = call.identity()
    if wanted is not None:
        matching = [record for record in records if named(record, wanted)]
        if not matching and switches.chosen(call.tx, "unknown_identity") == "not-found":
            raise not_found(wanted)
        records = matching or records
    state = call.arguments.get("State")
    if state is not None:
        records = [record for record in records if record.body.get("State") == state]
    return Outcome(records=tuple(records))


def distinguished_name(record: Record) -> str:
    """Build the DN of an object."""
    name = record.body.get("Name") or record.body.get("DomainName") or record.key
    container = _CONTAINERS.get(record.kind, "CN=Configuration")
    return f"CN={name},{container},CN=Configuration,DC=SIM,DC=OUTLOOK,DC=COM"


def row(record: Record, organisation: str, shape: str, shown: Mapping[str, Any]) -> Body:
    """Show an object as InvokeCommand does: all properties of its shape, each with its annotations.

    ``shown`` overrides stored values with the spelling of the wire.
    """
    values = {**_common(record, organisation), **record.body, **shown}
    result: Body = {}
    for column in _columns(shape):
        name = column.name
        value = values.get(name, column.unset)
        if value is None:
            result[name] = None
            continue
        if column.annotations:
            result.update(column.annotations)
            if column.local_time:
                value = value.replace("Z", "+00:00")
        elif isinstance(value, list | tuple):
            result[column.list_key] = "#Collection(String)"
            value = list(value)
        elif type(value) is int:
            result[column.number_key] = "System.Int32"
        result[name] = value
    return result


@cache
def shapes() -> Mapping[str, Mapping[str, str]]:
    """Read the table of row shapes once."""
    text = (Path(__file__).parent / "shapes.json").read_text(encoding="utf-8")
    return dict(json.loads(text)["shapes"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """One property of a shape, with everything about its annotations that does not depend on the value."""

    name: str
    unset: Any
    annotations: Mapping[str, str]
    local_time: bool
    """Times without UTC in their name end in an offset, the others in Z [G2O-FIX; live]."""
    list_key: str
    number_key: str


@cache
def _columns(shape: str) -> tuple[_Column, ...]:
    return tuple(_column(name, kind) for name, kind in shapes()[shape].items())


def _column(name: str, kind: str) -> _Column:
    fixed: dict[str, str] = {}
    if kind == "guid":
        fixed = {f"{name}@data.type": "System.Guid", f"{name}@odata.type": "#Guid"}
    elif kind == "datetime":
        fixed = {f"{name}@data.type": "System.DateTime"}
    return _Column(
        name=name,
        unset=_UNSET.get(kind),
        annotations=fixed,
        local_time=kind == "datetime" and not name.endswith("UTC"),
        list_key=f"{name}@odata.type",
        number_key=f"{name}@data.type",
    )


def _common(record: Record, organisation: str) -> Body:
    """Derive the properties that every directory object has."""
    name = record.body.get("Name") or record.body.get("DomainName") or record.key
    changed = record.body.get("WhenChanged")
    created = record.body.get("WhenCreated")
    dn = distinguished_name(record)
    object_class = _CLASSES.get(record.kind, "msExchConfigurationObject")
    return {
        "Identity": name,
        "Id": name,
        "Name": name,
        "DistinguishedName": dn,
        "ExchangeObjectId": record.body.get("Guid", ZERO_GUID),
        "ImmutableId": record.body.get("Guid", ZERO_GUID),
        "ExchangeVersion": "0.20 (15.0.0.0)",
        "ObjectCategory": f"CN={object_class},CN=Schema,CN=Configuration,DC=SIM,DC=OUTLOOK,DC=COM",
        "ObjectClass": ("top", object_class),
        "WhenChangedUTC": changed,
        "WhenCreatedUTC": created,
        "OrganizationalUnitRoot": organisation,
        "OrganizationId": f"{organisation} - {organisation}",
        "OriginatingServer": "SIM01A001DC01.SIM.OUTLOOK.COM",
        "IsValid": True,
    }
