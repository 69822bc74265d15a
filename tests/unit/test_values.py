"""Canonical values: equal for equal things, different for different ones, refused for the rest."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runbook import values
from runbook.plan import entries

CASES = Path(__file__).parent.parent / "cases" / "values"
TYPES = {
    item.name: item
    for item in (
        values.BOOLEAN,
        values.INTEGER,
        values.WORD,
        values.HOST,
        values.WORD_SET,
        values.TEXT_SET,
        values.NETWORKS,
        entries.ADDRESS_ENTRIES,
        values.TIMESPAN,
        values.DATE,
        values.PERMISSIONS,
    )
}


def cases(name: str) -> list[Any]:
    loaded = yaml.safe_load((CASES / f"{name}.yaml").read_text())
    return [pytest.param(kind, item, id=f"{kind}: {item}"[:70]) for kind, items in loaded.items() for item in items]


@pytest.mark.parametrize(("kind", "pair"), cases("equal"))
def test_equal_things_are_equal(kind: str, pair: list[Any]) -> None:
    assert TYPES[kind].canonical(pair[0]) == TYPES[kind].canonical(pair[1])


@pytest.mark.parametrize(("kind", "pair"), cases("different"))
def test_different_things_differ(kind: str, pair: list[Any]) -> None:
    assert TYPES[kind].canonical(pair[0]) != TYPES[kind].canonical(pair[1])


@pytest.mark.parametrize(("kind", "value"), cases("refused"))
def test_what_is_not_understood_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        TYPES[kind].canonical(value)


@given(st.integers(min_value=1, max_value=60 * 24 * 40))
def test_a_time_span_survives_being_written(minutes: int) -> None:
    span = timedelta(minutes=minutes)
    assert values.parse_timespan(values.dotnet_timespan(span)) == span


@given(st.integers(min_value=0, max_value=255), st.randoms())
def test_permissions_are_read_whatever_their_order(bits: int, order: Any) -> None:
    lines = [f"{name}: {bool(bits & bit)}" for name, bit in values.PERMISSION_BITS.items()]
    order.shuffle(lines)
    assert values.PERMISSIONS.canonical("[" + "\n".join(lines) + "]") == bits


def test_permissions_name_their_rights() -> None:
    assert values.PERMISSIONS.show(11) == "11 (delete, preview, request release)"
