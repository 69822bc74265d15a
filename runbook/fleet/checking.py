"""See before anything begins that every tenant of an inventory can be used; all that is wrong is told at once."""

from __future__ import annotations

from collections.abc import Sequence

from runbook import tenants
from runbook.errors import InventoryError, RunbookError
from runbook.fleet.inventory import Inventory
from runbook.inputs import RUN_FIELDS, effective
from runbook.library import Document

_SHOWN = 10
"""So many problems of an inventory are told at once."""


def check_inputs(inventory: Inventory, document: Document) -> None:
    """See that every tenant's inputs are allowed, before anything is started for them. Raises InventoryError."""
    fields = [field for field in document.all_fields() if field.name not in RUN_FIELDS]
    problems = []
    for member in inventory.members:
        try:
            effective(fields, member.parameters, {}, sources=member.sources)
        except RunbookError as error:
            problems.append(f"{member.name}: {error.detail}")
    _refuse(inventory, problems)


def check_members(inventory: Inventory) -> None:
    """See that every tenant can be reached as described, and that nobody is there twice. Raises InventoryError."""
    problems = []
    seen: dict[str, str] = {}
    for member in inventory.members:
        try:
            tenants.check(member.name, member.entry)
            directory = tenants.describe(member.name, member.entry).tenant_id.lower()
            if directory in seen:
                problems.append(f"{member.name} and {seen[directory]} are one and the same tenant.")
            seen[directory] = member.name
        except RunbookError as error:
            problems.append(f"{member.name}: {error.detail}")
    _refuse(inventory, problems)


def _refuse(inventory: Inventory, problems: Sequence[str]) -> None:
    if problems:
        more = f"\n    and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        listed = "".join(f"\n    {problem}" for problem in problems[:_SHOWN])
        raise InventoryError(
            f"{inventory.name}: {len(problems)} of {len(inventory.members)} tenants cannot be used.{listed}{more}",
            "Mend these first, or leave them out. Nothing was begun.",
        )
