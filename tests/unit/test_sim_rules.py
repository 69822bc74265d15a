"""Transport rules as a list: any sequence of moves keeps it whole, and its length has an end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simtenant import directory, ranking, rules, state
from simtenant.envelope import CmdletError
from simtenant.store import Store, Transaction

NOON = datetime(2026, 5, 6, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    place = tmp_path_factory.mktemp("tenant")
    state.create(place)
    opened = Store(place)
    yield opened
    opened.close()


class Enough(Exception):
    """Ends a transaction without keeping it."""


def call(tx: Transaction, cmdlet: str, **arguments: Any) -> directory.Call:
    return directory.Call(tx=tx, cmdlet=cmdlet, arguments=arguments, now=NOON, actor="test")


def names(tx: Transaction) -> list[str]:
    return [record.body["Name"] for record in ranking.ranked(tx, rules.KIND)]


MOVES = st.lists(
    st.tuples(st.sampled_from(["new", "set", "remove"]), st.integers(-1, 8), st.integers(0, 7)), max_size=12
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MOVES)
def test_any_moves_keep_the_order_of_the_others(store: Store, moves: list[tuple[str, int, int]]) -> None:
    with pytest.raises(Enough), store.transaction() as tx:
        expected = names(tx)
        for number, (move, place, which) in enumerate(moves):
            expected = step(tx, expected, f"rule {number}", move, place, which)
            assert names(tx) == expected
            assert [record.body["Priority"] for record in ranking.ranked(tx, rules.KIND)] == list(range(len(expected)))
        raise Enough


def step(tx: Transaction, before: list[str], fresh: str, move: str, place: int, which: int) -> list[str]:
    """Make one move on the tenant and give what a plain list looks like after it."""
    if move == "new":
        if not 0 <= place <= len(before):
            with pytest.raises(CmdletError, match="between 0 and"):
                rules.new(call(tx, "New-TransportRule", Name=fresh, Priority=place))
            return before
        rules.new(call(tx, "New-TransportRule", Name=fresh, Priority=place))
        return [*before[:place], fresh, *before[place:]]
    if which >= len(before):
        return before
    name = before[which]
    rest = [other for other in before if other != name]
    if move == "remove":
        rules.remove(call(tx, "Remove-TransportRule", Identity=name))
        return rest
    if not 0 <= place < len(before):
        with pytest.raises(CmdletError, match="between 0 and"):
            rules.set_(call(tx, "Set-TransportRule", Identity=name, Priority=place))
        return before
    rules.set_(call(tx, "Set-TransportRule", Identity=name, Priority=place))
    return [*rest[:place], name, *rest[place:]]


def test_the_three_hundred_and_first_rule_is_refused(store: Store) -> None:
    with pytest.raises(Enough), store.transaction() as tx:
        for number in range(3, 300):
            tx.put(rules.KIND, f"key {number}", {"Name": f"rule {number}", "Priority": number})
        with pytest.raises(CmdletError, match="300 transport rules"):
            rules.new(call(tx, "New-TransportRule", Name="One more"))
        rules.remove(call(tx, "Remove-TransportRule", Identity="rule 299"))
        rules.new(call(tx, "New-TransportRule", Name="One more"))
        raise Enough
