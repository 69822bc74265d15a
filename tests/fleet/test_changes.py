"""What changed since the run before: only what both runs know, and never more than that."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from conftest import ROOT

from runbook.fleet import changes

CASES: dict[str, Any] = yaml.safe_load((ROOT / "tests" / "cases" / "fleet" / "changes.yaml").read_text("utf-8"))


def section(name: str, drift: Any) -> dict[str, Any]:
    count = drift if isinstance(drift, int) else 0
    return {"section": name, "title": name.upper(), "verified": drift == 0, "drift": count}


def night(tenants: dict[str, Any], number: int = 27, **more: Any) -> dict[str, Any]:
    rows = [
        {
            "tenant": name,
            "status": status,
            "outlook": None if broken is None else {"kept": 4, "broken": broken, "unknown": 0},
            "sections": [section(key, drift) for key, drift in sections.items()],
        }
        for name, (status, broken, sections) in tenants.items()
    ]  # fmt: skip
    return {
        "fleet": f"202611{number}T223000Z-verify-000001", "mode": "verify", "inventory": "customers.yaml",
        "started": f"2026-11-{number}T22:30:00.000Z", "finished": f"2026-11-{number}T22:40:00.000Z", "tenants": rows,
        **more,
    }  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_otherwise_is_said_and_nothing_else(name: str) -> None:
    case = CASES[name]
    found = changes.since(night(case["before"], 26), night(case["now"]))
    told = {key: value for key, value in found.as_json().items() if value and key not in ("fleet", "finished")}
    short = {
        key: [list(item.values()) if isinstance(item, dict) else item for item in value] for key, value in told.items()
    }
    for item in short.get("drifted", []):
        assert item.pop(2) == item[1].upper()
    assert short == case["said"], name
    assert found.is_empty == (not case["said"]), name
    assert found.fleet.startswith("20261126") and json.dumps(found.as_json())
