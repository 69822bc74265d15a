"""Acceptance case A2: what cannot be read is unknown, never absent; nothing is written, and the record says why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Kit
from faults.far_end import FarEnd, altering, serving

from runbook import library, tenants
from runbook.errors import UnreadableState
from runbook.inputs import effective
from runbook.journal import Journal
from runbook.runs import RunFolder
from runbook.section.applying import Patience as Waiting
from runbook.section.course import Forward
from runbook.section.section import Section, Setup
from runbook.section.state import SectionState
from runbook.tenants.connection import Connection
from runbook.tenants.credentials import describe
from tenantapi import connect
from tenantapi.pacing import Patience

SECTION = "create-transport-rules"
RULES = {"cmdlet": "Get-TransportRule"}


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarEnd]:
    """A tenant; no case may write to it."""
    with serving(Kit(tmp_path_factory.mktemp("a2"))) as made:
        yield made


@pytest.fixture(scope="module")
def approved(far: FarEnd) -> str:
    assert far.plan().returncode == 3
    return str(far.kit.result("plan")["plan_hash"])


@pytest.fixture(autouse=True)
def behaving(far: FarEnd) -> Iterator[None]:
    yield
    far.behave()
    assert far.writes() == []


def unreadable(far: FarEnd, done: Any, mode: str, reason: str) -> None:
    """See that a run ended as unknown, said why, and counted nothing as drift."""
    assert done.returncode == 5, done.stdout + done.stderr
    result = far.kit.result(mode)
    assert (result["status"], result["exit_code"]) == ("unknown", 5)
    assert reason in done.stderr
    assert "could not be read" in done.stderr
    text = (far.kit.newest(mode) / "record.html").read_text()
    assert "could not be read" in text
    assert reason in text
    for section in result["sections"]:
        assert not [
            change for change in (section["plan"] or {"changes": ()})["changes"] if change["kind"] == "TransportRule"
        ]


FORMS = {
    "throttled": ({"kind": "throttle", "retry_after": 0}, "The service asks to wait"),
    "unavailable": ({"kind": "status", "status": 503, "retry_after": 0}, "The service failed"),
    "forbidden": ({"kind": "status", "status": 403}, "This identity is not allowed to do that"),
    "an HTML page": ({"kind": "html", "status": 502, "retry_after": 0}, "The service failed"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a2_a_read_that_is(far: FarEnd, approved: str, form: str) -> None:
    fault, reason = FORMS[form]
    far.fault(**fault, match=RULES, times=None)
    unreadable(far, far.kit("apply", "--tenant", "demo", "--approve", approved), "apply", reason)
    unreadable(far, far.plan(), "plan", reason)
    unreadable(far, far.kit("verify", "--tenant", "demo"), "verify", reason)


def test_a2_a_read_that_gets_no_answer_in_time(far: FarEnd, tmp_path: Any) -> None:
    """In this process, since a client waits a minute for an answer."""
    far.fault(kind="timeout-before", match=RULES, times=None, seconds=1.5)
    document, entry = library.load(), tenants.entry("demo")
    tenant = describe(
        "demo",
        entry.model_copy(update={"simulated": entry.simulated.model_copy(update={"state": far.kit.state})}),
        f"http://127.0.0.1:{far.port}",
    )
    services = connect(tenant, patience=Patience(tries=2, read_timeout=0.3, first_pause=0.01))
    inputs = effective(
        document.fields(SECTION), {"mode": "plan"}, {}, known=[item.name for item in document.all_fields()]
    )
    folder, connection = RunFolder(tmp_path), Connection(tenant, services, None)
    section = Section(
        Setup(
            document=document,
            section=document.section(SECTION),
            inputs=inputs,
            domains=("example.com",),
            connection=connection,
            folder=folder,
            journal=Journal(folder.journal),
            course=Forward(document=document, tenant_inputs={}, domains=("example.com",), connection=connection),
            patience=Waiting(limit_seconds=0.1),
            simulated=True,
        ),
        SectionState.begin(folder, document, SECTION, inputs),
    )
    with pytest.raises(UnreadableState, match="did not answer in time") as caught:
        section.plan()
    assert caught.value.exit_code == 5
    content = json.loads(folder.section(5, SECTION).read_text())
    assert content["status"] == "unknown"
    assert content["plan"]["changes"] == []
    assert [item["presence"] for item in content["plan"]["problems"]] == ["unknown"]


def only_a_warning(cmdlet: str, answer: dict[str, Any]) -> dict[str, Any] | None:
    if cmdlet != "Get-TransportRule":
        return None
    return {**answer, "@adminapi.warnings": ["The directory could not be searched."], "value": []}


def suddenly_empty(cmdlet: str, answer: dict[str, Any]) -> dict[str, Any] | None:
    return {**answer, "value": []} if cmdlet == "Get-TransportRule" else None


def test_a2_an_answer_with_only_a_warning(far: FarEnd) -> None:
    """The simulated tenant has no such fault, so the answer is changed on the way."""
    with altering(far, only_a_warning) as address:
        far.through(address)
        for mode in ("plan", "verify"):
            done = far.kit(mode, "--tenant", "between")
            unreadable(far, done, mode, "The directory could not be searched.")


def test_a2_a_list_that_is_empty_right_after_it_was_not(far: FarEnd) -> None:
    """The simulated tenant has no such fault, so the answer is changed on the way."""
    with altering(far, lambda cmdlet, answer: None) as address:
        far.through(address)
        assert far.kit("plan", "--tenant", "between").returncode == 3
        approved = far.kit.result("plan")["plan_hash"]
        stored = json.loads((far.kit.newest("plan") / "plan.json").read_text())
        assert [item["listed"] for item in stored["sections"][4]["changes"]] == [3]
    with altering(far, suddenly_empty) as address:
        far.through(address)
        done = far.kit("apply", "--tenant", "between", "--approve", approved)
    assert done.returncode == 5, done.stderr
    assert "the list that held 3 when the plan was made is empty now" in done.stderr
    assert far.kit.result("apply")["status"] == "unknown"
    assert "the list that held 3" in (far.kit.newest("apply") / "record.html").read_text()
