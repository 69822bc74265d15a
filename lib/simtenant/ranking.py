"""Rules stand in an order without gaps; this keeps it when one comes, goes or moves.

Priority runs from 0 to the number of rules when a rule is made, to one less when it is moved; the others
shift [DOCS]. A shifted neighbour keeps its own change date (assumption ``rule-shift-keeps-date``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simtenant import directory
from simtenant.directory import Call, Outcome
from simtenant.envelope import invalid
from simtenant.store import Body, Record, Transaction


def ranked(tx: Transaction, kind: str) -> list[Record]:
    """List rules by priority."""
    return sorted(tx.all(kind), key=lambda record: int(record.body["Priority"]))


def listed(call: Call, kind: str) -> Outcome:
    """Answer a Get of rules, by priority."""
    found = directory.listed(call, kind)
    return Outcome(records=tuple(sorted(found.records, key=lambda record: int(record.body["Priority"]))))


def insert(call: Call, kind: str, name: str, body: Mapping[str, Any]) -> Record:
    """Create a rule at the priority asked for, or last."""
    count = len(call.tx.all(kind))
    wanted = call.arguments.get("Priority")
    place = count if wanted is None else _checked(wanted, count)
    created = directory.create(call, kind, name, {**body, "Priority": count})
    _renumber(call.tx, kind, created.key, place)
    return call.tx.get(kind, created.key) or created


def change(call: Call, record: Record, changes: Body) -> Outcome:
    """Change a rule and move it when a priority is given."""
    wanted = call.arguments.get("Priority")
    if wanted is None or wanted == record.body["Priority"]:
        return directory.change(call, record, changes)
    place = _checked(wanted, len(call.tx.all(record.kind)) - 1)
    outcome = directory.change(call, record, {**changes, "Priority": place})
    _renumber(call.tx, record.kind, record.key, place)
    return outcome


def remove(call: Call, record: Record) -> None:
    """Delete a rule and close the gap."""
    call.tx.delete(record.kind, record.key)
    _store_order(call.tx, record.kind, ranked(call.tx, record.kind))


def _checked(wanted: int, highest: int) -> int:
    if not 0 <= wanted <= highest:
        raise invalid(f"The priority {wanted} isn't valid. It must be between 0 and {highest}.")
    return wanted


def _renumber(tx: Transaction, kind: str, key: str, place: int) -> None:
    rules = ranked(tx, kind)
    moved = next(record for record in rules if record.key == key)
    others = [record for record in rules if record.key != key]
    _store_order(tx, kind, [*others[:place], moved, *others[place:]])


def _store_order(tx: Transaction, kind: str, rules: list[Record]) -> None:
    for position, record in enumerate(rules):
        if record.body["Priority"] != position:
            tx.put(kind, record.key, {**record.body, "Priority": position})
