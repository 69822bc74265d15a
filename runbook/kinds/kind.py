"""The shape that every kind of resource has, and what the kinds share."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, Protocol

from runbook.plan import Attribute, Change, Observed
from runbook.values import Json, ValueType, fold
from tenantapi import Services
from tenantapi.errors import Service

NO_GUID = "00000000-0000-0000-0000-000000000000"
"""The GUID that all built-in quarantine policies share [DEF]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """Something that an identity must be allowed to do: a cmdlet, an application permission, a token permission."""

    service: Service
    name: str
    """As the service spells it."""
    writes: bool


def cmdlets(*names: str) -> tuple[Right, ...]:
    """Name cmdlets as rights; only Get- cmdlets are reads."""
    return tuple(Right(service="Exchange Online", name=name, writes=not name.startswith("Get-")) for name in names)


class Wait(Protocol):
    """Wait, bounded in time, until a read shows what was written."""

    def __call__(self, what: str, visible: Callable[[], bool]) -> None:
        """Return when `visible` is true; raise ApplyFailed naming `what` when the time is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of resource: its properties, and the calls that read and write it."""

    type: str
    """Name in the compiled tutorial and in every plan."""
    title: str
    """Name for a person."""
    types: Mapping[str, ValueType]
    """Sort of value of each property that this kind compares."""
    read: Callable[[Services, Sequence[str]], tuple[Observed, ...]]
    """Read the named things. Raises tenantapi.ApiError when the service did not answer."""
    write: Callable[[Services, Change, Observed, Wait], None]
    """Carry out one change. Raises tenantapi.ApiError or ApplyFailed."""
    by_hand: Callable[[Change], tuple[str, ...]]
    """The same change as command lines that a person can run."""
    look_by_hand: Callable[[str], tuple[str, ...]]
    """Command lines that show a person the thing of this name, and nothing where there is none."""
    rights: tuple[Right, ...]
    """All that reading and writing such a thing may ask for."""
    needed_for: Callable[[Change], tuple[Right, ...]]
    """What writing this one change asks for, a part of `rights`."""
    halfway: Mapping[str, Json] = field(default_factory=dict)
    """Properties that a new thing has between two calls of its making."""
    stays: str = ""
    """Why a change cannot be taken back: a thing that was created, or what `lasts` says; empty where it can."""
    lasts: Literal["create", "update"] = "create"
    """The sort of change that cannot be taken back."""
    limits: Callable[[Change], str] = lambda change: ""
    """What the service would not take of a change, by its documented limits; empty where it takes all."""
    creates: bool = True
    """Whether an absent thing may be created at all."""
    implied: tuple[Attribute, ...] = ()
    """Properties without which the tutorial's settings have no effect, although it does not name them."""
    switches: frozenset[str] = frozenset()
    """Properties that only say whether and when the rest is in effect: they do not make it another thing."""
    acts_within: timedelta = timedelta()
    """How long a change may take to act everywhere once it can be read; zero where nothing is documented."""
    shows_within: timedelta = timedelta()
    """How long a change that the service took may take until it can be read; zero where it is read soon."""
    not_taken_away: frozenset[str] = frozenset()
    """Properties that tell of what this kit never takes away from a thing."""
    compared: Callable[[Observed, Collection[str]], Observed] = lambda observed, names: observed
    """Return a thing by the properties that are compared when these are named. Raises ValueError where it lacks one."""
    handle_on_paper: str = ""
    """What stands in `by_hand` for an address that only a reading gives; empty where the name is the address."""
    modifying_makes: bool = False
    """Whether a text that only changes such a thing makes it where it is absent: it then is whole by what is named."""


def absent(kind: str, identity: str, reason: str = "", *, listed: int | None = None) -> Observed:
    return Observed(kind=kind, identity=identity, presence="absent", properties={}, reason=reason, listed=listed)


def unknown(kind: str, identity: str, reason: str) -> Observed:
    return Observed(kind=kind, identity=identity, presence="unknown", properties={}, reason=reason)


def named(rows: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    """Rows with this name, in any letter case and without stray blanks.

    Raises ValueError for a row without a name: it could be the one that is looked for.
    """
    if not all(isinstance(row.get("Name"), str) and row["Name"].strip() for row in rows):
        raise ValueError("the list holds an object without a name")
    return [row for row in rows if fold(row["Name"].strip()) == fold(name.strip())]


def plain_name(row: Mapping[str, Any]) -> Any:
    """A quarantine policy's name may come as organisation, backslash, name; the organisation is a domain [DSC]."""
    name = row.get("Name")
    if not isinstance(name, str):
        return name
    organisation, separator, rest = name.partition("\\")
    return rest if separator and "." in organisation and " " not in organisation else name


def needed(row: Mapping[str, Any], name: str) -> Any:
    """A property that every such object has. Raises ValueError when the answer leaves it out."""
    if name not in row:
        raise ValueError(f"the answer says nothing about {name}")
    return row[name]


def address(row: Mapping[str, Any], name: str) -> str:
    """What a write call addresses the object by. Raises ValueError when the answer leaves it out or empty."""
    found = needed(row, name)
    if found in (None, ""):
        raise ValueError(f"{name} is empty")
    return str(found)


def is_unset(value: Any) -> bool:
    """Unset is null, false, or an empty text or list; the number 0 is a value."""
    return value is None or value is False or value == "" or value == []


def said(value: Any) -> str:
    """Return a value as a text; values of one property are alternatives [DOCS], so that their order says nothing."""
    if not isinstance(value, list):
        return str(value)
    return f"[{', '.join(sorted({json.dumps(item, sort_keys=True, ensure_ascii=False) for item in value}))}]"


def assignments(change: Change, *, only_changed: bool) -> dict[str, Any]:
    """The properties of a change as they are sent."""
    return {item.attribute: item.after for item in change.differences if item.changed or not only_changed}
