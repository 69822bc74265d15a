"""How long to wait, and what is worth repeating."""

from dataclasses import replace

import pytest

from tenantapi.calls import Answer, Headers, Order
from tenantapi.errors import ApiTimeoutError, MalformedAnswerError, SignInError, UnreachableError
from tenantapi.pacing import Budget, Patience, retry_after
from tenantapi.traffic import Traffic

NOW = 1_780_000_000.0
ORDER = Order(tenant="contoso", method="GET", url="https://h/", service="Cloudflare", operation="GET x", safe=True)


def answer(status=200, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=Headers(named), body=b"", order=ORDER)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry_After": "0"}, 0.0),
        ({"Retry_After": " 120 "}, 120.0),
        ({"Retry_After": "1.5"}, 1.5),
        ({"Retry_After": "-5"}, None),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "nan"}, None),
        ({"Retry_After": "Thu, 28 May 2026 20:27:10 GMT"}, 30.0),
        ({"Retry_After": "Thu, 28 May 2026 20:00:00 GMT"}, 0.0),
        ({"Retry_After": "Thu, 28 May 2026 20:27:10 GMT", "Date": "Thu, 28 May 2026 20:27:00 GMT"}, 10.0),
        ({"Retry_After": "Thu, 28 May 2026 20:27:10 GMT", "Date": "yesterday"}, 30.0),
    ],
)
def test_a_wish_is_read_in_each_form(headers, seconds):
    assert retry_after(answer(429, **headers), NOW) == seconds


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ('"default";r=50;t=30', 0.0),
        ('"default";r=0;t=30', 30.0),
        ('"default"; r=0; t=12', 12.0),
        ('"burst";r=0;t=5, "default";r=0;t=30', 30.0),
        ('"default";r=0;t=30, "burst";r=0;t=5', 30.0),
        ('"burst";r=1;t=50, "default";r=0;t=3', 3.0),
        ('"default";r=0', 0.0),
        ("nonsense", 0.0),
    ],
)
def test_a_budget_is_read_in_each_form(text, wait):
    now = [NOW]
    budget: Traffic = Budget(clock=lambda: now[0])
    budget.answered(answer(Ratelimit=text))
    assert budget.wait(ORDER, patience=1.0) == wait
    assert budget.wait(replace(ORDER, service="Microsoft Graph"), patience=1.0) == 0.0
    now[0] += 1000
    assert budget.wait(ORDER, patience=1.0) == 0.0


def test_a_later_answer_lifts_the_budget():
    now = [NOW]
    budget = Budget(clock=lambda: now[0])
    budget.answered(answer(Ratelimit='"default";r=0;t=30'))
    budget.answered(answer())
    budget.failed(ORDER, ApiTimeoutError("x"))
    now[0] += 10
    assert budget.wait(ORDER, patience=1.0) == 20.0
    budget.answered(answer(Ratelimit='"default";r=99;t=30'))
    assert budget.wait(ORDER, patience=1.0) == 0.0


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_read_is_repeated_after_a_transient_status(status):
    assert Patience().pause(answer(status), safe=True, tried=1, wish=None, jitter=1.0) == 1.0


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 409, 501, 505])
def test_a_read_is_not_repeated_after_a_settled_status(status):
    assert Patience().pause(answer(status), safe=True, tried=1, wish=5.0, jitter=1.0) is None


@pytest.mark.parametrize("status", [200, 400, 408, 500, 502, 503, 504])
def test_a_write_is_repeated_after_429_only(status):
    assert Patience().pause(answer(status), safe=False, tried=1, wish=5.0, jitter=1.0) is None
    assert Patience().pause(answer(429), safe=False, tried=1, wish=5.0, jitter=1.0) == 5.0


@pytest.mark.parametrize(
    ("error", "repeated"),
    [
        (UnreachableError("x"), True),
        (ApiTimeoutError("x"), True),
        (MalformedAnswerError("x"), False),
        (SignInError("x"), False),
    ],
)
def test_only_the_networks_failures_are_repeated_and_only_for_reads(error, repeated):
    assert (Patience().pause(error, safe=True, tried=1, wish=None, jitter=0.0) is not None) is repeated
    assert Patience().pause(error, safe=False, tried=1, wish=None, jitter=0.0) is None


def test_pauses_double_up_to_a_limit_and_end():
    patience = Patience(tries=8)
    pauses = [patience.pause(answer(503), safe=True, tried=n, wish=None, jitter=1.0) for n in range(1, 9)]
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, None]


def test_jitter_takes_away_at_most_half():
    assert Patience().pause(answer(503), safe=True, tried=1, wish=None, jitter=0.0) == 0.5


def test_a_wish_beyond_patience_ends_the_tries():
    assert Patience().pause(answer(429), safe=True, tried=1, wish=120.0, jitter=1.0) == 120.0
    assert Patience().pause(answer(429), safe=True, tried=1, wish=121.0, jitter=1.0) is None
