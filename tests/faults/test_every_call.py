"""A seeded sample of the sweep that breaks every call; all points are tried by ``make faults``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SWEEP = Path(__file__).parent / "sweep.py"


@pytest.mark.timeout(500)
@pytest.mark.parametrize("seed", [20261125, 20261126])
def test_a_sample_of_broken_runs_is_gone_on_with(seed: int) -> None:
    """26 points, 52 runs each time: the broken attempt, and the one that goes on."""
    command = [sys.executable, str(SWEEP), "--sample", "26", "--seed", str(seed), "--profile", "new"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=480)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "26 tried, 26 held" in done.stdout
