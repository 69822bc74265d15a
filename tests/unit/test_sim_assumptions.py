"""The table of assumptions: complete, free of dead entries, and told apart by what a run did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from simtenant import assumptions
from simtenant.assumptions import Assumption
from simtenant.binding import cmdlets
from simtenant.switches import SWITCHES

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "assumptions.yaml").read_text(encoding="utf-8"))

# Switches that choose a degree or a plain fact of the tenant, not between two readings of the facts.
NOT_ASSUMED = {
    "error_key_case",
    "cloudflare_paging",
    "exchange_page_size",
    "graph_page_size",
    "cloudflare_limit",
    "conditional_access",
    "defender_plan",
    "device_interval_seconds",
    "token_lifetime_seconds",
}


def row(
    method: str = "POST",
    path: str = "/adminapi/beta/t/InvokeCommand",
    cmdlet: str | None = None,
    status: int | None = 200,
    host: str = "outlook.office365.com",
) -> dict[str, Any]:
    return {
        "n": 1, "method": method, "path": path, "cmdlet": cmdlet, "status": status, "write": False, "host": host,
    }  # fmt: skip


def written(text: str) -> dict[str, Any]:
    """Read a request the way the cases write it."""
    words = text.split()
    host = words.pop()[1:] if words[-1].startswith("@") else "outlook.office365.com"
    status = int(words.pop()) if words[-1].isdecimal() else 200
    if len(words) == 1:
        return row(cmdlet=words[0], status=status, host=host)
    return row(words[0], words[1], status=status, host=host)


def named(identifier: str) -> Assumption:
    return next(assumption for assumption in assumptions.ASSUMPTIONS if assumption.id == identifier)


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
                known = [*(cmdlet.name for cmdlet in cmdlets().values()), "$batch"]
                assert any(alone.concerns(row(cmdlet=name, status=400), ()) for name in known) or alone.hosts, pattern


def test_a_run_relies_on_nothing_it_did_not_touch() -> None:
    assert used() == set()
    assert used(row("GET", "/client/v4/user/tokens/verify")) == {"cloudflare-token-owner"}
    rules = used(row(cmdlet="Get-TransportRule"))
    assert {"scl-json-type", "ip-range-spelling", "result-size"} <= rules
    assert not rules & {"duplicate-name", "remove-in-use", "cloudflare-refusals", "null-clears", "unknown-identity"}


def test_every_row_of_the_table_has_a_case() -> None:
    assert {case["id"] for case in CASES} == {assumption.id for assumption in assumptions.ASSUMPTIONS}


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case['id']}: {case['request']}") for case in CASES])
def test_a_request_is_marked_with_what_it_relied_on(case: dict[str, Any]) -> None:
    request, assumption = written(case["request"]), named(case["id"])
    assert case["id"] in used(request)
    assert case["id"] not in used({**request, "method": "TRACE", "cmdlet": None, "path": "/nothing", "host": "x"})
    if request["cmdlet"] is None:
        assert case["id"] not in used({**request, "cmdlet": "Test-Nothing"})
    for status in (200, None):
        assert (case["id"] in used({**request, "status": status})) is not assumption.refused
    if assumption.hosts:
        assert case["id"] not in used({**request, "host": "outlook.office365.com"})


def test_a_turned_switch_is_told_and_marks_more_than_refusals() -> None:
    assumption = named("unknown-identity")
    listed = row(cmdlet="Get-TransportRule")
    assert not assumption.concerns(listed)
    assert assumption.concerns(listed, {"unknown_identity": "all"})
    assert assumption in assumptions.used_by([listed], {"unknown_identity": "all"})
    assert assumption.told({"scl_type": "text"}) == assumption.statement
    told = assumption.told({"unknown_identity": "all"})
    assert told == f"Not so here, for the switch unknown_identity is all: {assumption.statement}"
