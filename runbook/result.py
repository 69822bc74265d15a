"""What a run's result says: its sections put together, its exit code, and what the record needs beside them."""

from __future__ import annotations

import contextlib
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook import __version__, aftermath, journal
from runbook.compile.result import Diagnostic
from runbook.difference import lines_text
from runbook.errors import ExitCode
from runbook.inputs import decision_field
from runbook.library import Document
from runbook.runs import RunFolder, read_json, whole_digest
from runbook.ticks import Book
from runbook.tutorial import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the parent of a run knows beside the files that its sections wrote."""

    tenant: str
    simulated: bool
    mode: str
    interrupted: bool
    asked: Mapping[str, Any]
    """A simulated tenant's own count of requests and writes, and what it assumed; empty for a real one."""
    takes_back: str = ""
    """Name of the run that this one takes back; empty for any other run."""
    rest: bool = False
    fleet: str = ""
    """The fleet run that this run is a part of; empty for any other."""
    only: frozenset[str] = frozenset()
    """The sections that this was about; empty for all. A walkthrough is about those that a person opened."""


_VERIFIED = "Verified means: the settings were read back and are those that the tutorial asks for. "
_NOT_OBSERVED = "Where a message lands was not observed in this run."
_OBSERVED = "Where messages of each class were seen to land stands beside what was predicted for them."


_TAKEN_BACK = (
    "Verified means: what the run {run} had changed was read back, and is as that run had found it, but for what is "
    "named here as not taken back. Messages that were handled meanwhile stay where they are."
)


def build(facts: Facts, document: Document, folder: RunFolder) -> dict[str, Any]:
    """Put the sections' results together. A section that did not end by itself is called what it is."""
    done = {item["section"]: item for item in folder.sections()}
    fates = aftermath.fates(aftermath.whole_entries(folder.journal))
    made = _made(folder)
    sections = []
    for section in document.sections:
        if facts.only and section.id not in facts.only:
            continue
        item = done.get(section.id) or _never_run(document, section, folder, facts.interrupted)
        item = aftermath.settled(item, fates.get(section.id, {}))
        if item["status"] == "running":
            item = {**item, "status": "interrupted" if facts.interrupted else "failed"}
            item["error"] = item["error"] or _stopped_midway(folder, item)
        item = {**item, "made": made.get(section.id) or item["made"]}
        extra = {"steps": list(_steps(document, section)), "nothing_to_check": has_nothing_to_check(item)}
        sections.append({**item, **extra, "waits": document.waits(section.id)})
    code = ExitCode.INTERRUPTED if facts.interrupted else exit_code(sections, facts.mode)
    outlook = None if facts.takes_back else _outlook(folder)
    approval = read_json(folder.approval) if folder.approval.is_file() else None
    book = Book(base=folder.path.parent, tenant=facts.tenant, name=document.name, compiled=document.compiled)
    by_hand, why_not = book.known()
    return {
        "format": 1,
        "run": folder.path.name,
        "kit": {"version": __version__, "python": platform.python_version(), "platform": sys.platform},
        "tenant": {"name": facts.tenant, "simulated": facts.simulated},
        "mode": facts.mode,
        **({"fleet": facts.fleet} if facts.fleet else {}),
        "takes_back": {"run": facts.takes_back, "rest": facts.rest} if facts.takes_back else None,
        "tutorial": {
            "name": document.name,
            "title": document.compiled.tutorial.title,
            "sha256": document.compiled.tutorial.sha256,
        },
        "finished": journal.now(),
        "status": _status(code, sections, facts.mode),
        "exit_code": code,
        "approval": approval and {k: approval[k] for k in ("plan", "approved_by", "approved_at")},
        "requests": {k: facts.asked[k] for k in ("total", "writes") if k in facts.asked},
        "diagnostics": _diagnostics(document, sections),
        "manual": [step.as_json() for step in by_hand],
        "ticks_problem": why_not,
        "assumptions": [
            *_assumptions(document, facts.takes_back, outlook),
            *_left(sections),
            *facts.asked.get("assumptions", []),
        ],
        "outlook": outlook,
        "sections": sections,
    }


def _outlook(folder: RunFolder) -> dict[str, Any] | None:
    """Return what the sections have said of where mail lands; None where none of them bears on it."""
    path = folder.outcome / "outlook.json"
    return read_json(path) if path.is_file() else None


