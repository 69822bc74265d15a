"""Acceptance case A4: priorities of foreign rules are never drift."""

from __future__ import annotations

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


def test_a4_a_foreign_rule_that_shifts_ours_is_no_drift(far: FarEnd) -> None:
    far.admin("New-TransportRule", Name="Somebody's", Priority=2, SubjectContainsWords=["x"], SetSCL=-1)
    assert far.held("TransportRule", NAME)["Priority"] == 41
    done = far.kit("verify", "--tenant", "demo")
    assert done.returncode == 0, done.stdout
    assert far.plan().returncode == 0
    assert far.changes() == []


def test_a4_a_rule_is_created_behind_those_that_there_are(far: FarEnd) -> None:
    """No priority is ever sent, so none can be beyond the live count."""
    far.admin("Remove-TransportRule", Identity=NAME)
    planned = far.plan()
    assert planned.returncode == 3
    assert "-Priority" not in planned.stdout
    assert far.apply().returncode == 0
    assert far.held("TransportRule", NAME)["Priority"] == 101


@pytest.mark.xfail(reason="drift reports name no foreign rules that were added; nothing but our own things is read")
def test_a4_the_report_shows_the_one_foreign_addition(far: FarEnd) -> None:
    far.admin("New-TransportRule", Name="One more", Priority=2, SubjectContainsWords=["x"], SetSCL=-1)
    assert "One more" in far.kit("verify", "--tenant", "demo").stdout


@pytest.mark.xfail(reason="the rules above ours are not judged")
def test_a4_a_rule_above_ours_that_stops_it_is_a_conflict(far: FarEnd) -> None:
    far.admin("New-TransportRule", Name="Let it in", Priority=0, SenderIpRanges=["158.51.64.0/26"], SetSCL=-1)
    far.admin("New-TransportRule", Name="Enough", Priority=0, StopRuleProcessing=True, FromScope="NotInOrganization")
    said = far.plan().stdout
    assert NAME in said
    assert "Let it in" in said
    assert "Enough" in said
