"""Show where mail lands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.views import View, message


def outlook_view(outlook: Mapping[str, Any], what: str) -> View:
    """Show an outlook."""
    rows = [f"{r['disposition']} {r['case']}: {r['before']['text']} -> {r['after']['text']}" for r in outlook["rows"]]
    return message("\n".join(rows))
