"""Write what is left of a fleet run for people and for other programs: summary, page, CSV and JUnit's XML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.fleet import changes, exports
from runbook.fleet.folder import FleetFolder
from runbook.fleet.page import page
from runbook.fleet.selecting import newest_summary
from runbook.runs import write_text


def write_all(folder: FleetFolder, summary: Mapping[str, Any]) -> None:
    """Write a fleet run's summary in all its forms, each in one step; the page says what changed since the last one."""
    before = newest_summary(
        summary["path"], summary["mode"], folder.runs, before=folder.name, whole=not summary["part"]
    )
    since = None if before is None else changes.since(before, summary)
    write_text(folder.page, page(summary, since))
    write_text(folder.path / "summary.csv", exports.summary_csv(summary))
    write_text(folder.path / "junit.xml", exports.junit_xml(summary))
    write_text(folder.summary, exports.summary_json(summary))
