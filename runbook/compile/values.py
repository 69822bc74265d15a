"""What a setting can be worth: a literal, or something to be found, chosen or decided later."""

from __future__ import annotations

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
    """A faulty value as the text has it, and the correction that `decision` would choose."""

    as_written: Literal
    advised: Literal
    decision: str

    def as_json(self) -> dict[str, Any]:
        """Give the JSON form with both readings; which one is taken is not part of it."""
        return {"as_written": plain_json(self.as_written), "advised": plain_json(self.advised)}


Value = Literal | InputValue | ReferenceValue | ComputedValue | AdvisedValue


def plain_json(value: Value) -> Any:
    """Turn any value of a setting into what `json.dumps` takes."""
    if isinstance(value, (InputValue, ReferenceValue, ComputedValue, AdvisedValue)):
        return value.as_json()
    return list(value) if isinstance(value, tuple) else value
