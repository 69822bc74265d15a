"""Two runs are compared by section, thing and property; what differs in any two runs is not told."""

from __future__ import annotations

import copy
import json
import shutil
from typing import Any

import pytest
import yaml
from conftest import ROOT, Kit

from runbook.archive.compare import MISSING, diff, lines

CASES = yaml.safe_load((ROOT / "tests" / "cases" / "records" / "diff.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def result(applied: Kit) -> dict[str, Any]:
    return applied.result("plan")


def changed(result: dict[str, Any], case: dict[str, Any], key: str) -> dict[str, Any]:
    made = copy.deepcopy(result)
    for path, value in case.get(key, []):
        at: Any = made
        for step in path[:-1]:
            at = at[step]
        assert isinstance(at, list) or path[-1] in at, path
        at[path[-1]] = value
    for path in case.get("drop", []) if key == "set" else []:
        at = made
        for step in path[:-1]:
            at = at[step]
        del at[path[-1]]
    return made


def fits(found: Any, wanted: Any) -> bool:
    if wanted in ("ANY", "MISSING"):
        return (found is MISSING) == (wanted == "MISSING")
    return bool(found == wanted) and type(found) is type(wanted)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_differs_is_told_and_nothing_else(result: dict[str, Any], case: dict[str, Any]) -> None:
    found = diff(changed(result, case, "base"), changed(result, case, "set"))
    told = [
        [item.where.section, item.where.identity, item.where.name, item.where.aspect, item.before, item.after]
        for item in found
    ]
    assert len(told) == len(case["finds"]), told
    for wanted in case["finds"]:
        assert any(all(fits(*pair) for pair in zip(row, wanted, strict=True)) for row in told), (wanted, told)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_other_way_round_is_the_same_with_the_sides_exchanged(result: dict[str, Any], case: dict[str, Any]) -> None:
    a, b = changed(result, case, "base"), changed(result, case, "set")
    there = {(item.where, repr(item.before), repr(item.after)) for item in diff(a, b)}
    back = {(item.where, repr(item.after), repr(item.before)) for item in diff(b, a)}
    assert there == back


def test_lines_are_read_as_people_read_them(result: dict[str, Any]) -> None:
    case = next(case for case in CASES if case["name"] == "a value found")
    assert list(lines(diff(result, changed(result, case, "set")))) == [
        "configure-domains",
        "  Cloudflare domain example.com",
        "    transport, found: mail.example.com -> old.example.com   [line 32]",
    ]


def test_the_command_compares_two_runs(applied: Kit) -> None:
    plan, apply = applied.newest("plan").name, applied.newest("apply").name
    same = applied("records", "diff", plan, plan)
    assert same.returncode == 0 and "No difference." in same.stdout
    done = applied("records", "diff", plan, apply)
    assert done.returncode == 3, done.stderr
    assert "  status: changes pending -> changed" in done.stdout
    assert "    transport, read back: (not there) -> example-com.mail.protection.outlook.com   [line 32]" in done.stdout
    assert done.stderr == ""
    told = json.loads(applied("records", "diff", plan, apply, "--json").stdout)
    assert (told["a"], told["b"]) == (plan, apply)
    mode = next(item for item in told["differences"] if item["aspect"] == "mode")
    assert (mode["a"], mode["b"]) == ("plan", "apply")
    read_back = next(item for item in told["differences"] if item["aspect"] == "read back")
    assert "a" not in read_back and read_back["b"]


def test_a_run_that_is_not_whole_is_said_to_be_so(applied: Kit, kit: Kit) -> None:
    copied = kit.folder / applied.newest("plan").name
    shutil.copytree(applied.newest("plan"), copied)
    (copied / "plan.json").unlink()
    done = applied("records", "diff", str(copied), applied.newest("plan").name)
    assert done.returncode == 0
    assert "is not whole" in done.stderr
    (copied / "result.json").write_text("[]")
    done = applied("records", "diff", str(copied), applied.newest("plan").name)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert applied("records", "diff", "nowhere", str(copied)).returncode == 2
