"""What is loaded before a fork is all that a run needs, and nothing that it should not hold."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

LOADED = "import sys\nfrom runbook.run import preload, run\npreload()\n"
WAYS_IN = (
    "runbook.run",
    "runbook.fleet.local",
    "runbook.fleet.fleet",
    "runbook.record",
    "runbook.archive",
    "runbook.engine",
)
"""What the command line imports first, when it does something with notebooks."""

RUN = """
import gc
from runbook.task import Request
loaded, kept = set(sys.modules), gc.get_freeze_count()
preload("junk-and-user-quarantine")
assert gc.get_freeze_count() == kept, "the second time it is loaded again"
run(Request(tenant="demo", mode="plan"))
print(*sorted(set(sys.modules) - loaded))
"""

GRAMMARS = """
import importlib.util
assert "jsonschema" in sys.modules
assert "rfc3987_syntax" not in sys.modules, "jsonschema compiled its grammars"
print(importlib.util.find_spec("rfc3987_syntax") is not None)
"""

FORKS = """
from runbook.engine import can_fork
print(can_fork())
"""


def said(code: str, folder: Path, *, first: str = LOADED) -> str:
    places = {"RUNBOOK_STATE": str(folder / "state"), "RUNBOOK_RUNS": str(folder / "runs")}
    environment = {**os.environ, **places}
    environment.pop("RUNBOOK_TENANTS", None)
    ended = subprocess.run(
        [sys.executable, "-c", first + code], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_a_run_imports_nothing_more(tmp_path: Path) -> None:
    assert said(RUN, tmp_path) == ""


@pytest.mark.parametrize("module", WAYS_IN)
def test_no_grammar_is_compiled_and_whoever_needs_one_has_it(module: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("rfc3987_syntax") is None:
        pytest.skip("jsonschema has no grammars here")
    assert said(GRAMMARS, tmp_path, first=f"import {module}\n{LOADED}") == "True"


def test_it_leaves_one_thread(tmp_path: Path) -> None:
    if not hasattr(os, "fork") or sys.platform == "darwin":
        pytest.skip("nothing is forked here")
    assert said(FORKS, tmp_path) == "True"
