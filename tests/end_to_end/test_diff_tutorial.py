"""``runbook diff-tutorial``: a new edition meets a tenant that has the old one."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from conftest import Kit

OWN = Path(__file__).resolve().parents[2] / "runbook" / "tutorials" / "junk-and-user-quarantine.md"
ANSWERS = ["-p", "notification_frequency=1 day", "-p", "retention_days=30", "-p", "egress_region=us"]
OLD_NAME, NEW_NAME = "Area 1 Deliver to Junk Email folder", "Email security Deliver to Junk Email folder"


@pytest.fixture
def editions(kit: Kit) -> Kit:
    """The kit's own edition as old.md, and as new.md one that names the rule otherwise and asks for more."""
    text = OWN.read_text(encoding="utf-8")
    (kit.folder / "old.md").write_text(text, encoding="utf-8")
    new = text.replace(OLD_NAME, NEW_NAME).replace("`SUSPICIOUS`, `BULK`", "`SUSPICIOUS`, `BULK`, `SPAM`")
    assert new != text
    (kit.folder / "new.md").write_text(new.replace("# Junk mail", "A line more.\n\n# Junk mail"), encoding="utf-8")
    return kit


def carried_out(kit: Kit, tutorial: str, *more: str) -> None:
    planned = kit("plan", "--tenant", "demo", "--tutorial", tutorial, *ANSWERS, *more)
    assert planned.returncode == 3, planned.stdout + planned.stderr
    done = kit("apply", "--tenant", "demo", "--approve", kit.result("plan")["plan_hash"])
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_printed_decision_goes_on_with_the_old_rule(editions: Kit) -> None:
    kit = editions
    carried_out(kit, "old.md")
    found = kit("diff-tutorial", "old.md", "new.md")
    assert found.returncode == 3, found.stderr
    assert f"{OLD_NAME!r} is now {NEW_NAME!r}" in found.stdout
    assert "  demo  apply  changed  " in found.stdout and "  demo  plan  " in found.stdout

    bare = kit("plan", "--tenant", "demo", "--tutorial", "new.md", *ANSWERS, "-p", "use_uce=advised")
    assert "New-TransportRule" in bare.stdout, "without a decision there would be two"
    command = next(line for line in found.stdout.split("\n") if line.strip().startswith("runbook plan"))
    words = shlex.split(command.replace("NAME", "demo", 1))[1:]
    planned = kit(*words, *ANSWERS, "-p", "use_uce=advised")
    assert planned.returncode == 3, planned.stdout + planned.stderr
    assert "Set-TransportRule" in planned.stdout and "New-TransportRule" not in planned.stdout
    done = kit("apply", "--tenant", "demo", "--approve", kit.result("plan")["plan_hash"])
    assert done.returncode == 0, done.stdout + done.stderr


def test_runs_of_another_text_are_not_listed(editions: Kit) -> None:
    kit = editions
    assert kit("plan", "--tenant", "demo", "--tutorial", "new.md", *ANSWERS).returncode in (3, 4)
    found = kit("diff-tutorial", "old.md", "new.md", "--format", "json")
    shown = json.loads(found.stdout)
    assert found.returncode == shown["exit_code"] == 3 and shown["runs"] == []
    back = json.loads(kit("diff-tutorial", "new.md", "old.md", "--format", "json").stdout)
    assert [row["tenant"] for row in back["runs"]] == ["demo"]
    elsewhere = kit("diff-tutorial", "new.md", "old.md", "--runs", str(kit.folder / "state"))
    assert "No run of the old text" in elsewhere.stdout


def test_no_change_and_bad_input(editions: Kit) -> None:
    kit = editions
    (kit.folder / "moved.md").write_text(OWN.read_text(encoding="utf-8").replace("## Create", "\n\n## Create"))
    same = kit("diff-tutorial", "old.md", "moved.md")
    assert same.returncode == 0 and "No change in settings" in same.stdout
    assert kit("diff-tutorial", "old.md", "nowhere.md").returncode == 2
    assert kit("diff-tutorial", "old.md").returncode == 2
    assert kit("diff-tutorial", "old.md", "new.md", "--runs", "nowhere").returncode == 2


def test_help_has_examples_and_the_exit_codes(kit: Kit) -> None:
    done = kit("diff-tutorial", "--help")
    assert done.returncode == 0
    for words in ("runbook diff-tutorial tutorial-2024.md", "0 a run of the new text asks", "2 a text cannot be read"):
        assert words in done.stdout
    assert "diff-tutorial" in kit("--help").stdout
