"""A seeded sample of the sweep that breaks every call; all points are tried by ``make faults``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SWEEP = Path(__file__).parent / "sweep.py"


def hold(count: int, seed: int) -> None:
    """See that so many points hold; each is two runs: the broken attempt, and the one that goes on."""
    command = [sys.executable, str(SWEEP), "--sample", str(count), "--seed", str(seed), "--profile", "new"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=480)
    assert done.returncode == 0, f"seed {seed}\n{done.stdout}{done.stderr}"
    assert f"{count} tried, {count} held" in done.stdout


@pytest.mark.timeout(500)
def test_a_sample_of_broken_runs_is_gone_on_with() -> None:
    """The same points always, so that a failure is the change's; `make slow` has more, `make faults` all."""
    hold(12, 20261125)


@pytest.mark.slow
@pytest.mark.timeout(500)
@pytest.mark.parametrize("seed", [20261125, 20261126])
def test_a_larger_sample_of_broken_runs_is_gone_on_with(seed: int) -> None:
    hold(26, seed)
