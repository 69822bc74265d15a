"""A fleet's summary for other programs: CSV that a spreadsheet cannot run, JSON, and JUnit's XML.

JUnit's XML has no one owner. What is written here is meant to fit the two schemas that tools check against, that of Ant
(``JUnit.xsd``) and that of Jenkins' xUnit plugin (``junit-10.xsd``): every attribute that either demands, in the order
that Ant's wants, and none that one of them does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from runbook.archive import spreadsheet
from runbook.fleet.rows import GOOD, NOT_STARTED, word
from runbook.runs import json_text
from runbook.views import plain

HEADS = (
    "tenant", "group", "ring", "status", "exit_code", "reason", "sections", "verified", "changed", "pending", "drift",
    "promises_kept", "promises_broken", "promises_unknown", "seconds", "attempts", "run",
)  # fmt: skip
_WHOLE = "whole run"
"""The one test case of a tenant of which no section is known."""
_WELL = frozenset({"verified", "as wanted", "as before"})
_NO_ANSWER = frozenset({"unknown", "interrupted", "not run", "not verified"})
_NOT_ASKED = frozenset({"nothing to check", "left to a person"})


def summary_json(summary: Mapping[str, Any]) -> str:
    """Return the summary as the kit's JSON files spell it."""
    return json_text(summary)


def summary_csv(summary: Mapping[str, Any]) -> str:
    """Return a line a tenant, in the inventory's order; promises are empty where nothing is known of them."""
    return spreadsheet.text(HEADS, [_cells(row) for row in summary["tenants"]])


def _cells(row: Mapping[str, Any]) -> list[Any]:
    found = row["sections"]
    outlook = row["outlook"] or {}
    return [
        *(row[name] for name in HEADS[:6]),
        len(found),
        sum(1 for item in found if item["verified"]),
        *(sum(item[name] for item in found) for name in ("changed", "pending", "drift")),
        *(outlook.get(name, "") for name in ("kept", "broken", "unknown")),
        row["seconds"],
        row["attempts"],
        row["run"],
    ]


@dataclass(frozen=True, slots=True)
class _Case:
    """One test case: a section of a tenant, and how it went."""

    name: str
    verdict: str
    """``failure``, ``error``, ``skipped``, or nothing where all is well."""
    kind: str = ""
    message: str = ""


def junit_xml(summary: Mapping[str, Any]) -> str:
    """Return a test suite a tenant with a test case a section: what a build server shows of a fleet.

    A failure is what was found otherwise than asked, refused or failed; an error is what could not be read or did not
    come to an answer; skipped is what was not started or cannot be checked. A suite has the tenant's time; a section's
    own is not in the summary, and is given as 0.
    """
    suites = ElementTree.Element("testsuites")
    for number, row in enumerate(summary["tenants"]):
        _add_suite(suites, number, row, summary)
    ElementTree.indent(suites, " ")
    return "<?xml version='1.0' encoding='UTF-8'?>\n" + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _add_suite(suites: ElementTree.Element, number: int, row: Mapping[str, Any], summary: Mapping[str, Any]) -> None:
    cases = list(_cases(row))
    tally = {name: str(sum(case.verdict == name for case in cases)) for name in ("failure", "error", "skipped")}
    suite = ElementTree.SubElement(
        suites, "testsuite", name=plain(row["tenant"]), package=plain(row["ring"]) or "-", id=str(number),
        timestamp=_second(summary["started"]), hostname="localhost", tests=str(len(cases)), failures=tally["failure"],
        errors=tally["error"], skipped=tally["skipped"], time=f"{row['seconds']:.3f}",
    )  # fmt: skip
    properties = ElementTree.SubElement(suite, "properties")
    for name in ("status", "exit_code", "run", "group", "attempts"):
        ElementTree.SubElement(properties, "property", name=name, value=plain(str(row[name])))
    for case in cases:
        made = ElementTree.SubElement(
            suite, "testcase", name=plain(case.name), classname=plain(f"{summary['mode']}.{row['tenant']}"), time="0"
        )
        if case.verdict == "skipped":
            ElementTree.SubElement(made, "skipped", message=plain(case.message))
        elif case.verdict:
            said = ElementTree.SubElement(made, case.verdict, message=plain(case.message), type=plain(case.kind))
            said.text = plain(case.message)
    ElementTree.SubElement(suite, "system-out").text = plain(row["reason"])
    ElementTree.SubElement(suite, "system-err")


def _second(moment: str) -> str:
    """Return a time in UTC to the second, without a zone: Ant's schema has no place for one."""
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _cases(row: Mapping[str, Any]) -> Iterator[_Case]:
    """Yield a case a section, and one for the run where no section shows that it did not go well."""
    if row["status"] == NOT_STARTED:
        yield _Case(_WHOLE, "skipped", NOT_STARTED, row["reason"])
        return
    cases = [_case(item, row) for item in row["sections"]]
    yield from cases
    shown = any(case.verdict in ("failure", "error") for case in cases) or row["status"] == "left to a person"
    if not cases or not (shown or row["status"] in GOOD):
        verdict = "" if row["status"] in GOOD else "error" if row["status"] in _NO_ANSWER else "failure"
        yield _Case(_WHOLE, verdict, row["status"], row["reason"])


def _case(item: Mapping[str, Any], row: Mapping[str, Any]) -> _Case:
    found = word(item)
    if item["verified"] or found in _WELL:
        return _Case(item["title"], "")
    if found in _NOT_ASKED:
        return _Case(item["title"], "skipped", found, found)
    said = item["error"] or _counted(item) or row["reason"]
    return _Case(item["title"], "error" if found in _NO_ANSWER else "failure", found, said)


def _counted(item: Mapping[str, Any]) -> str:
    if item["drift"]:
        return f"Not as asked: {item['drift']}."
    return f"Pending: {item['pending']}." if item["pending"] else ""
