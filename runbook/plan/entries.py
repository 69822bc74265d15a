"""Lists that are added to or taken from: which entries a list holds, and what is left to put in or to take out.

Entries are compared as the list's sort of value compares them, so that another spelling of an entry is that entry. An
entry is never split or joined: a list says what was put into it, whatever it comes to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from runbook.values import NETWORKS, Json, ValueType, parse_addresses, texts

Op = Literal["set", "add", "remove"]
"""What becomes of a property: a value of its own, or a list that gets or loses entries and keeps all others."""
INVERSE: dict[Op, Op] = {"set": "set", "add": "remove", "remove": "add"}


def _entries(value: object) -> Json:
    found: set[str] = set()
    for item in texts(value):
        networks = parse_addresses(item.strip())
        one = len(networks) == 1
        found.add(str(networks[0]) if one else f"{networks[0][0]}-{networks[-1][-1]}")
    return sorted(found)  # type: ignore[return-value]


ADDRESS_ENTRIES = ValueType(name="list of addresses", read=_entries, show=NETWORKS.show)
"""Addresses entry by entry, whatever their spelling: two halves of a range are not the entry of the whole."""


def is_list(value_type: ValueType) -> bool:
    """Whether values of this sort are lists of entries."""
    try:
        return value_type.canonical([]) == []
    except ValueError:
        return False


def lacking(value_type: ValueType, there: object, wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the wanted entries that a list does not hold, each once. Raises ValueError for what is no entry."""
    keys = {_key(value_type, item) for item in texts(there)} | {()}
    found: dict[tuple[Any, ...], str] = {}
    for item in wanted:
        key = _key(value_type, item)
        if key not in keys:
            found.setdefault(key, item)
    return tuple(found.values())


def held(value_type: ValueType, there: object, gone: Iterable[str]) -> tuple[str, ...]:
    """Return the entries of a list that are among `gone`, as the list spells them. Raises ValueError."""
    keys = {_key(value_type, item) for item in gone}
    return tuple(item for item in texts(there) if _key(value_type, item) in keys)


def moved(value_type: ValueType, op: Op, there: object, named: Iterable[str]) -> tuple[str, ...]:
    """Return those of the named entries that have to be put in (`add`) or taken out (`remove`). Raises ValueError."""
    return lacking(value_type, there, named) if op == "add" else held(value_type, there, named)


def after(value_type: ValueType, op: Op, there: object, entries: Iterable[str]) -> list[str]:
    """Return the whole list once these entries were put in or taken out; all others stay as they are."""
    if op == "add":
        return [*texts(there), *lacking(value_type, there, entries)]
    gone = set(held(value_type, there, entries))
    return [item for item in texts(there) if item not in gone]


def _key(value_type: ValueType, item: str) -> tuple[Any, ...]:
    canonical = value_type.canonical([item])
    assert isinstance(canonical, list)
    return tuple(canonical)
