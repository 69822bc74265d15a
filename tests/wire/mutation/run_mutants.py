"""Play the transcripts against a changed client, in a process forked for each change."""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.util
import os
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wire.mutation.wire_constants import LIBRARY, Constant, mutant

CAUGHT, SURVIVED = 0, 1
LONGEST = 60  # seconds; a change that makes the client hang is caught as well
_ALSO = Path(__file__).parents[1] / "test_client_gateway.py"
_FIRST = {
    "cloudflare": "cloudflare:",
    "pages": "cloudflare:",
    "graph": "graph:",
    "exchange": "exchange",
    "envelope": "exchange",
    "http": "transport:",
    "failures": "transport:",
    "gateway": "transport:",
    "clouds": "signin: the hosts",
    "grants": "signin: what",
}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What each change is tried with: the cases, read once, and the certificate of the tests."""

    cases: list[tuple[str, dict[str, Any]]]
    certificate: Any


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Load one module of the client from a changed syntax tree."""

    def __init__(self, constant: Constant, *, really: bool) -> None:
        self._name = "tenantapi." + constant.module.replace("/", ".")
        self._path = str(LIBRARY / f"{constant.module}.py")
        self._code = compile(mutant(constant, really=really), self._path, "exec")

    def find_spec(self, name, path=None, target=None):
        if name == self._name:
            return importlib.util.spec_from_file_location(name, self._path, loader=self)
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(self._code, module.__dict__)


def _forget_client() -> None:
    for name in [*sys.modules]:
        if name.partition(".")[0] == "tenantapi" or name == "wire.client_stage":
            del sys.modules[name]


def _is_caught(constant: Constant, trial: Trial, *, really: bool) -> bool:
    sys.meta_path.insert(0, Changed(constant, really=really))
    _forget_client()
    try:
        # Not `from wire import`: that would find the module that was loaded before.
        client_stage = importlib.import_module("wire.client_stage")
        first = _FIRST.get(constant.module, "signin:" if constant.module.startswith("signin/") else "")
        for _, case in sorted(trial.cases, key=lambda item: not item[0].startswith(first)):
            if next(client_stage.departures(case, trial.certificate), None) is not None:
                return True
    except Exception:
        return True  # the changed client does not even load, or breaks in another way than by an error of its own
    return constant.module in ("gateway", "http", "calls", "tenant", "failures", "grants") and _fails_on_sockets()


def _fails_on_sockets() -> bool:
    import pytest

    plugins = [part for name in ("cacheprovider", "xdist", "asyncio") for part in ("-p", f"no:{name}")]
    # Those left out start a Python of their own, which would load the client as it is.
    return pytest.main(["-x", "-q", "--noconftest", *plugins, "-k", "not netrc and not proxy", str(_ALSO)]) != 0


def _start(constant: Constant, trial: Trial, *, really: bool) -> int:
    """Try one change in a forked process, and return its number."""
    child = os.fork()
    if child:
        return child
    code = CAUGHT
    try:
        signal.alarm(LONGEST)
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            code = CAUGHT if _is_caught(constant, trial, really=really) else SURVIVED
    finally:
        os._exit(code)


def survivors(chosen: Iterable[Constant], trial: Trial, *, really: bool = True) -> list[Constant]:
    """Return those constants whose change no transcript shows.

    ``really=False`` does everything but the change: whatever is then caught shows that the check itself is broken.
    """
    waiting, running, alive = list(chosen), {}, []
    order = {constant: place for place, constant in enumerate(waiting)}
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            constant = waiting.pop(0)
            running[_start(constant, trial, really=really)] = constant
        child, status = os.wait()
        constant = running.pop(child)
        if os.WIFEXITED(status) and os.waitstatus_to_exitcode(status) == SURVIVED:
            alive.append(constant)
    return sorted(alive, key=order.__getitem__)
