"""A tutorial on a tenant in this process: planned, applied by the real clients, asked and observed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from in_process import connected

from runbook import library
from runbook.inputs import effective
from runbook.journal import Journal
from runbook.library import Document
from runbook.outcome.matrix import egress_of, questions
from runbook.outcome.outlook import About, Seen, outlook
from runbook.outcome.recipients import Roster
from runbook.outcome.surroundings import Surroundings
from runbook.plan import Plan, plan_json
from runbook.section.applying import Patience, apply_changes
from runbook.section.around import look_around
from runbook.section.landing import handed_in
from runbook.section.observing import make_plan
from runbook.tenants.connection import people_of
from simtenant.local import LocalTenant
from tenantapi import Services

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ANSWERS = {"notification_frequency": "1 day", "retention_days": 15, "egress_region": "us"}


@dataclass
class Stage:
    """One document on one tenant."""

    document: Document
    far: LocalTenant
    services: Services
    domains: tuple[str, ...] = ("example.com",)
    answers: Mapping[str, Any] = field(default_factory=dict)
    now: datetime = NOW

    @property
    def roster(self) -> Roster:
        return people_of(self.far.recipients())

    def around(self) -> Surroundings:
        found = look_around(self.services, self.domains, "2026-03-04T05:06:07Z")
        assert not found.unread, found.unread
        return found

    def plans(self) -> list[Plan]:
        known = [item.name for item in self.document.all_fields()]
        made = []
        for section in self.document.sections:
            fields = self.document.fields(section.id)
            names = {item.name for item in fields}
            given = {name: value for name, value in {**ANSWERS, **self.answers}.items() if name in names}
            values = {item.field.name: item.value for item in effective(fields, given, {}, known=known)}
            made.append(
                make_plan(
                    self.services, self.document.drafts(section.id), section=section.id, values=values,
                    domains=self.domains, scope={}, people=lambda: self.roster,
                )
            )  # fmt: skip
        return made

    def apply(self) -> None:
        """Carry out every section's plan, each made anew, by the real writing."""
        with tempfile.TemporaryDirectory() as folder:
            journal = Journal(Path(folder) / "journal.jsonl")
            patience = Patience(limit_seconds=1, sleep=lambda _: None)
            for number in range(len(self.document.sections)):
                plan = self.plans()[number]
                assert plan.can_apply, plan.problems
                apply_changes(self.services, plan, journal, patience, lambda change, status, error: None)
        assert all(plan.is_as_asked for plan in self.plans())

    def landed(self, found: Surroundings) -> list[dict[str, Any]]:
        """Hand the simulated tenant one message of each class, and return where each landed."""
        sights = []
        for asked in questions(found, self.domains, egress_of(found)):
            if not asked.message.connecting_ip:
                continue
            seen = self.far.deliver(handed_in(asked))
            may = seen["user_may"]
            sights.append({
                **seen, "disposition": asked.disposition or "none", "case": asked.case,
                "recipients": asked.recipients.title, "by": "a test message", "at": "2026-03-04T05:06:07Z",
                "user_may": None if may is None else sorted(name for name, allowed in may.items() if allowed),
            })  # fmt: skip
        return sights

    def outlook(self, *, applied: bool = False, before: Surroundings | None = None) -> dict[str, Any]:
        """Return what is said of where mail lands: as planned, or as read back and observed."""
        about = About(promises=self.document.promises, domains=self.domains, roster=self.roster)
        if not applied:
            plans = [plan_json(plan) for plan in self.plans()]
            return outlook(Seen(before=self.around(), plans=plans), about, NOW)
        after = self.around()
        assert before is not None
        plans = [plan_json(plan) for plan in self.plans()]
        return outlook(Seen(before=before, after=after, plans=plans, landed=self.landed(after)), about, NOW)


@contextmanager
def on_stage(
    text: str | Document, *, profile: str = "new", domains: tuple[str, ...] = ("example.com",), **answers: Any
) -> Iterator[Stage]:
    """Put a tutorial, by name or path or loaded, on a new tenant of a profile."""
    far = LocalTenant(profile=profile, clock=lambda: NOW)
    document = library.load(text) if isinstance(text, str) else text
    with connected(far) as services:
        yield Stage(document=document, far=far, services=services, domains=domains, answers=answers)
    far.close()


def row(told: Mapping[str, Any], disposition: str, case: str = "gateway", who: str = "") -> dict[str, Any]:
    """Return the matrix's one row for a disposition, a case, and recipients of the title `who` (all, without one)."""
    found = [
        item
        for item in told["rows"]
        if (item["disposition"], item["case"]) == (disposition, case)
        and any(who in ("", name) for name in item["recipients"])
    ]
    assert len(found) == 1, (disposition, case, who, [item["recipients"] for item in found])
    return dict(found[0])