def _made(folder: RunFolder) -> dict[str, list[dict[str, Any]]]:
    """Return what all attempts at the run have changed, by section, as the journal tells it."""
    try:
        entries = [entry["data"] for entry in journal.read(folder.journal) if entry["event"] == "change-done"]
    except (journal.JournalError, OSError):
        return {}
    found: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
    for entry in entries:
        here = found.setdefault(str(entry.get("section")), {})
        here[entry["kind"], entry["identity"]] = {name: entry[name] for name in ("kind", "identity", "action")}
    return {section: list(items.values()) for section, items in found.items()}


def _never_run(document: Document, section: Section, folder: RunFolder, interrupted: bool) -> dict[str, Any]:
    number = document.number(section.id)
    began = folder.notebook(number, section.id).is_file()
    item = {"number": number, "section": section.id, "phase": "not opened"}
    return {
        "section": section.id,
        "number": number,
        "title": section.heading,
        "status": ("interrupted" if interrupted else "failed") if began else "not-run",
        "phase": "not opened",
        "inputs": [],
        "plan": None,
        "seen": [],
        "approval": None,
        "changes": [],
        "made": [],
        "by_hand": [],
        "left_to_person": [],
        "verification": None,
        "error": _stopped_midway(folder, item) if began else None,
    }


def _stopped_midway(folder: RunFolder, item: Mapping[str, Any]) -> dict[str, Any]:
    """Explain a section that began and never said how it ended, from its notebook."""
    detail = f"The notebook stopped in phase {item['phase']!r} without a word."
    path = folder.notebook(item["number"], item["section"])
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # a notebook of papermill's own may be torn
        for cell in read_json(path)["cells"]:
            for output in cell.get("outputs", []):
                if output["output_type"] == "error":
                    detail = f"{output['ename']}: {output['evalue']}"
    return {
        "type": "Stopped",
        "summary": "The section did not come to its end",
        "detail": detail,
        "remedy": "Plan again: the plan shows what is left to do.",
        "exit_code": ExitCode.FAILED,
    }


def _steps(document: Document, section: Section) -> Iterator[dict[str, Any]]:
    """Yield the section's steps in the tutorial's words, with what the compiler made of each."""
    for reading in document.compiled.readings:
        if reading.section == section.id:
            yield {
                "line": document.compiled.tutorial.place(reading.first),
                "number": reading.number,
                "text": reading.text,
                "read_as": reading.read_as,
            }


