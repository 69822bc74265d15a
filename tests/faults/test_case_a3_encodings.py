"""Acceptance case A3: other spellings are no drift, and the smallest difference is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from runbook import library
from runbook.errors import InputError
from runbook.inputs import effective
from runbook.kinds import BY_TYPE, VALUE_TYPES
from runbook.plan import Attribute, Observed, Plan, Resource, diff

LOADED = yaml.safe_load((Path(__file__).parent.parent / "cases" / "encodings" / "pairs.yaml").read_text())
SETS = [(kind, name, item) for kind, names in LOADED.items() for name, items in names.items() for item in items]
PAIRS = [(kind, name, item["wanted"], spelt) for kind, name, item in SETS for spelt in item["spelt"]]
MUTANTS = [(kind, name, item["wanted"], item["mutant"]) for kind, name, item in SETS]
FILTER = "HostedContentFilterPolicy"
GUID = "5a1e3a9c-7a1f-4f0e-9d53-2d5ad0b5a111"


def plan(kind: str, name: str, wanted: Any, found: Any) -> Plan:
    """Plan one property beside all the implied ones, which are as they should be."""
    implied = {item.name: item.value for item in BY_TYPE[kind].implied}
    values = {**implied, name: wanted}
    resource = Resource(
        kind=kind,
        identity="A",
        section="s",
        attributes=tuple(Attribute(name=key, value=value) for key, value in values.items()),
        may_create=True,
    )
    observed = Observed(kind=kind, identity="A", presence="present", properties={**implied, name: found})
    return diff([resource], [observed], section="s", scope={}, types=VALUE_TYPES)


def test_a3_the_corpus_is_large_enough() -> None:
    assert len(PAIRS) >= 60
    assert {kind for kind, *_ in PAIRS} == set(BY_TYPE)


@pytest.mark.parametrize(("kind", "name", "wanted", "spelt"), PAIRS, ids=[f"{k}.{n} {s}"[:60] for k, n, _, s in PAIRS])
def test_a3_another_spelling_is_no_drift(kind: str, name: str, wanted: Any, spelt: Any) -> None:
    made = plan(kind, name, wanted, spelt)
    assert made.is_empty


@pytest.mark.parametrize(
    ("kind", "name", "wanted", "found"), MUTANTS, ids=[f"{k}.{n} {f}"[:60] for k, n, _, f in MUTANTS]
)
def test_a3_the_smallest_difference_is_one_drift_named_by_its_property(
    kind: str, name: str, wanted: Any, found: Any
) -> None:
    made = plan(kind, name, wanted, found)
    assert made.problems == ()
    assert [item.attribute for item in made.changes[0].changed] == [name]


def test_a3_a_tag_given_as_guid_is_the_policy_of_that_guid() -> None:
    """The tag's GUID is looked up; the same GUID of a policy with another name is drift of that tag alone."""
    row = {**dict.fromkeys(VALUE_TYPES[FILTER]), "Name": "Default", "PhishQuarantineTag": GUID.upper()}

    def named(policy: str) -> Plan:
        rows = {"Get-HostedContentFilterPolicy": [row], "Get-QuarantinePolicy": [{"Name": policy, "Guid": GUID}]}
        services: Any = SimpleNamespace(exchange=SimpleNamespace(rows=rows.__getitem__))
        (found,) = BY_TYPE[FILTER].read(services, ["Default"])
        wanted = Attribute(name="PhishQuarantineTag", value="UserNotifyAdminRelease")
        resource = Resource(kind=FILTER, identity="Default", section="s", attributes=(wanted,), may_create=False)
        return diff([resource], [found], section="s", scope={}, types=VALUE_TYPES)

    assert named("UserNotifyAdminRelease").is_empty
    other = named("AdminOnlyAccessPolicy")
    assert other.problems == ()
    assert [item.attribute for item in other.changes[0].changed] == ["PhishQuarantineTag"]


def test_a3_an_interval_of_three_days_is_refused_with_the_three_that_there_are() -> None:
    with pytest.raises(InputError, match="choose 4 hours, 1 day, 7 days"):
        effective(library.load().all_fields(), {"notification_frequency": "3 days"}, {})
