"""Steps that are left to a person: ticked off, shown in record and notebook, and looked at by verify."""

from __future__ import annotations

import html
import json
import re
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Kit

from runbook import simulated

BLOCKED = ROOT / "tests" / "cases" / "ticks" / "blocked.md"
UNKNOWN = "Tick **Defer the message"
TEXT = ("--tenant", "demo", "--tutorial", "blocked.md")
SAYS = ("--by", "Ann <b>", "--seen", "<script>the window</script> is at night")
ODD = "left to a person: Transport rule Odd: "


def steps(kit: Kit) -> list[dict[str, Any]]:
    done = kit("tick", *TEXT, "--format", "json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["steps"]
    return found


@pytest.fixture
def text(kit: Kit) -> Kit:
    """A kit with the text that has a step nobody knows."""
    shutil.copy(BLOCKED, kit.folder)
    return kit


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    """A kit whose rule stands as the text says but for its level, with one step ticked off, and then one verify."""
    made = Kit(tmp_path_factory.mktemp("left"))
    simulated.reset(made.state)
    lines = BLOCKED.read_text(encoding="utf-8").splitlines(keepends=True)
    (made.folder / "known.md").write_text("".join(line for line in lines if UNKNOWN not in line), encoding="utf-8")
    shutil.copy(BLOCKED, made.folder)
    done = made.apply("--tutorial", "known.md")
    assert done.returncode == 0, done.stderr + done.stdout
    simulated.set_property(made.state, "TransportRule", "Odd", "SetSCL", 7)
    assert made("tick", steps(made)[0]["id"], *TEXT, *SAYS).returncode == 0
    made("verify", *TEXT)
    yield made


def test_help_has_examples_and_the_exit_codes(kit: Kit) -> None:
    done = kit("tick", "--help")
    assert done.returncode == 0
    assert "runbook tick 3f9a1c --tenant contoso" in done.stdout and "Exit codes:" in done.stdout
    assert "tick " in kit("--help").stdout


def test_steps_are_listed_ticked_off_and_taken_back(text: Kit) -> None:
    first, _, last, _ = (item["id"] for item in steps(text))
    listed = text("tick", *TEXT).stdout
    assert "Before anything else\n" in listed and f"  [ ] {first}  line 5: Log into the Microsoft 365" in listed
    assert listed.endswith("0 of 4 done\n")
    done = text("tick", first, last, *TEXT, *SAYS)
    assert done.returncode == 0, done.stderr
    assert f"  [x] {last}  line 22: Tell your colleagues.\n        Ann <b>, 20" in done.stdout
    assert done.stdout.endswith("2 of 4 done\n")
    assert [bool(item["done"]) for item in steps(text)] == [True, False, True, False]
    assert steps(text)[3]["text"].startswith("TransportRule Odd, as a whole: line 19: ")
    back = text("tick", first, *TEXT, "--take-back", "--by", "Bob", "--why", "wrong tenant")
    assert back.returncode == 0, back.stderr
    assert back.stdout.endswith("1 of 4 done\n")
    [file] = (text.runs / "ticks").iterdir()
    assert [json.loads(line)["event"] for line in file.read_text().splitlines()] == ["ticked", "taken-back"]


def test_a_tick_for_another_edition_is_shown_and_does_not_count(text: Kit) -> None:
    text("tick", steps(text)[0]["id"], *TEXT, *SAYS)
    path = text.folder / "blocked.md"
    path.write_text(path.read_text() + "\nA word more.\n")
    listed = text("tick", *TEXT).stdout
    assert "  [ ] " in listed and "ticked for another edition of the text: Ann <b>, 20" in listed
    assert listed.endswith("0 of 4 done\n")


def test_the_kits_own_text_leaves_no_step(kit: Kit) -> None:
    done = kit("tick", "--tenant", "demo")
    assert (done.returncode, done.stdout) == (0, "This text leaves no step to a person.\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ID", "--by", "Ann"], "Missing option --seen."),
        (["ID", "--seen", "x"], "Missing option --by."),
        (["ID", "--take-back", "--by", "Ann"], "Missing option --why."),
        (["ID", "--take-back", "--by", "Ann", "--seen", "x"], "A tick is taken back with --why, not with --seen."),
        (["ID", "--by", "Ann", "--seen", "x", "--why", "y"], "A step is ticked off with --seen, not with --why."),
        (["--by", "Ann", "--seen", "x"], "--by is about steps: name them by their IDs."),
        (["--take-back"], "--take-back is about steps: name them by their IDs."),
        (["ID", "--by", "Ann", "--seen", " "], "--seen is empty."),
        (["000000", "--by", "Ann", "--seen", "x"], "No step of this text has the id '000000'."),
        (["ID", "000000", "--by", "Ann", "--seen", "x"], "No step of this text has the id '000000'."),
        (["ID", "--by", "Ann", "--seen", "Bearer abcdefghij"], "looks like an authorisation header"),
        (["ID", "--tenant", "nobody", "--by", "Ann", "--seen", "x"], "nobody"),
    ],
)
def test_what_is_refused_is_told_once_and_nothing_is_written(text: Kit, arguments: list[str], says: str) -> None:
    known = steps(text)[0]["id"]
    done = text("tick", *TEXT, *(known if word == "ID" else word for word in arguments))
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.count(says) == 1 and done.stdout == ""
    assert "Traceback" not in done.stderr
    assert not (text.runs / "ticks").exists()


