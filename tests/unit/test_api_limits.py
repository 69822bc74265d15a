"""Rates, holds and circuits as numbers alone."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantapi.limits import Circuit, Hold, Limit

NOW = 1_780_000_000.0


def turns(limit, arrivals):
    """Give each arrival its turn, as many callers with one book would get it."""
    due, given = 0.0, []
    for now in arrivals:
        at, due = limit.turn(due, now)
        assert at >= now
        given.append(at)
    return given


def most_in_a_window(moments, seconds):
    return max(sum(1 for other in moments if moment <= other < moment + seconds) for moment in moments)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    calls=st.integers(1, 30),
    at_once=st.integers(1, 30),
    seconds=st.sampled_from([0.5, 1.0, 10.0, 300.0]),
    pauses=st.lists(st.sampled_from([0.0] * 30 + [0.001, 0.1, 1.0, 30.0, 1000.0]), min_size=1, max_size=80),
    lateness=st.lists(st.floats(0.0, 1.0), min_size=80, max_size=80),
)
def test_no_window_holds_more_calls_than_the_limit(calls, at_once, seconds, pauses, lateness):
    limit = Limit(calls=calls, seconds=seconds, at_once=min(at_once, calls))
    arrivals = [NOW + sum(pauses[: count + 1]) for count in range(len(pauses))]
    given = turns(limit, arrivals)
    assert given == sorted(given)
    assert most_in_a_window(given, seconds) <= calls
    # The same holds where each call goes out a little after its turn.
    slack = min(1.0, seconds / 20) * 0.999
    late = [moment + slack * share for moment, share in zip(given, lateness, strict=False)]
    assert most_in_a_window(late, seconds) <= calls


@pytest.mark.parametrize(("calls", "seconds", "at_once"), [(1, 1.0, 1), (1200, 300.0, 200), (200, 1.0, 20)])
def test_a_full_queue_gets_nearly_all_of_its_limit(calls, seconds, at_once):
    limit = Limit(calls=calls, seconds=seconds, at_once=at_once)
    given = turns(limit, [NOW] * (2 * calls))
    assert given[at_once - 1] == pytest.approx(NOW, rel=0, abs=1e-3)  # as fine as seconds since 1970 can be told
    assert sum(1 for moment in given if moment < NOW + seconds) >= 0.95 * calls


@pytest.mark.parametrize("wrong", [{"calls": 0}, {"at_once": 0}, {"calls": 2, "at_once": 3}, {"seconds": 0.0}])
def test_a_limit_that_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValueError, match="at_once"):
        Limit(**{"calls": 5, "seconds": 1.0, "at_once": 1} | wrong)


def test_a_hold_grows_and_never_shrinks():
    hold = Hold().prolonged(30.0, NOW)
    assert [hold.wait(NOW + seconds) for seconds in (0, 10, 30, 99)] == [30.0, 20.0, 0.0, 0.0]
    assert hold.prolonged(5.0, NOW + 10) == hold
    assert hold.prolonged(25.0, NOW + 10).wait(NOW + 10) == 25.0


def test_a_clock_that_was_set_back_prolongs_a_hold_by_its_own_length_at_most():
    assert Hold().prolonged(30.0, NOW).wait(NOW - 86_400) == 30.0


def failed(circuit, *tenants, now=NOW, failures=3):
    for tenant in tenants:
        circuit = circuit.failed(tenant, "HTTP 503", now, failures)
    return circuit


def test_a_circuit_opens_after_so_many_different_tenants():
    assert failed(Circuit(), "a", "b").wait("d", NOW, 60.0) == 0.0
    circuit = failed(Circuit(), "a", "b", "c")
    assert (circuit.since, circuit.streak, circuit.reason) == (NOW, ("a", "b", "c"), "HTTP 503")
    assert [circuit.wait("d", NOW + seconds, 60.0) for seconds in (0, 20, 60, 61)] == [60.0, 40.0, 0.0, 0.0]


@given(st.lists(st.sampled_from(["a", "b"]), max_size=60))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_fewer_tenants_never_open_it_however_often_they_fail(tenants):
    assert failed(Circuit(), *tenants).since is None


def test_one_call_tries_after_the_cool_down():
    circuit = failed(Circuit(), "a", "b", "c").tried("d", NOW + 60)
    assert circuit.wait("e", NOW + 60, 60.0) == 60.0
    assert circuit.wait("e", NOW + 119, 60.0) == 1.0
    # The process that tried was killed.
    assert circuit.wait("e", NOW + 120, 60.0) == 0.0


def test_a_trial_that_fails_begins_a_new_cool_down_and_the_next_is_another_tenants():
    circuit = failed(Circuit(), "a", "b", "c").tried("d", NOW + 60)
    late = failed(circuit, "a", now=NOW + 61)
    assert late == circuit
    again = failed(circuit, "d", now=NOW + 70)
    assert again.since == NOW
    assert again.wait("e", NOW + 70, 60.0) == 60.0
    assert again.wait("e", NOW + 130, 60.0) == 0.0
    assert again.wait("d", NOW + 130, 60.0) == 60.0
    assert again.wait("d", NOW + 190, 60.0) == 0.0


def test_a_circuit_is_open_to_a_trial_when_the_clock_was_set_back():
    assert failed(Circuit(), "a", "b", "c").wait("d", NOW - 5, 60.0) == 0.0


def test_a_circuit_comes_back_from_json_as_it_was():
    for circuit in (Circuit(), failed(Circuit(), "a"), failed(Circuit(), "a", "b", "c").tried("d", NOW)):
        assert Circuit.read(json.loads(json.dumps(circuit.written()))) == circuit
