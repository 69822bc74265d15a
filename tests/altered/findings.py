"""The findings that are open: which failures of the sweep have a known cause, each with a minimal text of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from altered.judging import Source
from altered.laid_out import Altered

KNOWN: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "known.yaml").read_text(encoding="utf-8"))


def is_known(source: Source, altered: Altered) -> bool:
    """Tell whether a line that an alteration has written bears the mark of an open finding."""
    before = set(source.lines)
    new = [line for line in altered.lines if line not in before]
    return any(
        re.fullmatch(entry["alteration"], altered.alteration) and any(re.search(entry["matches"], line) for line in new)
        for entry in KNOWN
    )
