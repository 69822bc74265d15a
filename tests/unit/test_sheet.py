"""Instruction sheets: what they say, what they leave open, and that the page is inert whatever a text holds."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
import yaml
from sheets import CASES, Page, page_of, sheet

from runbook.kinds import KINDS
from runbook.sheet import render
from runbook.sheet.model import Line, Sheet

CONTENT = yaml.safe_load((CASES / "content.yaml").read_text(encoding="utf-8"))
ELEMENTS = frozenset(
    """
    html head meta title style body main header section h1 h2 h3 h4 p b em strong small code pre span div
    ul li dl dt dd table thead tbody tr th td br wbr
    """.split()
)
ATTRIBUTES = frozenset(
    "lang charset name content http-equiv class id aria-labelledby aria-hidden scope data-head".split()
)


def lines_of(found: Sheet) -> list[Line]:
    return [line for section in found.sections for part in section.parts for line in part.lines]


@pytest.mark.parametrize("name", CONTENT)
def test_what_it_says(name: str) -> None:
    case = CONTENT[name]
    found = sheet(case["tutorial"], case.get("given", {}), case.get("tenant"))
    words = page_of(found).words
    for text in case["has"]:
        assert text in words, f"{name}: it does not say {text!r}"
    for text in case["lacks"]:
        assert text not in words, f"{name}: it says {text!r}"
    if "blanks" in case:
        assert list(found.blanks) == case["blanks"], name
    if "open" in case:
        assert [item.name for item in found.decisions if not item.answer] == case["open"], name


@pytest.mark.parametrize("name", ["own", "many.md"])
def test_every_step_of_the_text_is_on_it_once_and_in_order(name: str) -> None:
    from sheets import text_of

    from runbook import library

    tutorial = library.load(text_of(name)).compiled.tutorial
    steps = [line for line in lines_of(sheet(name, {})) if line.role != "words"]
    assert [line.where for line in steps] == [f"line {step.first}" for step in tutorial.walk()]
    assert [line.pieces for line in steps] == [step.pieces for step in tutorial.walk()]


def test_title_text_hash_and_kit_stand_on_it() -> None:
    found = sheet("many.md", {})
    page = page_of(found)
    assert found.title == "Take mail from the gateway" and found.title in page.words
    digest = hashlib.sha256((CASES / "many.md").read_bytes()).hexdigest()
    assert f"SHA-256 of the text {digest}" in page.words and digest[:16] in page.style
    assert re.search(r"Made with runbook \d+\.\d+", page.words)


def test_equal_sheets_give_equal_pages() -> None:
    assert render(sheet("own", {"egress_region": "us"})) == render(sheet("own", {"egress_region": "us"}))


@pytest.mark.parametrize("name", ["own", "many.md", "hostile.md"])
def test_the_page_is_inert(name: str) -> None:
    text = render(sheet(name, {}))
    page = Page(text)
    assert {tag for tag, _ in page.elements} <= ELEMENTS, name
    assert {key for _, attributes in page.elements for key in attributes} <= ATTRIBUTES, name
    assert not re.search(r"url\(|@import|expression|</", page.style), name
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    [policy] = [row["content"] for _, row in page.elements if row.get("http-equiv") == "Content-Security-Policy"]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert text.index("Content-Security-Policy") < text.index("<title>") < text.index("<style>")


def test_hostile_words_are_shown_and_do_nothing() -> None:
    page = page_of(sheet("hostile.md", {}))
    assert "</code></pre><script>alert(5)</script>" in page.words and "javascript:alert(4)" in page.words
    assert "\\u202eevil\\u202c" in page.words and "\u202e" not in page.words
    assert "</pre><style>body{display:none}</style>" in page.words
    assert "-Name 'O''Brien $(whoami) \"<b>\" </pre>'" in page.words
    assert "-HeaderContainsWords '''; Remove-TransportRule -Identity x; '''" in page.words


def test_every_kind_shows_a_person_what_is_there_without_changing_it() -> None:
    for kind in KINDS:
        [line] = kind.look_by_hand("O'Brien")
        assert line.startswith(("Get-", "curl ")) and "Set-" not in line and "-X" not in line, kind.type
        assert "O'Brien" not in line, f"{kind.type}: the name is not quoted"
