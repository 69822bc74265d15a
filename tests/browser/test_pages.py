"""The pages that are handed out: accessible, complete without script and network, and whole when printed."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from browser.pages import PAGES, Written, requested, squeezed, unfold, violations
from playwright.sync_api import Browser, Page

# Colours are not a matter of width, nor is structure one of colours: two looks at a page are enough.
LOOKS = {"light": 1280, "dark": 320}


def opened(page: Page, path: Path) -> Page:
    """The page itself, with a file in it."""
    page.goto(path.as_uri())
    return page


@pytest.mark.parametrize("scheme", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(name: str, scheme: str, written: Written, page: Page, axe: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": LOOKS[scheme], "height": 900})
    unfold(opened(page, written.of(name)))
    assert violations(page, axe) == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_a_narrow_screen(name: str, written: Written, page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 900})
    unfold(opened(page, written.of(name)))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("name", PAGES)
def test_without_script_and_network_nothing_is_asked_for_and_nothing_is_lost(
    name: str, written: Written, chromium: Browser, page: Page
) -> None:
    path = written.of(name)
    with chromium.new_context(java_script_enabled=False, offline=True) as context:
        bare = context.new_page()
        asked = requested(bare)
        opened(bare, path)
        assert asked == [path.as_uri()]
        whole = opened(page, path).locator("body").text_content() or ""
        assert len(squeezed(whole)) > 400
        assert bare.locator("body").text_content() == whole
        assert bare.locator("body").inner_text() == page.locator("body").inner_text()


@pytest.mark.parametrize("name", PAGES)
def test_in_print_no_row_is_cut_and_folded_parts_are_there(name: str, written: Written, page: Page) -> None:
    opened(page, written.of(name))
    printed = pypdf.PdfReader(BytesIO(page.pdf(format="A4")))
    sheets = [squeezed(sheet.extract_text()) for sheet in printed.pages]
    rows = page.locator("tr").all_text_contents()
    cut = [row for row in rows if not any(squeezed(row) in sheet for sheet in sheets)]
    assert cut == [], f"{len(cut)} of {len(rows)} rows are not whole on one of {len(sheets)} sheets"
    whole = "".join(sheets)
    assert [text for text in folded(page) if squeezed(text) not in whole] == []


def folded(page: Page) -> list[str]:
    """Every line that stands in a folded part; a text of several may go on at the top of the next sheet."""
    texts: list[str] = page.evaluate(
        """() => {
          const found = [];
          for (const part of document.querySelectorAll("details")) {
            const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) if (walker.currentNode.data.trim()) found.push(walker.currentNode.data);
          }
          return found;
        }"""
    )
    return [line for text in texts for line in text.splitlines()]
