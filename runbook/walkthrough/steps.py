"""How far an apply is, change by change."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from runbook.difference import kind_title
from runbook.plan import SYMBOL, Change
from runbook.views import View, plain

_WORDS = {
    "waiting": ("○", "waits"),
    "running": ("▶", "is being written"),
    "changed": ("✓", "done"),
    "failed": ("✗", "failed"),
    "interrupted": ("✗", "was interrupted"),
    "unknown": ("?", "not known whether it took effect"),
}


def view(found: Sequence[tuple[Change, str]]) -> View:
    """Return a line for each change with its sign, in the order in which they are made."""
    lines = [_line(change, status) for change, status in found]
    items = "".join(f'<li class="runbook-step">{escape(line)}</li>' for line in lines)
    html = f'<ol class="runbook-steps" aria-label="Progress">{items}</ol>' if lines else ""
    return View("\n".join(lines), html)


def _line(change: Change, status: str) -> str:
    mark, words = _WORDS.get(status, ("?", status))
    return f"{mark} {SYMBOL[change.action]} {kind_title(change.kind)} {plain(change.identity)}: {words}"
