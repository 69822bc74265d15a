"""The page to begin with: who signs in and may do what, and how each section stands on this tenant. Writes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from runbook import library, notebooks, tenants
from runbook.archive.listing import Filter, Row, rows, select, stamp
from runbook.errors import InputError, RunbookError
from runbook.inputs import RUN_FIELDS, effective
from runbook.library import Document
from runbook.plan import Plan
from runbook.preflight import Finding, Report, examine
from runbook.runs import runs_directory
from runbook.section.frontend import has_frontend
from runbook.section.planning import plan_section
from runbook.tenants import Connection, TenantEntry
from runbook.tutorial import Section
from runbook.views import View, message, plain
from runbook.walkthrough.look import STYLE, framed, paragraph
from runbook.walkthrough.tokens import lights

_LATEST = 8
_MARK = {"held": "✓ held", "missing": "✗ MISSING", "unknown": "? not known"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A tutorial and a tenant. Each method reads anew, so that a cell may be run again at any time."""

    document: Document
    tenant: str
    entry: TenantEntry

    @classmethod
    def open(cls, tutorial: str, names: Mapping[str, Any]) -> Start:
        """Find the tutorial and the tenant. Raises TutorialError, InputError or InventoryError."""
        name = names.get("tenant", tenants.DEMO)
        if not isinstance(name, str):
            raise InputError(f"tenant: {name!r} is not the name of a tenant.", "Name one of tenants.yaml, or demo.")
        return cls(document=library.load(tutorial), tenant=name, entry=tenants.entry(name))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return self.banner()._repr_mimebundle_()

    def banner(self) -> View:
        """Say which tutorial and tenant this is, where credentials are looked up, and that nothing is written here."""
        where = "the simulated tenant: nothing here is real" if self.entry.simulated is not None else "a real tenant"
        text = f"{self.document.compiled.tutorial.title}, on {self.tenant} ({where}). This page writes nothing."
        return _styled(View(text, paragraph(text) + lights(self.tenant)))

    def preflight(self) -> View:
        """Ask the services what this identity may do, and hold it against what the sections need."""
        try:
            connection = self._connect()
            try:
                report = examine(connection.services, self.document, tenants.domains_of(self.tenant, self.entry))
            finally:
                connection.close()
        except RunbookError as error:
            return _failed(error)
        return _styled(_report(report))

    def sections(self) -> View:
        """Plan every section, and say in a line how it stands; the first column leads to its notebook."""
        try:
            connection = self._connect()
            try:
                found = [(section, self._standing(section, connection)) for section in self.document.sections]
            finally:
                connection.close()
        except RunbookError as error:
            return _failed(error)
        return _styled(self._table(found))

    def records(self) -> View:
        """List the latest runs on this tenant, each with the way to its record."""
        found = select(rows(runs_directory(), lambda problem: None), Filter(tenant=self.tenant))[:_LATEST]
        return _styled(_runs(found, self.tenant))

    def _connect(self) -> Connection:
        return tenants.open_connection(self.tenant, self.entry, prompt=print if has_frontend() else None)

    def _standing(self, section: Section, connection: Connection) -> str:
        known = [field.name for field in self.document.all_fields()]
        own = {name: value for name, value in self.entry.inputs.items() if name not in RUN_FIELDS}
        try:
            inputs = effective(self.document.fields(section.id), {}, own, known=known)
            domains = tenants.domains_of(self.tenant, self.entry)
            return standing(plan_section(self.document, section.id, inputs, domains, connection))
        except RunbookError as error:
            return f"? not known: {error.detail}"

    def _table(self, found: Sequence[tuple[Section, str]]) -> View:
        text, body = [], ""
        for section, said in found:
            name = notebooks.file_name(self.document, section)
            number = self.document.number(section.id)
            link = f'<a href="{escape(name)}">{escape(plain(section.heading))}</a>'
            text.append(f"{number}. {section.heading}: {said}   [{name}]")
            body += f'<tr><td>{number}</td><th scope="row">{link}</th><td>{escape(plain(said))}</td></tr>'
        caption = f"The sections on {escape(plain(self.tenant))}, with the inputs as they are without a form"
        heads = '<th scope="col">No.</th><th scope="col">Section</th><th scope="col">How it stands</th>'
        table = f"<table><caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
        return View("\n".join(text), table)


def standing(plan: Plan) -> str:
    """Say in one line how a section stands. What could not be read is never called absent or done."""
    unknown = [item for item in plan.problems if item.presence == "unknown"]
    undecided = [item for item in plan.problems if item.presence not in ("unknown", "left")]
    if unknown:
        return f"? not known: {unknown[0].identity}: {unknown[0].reason}"
    if undecided:
        return f"! a decision is open: {undecided[0].identity}: {undecided[0].reason}"
    words = [f"~ {len(plan.pending)} change(s) pending"] if plan.pending else []
    if plan.left:
        words.append(f"{len(plan.left)} left to a person")
    if words:
        return ", ".join(words)
    return "= as the tutorial asks" if plan.changes else "nothing that an API could read"


def _report(report: Report) -> View:
    text = [*report.identity]
    html = "<ul>" + "".join(f"<li>{escape(plain(line))}</li>" for line in report.identity) + "</ul>"
    for section in report.sections:
        rows = [_finding(item) for item in section.findings]
        text += [section.title, *(f"  {line}" for line in rows)]
        bad = sum(1 for item in section.findings if item.verdict != "held")
        said = f"{len(rows) - bad} of {len(rows)} held"
        items = "".join(f"<li>{escape(plain(line))}</li>" for line in rows)
        title = f"{escape(plain(section.title))}: {said}"
        html += f"<details{' open' if bad else ''}><summary>{title}</summary><ul>{items}</ul></details>"
    beyond = [*report.excess, *report.notes]
    text += beyond
    html += "".join(f"<p>{escape(plain(line))}</p>" for line in beyond)
    return View("\n".join(plain(line) for line in text), html)


def _finding(item: Finding) -> str:
    said = f"{_MARK[item.verdict]}  {item.right.service}: {item.right.name}"
    return said if item.verdict == "held" else f"{said}: {item.why}. {item.remedy}".strip()


def _runs(found: Sequence[Row], tenant: str) -> View:
    if not found:
        return message(f"No run on {tenant} yet.")
    lines = list(_lines(found))
    items = "".join(f"<li>{html}</li>" for _, html in lines)
    return View("\n".join(text for text, _ in lines), f"<ul>{items}</ul>")


def _lines(found: Sequence[Row]) -> Iterator[tuple[str, str]]:
    for row in found:
        text = f"{stamp(row.when)} {row.mode}: {row.status}"
        record = os.path.join(row.folder, "record.html")
        link = f' <a href="{escape(os.path.relpath(record))}">record</a>' if os.path.isfile(record) else ""
        yield f"{text}   [{record if link else 'no record'}]", escape(plain(text)) + (link or " (no record)")


def _failed(error: RunbookError) -> View:
    return _styled(View(str(error), paragraph(str(error), "error")))


def _styled(view: View) -> View:
    return View(view.text, STYLE + framed(view.html))
