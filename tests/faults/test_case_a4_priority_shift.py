"""Acceptance case A4: priorities of foreign rules are never drift."""

from __future__ import annotations

import html
from collections.abc import Iterator

import pytest
from conftest import Kit
from faults.far_end import FarEnd, serving

NAME = "Area 1 Deliver to Junk Email folder"


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarEnd]:
    """A tenant with 100 foreign rules, set up, and our rule moved to priority 40."""
    with serving(Kit(tmp_path_factory.mktemp("a4")), profile="busy") as made:
        assert made.plan().returncode == 3
        assert made.apply().returncode == 0
        assert made.held("TransportRule", NAME)["Priority"] == 100, "behind the foreign ones, since none was asked for"
        made.admin("Set-TransportRule", Identity=NAME, Priority=40)
        yield made


def a_foreign_rule_that_shifts_ours_is_no_drift(far: FarEnd) -> None:
    far.admin("New-TransportRule", Name="Somebody's", Priority=2, SubjectContainsWords=["x"], SetSCL=-1)
    assert far.held("TransportRule", NAME)["Priority"] == 41
    done = far.kit("verify", "--tenant", "demo")
    assert done.returncode == 0, done.stdout
    assert far.plan().returncode == 0
    assert far.changes() == []


def a_rule_is_created_behind_those_that_there_are(far: FarEnd) -> None:
    """No priority is ever sent, so none can be beyond the live count."""
    far.admin("Remove-TransportRule", Identity=NAME)
    planned = far.plan()
    assert planned.returncode == 3
    assert "-Priority" not in planned.stdout
    assert "it will be number 102 of 102 rules, the last" in planned.stdout, "101 foreign ones are there"
    assert far.apply().returncode == 0
    assert far.held("TransportRule", NAME)["Priority"] == 101


def the_report_shows_the_one_foreign_addition(far: FarEnd) -> None:
    """One addition, and nothing of the hundred rules that it has moved; the next report has nothing to tell."""
    assert far.kit("verify", "--tenant", "demo").returncode == 0
    before = far.kit.newest("verify").name
    far.admin("New-TransportRule", Name="One more", Priority=2, SubjectContainsWords=["x"], SetSCL=-1)
    done = far.kit("verify", "--tenant", "demo")
    assert done.returncode == 0, done.stdout
    line = f"1 rule added by somebody else since {before}: 'One more'"
    assert [text for text in done.stdout.splitlines() if "somebody else" in text] == [line]
    record = html.unescape((far.kit.newest("verify") / "record.html").read_text())
    assert line in record
    assert far.kit.result("verify")["since"] == {"run": before, "added": ["One more"], "removed": [], "renamed": []}
    assert far.plan().returncode == 0
    assert far.changes() == []
    again = far.kit("verify", "--tenant", "demo")
    assert "somebody else" not in again.stdout, "the plan in between has seen it"

    far.admin("Set-TransportRule", Identity="One more", Name="Some more")
    far.admin("Remove-TransportRule", Identity="Project routing 050")
    gone = far.kit("verify", "--tenant", "demo")
    assert gone.returncode == 0, gone.stdout
    assert "1 rule removed by somebody else since" in gone.stdout
    assert "1 rule renamed by somebody else since" in gone.stdout
    assert "'One more' to 'Some more'" in gone.stdout


def test_a4_a_rule_above_ours_that_stops_it_is_a_conflict(far: FarEnd) -> None:
    """Both names are told and nothing is written, until a decision lives with the rules; then the plan notes them."""
    far.admin("New-TransportRule", Name="Let it in", Priority=0, SenderIpRanges=["158.51.64.0/26"], SetSCL=-1)
    far.admin("New-TransportRule", Name="Enough", Priority=0, StopRuleProcessing=True, FromScope="NotInOrganization")
    planned = far.plan()
    assert planned.returncode == 4, planned.stdout
    told = [line for line in planned.stdout.splitlines() if line.startswith("  ! ")]
    assert len(told) == 2
    assert all(NAME in line for line in told)
    assert "'Enough'" in told[0]
    assert "priority 0, above ours, and stops the processing" in told[0]
    assert "'Let it in'" in told[1]
    assert "priority 1, above ours, and asks that the messages pass the spam filter" in told[1]
    assert far.changes() == [], "our rule is as it was"
    refused = far.apply()
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert far.writes() == []

    seen = far.kit("verify", "--tenant", "demo")
    assert seen.returncode == 4, seen.stdout + seen.stderr
    assert "NOT as the tutorial asks" not in seen.stdout
    assert seen.stdout.count("is in its way") == 2
    assert (far.kit.newest("verify") / "record.html").read_text().count("is in its way") >= 2
    verification = far.kit.result("verify")["sections"][-1]["verification"]
    assert verification["ok"] is True
    assert [item["other"] for item in verification["problems"]] == ["Enough", "Let it in"]

    lived_with = far.plan("-p", "accept_rules=Enough,let it in")
    assert lived_with.returncode == 0, lived_with.stdout + lived_with.stderr
    assert lived_with.stdout.count("accepted by decision: the rule") == 2
    far.admin("Remove-TransportRule", Identity="Enough")
    far.admin("Remove-TransportRule", Identity="Let it in")


def test_a4_priority_shift(far: FarEnd) -> None:
    """One after the other, on one tenant: each begins where the one before it ended."""
    a_foreign_rule_that_shifts_ours_is_no_drift(far)
    a_rule_is_created_behind_those_that_there_are(far)
    the_report_shows_the_one_foreign_addition(far)
