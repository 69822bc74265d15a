"""Lists that are added to and taken from: what is moved, what a text may ask, and what is shown of it."""

from __future__ import annotations

from typing import Any

import pytest
from drafted import draft, setting
from hypothesis import given
from hypothesis import strategies as st

from runbook.desired import Wanted, wanted
from runbook.kinds.powershell import ListChange, command
from runbook.plan import entries
from runbook.plan.entries import ADDRESS_ENTRIES, after, held, is_list, lacking, moved
from runbook.values import BOOLEAN, INTEGER, NETWORKS, PERMISSIONS, TEXT_SET, WORD, WORD_SET, ValueType
from tenantapi.exchange import list_change

LISTS = (ADDRESS_ENTRIES, NETWORKS, WORD_SET, TEXT_SET)
KIND = "HostedConnectionFilterPolicy"
some = st.lists(st.sampled_from(["192.0.2.1", "192.0.2.1/32", "192.0.2.0/24", "192.0.2.0-192.0.2.255", "192.0.2.9"]))


@pytest.mark.parametrize("value_type", LISTS, ids=lambda item: item.name)
def test_lists_are_known_by_their_sort(value_type: ValueType) -> None:
    assert is_list(value_type)


@pytest.mark.parametrize("value_type", [BOOLEAN, INTEGER, WORD, PERMISSIONS], ids=lambda item: item.name)
def test_and_nothing_else_is_one(value_type: ValueType) -> None:
    assert not is_list(value_type)


@given(some, some)
def test_what_is_put_in_is_there_and_nothing_is_lost(there: list[str], named: list[str]) -> None:
    put_in = moved(ADDRESS_ENTRIES, "add", there, named)
    whole = after(ADDRESS_ENTRIES, "add", there, put_in)
    assert whole[: len(there)] == there
    assert lacking(ADDRESS_ENTRIES, whole, [*there, *named]) == ()
    assert len(whole) - len(there) == len(put_in) <= len(ADDRESS_ENTRIES.canonical(named))  # type: ignore[arg-type]


@given(some, some)
def test_what_is_taken_out_is_gone_and_nothing_else_is(there: list[str], named: list[str]) -> None:
    taken = moved(ADDRESS_ENTRIES, "remove", there, named)
    whole = after(ADDRESS_ENTRIES, "remove", there, taken)
    assert held(ADDRESS_ENTRIES, whole, named) == ()
    assert whole == [item for item in there if item not in taken]
    assert set(taken) <= set(there), "in the list's own spelling"


def test_letter_case_is_what_the_sort_says() -> None:
    assert lacking(WORD_SET, ["BULK"], ["bulk", "SPAM", "spam"]) == ("SPAM",)
    assert lacking(TEXT_SET, ["BULK"], ["bulk"]) == ("bulk",)


def asked(*settings: Any) -> Wanted:
    return wanted([draft(KIND, "Default", "s", *settings)], {}, (), lambda source, identity: (None, ""))


@pytest.mark.parametrize(
    ("parameter", "value", "op", "reason"),
    [
        ("EnableSafeList", True, "add", "EnableSafeList is no list"),
        ("Unheard", ["a"], "remove", "Unheard: this kit can neither compare nor write it yet"),
        ("IPAllowList", ["everybody"], "add", "'everybody' is neither an address nor a range"),
        ("IPAllowList", "192.0.2.1", "add", ""),
        ("IPAllowList", ("192.0.2.1",), "remove", ""),
    ],
)
def test_a_text_may_add_to_a_list_only_and_only_what_can_be_in_it(
    parameter: str, value: Any, op: entries.Op, reason: str
) -> None:
    found = asked(setting(parameter, value, op))
    assert [problem.presence for problem in found.problems] == (["undecided"] if reason else [])
    assert all(reason in problem.reason for problem in found.problems)
    assert [(item.op, item.value) for resource in found.resources for item in resource.attributes] == (
        [] if reason else [(op, ["192.0.2.1"])]
    )


def test_a_text_that_says_two_things_of_one_list_is_undecided() -> None:
    both = (setting("IPAllowList", ["192.0.2.1"], "add"), setting("IPAllowList", ["192.0.2.2"], "remove"))
    assert "two things of one list" in asked(*both).problems[0].reason


def test_an_empty_change_of_a_list_would_clear_it_and_is_not_made() -> None:
    with pytest.raises(ValueError, match="would clear it"):
        list_change()
    assert list_change(add=["a"]) == {"@odata.type": "#Exchange.GenericHashTable", "add": ["a"]}
    assert list_change(remove=["a"], add=["b"])["remove"] == ["a"]


def test_entries_are_quoted_by_hand_too() -> None:
    assert command("Set-X", {"A": ListChange("Add", ("it's", "b"))}) == "Set-X -A @{Add='it''s','b'}"
