"""Sheets for tests: of a text and inputs, as a page, and as the words that a reader of the page sees."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from runbook import library
from runbook.inputs import RUN_FIELDS, effective
from runbook.sheet import Source, render, sheet_of
from runbook.sheet.model import Sheet

CASES = Path(__file__).parent / "cases" / "sheet"


def text_of(name: str) -> str:
    """Return what a command line calls a text of the cases: the kit's own edition, or a file."""
    return library.OWN if name == "own" else str(CASES / name)


def sheet(name: str, given: Mapping[str, Any], tenant: Mapping[str, Any] | None = None) -> Sheet:
    document = library.load(text_of(name))
    fields = [field for field in document.all_fields() if field.name not in RUN_FIELDS]
    row = tenant or {}
    inputs = effective(fields, given, row.get("inputs", {}))
    domains = tuple(row.get("domains", ()))
    return sheet_of(Source(document=document, inputs=inputs, domains=domains, tenant=row.get("name", "")))


class Page(HTMLParser):
    """A page taken apart: its words, its elements with their attributes, and its style."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.said: list[str] = []
        self.style = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)
        if tag in ("p", "li", "td", "th", "dt", "dd", "h1", "h2", "h3", "h4", "pre", "div", "span", "br"):
            self.said.append("" if tag == "span" else " ")

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            self.style += data
        elif "head" not in self.open:
            self.said.append(data)

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.said)).replace(" ,", ",")


def page_of(found: Sheet) -> Page:
    return Page(render(found))
