"""Where a tenant's credentials are looked up, and whether something is there: a light each, never a field."""

from __future__ import annotations

from html import escape

from runbook import tenants
from runbook.views import plain


def lights(tenant: str) -> str:
    """Return the references to a tenant's credentials as HTML, each present or absent. No value is read into it."""
    rows = tenants.credential_references(tenant, tenants.entry(tenant))
    items = "".join(
        f"<li>{'●' if there else '○'} {escape(plain(name))}: {escape(plain(place))}, "
        f"<strong>{'present' if there else 'absent'}</strong></li>"
        for name, place, there in rows
    )
    return (
        "<details><summary>Credentials (only where they are looked up; never typed here)</summary>"
        f'<ul class="runbook-lights">{items}</ul></details>'
    )
