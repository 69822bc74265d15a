"""See before anything begins that every tenant of an inventory can be used; all that is wrong is told at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runbook import library, tenants
from runbook.errors import InventoryError, RunbookError
from runbook.fleet.inventory import Inventory
from runbook.fleet.local import make_simulated
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
    """See that every tenant can be reached as described, and that nobody is there twice. Raises InventoryError.

    No server is started for it. A simulated tenant that does not exist yet is made once nothing is wrong with what is
    written, for it is then that its directory has an identifier.
    """
    problems = []
    for member in inventory.members:
        try:
            if member.entry.simulated is None:
                tenants.check(member.name, member.entry)
            else:
                tenants.check_references(member.name, member.entry)
        except RunbookError as error:
            problems.append(f"{member.name}: {error.detail}")
    _refuse(inventory, problems)
    make_simulated({member.name: member.entry for member in inventory.members})
    _refuse(inventory, list(_known_directories(inventory)))


def _known_directories(inventory: Inventory) -> Iterator[str]:
    seen: dict[str, str] = {}
    for member in inventory.members:
        try:
            if member.entry.simulated is not None:
                tenants.check(member.name, member.entry)
            directory = tenants.describe(member.name, member.entry).tenant_id.lower()
        except RunbookError as error:
            yield f"{member.name}: {error.detail}"
            continue
        if directory in seen:
            yield f"{member.name} and {seen[directory]} are one and the same tenant."
        seen[directory] = member.name


def check_left(left: Inventory, mode: str) -> None:
    """See that those who are left of a fleet run can be reached, with what they were asked. Raises InventoryError.

    An approved plan was made with its own inputs.
    """
    if mode != "apply":
        check_inputs(left, library.load(left.tutorial))
    check_members(left)


def _refuse(inventory: Inventory, problems: Sequence[str]) -> None:
    if problems:
        more = f"\n    and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        listed = "".join(f"\n    {problem}" for problem in problems[:_SHOWN])
        raise InventoryError(
            f"{inventory.name}: {len(problems)} of {len(inventory.members)} tenants cannot be used.{listed}{more}",
            "Mend these first, or leave them out. Nothing was begun.",
        )
