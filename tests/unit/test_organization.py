"""An organisation's customisation: enabled once, perhaps not visible for a day, never taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from drafted import draft, setting
from in_process import connected

from runbook import library, settling
from runbook.desired import wanted
from runbook.errors import ApplyFailed, DriftFound, PlanRefused
from runbook.history import read_history
from runbook.inputs import effective
from runbook.journal import Journal, read
from runbook.kinds import BY_TYPE, KINDS
from runbook.runs import RunFolder, read_json, write_json
from runbook.section.applying import Patience
from runbook.section.course import Back, Course, Forward, Onward
from runbook.section.section import Section, Setup
from runbook.section.state import SectionState
from runbook.tenants.connection import Connection
from simtenant.local import LocalTenant
from tenantapi import Services

KIND, SECTION = "OrganizationConfig", "enable-customisation"
TEXT = "# Prepare\n\n## Enable customisation\n\n1. Enable customisation of the organisation.\n"
ENABLE = "Enable-OrganizationCustomization"


ENABLED = draft(KIND, "Organization", SECTION, setting("IsDehydrated", False))


class Stage:
    """A tenant that was never customised, and one run's folder over it."""

    def __init__(self, far: LocalTenant, services: Services, folder: Path) -> None:
        self.far, self.folder = far, RunFolder(folder / "run")
        self.connection = Connection(services.tenant, services, None)
        path = folder / "prepare.md"
        path.write_text(TEXT, encoding="utf-8")
        document = library.load(str(path))
        self.document = replace(document, compiled=replace(document.compiled, resources=(ENABLED,)))
        self.log = Journal(self.folder.journal)
        self.slept: list[float] = []

    def section(self, course: Callable[[Forward], Course] = lambda forward: forward) -> Section:
        """Open the section; `course` says whether to go on or back instead."""
        given = {"mode": "apply", "tenant": "drawn"}
        known = [item.name for item in self.document.all_fields()]
        inputs = effective(self.document.fields(SECTION), given, {}, known=known)
        self.log.append("section-opened", section=SECTION, mode="apply", tenant="drawn", tutorial="prepare")
        forward = Forward(document=self.document, tenant_inputs={}, domains=(), connection=self.connection)
        setup = Setup(
            document=self.document,
            section=self.document.section(SECTION),
            inputs=inputs,
            domains=(),
            connection=self.connection,
            folder=self.folder,
            journal=self.log,
            course=course(forward),
            patience=Patience(limit_seconds=0.0, sleep=self.slept.append),
            simulated=True,
        )
        return Section(setup, SectionState.begin(self.folder, self.document, SECTION, inputs))

    def approved(self) -> Section:
        """Plan, and approve that plan as a run's approval does."""
        section = self.section()
        self.shown = section.plan().text
        plan = self.content()["plan"]
        approval = {"sections": [plan], "approved_by": "somebody", "parameters": {"tenant": "drawn"}}
        write_json(self.folder.approval, approval)
        section.gate()
        return section

    def applied(self) -> Section:
        section = self.approved()
        section.apply()
        return section

    def writes(self) -> list[str]:
        return [row["cmdlet"] for row in self.far.log() if row["write"]]

    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = read_json(self.folder.section(1, SECTION))
        return found


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    far = LocalTenant(profile="dehydrated")
    with connected(far) as services:
        yield Stage(far, services, tmp_path)


def test_it_is_enabled_verified_and_named_before_consent_as_what_stays(stage: Stage) -> None:
    section = stage.applied()
    assert "cannot be undone: customisation of an organisation cannot be disabled" in stage.shown
    assert f"by hand: {ENABLE}" in stage.shown
    assert "1 of 1 properties are as the tutorial asks" in section.verify().text
    assert stage.writes() == [ENABLE]
    assert "0 to create, 0 to update, 1 as wanted" in stage.section().plan().text


def test_what_does_not_show_yet_is_told_as_asked_for_and_nothing_hangs(stage: Stage) -> None:
    stage.far.turn("hydration_polls", 100)
    section = stage.applied()
    with pytest.raises(DriftFound, match=r"asked for at .* UTC, not visible yet; it may take until .* UTC") as caught:
        section.verify()
    assert "IsDehydrated" in caught.value.detail
    assert sum(stage.slept) == 0
    verification = stage.content()["verification"]
    assert (verification["ok"], [item["kind"] for item in verification["pending"]]) == (False, [KIND])


def test_going_on_before_it_shows_says_so_and_sends_nothing_again(stage: Stage) -> None:
    stage.far.turn("hydration_polls", 3)
    stage.applied()
    onward = stage.section(
        lambda base: Onward(base=base, history=read_history(stage.folder.path), connection=stage.connection)
    )
    text = onward.plan().text
    assert "IsDehydrated: asked for at" in text and "not visible yet" in text
    with pytest.raises(PlanRefused):
        onward.gate()
    assert stage.writes() == [ENABLE]
    for _ in range(3):
        text = onward.plan().text
    assert "0 to update, 1 as wanted" in text


def test_after_a_day_it_has_not_come_about(stage: Stage) -> None:
    stage.far.turn("hydration_polls", 100)
    stage.applied()
    plan = stage.section()._fresh_plan()
    made = {(KIND, "Organization"): "2026-01-01T00:00:00Z"}
    at = datetime.fromisoformat
    assert settling.unseen(plan, made, at("2026-01-01T23:59:59Z"))
    assert not settling.unseen(plan, made, at("2026-01-02T00:00:00Z"))
    assert not settling.unseen(plan, made, at("2026-01-02T00:00:01Z"))
    assert not settling.unseen(plan, {}, at("2026-01-01T00:00:00Z"))


def test_a_second_run_beside_ours_is_success_once_it_reads_so(stage: Stage) -> None:
    section = stage.approved()
    # Three more readings show the old state: all sections', what is stored, and the one just before the write.
    stage.far.turn("hydration_polls", 3)
    stage.connection.services.exchange.invoke(ENABLE, {}, write=True)
    section.apply()
    assert stage.writes() == [ENABLE, ENABLE]
    assert stage.content()["changes"][0]["status"] == "changed"


def test_a_refusal_that_does_not_read_so_is_a_failure(stage: Stage) -> None:
    section = stage.approved()
    stage.far.turn("hydration_polls", 9)
    stage.connection.services.exchange.invoke(ENABLE, {}, write=True)
    with pytest.raises(ApplyFailed, match="isn't required"):
        section.apply()
    assert stage.content()["changes"][0]["status"] == "failed"


def test_it_stays_when_the_run_is_taken_back(stage: Stage) -> None:
    stage.applied()
    past = read_history(stage.folder.path)
    back = stage.section(lambda base: Back(past=past, rest=False, connection=stage.connection))
    text = back.plan().text
    assert "stays as it is: customisation of an organisation cannot be disabled" in text
    assert "to update" in text and "0 to update" in text
    assert stage.writes() == [ENABLE]


def test_the_service_refuses_policies_until_then_and_the_organisation_comes_first() -> None:
    assert KINDS[0] is BY_TYPE[KIND]
    policy = draft("HostedContentFilterPolicy", "Default", SECTION, setting("BulkThreshold", 6))
    found = wanted([policy, ENABLED], {}, (), lambda source, identity: (None, ""))
    assert [item.kind for item in found.resources] == [KIND, "HostedContentFilterPolicy"]


def test_what_was_done_stands_in_the_journal_with_its_time(stage: Stage) -> None:
    stage.applied()
    done = [entry["at"] for entry in read(stage.folder.journal) if entry["event"] == "change-done"]
    assert read_history(stage.folder.path).done_at == {(KIND, "Organization"): done[0]}
