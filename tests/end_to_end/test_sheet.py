"""``runbook sheet``: the command, and that its command lines are those of a plan on a fresh simulated tenant."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from conftest import Kit
from sheets import CASES, Page, sheet, text_of

from runbook.views import hand_lines

EQUAL = yaml.safe_load((CASES / "equal.yaml").read_text(encoding="utf-8"))
REFUSED = yaml.safe_load((CASES / "refused.yaml").read_text(encoding="utf-8"))
MX = "contoso-com.mail.protection.outlook.com"
_PARAMETER = re.compile(r"-(\w+) ((?:'(?:[^']|'')*'|[^' ])+)")


def assigned(lines: list[str]) -> dict[str, Any]:
    """What command lines set, by its name: the parameters of PowerShell, or the fields of curl's body."""
    found: dict[str, Any] = {}
    for line in lines:
        if line.startswith("curl "):
            found |= json.loads(line.rpartition(" -d '")[2].removesuffix("'"))
        elif not line.startswith("#"):
            found |= dict(_PARAMETER.findall(line))
    return found


@pytest.mark.parametrize("name", EQUAL)
def test_its_command_lines_are_those_of_a_plan(kit: Kit, name: str) -> None:
    case = EQUAL[name]
    words = [word for key, value in case["given"].items() for word in ("-p", f"{key}={value}")]
    given = dict(case["given"])
    if case["tutorial"] == "own":
        domains = json.loads((kit.state / "credentials.json").read_text())["domains"]
        given |= {"domains": ", ".join(domains), "forwarding_to": MX}
        words += ["-p", f"domains={given['domains']}", "-p", f"forwarding_to={MX}"]
    done = kit("plan", "--tenant", "demo", "--tutorial", text_of(case["tutorial"]), *words)
    assert done.returncode in (3, 4), f"{name}: {done.stdout}{done.stderr}"
    things = {
        (section.id, thing.title, thing.name): [list(commands.lines) for commands in thing.commands]
        for section in sheet(case["tutorial"], given).sections
        for part in section.parts
        if not part.open  # a plan leaves out what nobody has decided
        for thing in part.things
    }
    compared = 0
    for section in kit.result("plan")["sections"]:
        changes = {(change["kind"], change["identity"]): change for change in section["plan"]["changes"]}
        for hand in section["by_hand"]:
            change = changes[hand["kind"], hand["identity"]]
            lines = hand_lines(hand["lines"])
            if change["handle"] and hand["lines"][-1].startswith("curl "):
                lines = [line.replace(change["handle"], "DOMAIN_ID") for line in lines]
            [ours] = [
                rows
                for (where, _, who), rows in things.items()
                if (where, who) == (section["section"], hand["identity"])
            ]
            if change["action"] == "create":
                assert lines in ours, f"{name}: {hand['identity']}"
            else:
                # A plan leaves out what is as asked already; the sheet cannot know that, and names all of it.
                assert any(assigned(lines).items() <= assigned(rows).items() for rows in ours), f"{name}: {hand}"
            compared += 1
    assert compared == len([thing for thing in things.values() if thing]), f"{name}: a line stands on one side alone"


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_one_message_and_writes_nothing(kit: Kit, name: str) -> None:
    case = REFUSED[name]
    before = sorted(path.name for path in kit.folder.iterdir())
    words = [text_of("own") if word == "own" else word for word in case["words"]]
    done = kit("sheet", *words, **({"RUNBOOK_BROWSER": case["browser"]} if "browser" in case else {}))
    assert done.returncode == 2, f"{name}: {done.stdout}{done.stderr}"
    assert case["says"] in done.stderr and "Traceback" not in done.stderr, f"{name}: {done.stderr}"
    assert not done.stdout and sorted(path.name for path in kit.folder.iterdir()) == before, name


def test_a_page_goes_to_a_file_or_to_a_pipe(kit: Kit) -> None:
    piped = kit("sheet", text_of("own"))
    assert piped.returncode == 0 and piped.stdout.startswith("<!DOCTYPE html>"), piped.stderr
    done = kit("sheet", text_of("own"), "-o", "new/sheet.HTML")
    assert done.returncode == 0 and done.stderr == "wrote new/sheet.HTML\n" and not done.stdout
    assert (kit.folder / "new" / "sheet.HTML").read_text(encoding="utf-8") == piped.stdout
    assert [path.name for path in (kit.folder / "new").iterdir()] == ["sheet.HTML"]


def test_a_tenants_inputs_are_taken_and_nothing_is_asked(kit: Kit) -> None:
    (kit.folder / "tenants.yaml").write_text(
        "tenants:\n  contoso:\n    domains: [contoso.com]\n    inputs: {retention_days: 21, egress_region: us}\n"
    )
    asked = kit.writes()
    done = kit("sheet", text_of("own"), "--tenant", "contoso")
    words = Page(done.stdout).words
    assert done.returncode == 0, done.stderr
    assert "retention_days 21 tenants.yaml" in words and "domains contoso.com domains in tenants.yaml" in words
    simulated = kit("sheet", text_of("own"), "--tenant", "demo")
    assert simulated.returncode == 0 and "domains to be filled in" in Page(simulated.stdout).words
    assert kit.writes() == asked and not kit.runs.exists()


def test_help_says_that_no_call_is_made(kit: Kit) -> None:
    shown = " ".join(kit("sheet", "--help").stdout.split())
    assert "No call is made." in shown and "runbook sheet tutorial.md -o sheet.html" in shown
    assert "0 written, 1 the browser could not print it, 2 wrong usage" in shown