def _diagnostics(document: Document, sections: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the document leaves open, each with the answer that this run was given, if it was."""
    answers = {item["name"]: item for section in sections for item in section["inputs"]}
    return [
        {
            "code": item.code,
            "severity": item.severity,
            "where": lines_text(item.lines),
            "message": item.message,
            "suggestion": item.suggestion,
            "decision": item.decision,
            "answer": _answer_to(item, answers),
        }
        for item in document.compiled.diagnostics
    ]


def _answer_to(item: Diagnostic, answers: Mapping[str, Mapping[str, Any]]) -> str:
    names = [decision_field(item.decision)] if item.decision else [item.input]
    given = [answers[name] for name in names if name in answers and answers[name]["value"] not in ("", None)]
    return "; ".join(f"{entry['name']} is {entry['value']} ({entry['source']})" for entry in given)


def _assumptions(document: Document, takes_back: str, outlook: Mapping[str, Any] | None) -> list[str]:
    """Sentences for what "verified" means, and for every setting whose meaning was inferred from the words."""
    if takes_back:
        return [_TAKEN_BACK.format(run=takes_back)]
    seen = any(row["observed"] for row in (outlook or {"rows": ()})["rows"])
    return [_VERIFIED + (_OBSERVED if seen else _NOT_OBSERVED), *_inferred(document)]


def _left(sections: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what a rollback has not taken back: what somebody else has changed since, and what cannot be."""
    return [
        f"Not taken back: {change['identity']}: {change['reason']}."
        for item in sections
        for change in (item["plan"] or {"changes": []})["changes"]
        if any(words in change["reason"] for words in _LEFT)
    ]


_LEFT = ("left as somebody else set it", "left, for somebody else has changed it", "stays as it is")


def _begin(sentence: str) -> str:
    """Begin with a capital letter, and leave file names as they are."""
    return sentence[:1].upper() + sentence[1:]


def _inferred(document: Document) -> list[str]:
    return [
        f"{_begin(lines_text(setting.lines))}, {setting.label}: {setting.assumption}"
        for draft in (*document.compiled.resources, *document.offered)
        for setting in draft.settings
        if setting.assumption
    ]


def exit_code(sections: Sequence[Mapping[str, Any]], mode: str) -> int:
    """Return the exit code for sections' results; the gravest of them decides."""
    errors = {item["error"]["exit_code"] for item in sections if item["error"]}
    grave = (ExitCode.INTERRUPTED, ExitCode.FAILED, ExitCode.USAGE, ExitCode.UNREADABLE, ExitCode.REFUSED)
    for code in grave:
        if code in errors:
            return code
    if ExitCode.CHANGES in errors:  # a fresh read did not agree: what was applied did not come about
        return ExitCode.FAILED if mode == "apply" else ExitCode.CHANGES
    plans = [item["plan"] for item in sections]
    if any(plan is None for plan in plans):
        return ExitCode.FAILED
    if any(_open(plan) for plan in plans):
        return ExitCode.REFUSED
    left = any(plan["problems"] for plan in plans)  # a person's part is never done by this kit's word
    if mode == "plan":
        pending = any(change["action"] != "none" for plan in plans for change in plan["changes"])
        return ExitCode.CHANGES if pending or left else ExitCode.DONE
    if not all(has_nothing_to_check(item) or is_verified(item) or is_left(item) for item in sections):
        return ExitCode.FAILED
    return ExitCode.CHANGES if left else ExitCode.DONE


def _open(plan: Mapping[str, Any]) -> bool:
    return any(problem["presence"] != "left" for problem in plan["problems"])


def is_left(section: Mapping[str, Any]) -> bool:
    """Whether all of a section was read back as asked but for something that is left to a person."""
    plan, verification = section["plan"], section["verification"]
    if not plan or not plan["problems"] or _open(plan) or section["error"]:
        return False
    if verification is None:
        return not plan["changes"]
    return all(check["ok"] for check in verification["checks"])


def is_verified(section: Mapping[str, Any]) -> bool:
    """Whether every property that a section asks for was read back as asked; at least one must have been."""
    verification = section["verification"]
    return bool(verification and verification["ok"] and verification["checks"] and not section.get("error"))


def has_nothing_to_check(section: Mapping[str, Any]) -> bool:
    """Whether a section, as planned, sets nothing that an API could read: it is done or not by a person's word."""
    plan = section["plan"]
    return bool(plan and not plan["problems"] and all(_says_nothing(change) for change in plan["changes"]))


def _says_nothing(change: Mapping[str, Any]) -> bool:
    """Whether a change is of a thing that stays as it is because it cannot be taken away."""
    return bool(change["action"] == "none" and not change["properties"] and change["observed"])


def _status(code: int, sections: Sequence[Mapping[str, Any]], mode: str) -> str:
    if code == ExitCode.DONE:
        return "changed" if any(item["status"] == "changed" for item in sections) else "unchanged"
    drift = any(item["error"] and item["error"]["exit_code"] == ExitCode.CHANGES for item in sections)
    changes = [change for item in sections for change in (item["plan"] or {"changes": []})["changes"]]
    pending = mode == "plan" and any(change["action"] != "none" for change in changes)
    if code == ExitCode.CHANGES and not drift and not pending:
        return "left to a person"
    words = {
        ExitCode.CHANGES: "drift" if mode == "verify" else "changes pending",
        ExitCode.REFUSED: "refused",
        ExitCode.UNREADABLE: "unknown",
        ExitCode.INTERRUPTED: "interrupted",
    }
    return words.get(code, "failed")


def whole_plan(result: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the plan over all sections with its hash, or None if a section has none.

    `parameters` are those that were given, so that the same plan can be made again.
    """
    plans = [item["plan"] for item in result["sections"]]
    if any(plan is None for plan in plans):
        return None
    body = {
        "format": 1,
        "tenant": plans[0]["scope"]["tenant"],
        "tutorial": result["tutorial"],
        "inputs": {name: value for plan in plans for name, value in plan["scope"]["inputs"].items()},
        "sections": plans,
        "parameters": dict(parameters),
        "takes_back": result["takes_back"],
    }
    return {"hash": whole_digest(body), **body}
