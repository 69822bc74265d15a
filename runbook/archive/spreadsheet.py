"""CSV (RFC 4180) that a spreadsheet shows and does not run, whatever names a tenant or a document chose."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from runbook.views import plain

# What spreadsheets take for the beginning of a formula, the wide forms of East Asian keyboards included.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def text(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return rows under their heads."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows([cell(value) for value in row] for row in rows)
    return target.getvalue()


def cell(value: Any) -> Any:
    """Return a cell that is only ever text: control and direction marks are spelt out, a formula is quoted."""
    if not isinstance(value, str):
        return value
    shown = plain(value)
    return f"'{shown}" if value.startswith(_FORMULA) or shown.lstrip().startswith(_FORMULA) else shown
