"""Which tenant is meant, and the way to it.

`file` reads ``tenants.yaml``; `credentials` looks up what it only refers to; `connection` connects, and serves a
simulated tenant where that is what is meant, keeping to the `budgets` of calls that are asked for.
"""

from __future__ import annotations

from runbook.tenants.connection import Connection, asked, check, domains_of, last_request, open_connection, serve
from runbook.tenants.credentials import (
    check_references,
    credential_references,
    describe,
    relative_certificate,
    variables,
)
from runbook.tenants.file import DEMO, FileReference, Simulated, TenantEntry, entry, load

__all__ = [
    "DEMO",
    "Connection",
    "FileReference",
    "Simulated",
    "TenantEntry",
    "asked",
    "check",
    "check_references",
    "credential_references",
    "describe",
    "domains_of",
    "entry",
    "last_request",
    "load",
    "open_connection",
    "relative_certificate",
    "serve",
    "variables",
]
