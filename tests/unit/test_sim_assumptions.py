"""The table of assumptions: complete, free of dead entries, and told apart by what a run did."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simtenant import assumptions
from simtenant.binding import cmdlets
from simtenant.switches import SWITCHES

# Switches that choose a degree or a plain fact of the tenant, not between two readings of the facts.
NOT_ASSUMED = {
    "error_key_case",
    "next_link",
    "not_found_form",
    "exchange_page_size",
    "graph_page_size",
    "cloudflare_limit",
    "conditional_access",
    "defender_plan",
    "device_interval_seconds",
    "token_lifetime_seconds",
}


def row(
    method: str = "POST", path: str = "/adminapi/beta/t/InvokeCommand", cmdlet: str | None = None
) -> dict[str, Any]:
    return {"n": 1, "method": method, "path": path, "cmdlet": cmdlet, "status": 200, "write": False}


def used(*rows: dict[str, Any]) -> set[str]:
    return {assumption.id for assumption in assumptions.used_by(rows)}


def test_identifiers_are_unique_and_sentences_are_sentences() -> None:
    identifiers = [assumption.id for assumption in assumptions.ASSUMPTIONS]
    assert len(identifiers) == len(set(identifiers))
    for assumption in assumptions.ASSUMPTIONS:
        assert assumption.statement.endswith(".")
        assert assumption.why.endswith(".")
        assert assumption.calls


def test_switches_and_assumptions_know_each_other() -> None:
    named = {assumption.switch for assumption in assumptions.ASSUMPTIONS if assumption.switch}
    assert named == set(SWITCHES) - NOT_ASSUMED


def test_every_cmdlet_pattern_means_a_cmdlet() -> None:
    for assumption in assumptions.ASSUMPTIONS:
        for pattern in assumption.calls:
            if " " not in pattern:
                alone = replace(assumption, calls=(pattern,))
                assert any(alone.concerns(row(cmdlet=cmdlet.name)) for cmdlet in cmdlets().values()), pattern


def test_a_run_relies_on_nothing_it_did_not_touch() -> None:
    assert used() == set()
    assert used(row("GET", "/client/v4/user/tokens/verify")) == {"cloudflare-auth-status", "cloudflare-token-owner"}
    rules = used(row(cmdlet="Get-TransportRule"))
    assert {"scl-json-type", "ip-range-spelling", "unknown-identity", "result-size"} <= rules
    assert not rules & {"duplicate-name", "remove-in-use", "cloudflare-refusals", "null-clears"}


@pytest.mark.parametrize(
    ("method", "path", "identifier"),
    [
        ("PATCH", "/client/v4/accounts/a/email-security/settings/domains/i", "cloudflare-limits-everywhere"),
        ("POST", "/client/v4/accounts/a/email-security/settings/domains/batch", "cloudflare-batch-atomic"),
        ("GET", "/v1.0/domains/example.com/serviceConfigurationRecords", "service-records-empty"),
        ("POST", "/t/oauth2/v2.0/token", "aadsts-codes"),
    ],
)
def test_other_services_are_told_by_method_and_path(method: str, path: str, identifier: str) -> None:
    assert identifier in used(row(method, path))
    assert identifier not in used(row("HEAD", path))
    assert identifier not in used(row(method, path, cmdlet="Get-AcceptedDomain"))
