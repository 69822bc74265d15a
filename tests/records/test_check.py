"""What was done to a run is found and named; what a manifest does not prove is said."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, Kit

from runbook import journal
from runbook.archive.check import UNSIGNED, check
from runbook.archive.manifest import look
from runbook.plan import digest
from runbook.runs import json_text

CASES = yaml.safe_load((ROOT / "tests" / "cases" / "records" / "damage.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def folder(applied: Kit, tmp_path: Path) -> Path:
    """A copy of a run that was whole."""
    copy = tmp_path / applied.newest("apply").name
    shutil.copytree(applied.newest("apply"), copy)
    assert check(copy).findings == []
    return copy


def edit_manifest(folder: Path, change: Callable[[dict[str, Any]], Any], *, renew: bool = False) -> None:
    content = json.loads((folder / "manifest.json").read_text())
    change(content)
    if renew:
        content["digest"] = digest({k: v for k, v in content.items() if k != "digest"})
    (folder / "manifest.json").write_text(json_text(content))


def swap(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    if one.name == "manifest.json":  # the other file is as it was
        other.write_bytes(second)


def add(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("more")


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def link(path: Path) -> None:
    target = path.parent.parent / "elsewhere"
    path.rename(target)
    path.symlink_to(target)


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def unlist(folder: Path, name: str) -> None:
    edit_manifest(folder, lambda content: content["files"].pop(name))


def unlist_and_remove(folder: Path, name: str) -> None:
    unlist(folder, name)
    (folder / name).unlink()


def reorder(content: dict[str, Any]) -> None:
    content["files"] = dict(reversed(content["files"].items()))


DO: dict[str, Callable[[Path, dict[str, Any]], Any]] = {
    "remove": lambda folder, case: (folder / case["path"]).unlink(),
    "add": lambda folder, case: add(folder / case["path"]),
    "add_bytes": lambda folder, case: add(folder / os.fsdecode(bytes.fromhex(case["path"]))),
    "rename": lambda folder, case: (folder / case["path"]).rename(folder / case["to"]),
    "cut": lambda folder, case: os.truncate(folder / case["path"], 1000),
    "empty": lambda folder, case: os.truncate(folder / case["path"], 0),
    "append": lambda folder, case: append(folder / case["path"]),
    "swap": lambda folder, case: swap(folder / case["path"], folder / case["to"]),
    "add_folder": lambda folder, case: (folder / case["path"]).mkdir(),
    "remove_folder": lambda folder, case: shutil.rmtree(folder / case["path"]),
    "link": lambda folder, case: link(folder / case["path"]),
    "link_folder": lambda folder, case: (folder / case["path"]).symlink_to(folder.parent),
    "pipe": lambda folder, case: os.mkfifo(folder / case["path"]),
    "folder_instead": lambda folder, case: folder_instead(folder / case["path"]),
    "unlist": lambda folder, case: unlist(folder, case["path"]),
    "unlist_and_remove": lambda folder, case: unlist_and_remove(folder, case["path"]),
    "reorder": lambda folder, case: edit_manifest(folder, reorder, renew=True),
    "newer": lambda folder, case: edit_manifest(folder, lambda content: content.update(format=2), renew=True),
    "nested": lambda folder, case: (folder / case["path"]).write_text("[" * 200_000),
    "rename_run": lambda folder, case: folder.rename(folder.parent / case["path"]),
}


@pytest.mark.skipif(sys.platform == "win32", reason="names, links and pipes as POSIX has them")
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_was_done_is_found_and_nothing_else(folder: Path, case: dict[str, Any]) -> None:
    DO[case["do"]](folder, case)
    there = folder if folder.is_dir() else folder.parent / case["path"]
    found = sorted((item.path, item.what) for item in check(there).findings)
    wanted = sorted((path, words) for path, words in case["finds"])
    assert [path for path, _ in found] == [path for path, _ in wanted], found
    for path, words in wanted:
        assert any(words in what for other, what in found if other == path), (path, words, found)


def test_a_journal_cut_at_any_line_is_found(folder: Path) -> None:
    path = folder / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    for keep in range(len(lines)):
        path.write_bytes(b"".join(lines[:keep]))
        said = [item.what for item in check(folder).findings if item.path == "journal.jsonl"]
        assert f"was cut: it has {keep} entries, and manifest.json says {len(lines)}" in said, keep
        path.write_bytes(b"".join(lines[:keep] + lines[keep + 1 :]))
        assert [item for item in check(folder).findings if item.path == "journal.jsonl"], f"without line {keep + 1}"


def test_without_a_manifest_the_journal_is_still_held_against_the_result(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    path = folder / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    for keep in range(1, len(lines)):
        path.write_bytes(b"".join(lines[:keep]))
        said = [item.what for item in check(folder).findings if item.path == "journal.jsonl"]
        assert said == [f"was cut: it has {keep} entries, and result.json says {len(lines)}"]


@pytest.mark.parametrize("change", [b" ", b"\t", b'"x":1,'])
def test_another_spelling_of_a_journals_line_is_found_without_a_manifest(folder: Path, change: bytes) -> None:
    (folder / "manifest.json").unlink()
    path = folder / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b"{", b"{" + change, 1))
    said = [item.what for item in check(folder).findings if item.path == "journal.jsonl"]
    assert len(said) == 1 and "line 1, does not follow" in said[0]
    assert journal.ending(path).entries == 0


def test_a_run_that_was_killed_is_not_called_whole(folder: Path) -> None:
    for name in ("manifest.json", "result.json", "plan.json", "record.html"):
        (folder / name).unlink()
    path = folder / "journal.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:9]))
    report = check(folder)
    assert [item.path for item in report.findings] == ["manifest.json"]
    assert "the run did not come to its end" in report.findings[0].what
    assert report.journal is not None and report.journal.entries == 9


def test_an_unsigned_manifest_made_anew_passes_and_the_check_says_that_it_would(folder: Path) -> None:
    before = check(folder)
    assert UNSIGNED in before.notes
    (folder / "record.html").write_text("<p>All is well</p>")
    entry = {"size": 18, "sha256": hashlib.sha256((folder / "record.html").read_bytes()).hexdigest()}
    edit_manifest(folder, lambda content: content["files"].update({"record.html": entry}), renew=True)
    after = check(folder)
    assert after.whole and UNSIGNED in after.notes
    assert before.manifest is not None and before.journal is not None
    # The hash of the manifest that was noted elsewhere shows it; the journal's own hash cannot.
    assert not check(folder, noted=before.manifest).whole
    assert not check(folder, noted=before.manifest[:16].upper()).whole
    journal_only = check(folder, noted=before.journal.head)
    assert journal_only.whole and any("says nothing of the other files" in note for note in journal_only.notes)


def test_a_noted_hash_is_held_against_manifest_and_journal(folder: Path) -> None:
    report = check(folder)
    assert report.manifest is not None and report.journal is not None
    assert any("is the one whose hash was noted" in note for note in check(folder, noted=report.manifest).notes)
    assert check(folder, noted=report.manifest[:16]).whole
    other = check(folder, noted="0" * 64)
    assert [item.path for item in other.findings] == ["manifest.json"]
    assert "is not the one that was noted" in other.findings[0].what


def test_a_renamed_copy_is_whole_and_its_own_name_is_said(folder: Path) -> None:
    moved = folder.rename(folder.parent / "evidence")
    report = check(moved)
    assert report.whole
    assert report.run == folder.name
    assert any("was renamed" in note for note in report.notes)


def test_names_are_told_apart_however_they_are_spelt(tmp_path: Path) -> None:
    for name in (b"\xff", b"\\xff", b"a\nb"):
        (tmp_path / os.fsdecode(name)).write_text("")
    assert sorted(look(tmp_path).files) == ["\\\\xff", "\\xff", "a\nb"]


def test_the_command_says_it_in_lines_and_codes(applied: Kit, folder: Path) -> None:
    good = applied("records", "check", applied.newest("apply").name)
    assert good.returncode == 0, good.stderr
    assert f"{applied.newest('apply').name}: whole" in good.stdout
    assert "Unsigned: " in good.stdout
    (folder / "plan.json").write_text("{}")
    (folder / "a\x1b[2K\u202eb.txt").write_text("")
    bad = applied("records", "check", str(folder), str(applied.newest("plan")))
    assert bad.returncode == 1
    assert "NOT whole, 2 findings" in bad.stdout
    assert "  plan.json: was changed: it has 2 bytes" in bad.stdout
    assert "  a\\x1b[2K\\u202eb.txt: was added" in bad.stdout
    told = json.loads(applied("records", "check", "--json", str(folder)).stdout)
    assert [item["path"] for item in told[0]["findings"]] == ["a\x1b[2K\u202eb.txt", "plan.json"]
    assert told[0]["whole"] is False


WRONG = [
    (["nowhere"], "There is no run 'nowhere'"),
    (["demo"], "runs have 'demo' in their name"),
    ([""], "There is no run ''"),
    (["apply", "--head", "12"], "is no hash"),
    (["apply", "demo-plan", "--head", "0" * 64], "give one RUN"),
    (["apply", "--public-key", "nowhere.pub"], "cannot be read"),
    (["/"], "is not the folder of a run"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=[words for _, words in WRONG])
def test_what_cannot_be_checked_is_wrong_usage(applied: Kit, arguments: list[str], words: str) -> None:
    done = applied("records", "check", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_making_the_record_again_leaves_the_run_whole(applied: Kit) -> None:
    done = applied("records", "show", applied.newest("plan").name)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert check(applied.newest("plan")).whole


def test_the_run_says_the_hashes_to_be_noted(applied: Kit) -> None:
    done = applied("verify", "--tenant", "demo")
    report = check(applied.newest("verify"))
    assert report.journal is not None
    assert f"manifest {report.manifest}, journal {report.journal.head}, unsigned" in done.stderr
