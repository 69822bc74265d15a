"""Decisions about names: what the tutorial creates may find its name taken.

``adopt`` takes the thing over that has the name, ``rename`` gives the tutorial's thing another one, ``accept_rules``
names rules of somebody else's that may stay in the way of ours, ``accept_governs_nobody`` consents to change a policy
that is in force for nobody. Names are the same in any letter case [DOCS: the services compare them so]. Pure: values
in, values out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from runbook.compile.result import ResourceDraft
from runbook.inputchecks import check_list

ADOPT = "adopt"
RENAME = "rename"
ACCEPT = "accept_rules"
NOBODY = "accept_governs_nobody"
_NONE: Mapping[str, str] = MappingProxyType({})
_LONGEST = 64
"""Characters of a transport rule's name [DOCS]; a quarantine policy's limit is not published."""


def created(drafts: Iterable[ResourceDraft], by: Mapping[str, str] = _NONE) -> tuple[str, ...]:
    """Return the names of what the tutorial creates, each once, in its order: its own, or those that renames give."""
    found: dict[str, str] = {}
    for draft in drafts:
        if draft.action == "create" and draft.identity is not None:
            name = renamed(draft.identity, by)
            found.setdefault(_same(name), name)
    return tuple(found.values())


def refers_to_created(draft: ResourceDraft, drafts: Iterable[ResourceDraft]) -> bool:
    """Whether a draft changes something, or names it by a literal, that the tutorial creates."""
    made = {(item.type, _same(item.identity)) for item in drafts if item.action == "create" and item.identity}
    if draft.action == "modify" and (draft.type, _same(str(draft.identity))) in made:
        return True
    return any((setting.refers, _same(str(setting.value))) in made for setting in draft.settings)


def check_renames(value: Any, names: Sequence[str]) -> tuple[str, ...]:
    """Return the renames as ``OLD=NEW``, OLD as the tutorial writes it.

    Raises ValueError for a name that the tutorial does not create, with the nearest one that it does, and for a new
    name that cannot be used or that the tutorial gives already.
    """
    found: dict[str, str] = {}
    for item in check_list(value):
        old, separator, new = item.rpartition("=")
        if not separator:
            raise ValueError(f"{item!r} is not of the form OLD=NEW")
        known = _known(old, names)
        if known in found:
            raise ValueError(f"{known!r} is renamed twice")
        _check_new(new)
        if _same(new) in {_same(name) for name in (*names, *found.values())}:
            raise ValueError(f"{new!r} is taken: the tutorial, or another rename, gives this name already")
        found[known] = new
    return tuple(f"{old}={new}" for old, new in found.items())


def _check_new(new: str) -> None:
    if not new or new != new.strip():
        raise ValueError(f"{new!r} is not a name: it is empty, or has blanks at an end")
    if len(new) > _LONGEST:
        raise ValueError(f"{new!r} has {len(new)} characters, and a name can have {_LONGEST} at most")
    if not new.isprintable():
        raise ValueError(f"{new!r} holds characters that cannot be seen")


def renames(value: Iterable[str] | None) -> Mapping[str, str]:
    """Return checked renames by old name, in the form for comparing (`renamed` looks up)."""
    pairs = (item.rpartition("=") for item in value or ())
    return {_same(old): new for old, _, new in pairs}


def renamed(name: str, by: Mapping[str, str]) -> str:
    """Return the name under which the tutorial's `name` is wanted."""
    return by.get(_same(name), name)


def check_adopted(value: Any, names: Sequence[str], renaming: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the names to take over, spelt as the tutorial or the renames have them.

    Raises ValueError for a name under which nothing is created, with the nearest one under which something is.
    """
    by = renames(renaming)
    wanted = [renamed(name, by) for name in names]
    whole = isinstance(value, str) and _same(value) in {_same(name) for name in wanted}
    given = (value,) if whole else check_list(value)
    for item in given:
        if _same(item) in by:
            raise ValueError(f"{item.strip()!r} is renamed to {by[_same(item)]!r}: name that one, or do not rename it")
    return tuple(dict.fromkeys(_known(item, wanted) for item in given))


def check_accepted(value: Any) -> tuple[str, ...]:
    """Return the names of rules to live with, each once. Raises ValueError for what is no list of names."""
    return tuple({_same(item): item.strip() for item in check_list(value)}.values())


def is_adopted(name: str, adopted: Iterable[str]) -> bool:
    """Whether the thing wanted under this name takes over what bears it."""
    return is_among(name, adopted)


def is_among(name: str, adopted: Iterable[str]) -> bool:
    """Whether a name is one of these."""
    return _same(name) in {_same(item) for item in adopted}


def _known(name: str, names: Sequence[str]) -> str:
    for known in names:
        if _same(known) == _same(name):
            return known
    by_letters = {_same(item): item for item in names}
    near = difflib.get_close_matches(_same(name), by_letters, n=1)
    hint = f"did you mean {by_letters[near[0]]!r}?" if near else f"it creates {', '.join(map(repr, names))}"
    raise ValueError(f"the tutorial creates nothing named {name.strip()!r} ({hint})")


def _same(name: str) -> str:
    return name.strip().casefold()
