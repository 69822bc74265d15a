"""The outlooks that tests show, what must be shown of them, and what the markup is made of."""

from __future__ import annotations

import html.parser
import json
from typing import Any

import yaml
from conftest import ROOT

CASES = ROOT / "tests" / "cases" / "outcome"
SHOWN: dict[str, dict[str, Any]] = yaml.safe_load((CASES / "shown.yaml").read_text("utf-8"))
DIRECTION = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
PICTURE = {
    "svg": {"role", "aria-labelledby", "aria-describedby", "width", "viewBox", "fill", "font-size"},
    "title": {"id"},
    "desc": {"id"},
    "rect": {"x", "y", "width", "height", "rx", "fill", "stroke", "stroke-opacity"},
    "path": {"d", "fill", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray", "stroke-linecap"},
    "text": {"x", "y", "text-anchor", "font-weight"},
}
"""Everything that the picture is made of. Nothing of this fetches, runs or styles anything."""


def outlook(name: str) -> dict[str, Any]:
    """Read an outlook of the cases."""
    loaded: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text("utf-8"))
    return loaded


class Elements(html.parser.HTMLParser):
    """Collect every element with the names of its attributes, and the text."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.made: set[str] = set()
        self.text = ""
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.made.add(tag)
        self.made.update(f"{tag} {name}" for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def picture_made_of() -> set[str]:
    """Name the picture's elements and attributes as `Elements` does."""
    return {item for tag, names in PICTURE.items() for item in (tag, *(f"{tag} {name.lower()}" for name in names))}
