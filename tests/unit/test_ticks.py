"""Ticks: what counts, what is refused, and that an altered file is told of and not read."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook import library
from runbook.compile.result import ManualStep
from runbook.errors import UsageError
from runbook.journal import Journal, read
from runbook.ticks import Book, HandStep, TicksDamaged, identifiers, steps

CASES = Path(__file__).parent.parent / "cases" / "ticks"
HISTORIES = yaml.safe_load((CASES / "histories.yaml").read_text(encoding="utf-8"))
WORDS = yaml.safe_load((CASES / "words.yaml").read_text(encoding="utf-8"))
DAMAGE = yaml.safe_load((CASES / "damage.yaml").read_text(encoding="utf-8"))
LETTERS = "abcd"


def book(folder: Path, *, tenant: str = "demo", edited: bool = False, name: str = "text") -> Book:
    """The book of a text, or of another edition of it: the same name with a line more."""
    path = folder / ("edited" if edited else "first") / "text.md"
    if not path.parent.exists():
        path.parent.mkdir()
        more = "\nA word more.\n" if edited else ""
        path.write_text((CASES / "blocked.md").read_text(encoding="utf-8") + more, encoding="utf-8")
    return Book(base=folder / "runs", tenant=tenant, name=name, compiled=library.load(str(path)).compiled)


def step(of: Book, letter: str) -> HandStep:
    return of.steps()[LETTERS.index(letter)]


def carry_out(folder: Path, verb: str, letters: str, who: str, more: dict[str, Any] | None = None) -> None:
    there = book(folder, **(more or {}))
    ids = [step(there, letter).id for letter in letters]
    there.tick(ids, who, "it is so") if verb == "tick" else there.take_back(ids, who, "it is not so")


@pytest.mark.parametrize("name", HISTORIES)
def test_what_counts(tmp_path: Path, name: str) -> None:
    case = HISTORIES[name]
    here = book(tmp_path)
    if "refused" in case:
        for item in case["do"][:-1]:
            carry_out(tmp_path, *item)
        before = here.path.read_bytes() if here.path.exists() else b""
        with pytest.raises(UsageError, match=case["refused"]):
            carry_out(tmp_path, *case["do"][-1])
        assert (here.path.read_bytes() if here.path.exists() else b"") == before, name
    else:
        for item in case["do"]:
            carry_out(tmp_path, *item)
    found = dict(zip(LETTERS, here.steps(), strict=True))
    assert {key: item.done.by for key, item in found.items() if item.done} == case["done"], name
    others = {key: item.other_edition.by for key, item in found.items() if item.other_edition}
    assert others == case.get("other", {}), name
    assert all(item.done.seen == "it is so" and item.done.at.endswith("Z") for item in found.values() if item.done)


@pytest.mark.parametrize("name", WORDS)
def test_what_is_refused(tmp_path: Path, name: str) -> None:
    case = WORDS[name]
    here = book(tmp_path)
    seen = "x" * case["times"] if "times" in case else case.get("seen", "it is so")
    with pytest.raises(UsageError) as caught:
        here.tick([case.get("id", step(here, "a").id)], case.get("by", "Ann"), seen)
    assert case["says"] in caught.value.detail, name
    assert "Nothing was written" in caught.value.remedy
    assert not here.path.exists()
    if "looks like" in case["says"]:
        assert case.get("seen", case.get("by")) not in str(caught.value)


def damaged(path: Path, case: dict[str, Any], folder: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    if "of" in case:
        carry_out(folder, "tick", "a", "Ann", {"tenant": case["of"]})
        shutil.copy(book(folder, tenant=case["of"]).path, path)
    elif "event" in case:
        Journal(path).append(case["event"], tenant="demo", seen="it is so", steps=[], tutorial={})
    elif "bytes" in case:
        path.write_bytes(bytes.fromhex(case["bytes"]))
    elif "nested" in case:
        path.write_text("[" * case["nested"] + "\n")
    elif "whole" in case:
        path.write_text(case["whole"])
    elif "from" in case:
        path.write_bytes(b"".join(lines).replace(case["from"].encode(), case["to"].encode(), 1))
    else:
        left = lines[::-1] if case.get("swap") else lines[1:] if "drop" in case else lines
        whole = b"".join(left)
        path.write_bytes(whole[: -case["cut"]] if "cut" in case else whole)


@pytest.mark.parametrize("name", DAMAGE)
def test_of_a_damaged_file_nothing_is_believed_and_nothing_is_added(tmp_path: Path, name: str) -> None:
    here = book(tmp_path)
    ids = [step(here, letter).id for letter in LETTERS]
    here.tick(ids[:1], "Ann", "it is so")
    here.tick(ids[1:2], "Bob", "it is so")
    damaged(here.path, DAMAGE[name], tmp_path)
    before = here.path.read_bytes()
    with pytest.raises(TicksDamaged) as caught:
        here.steps()
    assert str(here.path) in caught.value.detail and "Move it" in caught.value.remedy, name
    with pytest.raises(TicksDamaged):
        here.tick(ids[2:], "Cy", "it is so")
    found, problem = here.known()
    assert problem.startswith("What was ticked off is not known"), name
    assert [item.done for item in found] == [None] * 4
    assert here.path.read_bytes() == before


def test_what_cannot_be_read_is_not_taken_for_nothing(tmp_path: Path) -> None:
    here = book(tmp_path)
    here.path.mkdir(parents=True)  # a folder in the file's place
    assert here.known()[1].startswith("What was ticked off is not known")


def test_of_two_ticks_at_the_same_moment_the_first_counts(tmp_path: Path) -> None:
    here = book(tmp_path)
    data = {"tutorial": {"name": "text", "sha256": here.compiled.tutorial.sha256}, "seen": "it is so"}
    rows = [{"id": step(here, "a").digest}]
    entries = [{"event": "ticked", "at": "now", "data": {**data, "by": who, "steps": rows}} for who in ("Ann", "Bob")]
    assert [item.done.by for item in steps(here.compiled, "text", entries) if item.done] == ["Ann"]


def test_names_that_differ_in_letter_case_or_far_behind_have_files_of_their_own(tmp_path: Path) -> None:
    names = ["demo", "Demo", "d" * 50 + "a", "d" * 50 + "b", "../x", ".._x"]
    files = {str(book(tmp_path, tenant=name).path).lower() for name in names}
    assert len(files) == len(names)
    assert all(Path(file).parent == Path(str(tmp_path / "runs" / "ticks").lower()) for file in files)


def test_a_moved_text_keeps_its_ticks_and_another_text_with_the_same_words_has_none(tmp_path: Path) -> None:
    carry_out(tmp_path, "tick", "a", "Ann")
    assert step(book(tmp_path, name="moved"), "a").done
    other = step(book(tmp_path, name="other", edited=True), "a")
    assert other.done is None and other.other_edition is None


def test_ids_are_short_stable_and_all_different() -> None:
    manual = [
        ManualStep(text=text, lines=(n,), section="s") for n, text in enumerate(["Ask.", "Save.", "Save."], start=1)
    ]
    found = identifiers(manual)
    assert [len(short) for short, _ in found] == [6, 6, 6]
    assert len(set(found)) == 3
    assert identifiers(()) == ()
    assert identifiers(manual[:2]) == found[:2], "what comes later changes no id"
    assert identifiers([ManualStep(text="Ask.", lines=(77,), section="s")])[0] == found[0], "nor do lines"
    assert identifiers([ManualStep(text="Ask.", lines=(1,), section="t")])[0] != found[0]


def test_ids_that_begin_alike_are_longer() -> None:
    def numbered(numbers: range) -> list[ManualStep]:
        return [ManualStep(text=f"Step {number}.", lines=(number,), section="s") for number in numbers]

    found = identifiers(numbered(range(9000)))  # by the birthday paradox some two of them begin alike
    assert max(len(short) for short, _ in found) > 6
    assert len({short for short, _ in found}) == 9000
    assert all(whole.startswith(short) for short, whole in found)


AT_ONCE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_ticks import book, step
here, letter = book(Path(sys.argv[2])), sys.argv[3]
for _ in range(12):
    here.tick([step(here, letter).id], letter, "it is so")
    here.take_back([step(here, letter).id], letter, "once more")
here.tick([step(here, letter).id], letter, "it is so")
"""


