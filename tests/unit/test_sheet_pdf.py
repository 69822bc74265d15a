"""The sheet as a PDF: which browser prints it, that nothing half is left, and that every step can be read in it."""

from __future__ import annotations

import io
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from pypdf import PdfReader
from sheets import CASES, sheet

from runbook.errors import NotPrinted, UsageError
from runbook.sheet import find_browser, print_pdf, render
from runbook.sheet.browser import arguments
from runbook.sheet.model import Line, Sheet

BROWSERS = yaml.safe_load((CASES / "browsers.yaml").read_text(encoding="utf-8"))
FAILING = yaml.safe_load((CASES / "failing.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", BROWSERS)
def test_which_browser(name: str) -> None:
    case = BROWSERS[name]
    files = {Path(path) for path in case.get("files", ())}
    seams: dict[str, Any] = {
        "platform": case["platform"],
        "which": lambda command: f"/usr/bin/{command}" if command in case.get("path", ()) else None,
        "is_file": lambda path: path in files,
    }
    if "found" in case:
        assert find_browser(case.get("environment", {}), **seams) == Path(case["found"]), name
    else:
        with pytest.raises(UsageError, match=case["says"]) as caught:
            find_browser(case.get("environment", {}), **seams)
        assert "open that in any browser and print it there" in caught.value.remedy, name


@pytest.mark.parametrize("unboxed", [True, False])
def test_the_sandbox_is_given_up_only_where_it_must_be(tmp_path: Path, unboxed: bool) -> None:
    words = arguments(Path("/b"), tmp_path / "a.html", tmp_path / "a.pdf", tmp_path / "p", unboxed=unboxed)
    assert ("--no-sandbox" in words) is unboxed
    assert f"--user-data-dir={tmp_path / 'p'}" in words and words[-1] == (tmp_path / "a.html").as_uri()


@pytest.mark.skipif(sys.platform == "win32", reason="the programs of the cases are shell scripts")
@pytest.mark.parametrize("name", FAILING)
@pytest.mark.parametrize("before", [None, b"an older sheet"])
def test_what_is_not_printed_leaves_nothing(tmp_path: Path, name: str, before: bytes | None) -> None:
    case = FAILING[name]
    program, target = tmp_path / "browser", tmp_path / "out" / "sheet.pdf"
    target.parent.mkdir()
    if before is not None:
        target.write_bytes(before)
    if "run" in case:
        find = 'for word in "$@"; do case "$word" in --print-to-pdf=*) pdf="${word#*=}";; esac; done'
        program.write_text(f"#!/bin/sh\n{find}\n{case['run']}\n")
        program.chmod(0o755)
    began = time.monotonic()
    with pytest.raises(NotPrinted) as caught:
        print_pdf("<p>a page</p>", target, program, seconds=case.get("seconds", 20))
    assert case["says"] in caught.value.detail, name
    assert time.monotonic() - began < 15, f"{name}: it was waited for"
    if case.get("late"):
        time.sleep(1.5)
        assert not (tmp_path / "browser.late").exists(), f"{name}: what it started goes on"
    assert [path.name for path in target.parent.iterdir()] == ([] if before is None else ["sheet.pdf"]), name
    assert before is None or target.read_bytes() == before, name


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_a_browser_is_told_no_credential(tmp_path: Path) -> None:
    program, seen = tmp_path / "browser", tmp_path / "seen"
    program.write_text(f"#!/bin/sh\nenv > {seen}\nexit 1\n")
    program.chmod(0o755)
    os.environ["AZURE_CLIENT_SECRET"] = "not-a-real-one"
    try:
        with pytest.raises(NotPrinted):
            print_pdf("<p>a page</p>", tmp_path / "sheet.pdf", program)
    finally:
        del os.environ["AZURE_CLIENT_SECRET"]
    assert "PATH=" in seen.read_text() and "AZURE" not in seen.read_text()


def browser() -> Path:
    """The machine's browser; without one the test is skipped, and says so."""
    try:
        return find_browser()
    except UsageError as error:
        pytest.skip(f"not printed and not read: {error.detail}")


def words_of(line: Line) -> str:
    """A step as it stands on paper, without blanks: its words, and the addresses of its links."""
    shown = (piece.text + (f"({piece.href})" if piece.href else "") for piece in line.pieces if piece.kind != "picture")
    return re.sub(r"\s+", "", "".join(shown))


def printed(found: Sheet, target: Path) -> tuple[PdfReader, list[str]]:
    """Print a sheet, and return it with the words of each page, without blanks."""
    print_pdf(render(found), target, browser())
    reader = PdfReader(io.BytesIO(target.read_bytes()))
    return reader, [re.sub(r"\s+", "", page.extract_text()) for page in reader.pages]


@pytest.mark.parametrize("name", ["own", "many.md"])
def test_every_step_can_be_read_in_the_pdf(tmp_path: Path, name: str) -> None:
    found = sheet(name, {"egress_region": "us"})
    target = tmp_path / "new" / "sheet.pdf"
    reader, pages = printed(found, target)
    assert [path.name for path in target.parent.iterdir()] == ["sheet.pdf"]
    count = len(pages)
    for number, page in enumerate(pages, 1):
        assert f"Page{number}of{count}" in page and found.sha256[:16] in page, f"{name}: the foot of page {number}"
        assert len(page) > 120, f"{name}: page {number} is nearly empty"
    for section in found.sections:
        lines = [line for part in section.parts for line in part.lines if line.pieces]
        for line in lines:
            assert any(words_of(line) in page for page in pages), f"{name}: {line.where} is not on one page whole"
        heading = re.sub(r"\s+", "", f"{section.heading}section{section.number}of")
        if section.number:
            together = [page for page in pages if heading in page and words_of(lines[0]) in page]
            assert together, f"{name}: {section.heading} is not on the page of its first step"
    for item in found.inputs:
        [page] = [page for page in pages if re.sub(r"\s+", "", f"{item.source}{item.help}") in page]
        assert "InputValueFromWhatitisfor" in page, f"{name}: no head above {item.name}"
    box = reader.pages[0].mediabox
    assert (int(float(box.width)), int(float(box.height))) in ((594, 841), (595, 841), (595, 842)), "it is not A4"


def test_no_step_is_cut_through(tmp_path: Path) -> None:
    text, words = (
        tmp_path / "long.md",
        "Look at page {n} of the handbook, and at all that it says of the owner of page {n}. ",
    )
    steps = [f"{n}. {words.format(n=n) * (8 + n % 5)}End of step {n}." for n in range(1, 60)]
    text.write_text("# Long\n\n## A section\n\n" + "\n".join(steps) + "\n", encoding="utf-8")
    found = sheet(str(text), {})
    lines = [line for section in found.sections for part in section.parts for line in part.lines]
    _, pages = printed(found, tmp_path / "sheet.pdf")
    assert len(lines) == 59 and len(pages) > 6
    for line in lines:
        assert any(words_of(line) in page for page in pages), f"{line.where} is cut through"
