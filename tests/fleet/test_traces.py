"""Spans of a fleet run: fleet, tenants, sections, with the times that the journals say; nothing where nobody asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Kit
from fleet import made
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from runbook.fleet import rows, traces
from runbook.fleet.rows import Place
from runbook.journal import Journal

SECOND = 1_000_000_000
TEN = 1_795_773_600 * SECOND  # 2026-11-27T10:00:00Z


def moment(seconds: float) -> str:
    return f"2026-11-27T10:{int(seconds) // 60:02}:{seconds % 60:06.3f}Z"


def journal(runs: Path, run: str, entries: list[tuple[float, str, dict[str, Any]]]) -> None:
    for at, event, data in entries:
        Journal(runs / run / "journal.jsonl", clock=lambda at=at: moment(at)).append(event, **data)


def summed(found: list[Any], why: str = "") -> dict[str, Any]:
    return rows.summary(
        found, fleet="20261127T100000Z-verify-000001", mode="verify", inventory="i.yaml", tutorial="t",
        started=moment(0), ended=moment(100), why=why,
    )  # fmt: skip


def spans(summary: Any, runs: Path) -> dict[str, ReadableSpan]:
    """The spans of a fleet by the path of their names."""
    memory, own = InMemorySpanExporter(), TracerProvider()
    own.add_span_processor(SimpleSpanProcessor(memory))
    count = traces.export(summary, runs, own)
    found = memory.get_finished_spans()
    assert count == len(found)
    by_id = {span.context.span_id: span for span in found}

    def path(span: ReadableSpan) -> str:
        above = by_id.get(span.parent.span_id) if span.parent else None
        return f"{path(above)}/{span.name}" if above else span.name

    return {path(span): span for span in found}


def named(tenant: str) -> Place:
    return Place(tenant=tenant, group="g", ring="canary", attempts=1)


@pytest.fixture
def night(tmp_path: Path) -> dict[str, ReadableSpan]:
    one, two = list(made.TITLES)[:2]
    drift = rows.finished(named("contoso"), made.result("contoso", "verify", "drift", 3, ["good", "drift"], run="r1"))
    torn = rows.killed(named("torn"), "signal 9", made.result("t", "verify", "failed", 1, ["interrupted"], run="r2"))
    lost = rows.finished(named("lost"), made.result("l", "verify", "unchanged", 0, ["good"], run="r3"))
    idle = rows.not_started(named("idle"), "a ring was stopped")
    journal(
        tmp_path,
        "r1",
        [
            (1, "run-started", {"tenant": "contoso"}), (2, "section-opened", {"section": one}), (2.5, "call", {}),
            (4.25, "verified", {"section": one}), (5, "section-opened", {"section": two}), (7, "verified", {}),
            (9, "run-finished", {"status": "drift"}),
        ],
    )  # fmt: skip
    journal(tmp_path, "r2", [(3, "run-started", {}), (4, "section-opened", {"section": one}), (6, "call", {})])
    with (tmp_path / "r2" / "journal.jsonl").open("a") as file:
        file.write('{"at": "2026-11-')
    return spans(summed([drift, torn, lost, idle], "a ring failed."), tmp_path)


FLEET = "fleet verify"
CONTOSO = f"{FLEET}/verify contoso"
TIMES = {
    FLEET: (0, 100),
    CONTOSO: (1, 9),
    f"{CONTOSO}/Configure Domains": (2, 4.25),
    f"{CONTOSO}/Create Quarantine Policies": (5, 7),
    f"{FLEET}/verify torn": (3, 6),
    f"{FLEET}/verify torn/Configure Domains": (4, 6),
    f"{FLEET}/verify lost": (100, 100),
    f"{FLEET}/verify idle": (100, 100),
}


def test_fleet_tenants_and_sections_have_the_times_of_the_journals(night: dict[str, ReadableSpan]) -> None:
    found = {
        name: ((span.start_time - TEN) / SECOND, (span.end_time - TEN) / SECOND)  # type: ignore[operator]
        for name, span in night.items()
    }
    assert found == TIMES


def test_a_status_says_well_or_error_and_why(night: dict[str, ReadableSpan]) -> None:
    codes = {name: span.status.status_code for name, span in night.items()}
    bad = {name for name, code in codes.items() if code == StatusCode.ERROR}
    assert {name for name, code in codes.items() if code == StatusCode.OK} == {
        f"{CONTOSO}/Configure Domains",
        f"{FLEET}/verify lost",
    }
    assert bad == codes.keys() - {f"{CONTOSO}/Configure Domains", f"{FLEET}/verify lost"}
    assert night[FLEET].status.description == "a ring failed."
    assert (night[CONTOSO].status.description or "").startswith("3 properties are not as the tutorial asks")
    assert night[f"{FLEET}/verify idle"].status.description == "Not started: a ring was stopped."


def test_what_waits_for_somebody_is_no_error(tmp_path: Path) -> None:
    row = rows.finished(named("a"), made.result("a", "plan", "changes pending", 3, ["pending"]))
    assert {span.status.status_code for span in spans(summed([row]), tmp_path).values()} == {StatusCode.UNSET}


def test_attributes_say_who_and_how_much(night: dict[str, ReadableSpan]) -> None:
    fleet = dict(night[FLEET].attributes or {})
    assert fleet["runbook.tenants.drift"] == fleet["runbook.tenants.not_started"] == 1
    tenant = dict(night[CONTOSO].attributes or {})
    assert (tenant["runbook.tenant"], tenant["runbook.ring"], tenant["runbook.run"]) == ("contoso", "canary", "r1")
    section = dict(night[f"{CONTOSO}/Create Quarantine Policies"].attributes or {})
    assert (section["runbook.drift"], section["runbook.verified"]) == (3, False)
    assert "runbook.run" not in (night[f"{FLEET}/verify idle"].attributes or {})


def test_a_real_run_has_its_sections(planned: Kit) -> None:
    row = rows.finished(named("demo"), planned.result("plan"))
    found = spans({**summed([row]), "mode": "plan"}, planned.runs)
    own = [span for name, span in found.items() if name.count("/") == 2]
    assert [span.name for span in own] == [item["title"] for item in planned.result("plan")["sections"]]
    assert all(span.end_time > span.start_time for span in own)  # type: ignore[operator]


def test_without_a_provider_nothing_is_done_and_nothing_imported() -> None:
    code = (
        "import sys; from pathlib import Path; from runbook.fleet import traces; "
        "assert traces.export({}, Path(), traces.provider()) == 0; "
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_provider_that_the_environment_names_is_found() -> None:
    code = (
        "from runbook.fleet import traces; found = traces.provider(); "
        "from opentelemetry.sdk.trace import TracerProvider; assert isinstance(found, TracerProvider)"
    )
    environment = {"OTEL_PYTHON_TRACER_PROVIDER": "sdk_tracer_provider", "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_the_apis_own_stand_in_is_no_provider() -> None:
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider), "a test has set one for all"
    assert traces.provider() is None
    assert traces.provider({}, {}) is None


@pytest.mark.parametrize("content", ["", "{", "[]\n", '{"at": 1}\n', '{"at": "x", "event": "e", "data": {}}\n'])
def test_a_journal_that_cannot_be_read_has_no_times(tmp_path: Path, content: str) -> None:
    (tmp_path / "journal.jsonl").write_text(content)
    found = traces.times(tmp_path / "journal.jsonl")
    assert (found.run, found.sections) == (None, {})