def test_processes_that_tick_at_once_lose_nothing(tmp_path: Path) -> None:
    here = book(tmp_path)  # the text is there before they start
    started = [
        subprocess.Popen([sys.executable, "-c", AT_ONCE, str(Path(__file__).parent), str(tmp_path), letter])
        for letter in LETTERS
    ]
    assert [item.wait(timeout=60) for item in started] == [0, 0, 0, 0]
    assert len(list(read(here.path))) == len(LETTERS) * 25
    assert [item.done.by for item in here.steps() if item.done] == list(LETTERS)


def test_steps_stand_in_the_order_of_the_sections(tmp_path: Path) -> None:
    """A thing that is not understood whole stands in its own section, not behind all the steps of the text."""
    head, tail = (CASES / "blocked.md").read_text(encoding="utf-8").split("## A rule", 1)
    path = tmp_path / "text.md"
    path.write_text(f"# T\n\n## A rule{tail}\n{head.split(chr(10), 1)[1]}", encoding="utf-8")
    found = steps(library.load(str(path)).compiled, "text", ())
    lines = [item.step.lines[0] for item in found]
    sections = [item.step.section for item in found]
    assert "as a whole" in "".join(item.step.text for item in found)
    assert sections == sorted(sections, key=sections.index) and sections[-1] == "before-anything-else", lines
