"""Where the time of one tenant goes: what `fleet.py` prints when a goal was not reached.

    python profiling.py INVENTORY FOLDER        (in the benchmark's own folder; RUNBOOK_* as there)

Carries a fleet out with a profiler in each tenant's process and in the one that runs its cells, one tenant after the
other, and adds up own time by what it is spent on. A profiler slows Python's own calls down about twice and C not at
all, so the shares lean towards what is written in Python. The seams are put in by assignment: a measuring tool may.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import runbook.fleet.local as local
from runbook.cli.main import main as command_line
from runbook.engine import worker

_WAITING = ("'poll'", "'recv_into'", "time.sleep", "'readline' of '_io.Buffered", "posix.waitpid", "posix.read")
_FILES = (
    "posix.fsync",
    "posix.replace",
    "io.open",
    "posix.mkdir",
    "posix.stat",
    "posix.scandir",
    "posix.open",
    "flock",
)
_GROUPS = (
    (
        "the calls: requests, urllib3, http, msal",
        ("/requests/", "/urllib3/", "/http/", "/email/", "/msal/", "/tenantapi/", "_socket.socket"),
    ),
    (
        "cells: IPython, traitlets, compiling",
        ("/IPython/", "/traitlets/", "codeop", "builtins.compile", "tokenize.py", "/ast.py"),
    ),
    (
        "notebooks: nbformat, papermill, jsonschema",
        ("/nbformat/", "/papermill/", "fastjsonschema", "<string>", "/copy.py"),
    ),
    (
        "the record: nbconvert, jinja2",
        ("/nbconvert/", "/jinja2/", "/runbook/record/", "/markupsafe/", ".j2", "/runbook/archive/"),
    ),
    (
        "the engine and the pipes between its processes",
        ("/runbook/engine/", "selectors.py", "'write' of '_io.FileIO'", "posix.write", "posix.fork"),
    ),
    ("the simulated tenant's own control", ("/simtenant/", "urllib/request.py", "runbook/simulated.py")),
    ("reading, comparing, promises (the kit's purpose)", ("/runbook/",)),
    ("JSON", ("/json/", "raw_decode", "iterencode", "to_json", "from_json")),
)


def groups(profiles: Iterable[Path]) -> Counter[str]:
    """Return seconds of own time by what they were spent on."""
    spent: Counter[str] = Counter()
    for path in profiles:
        found: Any = pstats.Stats(str(path))
        for (file, _, function), (_, _, own, _, _) in found.stats.items():
            spent[_group(f"{file}:{function}")] += own
    return spent


def _group(name: str) -> str:
    if any(word in name for word in _WAITING):
        return "waiting (for the network, and of one process for the other)"
    if any(word in name for word in _FILES):
        return "files"
    return next((group for group, words in _GROUPS if any(word in name for word in words)), "the rest of Python")


def _profiled(call: Callable[..., Any], path: Path) -> Any:
    profile = cProfile.Profile()
    profile.enable()
    try:
        return call()
    finally:
        profile.disable()
        profile.dump_stats(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("inventory")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    folder = given.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    work, cells = local.work, worker.run_child

    def outer(order: Any, told: Any) -> Any:
        return _profiled(lambda: work(order, told), folder / f"{os.getpid()}.outer")

    def inner(*given: Any) -> Any:
        return _profiled(lambda: cells(*given), folder / f"{os.getpid()}.inner")

    local.work, worker.run_child = outer, inner
    sys.argv = ["runbook", "fleet", "verify", given.inventory, "-q", "--workers", "1", "--in-flight", "1"]
    code = command_line()
    tenants = len(list(folder.glob("*.outer")))
    spent = groups(path for path in folder.iterdir() if path.suffix in (".outer", ".inner"))
    print(f"own time of one of {tenants} tenants under a profiler, its two processes together, in milliseconds")
    for name, seconds in spent.most_common():
        print(f"  {seconds * 1000 / tenants:8.1f}  {name}")
    return code


if __name__ == "__main__":
    sys.exit(main())
