"""The end of a walkthrough: a result, a record and a manifest, like those of any other run.

What a person does afterwards belongs to another run, so that a record stays as it was sealed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from runbook import journal, result
from runbook.archive.manifest import seal
from runbook.errors import ExitCode
from runbook.record import write_record
from runbook.runs import write_json
from runbook.section import Section
from runbook.section.setup import Setup
from runbook.views import View


def recorded(section: Section) -> View:
    """Write the walkthrough's result, record and manifest, and return the way to the record."""
    setup = section.setup
    content = _content(setup)
    entry = setup.journal.append("run-finished", status=content["status"], exit_code=content["exit_code"])
    content["journal"] = {"entries": entry["n"] + 1, "head": entry["hash"]}
    write_json(setup.folder.path / "result.json", content)
    section.seal()
    record = write_record(setup.folder)
    seal(setup.folder, content)
    return View(f"Record: {record}", f"<p>{_link(record)}</p>")


def _link(record: Path) -> str:
    """A link that a notebook server can follow: relative to the folder in which the notebook runs."""
    return (
        f'Record: <a href="{escape(os.path.relpath(record))}" target="_blank" rel="noopener">{escape(str(record))}</a>'
    )


def _content(setup: Setup) -> dict[str, Any]:
    opened = frozenset(item["section"] for item in setup.folder.sections())
    facts = result.Facts(
        tenant=setup.connection.tenant.name,
        simulated=setup.simulated,
        mode="walkthrough",
        interrupted=False,
        asked={},
        only=opened,
    )
    content = result.build(facts, setup.document, setup.folder)
    code, status = standing(content["sections"], content["exit_code"], content["status"])
    return {
        **content,
        "exit_code": code,
        "status": status,
        "since": None,
        "plan_hash": "",  # of all sections together; each section has its own
        "approval": _approval(setup, content["sections"]),
        "part": _part(setup, len(opened)),
    }


def _part(setup: Setup, opened: int) -> str:
    """Say how much of the tutorial this was."""
    whole = len(setup.document.sections)
    return "" if opened == whole else f"{opened} of the tutorial's {whole} sections; the others were not opened here"


def _approval(setup: Setup, sections: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The last approval of a plan that this is about, with when, as the journal has it; none of a void plan."""
    plans = {item["plan"]["hash"] for item in sections if item["plan"] and item["approval"]}
    entries = [entry for entry in journal.read(setup.folder.journal) if entry["event"] == "approved"]
    given = [entry for entry in entries if entry["data"]["plan"] in plans]
    if not given:
        return None
    return {
        "plan": given[-1]["data"]["plan"],
        "approved_by": given[-1]["data"]["approved_by"],
        "approved_at": given[-1]["at"],
    }


def standing(sections: Sequence[Mapping[str, Any]], code: int, status: str) -> tuple[int, str]:
    """Return exit code and status of what a person did, who may stop anywhere.

    What was written and not verified, or never planned, is called interrupted: it has not come to its end. An error
    keeps the code and the status that it gives any run.
    """
    if any(item["error"] for item in sections):
        return code, status
    plans = [item["plan"] for item in sections]
    if not all(plans):
        return ExitCode.INTERRUPTED, "interrupted"
    if any(item["verification"] and not item["verification"]["ok"] and not result.is_left(item) for item in sections):
        return ExitCode.CHANGES, "drift"
    presences = {problem["presence"] for plan in plans for problem in plan["problems"]}
    if "unknown" in presences:
        return ExitCode.UNREADABLE, "unknown"
    if presences - {"left"}:
        return ExitCode.REFUSED, "refused"
    made = any(item["made"] for item in sections)
    statuses = {change["status"] for item in sections for change in item["changes"]}
    if statuses & {"unknown", "interrupted", "running", "failed"}:
        return ExitCode.INTERRUPTED, "interrupted"
    done = all(result.is_verified(item) or result.has_nothing_to_check(item) for item in sections)
    if done:
        return ExitCode.DONE, "changed" if made else "unchanged"
    if all(result.is_verified(i) or result.has_nothing_to_check(i) or result.is_left(i) for i in sections):
        return ExitCode.CHANGES, "left to a person"
    pending = any(change["action"] != "none" for plan in plans for change in plan["changes"])
    return (ExitCode.CHANGES, "changes pending") if pending and not made else (ExitCode.INTERRUPTED, "interrupted")
