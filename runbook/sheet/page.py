"""Lay a sheet out as one HTML page: no script, no outside reference, and only its own style may act.

Every text is escaped, and marks that nobody can see are spelt out. Links of the text are printed as their addresses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from runbook.sheet.model import Sheet
from runbook.styling import Style
from runbook.views import harmless, plain_lines

_TEMPLATES = Path(__file__).parent / "templates"
_HANDLE = "DOMAIN_ID"
_WHOLE = 36
"""Letters of the longest word that a line of the narrow column holds."""
_KEPT = Markup('<span class="typed">{}</span>')
_MARK = "SHEET-MARK"
"""Stands in the style for what the foot of each printed page names the text by."""


def render(sheet: Sheet) -> str:
    """Return the page. Equal sheets give equal pages."""
    style = _style(sheet.sha256)
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    filled = _filler((*sheet.blanks, _HANDLE))
    environment.filters["filled"] = filled
    environment.filters["typed"] = lambda line: _typed(line, filled)
    environment.filters["is_blank"] = lambda text: text in sheet.blanks
    template = environment.get_template("sheet.html.j2")
    page = template.render(sheet=harmless(asdict(sheet), _spelt), style=Markup(style.text), policy=style.policy)
    return re.sub(r"\n\s*\n+", "\n", page) + "\n"


def _style(sha256: str) -> Style:
    """Return the style, which names the text at the foot of each printed page by the beginning of its hash."""
    mark = sha256[:16] if re.fullmatch(r"[0-9a-f]{64}", sha256) else "unknown"
    return Style((_TEMPLATES / "style.css").read_text(encoding="utf-8").replace(_MARK, mark))


def _spelt(text: str) -> str:
    """Spell out control and direction marks; the blanks of other keyboards are blanks."""
    return plain_lines(text.replace("\t", "    ").replace("\N{NO-BREAK SPACE}", " "))


def _typed(line: str, filled: Callable[[str], Markup]) -> Markup:
    """Keep each word of a command line whole, and each entry of a list: nobody shall wonder whether a hyphen is of it.

    Only what is too long for a line is broken anywhere.
    """

    def whole(text: str) -> Markup:
        return filled(text) if len(text) > _WHOLE else _KEPT.format(filled(text))

    words = (Markup("<wbr>").join(map(whole, re.findall(r"[^,]*,|[^,]+$", word))) for word in line.split(" "))
    return Markup(" ").join(words)


def _filler(blanks: Sequence[str]) -> Callable[[str], Markup]:
    """Return a filter that sets off what is to be filled in within a text."""
    found = re.compile("(" + "|".join(map(re.escape, blanks)) + ")")

    def filled(text: str) -> Markup:
        parts = (
            Markup('<span class="blank">{}</span>').format(part) if part in blanks else escape(part)
            for part in found.split(text)
        )
        return Markup("").join(parts)

    return filled
