"""The exit code and the status of a run, from the results of its sections."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.result import exit_code, has_nothing_to_check, is_verified


def section(
    *,
    pending: bool = False,
    verified: bool | None = None,
    error: int | None = None,
    problems: int = 0,
    left: int = 0,
    planned: bool = True,
) -> dict[str, Any]:
    open_parts = [{"presence": "undecided"}] * problems + [{"presence": "left"}] * left
    changes = [{"action": "update" if pending else "none", "properties": [{}], "observed": {}}]
    return {
        "plan": {"changes": changes, "problems": open_parts} if planned else None,
        "verification": None if verified is None else {"ok": verified, "checks": [{"ok": verified or left > 0}]},
        "error": None if error is None else {"exit_code": error},
    }


GOOD = section(verified=True)


@pytest.mark.parametrize(
    ("mode", "sections", "code"),
    [
        ("plan", [section(), section()], 0),
        ("plan", [section(), section(pending=True)], 3),
        ("plan", [section(pending=True), section(problems=1)], 4),
        ("plan", [section(), section(planned=False)], 1),
        ("plan", [section(pending=True), section(error=5)], 5),
        ("verify", [GOOD, GOOD], 0),
        ("verify", [GOOD, section(verified=False, error=3)], 3),
        ("verify", [GOOD, section()], 1),
        ("verify", [GOOD, section(verified=False)], 1),
        ("apply", [GOOD, GOOD], 0),
        ("apply", [GOOD, section(verified=False, error=3)], 1),
        ("apply", [GOOD, section(error=4)], 4),
        ("apply", [GOOD, section(error=1), section(error=4), section(error=5)], 1),
        ("apply", [section(error=5), section(error=4)], 5),
        ("apply", [GOOD, section(error=130), section(error=1)], 130),
        ("apply", [GOOD, section(pending=True)], 1),
        ("plan", [section(), section(left=1)], 3),
        ("plan", [section(problems=1), section(left=1)], 4),
        ("verify", [GOOD, section(verified=False, left=1)], 3),
        ("verify", [section(verified=False), section(verified=False, left=1)], 1),
        ("apply", [GOOD, section(verified=False, left=1)], 3),
        ("apply", [section(verified=False, left=1, error=3)], 1),
    ],
)
def test_the_gravest_decides(mode: str, sections: list[dict[str, Any]], code: int) -> None:
    assert exit_code(sections, mode) == code


def test_a_section_without_a_check_is_never_verified() -> None:
    assert is_verified(GOOD)
    assert not is_verified({"verification": {"ok": True, "checks": []}})
    assert not is_verified({"verification": None})


def test_nothing_to_check_means_planned_and_empty() -> None:
    empty = {"plan": {"changes": [], "problems": []}, "verification": None, "error": None}
    assert has_nothing_to_check(empty)
    assert exit_code([GOOD, empty], "verify") == 0
    assert not has_nothing_to_check({**empty, "plan": None})
    assert not has_nothing_to_check({**empty, "plan": {"changes": [], "problems": [{}]}})
