"""What a setting can be worth: a literal, or something to be found, chosen or decided later."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

Literal = str | int | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputValue:
    """A value that a person or a parameters file gives, by the input's name."""

    name: str

    def as_json(self) -> dict[str, Any]:
        """Give the JSON form `{"input": name}`."""
        return {"input": self.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceValue:
    """A list that stands on another page, by the reference's name."""

    name: str

    def as_json(self) -> dict[str, Any]:
        """Give the JSON form `{"ref": name}`."""
        return {"ref": self.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedValue:
    """A value that another service knows; `source` is where to read it, such as `graph:…`."""

    source: str

    def as_json(self) -> dict[str, Any]:
        """Give the JSON form `{"from": source}`."""
        return {"from": self.source}


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisedValue:
    """A faulty value as the text has it, and what it becomes once all of `decisions` are taken."""

    as_written: Literal
    advised: Literal
    decisions: tuple[str, ...]
    between: tuple[tuple[tuple[str, ...], Literal], ...] = ()
    """What it becomes when only some are taken, by those, in the order of `decisions`."""

    def settled(self, taken: Collection[str]) -> Literal:
        """Give the value once the decisions `taken` are taken and all others are not."""
        chosen = tuple(name for name in self.decisions if name in taken)
        if chosen == self.decisions:
            return self.advised
        return dict(self.between)[chosen] if chosen else self.as_written

    def as_json(self) -> dict[str, Any]:
        """Give the JSON form with both readings; which one is taken is not part of it."""
        return {"as_written": plain_json(self.as_written), "advised": plain_json(self.advised)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another value for one that is usable as written: an offer, which never stands in the value's place by itself."""

    value: Literal
    decision: str
    asked: bool = False
    """True if a run waits for an answer; else no answer means as written."""


Value = Literal | InputValue | ReferenceValue | ComputedValue | AdvisedValue


def plain_json(value: Value) -> Any:
    """Turn any value of a setting into what `json.dumps` takes."""
    if isinstance(value, (InputValue, ReferenceValue, ComputedValue, AdvisedValue)):
        return value.as_json()
    return list(value) if isinstance(value, tuple) else value
