"""What is left to a person: which things, what of them was understood, and how that compares with what is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from runbook import library
from runbook.compile.result import ResourceDraft, Setting
from runbook.compile.values import ComputedValue, InputValue
from runbook.inputs import decision_field
from runbook.plan import Observed
from runbook.section.by_hand import Asked, Left, _gently, left, looked_at, rows, seen
from runbook.section.observing import look_up_in
from runbook.views import left_lines
from tenantapi.errors import UnreachableError

CASES = Path(__file__).parent.parent / "cases" / "ticks"
LEFT = yaml.safe_load((CASES / "left.yaml").read_text(encoding="utf-8"))
RULE = "TransportRule"


def observed(case: dict[str, Any]) -> list[Observed]:
    base = Observed(kind=RULE, identity="Odd", presence="absent", properties={})
    if case.get("absent"):
        return [base]
    if "unknown" in case:
        return [replace(base, presence="unknown", reason=case["unknown"])]
    if case.get("unseen"):
        return []
    return [replace(base, presence="present", properties=case.get("found", {}))]


@pytest.mark.parametrize("name", LEFT)
def test_what_is_said(name: str) -> None:
    case = LEFT[name]
    asked = tuple(
        Asked(
            parameter=parameter,
            op="add" if parameter in case.get("add", ()) else "set",
            lines=(7,),
            value=value,
            why_not=case.get("open", {}).get(parameter, ""),
        )
        for parameter, value in case.get("want", {}).items()
    )
    thing = Left(kind=RULE, identity="Odd", lines=(5,), settings=asked)
    thing = replace(thing, gone=case.get("gone", False), why_not=case.get("not", ""))
    found = rows([thing], observed(case))
    assert {row["parameter"]: [row["verdict"], row["said"]] for row in found} == case["says"], name
    assert [row["lines"] for row in found] == [[7] if row["parameter"] else [5] for row in found]


def setting(parameter: str, value: Any) -> Setting:
    return Setting(parameter=parameter, value=value, lines=(3,), label=parameter, words="so", certainty="exact label")


def draft(**changed: Any) -> ResourceDraft:
    base = ResourceDraft(
        type=RULE,
        action="create",
        identity="Odd",
        settings=(setting("SetSCL", 5),),
        section="s",
        lines=(("identity", 2),),
        opened_at=1,
        committed_at=None,
        blocked_by=("line 4: its words are not understood: Polish it.",),
    )
    return replace(base, **changed)


def nobody(source: str, identity: str) -> tuple[str | None, str]:
    return None, f"{source} of {identity} could not be read"


def of(*drafts: ResourceDraft, domains: tuple[str, ...] = (), **values: Any) -> list[Any]:
    found = left(drafts, values, domains, nobody)
    return [(one.identity, one.why_not, {a.parameter: a.value or a.why_not for a in one.settings}) for one in found]


def test_only_what_is_blocked_is_left_to_a_person() -> None:
    assert of(draft(blocked_by=())) == []
    assert of(draft()) == [("Odd", "", {"SetSCL": 5})]


def test_what_a_decision_would_add_is_left_once_it_is_taken() -> None:
    optional = draft(optional="add-second-rule")
    assert of(optional) == []
    assert of(optional, **{decision_field("add-second-rule"): True}) == [("Odd", "", {"SetSCL": 5})]


def test_a_name_that_a_decision_gives_is_the_one_looked_for() -> None:
    assert [identity for identity, _, _ in of(draft(), rename=["Odd=Even"])] == ["Even"]


def test_a_value_that_waits_for_an_answer_hides_no_other() -> None:
    both = draft(settings=(setting("SetSCL", InputValue(name="scl")), setting("Enabled", True)))
    assert of(both) == [
        ("Odd", "", {"SetSCL": "the tutorial leaves scl open, and no value was given", "Enabled": True})
    ]
    assert of(both, scl=7) == [("Odd", "", {"SetSCL": 7, "Enabled": True})]


def test_each_domain_of_the_tenant_is_looked_at() -> None:
    asked = (setting("transport", ComputedValue(source="graph:x")), setting("require_tls_outbound", True))
    each = draft(type="EmailSecurityDomain", identity=None, for_each="domains", action="modify", settings=asked)
    found = of(each, domains=("example.com", "example.org"))
    assert found == [
        (name, "", {"transport": f"graph:x of {name} could not be read", "require_tls_outbound": True})
        for name in ("example.com", "example.org")
    ]
    assert of(each) == [("<domains>", "no domain was named", {})]


def test_what_the_kit_cannot_read_or_the_text_does_not_name_is_told() -> None:
    assert of(draft(type="Sparkle")) == [("Odd", "this kit cannot read a Sparkle yet", {})]
    assert of(draft(identity=None)) == [("", "the text does not name it", {})]


def test_an_addition_to_a_list_is_compared_as_one() -> None:
    added = replace(setting("SenderIpRanges", ("192.0.2.0/24",)), op="add")
    [thing] = left([draft(settings=(added,))], {}, (), nobody)
    assert [(item.op, item.value) for item in thing.settings] == [("add", ["192.0.2.0/24"])]


class NotReached:
    """A service that nobody reaches, whatever it is asked."""

    def __getattr__(self, name: str) -> Any:
        raise UnreachableError("the line is cut")


class Nowhere:
    exchange = graph = cloudflare = NotReached()


def test_a_service_that_is_not_reached_is_a_reason_and_no_error() -> None:
    services: Any = Nowhere()
    said = [(row["verdict"], row["said"]) for row in looked_at(services, [draft()], {}, ())]
    assert said == [("unread", "could not be read: The service could not be reached: the line is cut")]
    source = "graph:domains/{domain}/serviceConfigurationRecords#recordType=Mx"
    asked = replace(draft(), settings=(setting("SetSCL", ComputedValue(source=source)),))
    [thing] = left([asked], {}, (), _gently(look_up_in(services)))
    assert "the line is cut" in thing.settings[0].why_not


def test_a_way_back_looks_at_nothing() -> None:
    setup: Any = SimpleNamespace(course=SimpleNamespace(keeps_promises=False))
    assert seen(setup) == []


def test_the_text_of_the_cases_leaves_one_rule() -> None:
    document = library.load(str(CASES / "blocked.md"))
    [thing] = left(document.drafts("a-rule"), {}, (), nobody)
    assert [item.parameter for item in thing.settings] == [
        "HeaderContainsMessageHeader", "HeaderContainsWords", "SetSCL", "Enabled",
    ]  # fmt: skip


def test_a_line_spells_out_what_a_tenant_chose() -> None:
    row = {"kind": RULE, "identity": "Odd\u202e", "said": "SetSCL is \x1b[2J, the text says 5", "lines": [3]}
    assert left_lines([row]) == [
        "  left to a person: Transport rule Odd\\u202e: SetSCL is \\x1b[2J, the text says 5 (line 3)"
    ]
