"""Everything that a section was opened with, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runbook.inputs import Effective
from runbook.journal import Journal
from runbook.library import Document
from runbook.runs import RunFolder
from runbook.section.applying import Patience
from runbook.section.course import Course
from runbook.tenants import Connection
from runbook.tutorial import Section as TutorialSection


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Everything that a section was opened with."""

    document: Document
    section: TutorialSection
    inputs: tuple[Effective, ...]
    domains: tuple[str, ...]
    connection: Connection
    folder: RunFolder
    journal: Journal
    course: Course
    patience: Patience
    simulated: bool

    @property
    def values(self) -> dict[str, Any]:
        return {item.field.name: item.value for item in self.inputs}
