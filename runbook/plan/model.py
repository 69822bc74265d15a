"""What is wanted, what was found, the change between them, and the problem where there can be none: frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from runbook.plan.entries import Op
from runbook.values import Json

Action = Literal["create", "update", "delete", "none"]
Presence = Literal["present", "absent", "unknown"]
ProblemState = Literal["absent", "unknown", "undecided", "moved", "left"]
"""`left` is left to a person: the text is not understood there. The rest can be approved and carried out without it."""
SYMBOL: Mapping[str, str] = {"create": "+", "update": "~", "delete": "-", "none": "="}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One property that the tutorial asks for."""

    name: str
    value: Any
    """As the service takes it; with `add` and `remove`, the entries that shall be in the list, or not in it."""
    op: Op = "set"
    lines: tuple[int | str, ...] = ()
    """Source lines behind it: of the tutorial itself by number (1-based), of an included file in words."""
    words: str = ""
    """The tutorial's own words for it."""
    note: str = ""
    """What was assumed, or where a computed value came from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One thing as the tutorial declares it."""

    kind: str
    identity: str
    section: str
    attributes: tuple[Attribute, ...]
    may_create: bool
    """False where the tutorial changes something that must be there already."""
    lines: tuple[int | str, ...] = ()
    creates: bool = False
    """True where the tutorial makes something new: what bears its name already may be somebody else's."""
    written_as: str = ""
    """The tutorial's own name for it, where a decision gives it another one."""

    @property
    def key(self) -> tuple[str, str]:
        return (self.kind, self.identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One thing as it was found: present with its properties, absent, or unknown with the reason."""

    kind: str
    identity: str
    presence: Presence
    properties: Mapping[str, Any]
    """As the service returned them: those that the kind knows (present), else empty."""
    reason: str = ""
    handle: str = ""
    """What a write call addresses it by (an id or a name)."""
    row: Mapping[str, Any] = field(default_factory=dict)
    """The whole object as the service returned it; kept before a first write, compared by nothing."""
    name: str = ""
    """Its name as the service spells it, where it has one."""
    listed: int | None = None
    """How many objects the list held that it was looked for in; None where no list was read."""
    beside: Sequence[Mapping[str, Any]] = ()
    """That whole list, of a kind whose things act on each other."""
    touched: str = ""
    """When it was last changed, by its own word, as ISO text in UTC; empty where that is not known."""

    @property
    def key(self) -> tuple[str, str]:
        return (self.kind, self.identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One property, before and after, as the service spells it."""

    attribute: str
    before: Any
    after: Any
    lines: tuple[int | str, ...]
    words: str
    note: str
    changed: bool
    op: Op = "set"
    entries: tuple[str, ...] = ()
    """What `add` puts in or `remove` takes out; `before` and `after` are the whole list all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be done to one thing, and why. The reason is for people; nothing branches on it."""

    action: Action
    kind: str
    identity: str
    section: str
    differences: tuple[Difference, ...]
    reason: str
    lines: tuple[int | str, ...]
    observed: Mapping[str, Json]
    """Canonical properties that were found; empty for an absent thing."""
    handle: str = ""
    """What the thing was addressed by when it was found; another thing of the same name has another."""
    expected: Mapping[str, Json]
    """Canonical properties once the change is made, as far as they are known; empty for a deleted thing."""
    listed: int | None = None
    """How many objects the list held that it was looked for in; no part of the plan's hash."""
    notes: tuple[str, ...] = ()
    """What else a person should know of it, such as what is beside it; no part of the plan's hash."""
    touched: str = field(default="", compare=False)
    """When the thing was last changed, by its own word; for a fresh plan alone, it is not stored."""
    awaits: str = ""
    """Section before this one that makes the thing, which is not there yet; such a change is not carried out so."""

    @property
    def key(self) -> tuple[str, str]:
        return (self.kind, self.identity)

    @property
    def changed(self) -> tuple[Difference, ...]:
        return tuple(item for item in self.differences if item.changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a resource cannot be planned: it could not be read, is not there, waits for an answer, or was moved."""

    kind: str
    identity: str
    section: str
    presence: ProblemState
    reason: str
    lines: tuple[int | str, ...] = ()
    other: str = ""
    """Name of somebody else's thing that is in its way; empty where the problem is in the thing itself."""

    @classmethod
    def of(cls, change: Change, presence: ProblemState, reason: str, other: str = "") -> Problem:
        """Make the problem of a change: the same thing, section and lines."""
        return cls(
            kind=change.kind,
            identity=change.identity,
            section=change.section,
            presence=presence,
            reason=reason,
            lines=change.lines,
            other=other,
        )
