"""``runbook preflight``: can this identity do what the plan needs, and does it hold more than that."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby

import click

from runbook import library, tenants
from runbook.cli.console import json_option, make_console, quiet_option
from runbook.preflight import Finding, Report, examine
from runbook.task import Request, check_request
from runbook.views import plain

_MARK = {"held": "ok", "missing": "MISSING", "unknown": "unknown"}


@click.command(
    epilog="""\b
Examples:
  runbook preflight --tenant demo
  runbook preflight --tenant contoso --json
"""
)
@click.option("--tenant", required=True, help="Name of the tenant in tenants.yaml; demo is simulated.")
@click.option("--tutorial", help=f"Name or path of the tutorial; without it, {library.OWN}.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@quiet_option
@json_option
def preflight(tenant: str, tutorial: str | None, form: str, quiet: bool, as_json: bool) -> int:
    """Ask the services what this identity may do, and compare it with what each section needs.

    Nothing is written. Exits 0 when all that can be known beforehand is held, 4 when something is missing, 5 when
    something could not be found out. A person who signs in by device code is asked to do so here; the sign-in is
    kept for the commands that follow.
    """
    console = make_console(quiet=quiet, as_json=as_json or form == "json")
    document = check_request(Request(tenant=tenant, mode="plan", tutorial=tutorial))
    entry = tenants.entry(tenant)
    connection = tenants.open_connection(tenant, entry, prompt=_prompt if sys.stdin.isatty() else None)
    try:
        report = examine(connection.services, document, tenants.domains_of(tenant, entry))
    finally:
        connection.close()
    if console.as_json:
        console.document(report.as_json())
    elif console.tables:
        from runbook.cli.tables.lists import report_parts

        console.show(*report_parts(report, console.width), "", _summary(report))
    else:
        console.lines(map(plain, lines(report)))
    return report.exit_code


def _prompt(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def lines(report: Report) -> Iterator[str]:
    """Write the report for a terminal, a finding a line; what is said of several rights alike is said once."""
    yield f"Tenant {report.tenant}"
    yield from (f"  {line}" for line in report.identity)
    for section in report.sections:
        yield from ("", section.title)
        if not section.findings:
            yield "  needs nothing of an API"
        yield from _section_lines(section.findings)
    yield from ("", "Beyond need")
    yield from (f"  {line}" for line in report.excess or ("nothing that could be read",))
    yield from (f"Note: {line}" for line in report.notes)
    yield from ("", _summary(report))


def _section_lines(findings: tuple[Finding, ...]) -> Iterator[str]:
    for one, names in alike(findings):
        yield f"  {_MARK[one.verdict]:8} {one.right.service}: {names}"
        if one.verdict != "held":
            yield f"           {one.why}"
            if one.remedy:
                yield f"           -> {one.remedy}"


def alike(findings: tuple[Finding, ...]) -> Iterator[tuple[Finding, str]]:
    """Put findings together of which the same is said; yield one of them and the names of all their rights."""

    def what(item: Finding) -> tuple[str, str, str, str]:
        return (item.right.service, item.verdict, item.why, item.remedy)

    for _, group in groupby(sorted(findings, key=what), key=what):
        found = list(group)
        yield found[0], ", ".join(item.right.name for item in found)


def _summary(report: Report) -> str:
    counts = {verdict: sum(1 for item in report.findings if item.verdict == verdict) for verdict in _MARK}
    words = [f"{counts['held']} held", f"{counts['missing']} missing", f"{counts['unknown']} not known"]
    return f"{', '.join(words)}. Nothing was written."
