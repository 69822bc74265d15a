"""The people of a tenant who receive mail, and the groups they belong to.

They are no objects of any vendor's wire here: they stand beside the tenant, and a snapshot holds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simtenant.mailflow.message import address, addresses
from simtenant.store import Transaction

_SETTING = "recipients"
_FIELDS = ("recipients", "unexpandable_groups")


def told(tx: Transaction) -> dict[str, Any]:
    """Show who there is: {recipients: [{address, groups}], unexpandable_groups: [address]}."""
    return {"recipients": [], "unexpandable_groups": [], **tx.setting(_SETTING, {})}


def put(tx: Transaction, people: Mapping[str, Iterable[str]], unexpandable: Iterable[str]) -> None:
    """Store who there is, by address, with the groups of each."""
    rows = [{"address": name, "groups": list(groups)} for name, groups in people.items()]
    tx.set_setting(_SETTING, {"recipients": rows, "unexpandable_groups": list(unexpandable)})


def replace(tx: Transaction, value: object) -> dict[str, int]:
    """Replace the lists that are given and leave the other alone; raises ValueError saying what is wrong."""
    if not isinstance(value, Mapping) or not any(name in value for name in _FIELDS):
        raise ValueError(f"the body is an object with {' or '.join(_FIELDS)}")
    strange = [str(name) for name in value if name not in _FIELDS]
    if strange:
        raise ValueError(f"there is no {', '.join(strange)} here; there are {', '.join(_FIELDS)}")
    present = told(tx)
    if "recipients" in value:
        present["recipients"] = _people(value["recipients"])
    if "unexpandable_groups" in value:
        present["unexpandable_groups"] = addresses("unexpandable_groups", value["unexpandable_groups"])
    tx.set_setting(_SETTING, present)
    return {name: len(present[name]) for name in _FIELDS}


def groups(tx: Transaction) -> dict[str, frozenset[str]]:
    """Give the groups of everybody by address."""
    return {row["address"]: frozenset(row["groups"]) for row in told(tx)["recipients"]}


def _people(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise ValueError(f"recipients is a list of objects with address and groups, not {value!r}")
    rows: list[dict[str, Any]] = []
    for item in value:
        if not isinstance(item, Mapping) or not {"address"} <= item.keys() <= {"address", "groups"}:
            raise ValueError(f"a recipient is an object with address and groups, not {item!r}")
        name = address("address", item["address"])
        if any(row["address"] == name for row in rows):
            raise ValueError(f"the recipient {name} is given twice")
        rows.append({"address": name, "groups": addresses("groups", item.get("groups"))})
    return rows
