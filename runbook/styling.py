"""The look of the pages that are kept: plain style sheets, pressed into one text that a page carries and names by hash.

A page's content policy allows this one text and no other style, script or address.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

BASE = Path(__file__).parent / "styling.css"
"""Colours, type, tables and how they are shown in the dark, on paper, narrow and with high contrast."""


@dataclass(frozen=True, slots=True)
class Style:
    """A page's style and the content policy that allows nothing else."""

    text: str

    @property
    def policy(self) -> str:
        """The policy for a ``meta`` element; browsers hash the text between the tags of ``style`` [CSP level 2]."""
        mark = base64.b64encode(hashlib.sha256(self.text.encode()).digest()).decode()
        return f"default-src 'none'; style-src 'sha256-{mark}'"


@functools.cache
def style(*sheets: Path) -> Style:
    """Return the base sheet followed by these, without comments and needless space."""
    return Style("".join(_pressed(path.read_text(encoding="utf-8")) for path in (BASE, *sheets)))


def _pressed(sheet: str) -> str:
    """Take out comments and needless space; what stands in quotes stays as it is."""
    parts = re.split(r'("[^"]*")', re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL))
    return "".join(part if part.startswith('"') else _squeezed(part) for part in parts).strip()


def _squeezed(text: str) -> str:
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r" ?([{};,>]) ?", r"\1", text)
    return re.sub(r": ", ":", text).replace(";}", "}")
