"""What a new edition of a text calls by another name, and the decisions with which a tenant goes on with the old one.

The rule: two objects that the texts create, of one type and under different names, are one object renamed if at
least half of the values that either sets are the same in both, at least two of them or all there are, and if each is
more alike to the other than to anything else. Whether an object is switched on does not count, for nearly all are.
Below a half more was changed than kept, and with a tie the texts do not say which is meant: then nothing is called
renamed, since to adopt the wrong object means to write over it. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runbook.compile.result import ResourceDraft, Setting
from runbook.kinds import BY_TYPE
from runbook.naming import ADOPT, RENAME

Names = Mapping[tuple[str, str], str]
"""New names of renamed objects, by type and folded old name."""
LEAST = 2
"""Values that must be the same, unless there are fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """An object that both texts create under different names."""

    old: ResourceDraft
    new: ResourceDraft
    same: int
    """Values that are the same in both."""
    of: int
    """Values that either sets."""

    @property
    def why(self) -> str:
        """Say why it is taken for one object."""
        return f"{self.same} of {self.of} values are the same" if self.same < self.of else "all its values are the same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Inputs of a run of the new text that go on with the objects which the old text made, under their old names."""

    rename: tuple[str, ...] = ()
    """As `NEW=OLD`: the new text's name first, for that is the one to be replaced."""
    adopt: tuple[str, ...] = ()
    """Old names of objects whose content changes, too: a run overwrites such a one only if it is named here."""
    impossible: tuple[str, ...] = ()
    """Old names that a rename cannot write, because they hold an equals sign."""

    def as_json(self) -> dict[str, list[str]]:
        """Give them as a parameters file has them; what is empty is left out."""
        found = {RENAME: list(self.rename), ADOPT: list(self.adopt), "impossible": list(self.impossible)}
        return {name: items for name, items in found.items() if items}


def find_renames(gone: Sequence[ResourceDraft], come: Sequence[ResourceDraft]) -> tuple[Renamed, ...]:
    """Pair what only the old text creates with what only the new one does, by the rule of this module."""
    pairs = [pair for old in gone for new in come if (pair := _pair(old, new))]
    found = [
        pair for pair in pairs
        if not any(
            other is not pair and (other.old is pair.old or other.new is pair.new)
            and other.same * pair.of >= pair.same * other.of
            for other in pairs
        )
    ]  # fmt: skip
    return tuple(found)


def _pair(old: ResourceDraft, new: ResourceDraft) -> Renamed | None:
    if old.type != new.type or not old.identity or not new.identity or {old.action, new.action} != {"create"}:
        return None
    mine, theirs = _content(old), _content(new)
    of = len(mine.keys() | theirs.keys())
    same = sum(1 for name, setting in mine.items() if name in theirs and same_value(setting, theirs[name]))
    if not same or same * 2 < of or same < min(LEAST, of):
        return None
    return Renamed(old=old, new=new, same=same, of=of)


def _content(draft: ResourceDraft) -> dict[str, Setting]:
    return {item.parameter: item for item in draft.settings if item.parameter not in switches(draft.type)}


def switches(kind: str) -> frozenset[str]:
    """Give the properties of a type that only say whether and when an object is in effect."""
    return BY_TYPE[kind].switches if kind in BY_TYPE else frozenset()


def same_value(one: Setting, other: Setting) -> bool:
    """Tell whether two settings ask for the same, whatever words they come from."""
    values = [tuple(sorted(item.value)) if isinstance(item.value, tuple) else item.value for item in (one, other)]
    return values[0] == values[1] and type(values[0]) is type(values[1]) and one.op == other.op


def decisions(renames: Sequence[Renamed], changed: Mapping[str, bool]) -> Decisions:
    """Give the decisions for all renames; `changed` tells by the new name whether content changes as well."""
    usable = [item for item in renames if "=" not in str(item.old.identity)]
    return Decisions(
        rename=tuple(f"{item.new.identity}={item.old.identity}" for item in usable),
        adopt=tuple(str(item.old.identity) for item in usable if changed.get(str(item.new.identity))),
        impossible=tuple(str(item.old.identity) for item in renames if item not in usable),
    )


def folded(draft: ResourceDraft) -> str:
    """Give a draft's name in the form for comparing."""
    return draft.identity.casefold() if draft.identity is not None else f"{{{draft.for_each}}}"
