"""Canonical JSON is what the package rfc8785 writes, for every value and every refusal."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode

from runbook import canonical


class Number(IntEnum):
    ONE = 1


class Word(StrEnum):
    ONE = "one"


CASES: dict[str, Any] = {
    "nothing in it": {"list": [], "object": {}, "tuple": (), "nested": [[], {}, ([],)]},
    "controls": "".join(map(chr, range(0x20))) + '"\\/\x7f\x85\u2028\ufffdé😀',
    "names by UTF-16": {"\ue000": 1, "😀": 2, "a": 3, "": 4, "é": 5, "\ud7ff": 6},
    "numbers": [0, -1, 2**53 - 1, -(2**53) + 1, True, Number.ONE, 0.0, -0.0, 1.0, 1e21, 1e-7, 0.1, 333333333.33333329],
    "types of their own": {Word.ONE: Word.ONE, "node": NotebookNode(b=[NotebookNode()], a=1)},
    "half a pair": ["\ud800"],
    "half a pair in a name": {"\ud800": 1, "é": 2},
    "too large": [2**53],
    "too small": {"a": -(2**53)},
    "no number": [float("nan")],
    "a name that is no text": {1: 2},
    "names of two types": {1: 2, "a": 3},
    "a set": [{1}],
    "bytes": b"a",
    "another mapping": {"a": MappingProxyType({})},
}


def outcome(dumps: Any, value: Any) -> tuple[Any, ...]:
    try:
        return ("text", dumps(value))
    except Exception as error:
        return (type(error), str(error))


@pytest.mark.parametrize("name", CASES)
def test_it_is_what_the_package_makes_of_it(name: str) -> None:
    assert outcome(canonical.dumps, CASES[name]) == outcome(rfc8785.dumps, CASES[name])


TEXTS = st.text(st.characters())
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(value=ANY)
@example(value=["\ud800", 2**53])
@settings(max_examples=300, deadline=None)
def test_it_is_so_of_any_value(value: Any) -> None:
    assert outcome(canonical.dumps, value) == outcome(rfc8785.dumps, value)
