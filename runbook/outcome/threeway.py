"""Logic with a third value: None is "cannot be told", which is neither true nor false."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

Maybe: TypeAlias = bool | None


def all_of(values: Iterable[Maybe]) -> Maybe:
    """Return False if one is false, else None if one cannot be told, else True."""
    found = list(values)
    if any(value is False for value in found):
        return False
    return None if any(value is None for value in found) else True


def any_of(values: Iterable[Maybe]) -> Maybe:
    """Return True if one is true, else None if one cannot be told, else False."""
    found = list(values)
    if any(value is True for value in found):
        return True
    return None if any(value is None for value in found) else False


def negated(value: Maybe) -> Maybe:
    """Return the opposite; what cannot be told stays so."""
    return None if value is None else not value
