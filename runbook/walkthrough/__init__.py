"""What a notebook's cells call: with a person in front of it panels that stay alive, headless the section itself.

The import is light, since a batch does it for every tenant: widgets and record are only loaded for a person.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runbook.errors import RunbookError
from runbook.section import Section
from runbook.section import open_section as _open

if TYPE_CHECKING:
    from runbook.walkthrough.start import Start
    from runbook.walkthrough.walkthrough import Walkthrough

_NOT_GIVEN = ("kit's default", "tenants.yaml", "form")
"""Sources of values that nobody gave to the notebook as a parameter."""

__all__ = ["open_section", "start_page"]


def open_section(reference: str, names: Mapping[str, Any]) -> Section | Walkthrough:
    """Return the section that a notebook is about (``tutorial#section``), from the notebook's ``globals()``.

    Headless it is the section; for a person it is a walkthrough of it, in which the form's edits of this kernel are
    remembered when the cell is run again. Raises InputError and InventoryError like `runbook.section.open_section`.
    """
    former = _former(names.get("section"))
    if former is not None:
        former.retire()  # before the new one: a simulated tenant that this kernel serves ends with it
    section = _open(reference, names)
    if not section.interactive:
        return section
    from runbook.walkthrough.walkthrough import Walkthrough

    walk = Walkthrough(section, lambda former: _open(reference, _parameters(former)))
    if former is not None:
        _remember(walk, former)
    return walk


def _former(found: Any) -> Walkthrough | None:
    """The walkthrough of this kernel's last run of the cell; in a batch there is none, and nothing is imported."""
    if found is None:
        return None
    from runbook.walkthrough.walkthrough import Walkthrough

    return found if isinstance(found, Walkthrough) else None


def _parameters(section: Section) -> dict[str, Any]:
    """The parameters that a section was opened with, for another run of it in a folder of its own."""
    return {
        item.field.name: item.value
        for item in section.effective
        if item.source not in _NOT_GIVEN and item.field.name not in ("run_dir", "approve")
    }


def _remember(walk: Walkthrough, former: Walkthrough) -> None:
    """Take over what was typed into the form, unless a parameter of that name has been changed since."""
    if former.section.setup.section.id != walk.section.setup.section.id or former.section.tenant != walk.section.tenant:
        return
    kept = {
        name: value
        for name, value in former.edits.items()
        if name in walk.given and walk.given[name] == former.given.get(name)
    }
    if kept:
        with contextlib.suppress(RunbookError):  # what was possible beside other parameters may not be now
            walk.edit(kept)


def start_page(tutorial: str, names: Mapping[str, Any]) -> Start:
    """Return what the first page of a tutorial's notebooks shows: preflight, and how each section stands."""
    from runbook.walkthrough.start import Start

    return Start.open(tutorial, names)
