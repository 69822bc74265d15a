"""Plan a section from its inputs: the same for the section at hand and, before a first write, for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from runbook.inputs import RUN_FIELDS, Effective, effective
from runbook.library import Document
from runbook.plan import Plan, Problem
from runbook.section.observing import make_plan
from runbook.tenants import Connection


def tenant_scope(connection: Connection) -> dict[str, Any]:
    """Return what a plan says of the tenant that it was made for."""
    tenant = connection.tenant
    return {
        "name": tenant.name,
        "tenant_id": tenant.tenant_id,
        "cloudflare_account_id": tenant.cloudflare_account_id,
        "cloud": tenant.cloud,
    }


def plan_section(
    document: Document, section: str, inputs: Sequence[Effective], domains: Sequence[str], connection: Connection
) -> Plan:
    """Read what a section is about and return its plan, with everything that it was made for."""
    values = {item.field.name: item.value for item in inputs}
    scope: dict[str, Any] = {
        "tenant": tenant_scope(connection),
        "tutorial": document.compiled.tutorial.sha256,
        "inputs": {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if name not in RUN_FIELDS
        },
    }
    before, after = document.others(section)
    plan = make_plan(
        connection.services,
        document.drafts(section),
        section=section,
        values=values,
        domains=domains,
        scope=scope,
        people=connection.roster,
        before=before,
        after=after,
    )
    return replace(plan, problems=(*plan.problems, *_unmade(document, section)))


def _unmade(document: Document, section: str) -> Iterator[Problem]:
    """Name what a section is about and nothing can be made of, so that no section passes for done without it."""
    for item in document.compiled.unmade:
        if item.section == section:
            yield Problem(
                kind=item.type, identity=item.identity, section=section, presence="left", lines=item.lines,
                reason=f"left to a person: {item.why}",
            )  # fmt: skip


def plan_all(
    document: Document,
    parameters: Mapping[str, Any],
    tenant_inputs: Mapping[str, Any],
    domains: Sequence[str],
    connection: Connection,
) -> list[Plan]:
    """Plan every section anew, from the parameters that a plan over all of them was made with."""
    known = [field.name for field in document.all_fields()]
    plans = []
    for section in document.sections:
        fields = document.fields(section.id)
        names = {field.name for field in fields}
        given = {name: value for name, value in parameters.items() if name in names}
        inputs = effective(fields, given, tenant_inputs, known=known)
        plans.append(plan_section(document, section.id, inputs, domains, connection))
    return plans
