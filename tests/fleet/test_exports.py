"""A fleet for other programs: a spreadsheet runs no cell, JSON comes back as it was, JUnit's XML is what tools read."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from conftest import ROOT
from fleet import made

from runbook.fleet import exports, rows
from runbook.fleet.rows import Place

FLEET = made.summary(200)
NAMES: dict[str, str] = yaml.safe_load((ROOT / "tests" / "cases" / "records" / "names.yaml").read_text("utf-8"))
SCHEMA: dict[str, Any] = yaml.safe_load((ROOT / "tests" / "cases" / "fleet" / "junit.yaml").read_text("utf-8"))


def one(row: Any, **more: Any) -> dict[str, Any]:
    return {**FLEET, "tenants": [row], **more}


def finished(status: str, code: int, kinds: list[str], mode: str = "verify") -> Any:
    place = Place(tenant="contoso", group="g", ring="canary", seconds=1.5, attempts=1)
    return rows.finished(place, made.result("contoso", mode, status, code, kinds))


def suite_of(summary: Any) -> ElementTree.Element:
    (suite,) = ElementTree.fromstring(exports.junit_xml(summary).encode())
    return suite


def verdicts(row: Any) -> list[str]:
    return [next((child.tag for child in case), "ok") for case in suite_of(one(row)).iter("testcase")]


def test_json_comes_back_as_it_was() -> None:
    assert json.loads(exports.summary_json(FLEET)) == FLEET


def test_csv_has_a_line_a_tenant_in_the_inventorys_order() -> None:
    lines = list(csv.DictReader(io.StringIO(exports.summary_csv(FLEET))))
    assert [line["tenant"] for line in lines] == [row["tenant"] for row in FLEET["tenants"]]
    for line, row in zip(lines, FLEET["tenants"], strict=True):
        assert line["status"] == row["status"] and line["reason"] == row["reason"] and line["run"] == row["run"]
        assert int(line["drift"]) == sum(item["drift"] for item in row["sections"])
        assert int(line["verified"]) == sum(item["verified"] for item in row["sections"]) <= int(line["sections"])
        assert line["promises_kept"] == ("" if row["outlook"] is None else str(row["outlook"]["kept"]))


@pytest.mark.parametrize("name", NAMES)
def test_no_cell_is_run_and_no_text_breaks_the_xml(name: str) -> None:
    bad = NAMES[name] + "\x00\x1b\x0b\ud800\ufffe\uffff"
    row = rows.not_started(Place(tenant=bad, group=bad, ring=bad), bad)
    section = {**finished("drift", 3, ["drift"])["sections"][0], "title": bad, "error": bad}
    summary = {**FLEET, "tenants": [row, {**row, "status": "drift", "sections": [section]}]}
    cells = [cell for line in csv.reader(io.StringIO(exports.summary_csv(summary))) for cell in line]
    assert [cell for cell in cells if cell.startswith(tuple("=+-@\t\r＝＋－＠"))] == []
    text = exports.junit_xml(summary)
    text.encode("utf-8")
    assert [char for char in text if char not in "\n" and not char.isprintable()] == []
    assert len(ElementTree.fromstring(text.encode())) == 2
    assert "CDATA" not in text and "<!" not in text


@pytest.mark.parametrize(
    ("status", "code", "kinds", "expected"),
    [
        ("unchanged", 0, ["good", "manual"], ["ok", "skipped"]),
        ("drift", 3, ["good", "drift"], ["ok", "failure"]),
        ("failed", 1, ["good", "failed", "not run"], ["ok", "failure", "error"]),
        ("unknown", 5, ["unknown", "drift"], ["error", "failure"]),
        ("left to a person", 3, ["good", "left"], ["ok", "skipped"]),
        ("refused", 4, ["good"], ["ok", "failure"]),  # no section shows it: the run itself is a case
    ],
)
def test_a_section_is_a_case_and_its_verdict_is_how_it_stands(
    status: str, code: int, kinds: list[str], expected: list[str]
) -> None:
    assert verdicts(finished(status, code, kinds)) == expected


def test_pending_changes_of_a_plan_are_failures_that_say_how_many() -> None:
    suite = suite_of(one(finished("changes pending", 3, ["good", "pending"], "plan"), mode="plan"))
    (failure,) = suite.iter("failure")
    assert failure.attrib == {"message": "Not as asked: 3.", "type": "changes pending"}
    assert [case.get("classname") for case in suite.iter("testcase")] == ["plan.contoso"] * 2


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (rows.not_started(Place(tenant="a", group="g", ring="r"), "a ring was stopped"), "skipped"),
        (rows.killed(Place(tenant="a", group="g", ring="r"), "signal 9"), "failure"),
    ],
    ids=["not started", "killed"],
)
def test_a_tenant_without_sections_is_one_case_with_its_reason(row: Any, expected: str) -> None:
    suite = suite_of(one(row))
    (case,) = suite.iter("testcase")
    (said,) = case
    assert (said.tag, said.get("message"), case.get("name")) == (expected, row["reason"], "whole run")


def test_numbers_of_a_suite_are_those_of_its_cases() -> None:
    root = ElementTree.fromstring(exports.junit_xml(FLEET).encode())
    assert [suite.get("name") for suite in root] == [row["tenant"] for row in FLEET["tenants"]]
    assert len({suite.get("id") for suite in root}) == 200
    for suite in root:
        cases = list(suite.iter("testcase"))
        assert int(suite.attrib["tests"]) == len(cases)
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[name]) == sum(1 for case in cases if case.find(tag) is not None), suite.attrib
    assert sum(int(suite.attrib["failures"]) > 0 for suite in root) >= FLEET["counts"]["drift"]


def test_the_xml_fits_the_common_schema() -> None:
    """Elements in the order, with the attributes and in the forms that the two common schemas have in common."""
    root = ElementTree.fromstring(exports.junit_xml(FLEET).encode())
    stack = [root]
    while stack:
        element = stack.pop()
        rule = SCHEMA[element.tag]
        assert element.attrib.keys() >= set(rule["required"]), element.tag
        assert element.attrib.keys() <= {*rule["required"], *rule.get("optional", ())}, (element.tag, element.attrib)
        for name, form in {**rule["required"], **rule.get("optional", {})}.items():
            if name in element.attrib:
                assert re.fullmatch(form, element.attrib[name], re.DOTALL), (element.tag, name, element.attrib[name])
        assert re.fullmatch(rule["children"], " ".join(child.tag for child in element)), element.tag
        assert rule.get("text") or not (element.text or "").strip(), element.tag
        stack += list(element)