def test_the_folder_of_ticks_is_in_no_commands_way(verified: Kit) -> None:
    listed = verified("records", "list")
    assert listed.returncode == 0 and listed.stderr == "" and len(listed.stdout.splitlines()) >= 3
    found = sorted(str(path.relative_to(verified.folder)) for path in verified.runs.iterdir())
    assert "runs/ticks" in found
    checked = verified("records", "check", *found)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count(": whole") == len(found) - 1
    for name in ("ticks", "runs/ticks"):
        assert verified("records", "check", name).returncode == 2
        assert verified("records", "show", name).returncode == 2


def test_verify_compares_what_was_understood_and_calls_nothing_verified(verified: Kit) -> None:
    result = verified.result("verify")
    assert (result["status"], result["exit_code"]) == ("left to a person", 3)
    section, said = result["sections"][1], result["sections"][1]["verification"]
    assert section["status"] == "unchanged" and not said["ok"] and not said["checks"]
    assert [(row["parameter"], row["verdict"]) for row in section["left_to_person"]] == [
        ("HeaderContainsMessageHeader", "as-asked"),
        ("HeaderContainsWords", "as-asked"),
        ("SetSCL", "different"),
        ("Enabled", "as-asked"),
    ]
    assert result["sections"][0]["left_to_person"] == []


def test_the_record_lists_what_is_open_what_was_done_and_what_was_seen(verified: Kit) -> None:
    result = verified.result("verify")
    assert [bool(row["done"]) for row in result["manual"]] == [True, False, False, False]
    assert result["manual"][0]["done"]["seen"] == SAYS[3]
    page = (verified.newest("verify") / "record.html").read_text(encoding="utf-8")
    todo = page.partition('id="todo"')[2].partition("</section>")[0]
    assert "Tell your colleagues. (line 22 of the tutorial, step " in todo
    assert "Log into" not in todo
    done = page.partition('id="done-by-hand"')[2].partition("</section>")[0]
    assert "<script" not in page and "<b>" not in done
    words = html.unescape(done)
    assert "Log into the Microsoft 365 admin console. (line 5 of the tutorial): Ann <b>, 20" in words
    assert f"; seen: {SAYS[3]}" in words
    assert f"{ODD}SetSCL is 7, the text says 5 (line 18)." in html.unescape(page)


def shown(notebook: Path) -> str:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    return "\n".join("".join(output.get("data", {}).get("text/plain", "")) for output in outputs)


def test_the_notebooks_name_open_steps_and_what_was_seen(verified: Kit) -> None:
    first, second = sorted((verified.newest("verify") / "notebooks").glob("*.ipynb"))
    assert "Left to a person: Ask the owner of the mail system for the window. (line 6, step " in shown(first)
    assert "Left to a person: Log into" not in shown(first)
    assert f"{ODD}HeaderContainsWords is ODD, as the text says (line 17)" in shown(second)


def test_a_thing_that_is_not_there_is_told(text: Kit) -> None:
    done = text("verify", *TEXT)
    assert done.returncode == 3
    assert f"  {ODD}does not exist (line 14)\n" in done.stdout
    assert text.writes() == []


def test_a_thing_that_cannot_be_read_is_not_called_absent(text: Kit) -> None:
    with simulated.serving(text.state) as url:
        fault = {"match": {"cmdlet": "Get-TransportRule"}, "kind": "status", "status": 403, "times": 99}
        request = urllib.request.Request(f"{url}/_sim/faults", json.dumps([fault]).encode(), method="POST")
        request.add_header("Content-Type", "application/json")
        urllib.request.urlopen(request).close()
        done = text("verify", *TEXT)
    assert done.returncode == 3, done.stdout + done.stderr
    assert f"  {ODD}could not be read: " in done.stdout and "does not exist" not in done.stdout
    assert [row["verdict"] for row in text.result("verify")["sections"][1]["left_to_person"]] == ["unread"]


def test_a_finished_text_leaves_nothing_to_look_at(verified: Kit) -> None:
    assert [item["left_to_person"] for item in verified.result("apply")["sections"]] == [[], []]


def test_a_way_back_asks_for_no_step(verified: Kit) -> None:
    known = ("--tenant", "demo", "--tutorial", "known.md")
    listed = json.loads(verified("tick", *known, "--format", "json").stdout)["steps"]
    assert verified("tick", listed[0]["id"], *known, *SAYS).returncode == 0
    done = verified("rollback", verified.newest("apply").name)
    assert done.returncode == 4, done.stdout  # somebody has set the level since
    folder = verified.newest("rollback")
    assert all("Left to a person:" not in shown(path) for path in (folder / "notebooks").glob("*.ipynb"))
    page = (folder / "record.html").read_text(encoding="utf-8")
    assert 'id="done-by-hand"' not in page and "Tell your colleagues. (" not in page


def test_a_damaged_file_is_told_of_and_stops_no_run(text: Kit) -> None:
    text("tick", steps(text)[0]["id"], *TEXT, *SAYS)
    [file] = (text.runs / "ticks").iterdir()
    file.write_text(file.read_text().replace("Ann", "Eve"))
    told = text("tick", *TEXT)
    assert told.returncode == 1 and told.stdout == ""
    assert re.search(r"What was ticked off is not known\n.*demo-[0-9a-f]{8}\.jsonl is not whole", told.stderr)
    assert text("verify", *TEXT).returncode == 3
    result = text.result("verify")
    assert [row["done"] for row in result["manual"]] == [None] * 4
    page = (text.newest("verify") / "record.html").read_text(encoding="utf-8")
    todo = page.partition('id="todo"')[2].partition("</section>")[0]
    assert "What was ticked off is not known" in todo and "Log into" in todo
    assert "Eve" not in page
