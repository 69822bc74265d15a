"""A fleet run as spans of OpenTelemetry, for people who have a collector: fleet, in it tenants, in them sections.

Made afterwards, from the summary and the runs' journals, so that no run waits for a collector and a resumed fleet has
them all. Nothing is imported, and nothing is done, where no application or environment has set a provider up:
``opentelemetry-instrument runbook fleet ...`` does [OpenTelemetry Python, zero-code instrumentation].
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runbook.archive.check import JOURNAL
from runbook.fleet.rows import GOOD, word

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer, TracerProvider

_MODULE = "opentelemetry.trace"
_NAMED = "OTEL_PYTHON_TRACER_PROVIDER"
"""By this variable the API loads a provider by itself [opentelemetry-api, environment variables]."""
_OPEN = frozenset({"changes pending", "left to a person", "nothing to check", "not run"})
"""Ends that are neither well nor an error: somebody has to say or do something first, or nothing was done."""

Summary = Mapping[str, Any]
Told = Callable[[str], "Times"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When a run and its sections began and ended, in nanoseconds since 1970; empty where no journal says so."""

    run: tuple[int, int] | None = None
    sections: Mapping[str, tuple[int, int]]


def provider(
    modules: Mapping[str, Any] = sys.modules, environ: Mapping[str, str] = os.environ
) -> TracerProvider | None:
    """Return the provider that was set up in this process; None where there is none, without an import."""
    if _MODULE not in modules and not environ.get(_NAMED):
        return None
    try:
        from opentelemetry import trace
    except ImportError:
        return None
    found: TracerProvider = trace.get_tracer_provider()
    return None if isinstance(found, trace.NoOpTracerProvider | trace.ProxyTracerProvider) else found


def export(summary: Summary, runs: Path, to: TracerProvider | None) -> int:
    """Make the spans of a fleet run with a provider and return how many; 0 without one.

    `runs` is the folder that the tenants' runs are in. Every span has the time that a journal says; a tenant of which
    no journal tells has a span of no length, at the fleet's end. Sending them is the provider's part.
    """
    if to is None:
        return 0
    from runbook import __version__

    tracer = to.get_tracer("runbook.fleet", __version__)
    made = _Made(tracer, ended=_nanoseconds(summary["finished"]))
    return made.fleet(summary, lambda run: times(runs / run / JOURNAL))


@dataclass(frozen=True, slots=True)
class _Made:
    """Makes spans that are over already."""

    tracer: Tracer
    ended: int

    def fleet(self, summary: Summary, told: Told) -> int:
        from opentelemetry import trace

        attributes = {name: summary[name] for name in ("fleet", "mode", "status", "exit_code", "stopped")}
        span = self.begin(f"fleet {summary['mode']}", _nanoseconds(summary["started"]), None, attributes)
        span.set_attributes({f"runbook.tenants.{name.replace(' ', '_')}": n for name, n in summary["counts"].items()})
        self.judge(span, summary["status"], _fleet_reason(summary))
        inside = trace.set_span_in_context(span)
        count = 1 + sum(self.tenant(row, summary, inside, told) for row in summary["tenants"])
        span.end(self.ended)
        return count

    def tenant(self, row: Summary, summary: Summary, inside: Any, told: Told) -> int:
        from opentelemetry import trace

        found = told(row["run"]) if row["run"] else Times(sections={})
        begun, ended = found.run or (self.ended, self.ended)
        attributes = {name: row[name] for name in ("tenant", "group", "ring", "status", "exit_code", "run", "attempts")}
        span = self.begin(f"{summary['mode']} {row['tenant']}", begun, inside, attributes)
        self.judge(span, row["status"], row["reason"])
        own = trace.set_span_in_context(span)
        known = [item for item in row["sections"] if item["section"] in found.sections]
        for item in known:
            first, last = found.sections[item["section"]]
            numbers = {name: item[name] for name in ("section", "verified", "changed", "pending", "drift")}
            part = self.begin(item["title"], first, own, {"tenant": row["tenant"], **numbers})
            self.judge(part, "unchanged" if item["verified"] else word(item), item["error"])
            part.end(last)
        span.end(ended)
        return 1 + len(known)

    def begin(self, name: str, at: int, inside: Any, attributes: Summary) -> Span:
        named = {f"runbook.{key}": value for key, value in attributes.items() if value != ""}
        return self.tracer.start_span(name, context=inside, start_time=at, attributes=named)

    def judge(self, span: Span, status: str, reason: str) -> None:
        """Set a span's status: well is OK, what is open has none, anything else is an error."""
        from opentelemetry.trace import Status, StatusCode

        if status in GOOD:
            span.set_status(Status(StatusCode.OK))
        elif status not in _OPEN:
            span.set_status(Status(StatusCode.ERROR, reason or status))


def _fleet_reason(summary: Summary) -> str:
    bad = sum(row["status"] not in GOOD for row in summary["tenants"])
    return str(summary["stopped"] or f"{bad} of {len(summary['tenants'])} tenants need a person")


def times(journal: Path) -> Times:
    """Return when a run and its sections began and last did something, as far as its journal can be read.

    A section lasts until the next one is opened or the run is over; for one that was opened twice the whole time from
    the first to the last counts.
    """
    run: list[int] = []
    found: dict[str, tuple[int, int]] = {}
    open_now = ""
    for at, event, section in _entries(journal):
        run.append(at)
        if event == "run-finished":
            open_now = ""
        elif event == "section-opened":
            open_now = section
        if open_now:
            found[open_now] = (found[open_now][0] if open_now in found else at, at)
    return Times(run=(run[0], max(run)) if run else None, sections=found)


def _entries(journal: Path) -> Iterator[tuple[int, str, str]]:
    """Yield time, event and section of each entry, up to the first that is torn; the chain is not asked for here."""
    try:
        with journal.open("rb") as file:
            for line in file:
                entry = json.loads(line)
                yield _nanoseconds(entry["at"]), str(entry["event"]), str(entry["data"].get("section", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return


def _nanoseconds(moment: str) -> int:
    at = datetime.fromisoformat(moment)
    return int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1000
