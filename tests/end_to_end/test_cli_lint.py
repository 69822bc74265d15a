"""``runbook lint`` as a person calls it: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Kit

OWN = Path(__file__).resolve().parents[2] / "runbook" / "tutorials" / "junk-and-user-quarantine.md"
ANSWERS = ["-p", "notification_frequency=1 day", "-p", "retention_days=30"]


def written(kit: Kit, name: str, *changes: tuple[str, str]) -> str:
    text = OWN.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (kit.folder / name).write_text(text, encoding="utf-8")
    return name


def test_help_has_examples_and_the_exit_codes(kit: Kit) -> None:
    done = kit("lint", "--help")
    assert done.returncode == 0
    for words in ("runbook lint tutorial.md --decided split-literal", "3 a question is open", "1 something cannot"):
        assert words in done.stdout
    assert "lint" in kit("--help").stdout


@pytest.mark.parametrize(
    ("change", "more", "code", "last"),
    [
        (None, [], 3, "2 asks, "),
        (None, ANSWERS, 0, ""),
        (("`UCE`", "`SPAM`"), ANSWERS, 3, "1 asks, "),
        (("`UCE`", "`SPAM`"), [*ANSWERS, "--decided", "use-uce"], 0, ""),
        (("`UCE`", "`SPAM`"), [*ANSWERS, "-p", "use_uce=as-written"], 0, ""),
        (("> _5_", "> _12_"), [], 1, "2 blocks, "),
        (("> _5_", "> _12_"), ANSWERS, 1, "2 blocks, "),
    ],
)
def test_exit_codes(kit: Kit, change: tuple[str, str] | None, more: list[str], code: int, last: str) -> None:
    name = written(kit, "text.md", *([change] if change else []))
    done = kit("lint", name, *more)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout.rstrip().split("\n")[-1].startswith(last)
    assert done.stderr == ""


def test_findings_name_the_file_as_it_was_given(kit: Kit) -> None:
    done = kit("lint", written(kit, "text.md", ("`UCE`", "`SPAM`")))
    assert "text.md:133: asks header-token-mismatch:" in done.stdout


def test_a_parameters_file_answers(kit: Kit) -> None:
    (kit.folder / "params.yaml").write_text("retention_days: 30\nnotification_frequency: 1 day\n")
    done = kit("lint", written(kit, "text.md"), "-f", "params.yaml", "--format", "json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["exit_code"] == 0
    answered = {item["code"]: item["answered"] for item in found["findings"] if "answered" in item}
    assert answered["range-without-value"] == "retention_days is 30"


def test_several_texts_are_counted_together_and_the_gravest_decides(kit: Kit) -> None:
    names = [written(kit, "one.md"), written(kit, "two.md", ("> _5_", "> _12_"))]
    done = kit("lint", *names)
    assert done.returncode == 1
    assert "one.md:77: asks" in done.stdout and "two.md:77: asks" in done.stdout
    assert done.stdout.rstrip().endswith("in 2 texts")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.md"], "There is no such file"),
        ([], "Missing argument"),
        (["text.md", "--decided", "split-litteral"], "decides nothing here"),
        (["text.md", "-p", "retention_days"], "name=value"),
        (["text.md", "-p", "retention_days=99"], "from 1 to 30"),
        (["text.md", "-p", "retentoin_days=9"], "Did you mean 'retention_days'"),
    ],
)
def test_wrong_usage(kit: Kit, arguments: list[str], words: str) -> None:
    written(kit, "text.md")
    done = kit("lint", *arguments)
    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr


def test_hidden_marks_of_a_text_do_not_reach_the_terminal(kit: Kit) -> None:
    done = kit("lint", written(kit, "text.md", ("`UCE`, `SPOOF`", "`SPAM`, `SP\x1b[31mOOF\u202e`")))
    assert "header-token-mismatch" in done.stdout
    assert "\x1b" not in done.stdout and "\u202e" not in done.stdout


def test_no_tenant_is_read_and_nothing_is_written(kit: Kit) -> None:
    kit("lint", written(kit, "text.md"))
    assert kit.writes() == []
    assert sorted(path.name for path in kit.folder.iterdir() if path.name != "state") == ["text.md"]


def test_a_decision_on_a_text_that_lacks_the_second_rule_adds_it(kit: Kit) -> None:
    text = "\n".join(OWN.read_text(encoding="utf-8").split("\n")[:123])
    (kit.folder / "lacking.md").write_text(text, encoding="utf-8")
    answers = [*ANSWERS, "-p", "egress_region=us", "-p", "add_second_rule=true"]
    done = kit("plan", "--tenant", "demo", "--tutorial", "lacking.md", *answers)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Area 1 User Quarantine Message" in done.stdout
    record = (kit.newest("plan") / "record.html").read_text(encoding="utf-8")
    assert "Answered: add_second_rule is True (command line)" in record
    done = kit("plan", "--tenant", "demo", "--tutorial", "lacking.md", *answers[:-2])
    assert "Area 1 User Quarantine Message" not in done.stdout
