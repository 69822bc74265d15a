"""Reads a tenant's own request log and says what its client should never have done.

Two rules: no request to a service before the time that an answer of the same service asked to wait was over
(RFC 9110, 10.2.3), and no request that carries another tenant's token, path or anchor. Rows that an older version
logged do not tell, and are passed over.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simtenant import organization, state
from simtenant.services import service_of

TOO_EARLY = "too early"
ANOTHER_TENANT = "another tenant"

_PLACES: Mapping[str, str] = {"token_of": "token", "path_of": "path", "anchor_of": "anchor"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One request that should not have been made."""

    number: int
    """Its number in the log."""
    rule: str
    told: str
    """A sentence that names the request and what is wrong with it."""


def judge(directory: Path, since: int = 0) -> tuple[Finding, ...]:
    """Judge the requests after number ``since`` that the tenant of a directory was sent."""
    rows = state.requests_log(directory, since)
    return (*too_early(rows), *foreign(rows, own_names(directory)))


def too_early(rows: Iterable[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Find requests that came before an earlier answer of the same service allowed them.

    A request that was under way already when that answer was given is no fault. Rows of several tenants may be
    judged together as one client's, when their servers ran on one machine without a restart: they have one clock.
    """
    known = [row for row in rows if row["arrived"] is not None]
    waits = [row for row in known if row["retry_after"] is not None]
    found = []
    for row in known:
        for wait in waits:
            until = wait["answered"] + wait["retry_after"]
            if wait["answered"] <= row["arrived"] < until and _service(row) == _service(wait):
                found.append(_finding(row, TOO_EARLY, f"{until - row['arrived']:.3f} seconds before {_ended(wait)}"))
                break
    return tuple(found)


def foreign(rows: Iterable[Mapping[str, Any]], own: Collection[str]) -> tuple[Finding, ...]:
    """Find requests whose token, path or anchor names none of a tenant's ``own`` names.

    A token that tells nothing and was not issued here (``evidence.UNKNOWN``) is another tenant's.
    """
    names = {name.casefold() for name in own}
    found = []
    for row in rows:
        for place, word in _PLACES.items():
            named = row[place]
            if named is not None and named.casefold() not in names:
                found.append(_finding(row, ANOTHER_TENANT, f"its {word} is of {named}"))
    return tuple(found)


def own_names(directory: Path) -> frozenset[str]:
    """Give every name of a tenant: its directory's, its account's and those of its domains."""
    credentials = json.loads((directory / state.CREDENTIALS_NAME).read_text(encoding="utf-8"))
    domains = state.objects(directory).get(organization.DOMAIN, [])
    ids = (credentials["tenant_id"], credentials["cloudflare_account_id"])
    return frozenset((*ids, *(str(row["DomainName"]) for row in domains)))


def _service(row: Mapping[str, Any]) -> str:
    return service_of(row["path"])


def _ended(wait: Mapping[str, Any]) -> str:
    return f"the {wait['retry_after']} seconds were over that request {wait['n']} was answered with {wait['status']}"


def _finding(row: Mapping[str, Any], rule: str, why: str) -> Finding:
    told = f"Request {row['n']} ({row['method']} {row['cmdlet'] or row['path']}): {why}."
    return Finding(number=row["n"], rule=rule, told=told)
