"""Inputs: where a value comes from, what is refused, and with which words."""

from __future__ import annotations

from typing import Any

import pytest

from runbook import library
from runbook.errors import InputError
from runbook.inputs import Effective, effective


def all_fields() -> Any:
    return library.load().all_fields()


def value(name: str, given: dict[str, Any] | None = None, tenant: dict[str, Any] | None = None) -> Effective:
    found = effective(all_fields(), given or {}, tenant or {})
    return next(item for item in found if item.field.name == name)


def test_the_later_source_wins() -> None:
    assert (value("retention_days").value, value("retention_days").source) == (15, "kit's default")
    from_tenant = value("retention_days", tenant={"retention_days": 20})
    assert (from_tenant.value, from_tenant.source) == (20, "tenants.yaml")
    given = value("retention_days", given={"retention_days": "15"}, tenant={"retention_days": 20})
    assert (given.value, given.source) == (15, "parameter")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("1 day", "1 day"), ("daily", "1 day"), ("Weekly", "7 days"), ("7.00:00:00", "7 days"), ("PT4H", "4 hours"),
     ("within 4 hours", "4 hours"), ("24 hours", "1 day")],
)  # fmt: skip
def test_an_interval_may_be_written_in_words_or_as_a_time_span(text: str, wanted: str) -> None:
    assert value("notification_frequency", {"notification_frequency": text}).value == wanted


@pytest.mark.parametrize(
    ("name", "bad", "words"),
    [
        ("retention_days", 99, "99 is not allowed: it must be from 1 to 30 days"),
        ("retention_days", 0, "from 1 to 30"),
        ("retention_days", True, "not a whole number"),
        ("retention_days", "15.5", "not a whole number"),
        ("notification_frequency", "3 days", "choose 4 hours, 1 day, 7 days"),
        ("notification_frequency", "", "choose 4 hours, 1 day, 7 days"),
        ("domains", "exa_mple.com", "'exa_mple.com' is not a domain name"),
        ("domains", ["https://example.com"], "is not a domain name"),
        ("domains", "example.com, Example.COM.", "named twice"),
        ("domains", ["<YOUR_DOMAIN>"], "is not a domain name"),
        ("egress_region", "eu", "is not one of"),
        ("add_second_rule", "perhaps", "neither true nor false"),
        ("forwarding_to", "not a host", "is not the name of a mail server"),
        ("mode", "aply", "did you mean 'apply'"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_in_words(name: str, bad: Any, words: str) -> None:
    with pytest.raises(InputError) as caught:
        value(name, {name: bad})
    assert words in str(caught.value)
    assert name in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_unknown_input_gets_the_nearest_known_one() -> None:
    with pytest.raises(InputError, match="Did you mean 'retention_days'"):
        effective(all_fields(), {"retentoin_days": 1}, {})


@pytest.mark.parametrize("name", ["client_secret", "api_key", "cloudflare_api_token", "password"])
def test_a_secret_is_never_an_input(name: str) -> None:
    with pytest.raises(InputError, match="never a parameter"):
        effective(all_fields(), {name: "x"}, {})


def test_domains_may_be_a_list_or_a_text() -> None:
    assert value("domains", {"domains": ["Example.com."]}).value == ("example.com",)
    assert value("domains", {"domains": "a.example, b.example"}).value == ("a.example", "b.example")


@pytest.mark.parametrize("written", ["false", "False", False])
def test_the_word_false_is_not_true(written: Any) -> None:
    assert value("add_second_rule", {"add_second_rule": written}).value is False
