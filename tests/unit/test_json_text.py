"""The kit's JSON files are spelt by another encoder than the standard library's, and by no other spelling."""

from __future__ import annotations

import json
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode

from runbook.runs import json_text


class Number(IntEnum):
    ONE = 1


class Word(str):
    """A text of a type of its own."""


CASES: dict[str, Any] = {
    "nothing in it": {"list": [], "object": {}, "nested": [[], {}, [[]]], "tuple": ()},
    "controls": "".join(map(chr, range(0x20))) + '"\\/\x7f\x85\u2028\U000e0001é😀',
    "half a pair": {"\ud800": "\udfff"},
    "numbers": [0, -1, 2**63, -(2**64), 10**40, Number.ONE, True],
    "odd floats": [1e16, 1e22, 1e-5, 1.5e-7, 123456789012345680.0, -0.0, 0.1, 5.0, 1e300],
    "no numbers": [float("nan"), float("inf"), -float("inf")],
    "names that are no text": {1: 1, 2.5: 2, None: 3, False: 4, Number.ONE: 5, Word("a"): Word("b")},
    "a notebook's node": NotebookNode(cells=[NotebookNode(source="print()\n", outputs=[], metadata=NotebookNode())]),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_what_the_standard_library_writes(name: str) -> None:
    assert json_text(CASES[name]) == json.dumps(CASES[name], indent=1, ensure_ascii=False) + "\n"


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=ANY)
@settings(max_examples=200, deadline=None)
def test_it_is_so_of_any_value(value: Any) -> None:
    assert json_text(value) == json.dumps(value, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", {(1, 2): 3}])
def test_what_is_no_json_is_refused_as_ever(value: Any) -> None:
    with pytest.raises(TypeError):
        json_text(value)
