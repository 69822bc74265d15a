"""A8: which recipients the edited Default policy is in force for, and what becomes of those of another one."""

from __future__ import annotations

from outcome.stage import Stage, on_stage, row

from runbook import library, naming
from runbook.outcome.governed import winning_over

STRICT, STANDARD = "Strict Preset Security Policy", "Standard Preset Security Policy"
CUSTOM_RULE = "Mail of the second brand"


def mixed(stage: Stage) -> None:
    """Strict for a group, a custom policy for one domain whose rule has another name, the rest on Default."""
    for condition in ("SentToMemberOf", "RecipientDomainIs", "SentTo"):
        stage.far.set_property("EOPProtectionPolicyRule", STRICT, condition, None)
    stage.far.set_property("EOPProtectionPolicyRule", STRICT, "SentToMemberOf", ["executives@example.com"])
    stage.far.set_property("EOPProtectionPolicyRule", STANDARD, "State", "Disabled")
    exchange = stage.services.exchange
    exchange.invoke("New-HostedContentFilterPolicy", {"Name": "Brand policy", "SpamAction": "Delete"}, write=True)
    rule = {"Name": CUSTOM_RULE, "HostedContentFilterPolicy": "Brand policy", "RecipientDomainIs": ["example.org"]}
    exchange.invoke("New-HostedContentFilterRule", rule, write=True)


def counts(told: dict[str, object]) -> dict[str, int]:
    governed = told["governed"]
    assert isinstance(governed, dict)
    return {item["level"]: item["recipients"] for item in governed["rows"]}


def test_a8_the_counts_are_right_and_the_winners_are_named() -> None:
    with on_stage(library.OWN, profile="presets", domains=("example.com", "example.org")) as stage:
        mixed(stage)
        told = stage.outlook()
        people = stage.far.recipients()["recipients"]
    executives = [one for one in people if "executives@example.com" in one["groups"]]
    brand = [one for one in people if one["address"].endswith("@example.org")]
    rest = len(people) - len(executives) - len(brand)
    assert (len(executives), len(brand), rest) == (2, 2, 4)
    assert counts(told) == {"Strict": 2, "custom": 2, "Default": 4}
    assert told["governed"]["unknown"] == 0 and told["governed"]["listed"] == len(people)
    custom = next(item for item in told["governed"]["rows"] if item["level"] == "custom")
    assert (custom["rule"], custom["policy"]) == (CUSTOM_RULE, "Brand policy")


def test_a8_a_group_that_nobody_can_list_stays_unknown() -> None:
    with on_stage(library.OWN, profile="presets") as stage:
        mixed(stage)
        stage.far.set_property("EOPProtectionPolicyRule", STRICT, "SentToMemberOf", ["everyone@example.com"])
        told = stage.outlook()
        everybody = len(stage.far.recipients()["recipients"])
    assert told["governed"]["unknown"] == everybody, "whether anybody is in that group cannot be told"
    assert counts(told)["Default"] == 0 and counts(told)["Strict"] == 0


def test_a8_a_strict_members_outcome_differs_and_is_observed_so() -> None:
    with on_stage(library.OWN, profile="presets", add_second_rule=True) as stage:
        mixed(stage)
        before = stage.around()
        stage.apply()
        told = stage.outlook(applied=True, before=before)
    ordinary = row(told, "SUSPICIOUS", who="recipients of example.com")
    assert ordinary["recipients"] == ["recipients of example.com"]
    member = row(told, "SUSPICIOUS", who="recipients of example.com in executives@example.com")
    assert ordinary["after"]["text"] == "Junk Email folder" and ordinary["kept"] is True
    assert member["after"]["endings"][0]["place"] == "quarantine" and member["kept"] is False
    assert member["observed"]["as_predicted"] and member["observed"]["kept"] is False
    assert all(item["observed"]["as_predicted"] for item in told["rows"])


def everybody_on(stage: Stage, level: str) -> None:
    for title in (STRICT, STANDARD):
        for condition in ("SentToMemberOf", "RecipientDomainIs", "SentTo"):
            stage.far.set_property("EOPProtectionPolicyRule", title, condition, None)
        stage.far.set_property("EOPProtectionPolicyRule", title, "State", "Enabled" if title == level else "Disabled")


def test_a8_strict_for_everyone_governs_nobody_and_asks() -> None:
    with on_stage(library.OWN, profile="presets") as stage:
        everybody_on(stage, STRICT)
        plan = next(plan for plan in stage.plans() if plan.section == "configure-anti-spam-policies")
        assert not plan.can_apply
        (problem,) = plan.problems
        assert problem.presence == "undecided" and problem.other == STRICT
        assert "governs 0 recipients" in problem.reason and naming.NOBODY in problem.reason
        assert plan.is_as_asked is False
        stage.answers = {naming.NOBODY: True}
        plan = next(plan for plan in stage.plans() if plan.section == "configure-anti-spam-policies")
        assert plan.can_apply
        assert any("in force for 0 recipients" in note for change in plan.changes for note in change.notes)


def test_a8_every_domain_named_is_as_good_as_everyone() -> None:
    with on_stage(library.OWN, profile="presets", domains=("example.com", "example.org")) as stage:
        everybody_on(stage, STANDARD)
        stage.far.set_property("EOPProtectionPolicyRule", STANDARD, "RecipientDomainIs", ["example.org", "example.com"])
        assert [scope.rule for scope in winning_over(stage.around(), stage.domains, None)] == [STANDARD]
        stage.far.set_property("EOPProtectionPolicyRule", STANDARD, "ExceptIfSentTo", ["chief@example.com"])
        assert winning_over(stage.around(), stage.domains, None) == (), "one recipient is left to Default"
        stage.far.set_property("EOPProtectionPolicyRule", STANDARD, "ExceptIfSentTo", None)
        stage.far.set_property("EOPProtectionPolicyRule", STANDARD, "RecipientDomainIs", ["example.org"])
        assert winning_over(stage.around(), stage.domains, None) == ()
