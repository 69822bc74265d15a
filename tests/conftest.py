"""What the tests share: the command line as a process of its own, on a simulated tenant of its own."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from forking import Forking, possible

from runbook import simulated

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 100


def inherited() -> dict[str, str]:
    """What a kit's processes keep of the environment that the tests run in."""
    names = ("PATH", "HOME", "LANG", "PYTHONPATH", "SIMTENANT_TRANSCRIPT")
    return {name: os.environ[name] for name in names if name in os.environ}


@functools.cache
def forking() -> Forking | None:
    """The one process of this one that commands are forked from; None where that cannot be done."""
    return Forking(inherited()) if possible() else None


@pytest.fixture(scope="session", autouse=True)
def no_forking_is_left() -> Iterator[None]:
    """End that process, if it was started."""
    yield
    if forking.cache_info().currsize and (started := forking()):
        started.close()


@dataclass(frozen=True)
class Kit:
    """The command line with a state folder, a runs folder and a working folder of its own."""

    folder: Path

    @property
    def state(self) -> Path:
        return self.folder / "state" / "simulated" / "demo"

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def environment(self, **more: str) -> dict[str, str]:
        own = {"RUNBOOK_STATE": str(self.folder / "state"), "RUNBOOK_RUNS": str(self.runs)}
        return {**inherited(), **own, **more}

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command. It is forked where that comes to the same, for a start with all imports takes a second."""
        whole = self.environment(**environment)
        quick = forking()
        if quick is None or not quick.takes(whole):
            return self.python("-m", "runbook", *arguments, **environment)
        return quick.run(arguments, cwd=self.folder, env=whole, timeout=PATIENCE_SECONDS)

    def python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the interpreter as a process of its own."""
        return subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE_SECONDS,
        )

    def newest(self, mode: str) -> Path:
        return max(self.runs.glob(f"*-{mode}-*"), key=lambda path: path.stat().st_mtime_ns)

    def result(self, mode: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.newest(mode) / "result.json").read_text())
        return loaded

    def writes(self) -> list[dict[str, Any]]:
        """Write requests in the simulated tenant's own log."""
        return [row for row in simulated.requests_log(self.state) if row["write"]]

    def apply(self, *parameters: str) -> subprocess.CompletedProcess[str]:
        """Plan, and apply that plan."""
        assert self("plan", "--tenant", "demo", *parameters).returncode == 3
        return self("apply", "--tenant", "demo", "--approve", self.result("plan")["plan_hash"])


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    """A kit on a new simulated tenant."""
    made = Kit(tmp_path)
    simulated.reset(made.state)
    return made


@pytest.fixture(scope="session")
def plan_made(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """A kit on a new simulated tenant with one plan; it is only copied."""
    made = Kit(tmp_path_factory.mktemp("planned"))
    simulated.reset(made.state)
    done = made("plan", "--tenant", "demo")
    assert done.returncode == 3, done.stderr + done.stdout
    return made


@pytest.fixture
def planned(plan_made: Kit, tmp_path: Path) -> Kit:
    """A copy of that kit, for a test that begins with a plan and looks at nothing of how it was made."""
    shutil.copytree(plan_made.folder, tmp_path, dirs_exist_ok=True)
    return Kit(tmp_path)


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    """A kit whose tenant was set up by one plan and apply; tests of a module share it and must not write."""
    made = Kit(tmp_path_factory.mktemp("applied"))
    simulated.reset(made.state)
    done = made.apply()
    assert done.returncode == 0, done.stderr + done.stdout
    yield made
