"""JupyterLab as a process of its own, with every folder that it writes to in one temporary folder."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import ROOT, inherited

from runbook import simulated

NOTEBOOKS = ROOT / "notebooks"
START_SECONDS = 60
STOP_SECONDS = 15

# What JupyterLab would ask or fetch by itself on its first start, in a browser that has never seen it.
SETTINGS = {
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {
        "checkForUpdates": False,
        "doNotDisturbMode": False,
        "fetchNews": "false",
    },
}


@dataclass(frozen=True)
class Jupyter:
    """A running JupyterLab: where it answers, and the folders that it and its kernels use."""

    folder: Path
    url: str
    token: str

    @property
    def notebooks(self) -> Path:
        return self.folder / "notebooks"

    @property
    def state(self) -> Path:
        """The simulated tenant that the notebooks find under its default name."""
        return self.folder / "state" / "simulated" / "demo"

    @property
    def settings(self) -> Path:
        return self.folder / "jupyter" / "settings"

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def ask(self, method: str, path: str) -> Any:
        """Ask JupyterLab's own interface; the answer's JSON, or None where there is none."""
        headers = {"Authorization": f"token {self.token}"}
        asked = urllib.request.Request(f"{self.url}{path}", method=method, headers=headers)
        with urllib.request.urlopen(asked, timeout=STOP_SECONDS) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def forget(self) -> None:
        """End every kernel, and put notebooks, runs and the simulated tenant back to their beginning."""
        for session in self.ask("GET", "api/sessions"):
            with contextlib.suppress(urllib.error.HTTPError):  # a page that closes may have ended it just now
                self.ask("DELETE", f"api/sessions/{session['id']}")
        until(lambda: simulated.running(self.state) is None, "the kernels' simulated tenant to end")
        shutil.rmtree(self.runs, ignore_errors=True)
        shutil.rmtree(self.notebooks, ignore_errors=True)
        shutil.copytree(NOTEBOOKS, self.notebooks, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        simulated.reset(self.state)
        self.settle_in()

    def settle_in(self) -> None:
        """Put JupyterLab's own settings back to a first start that asks nothing."""
        shutil.rmtree(self.settings, ignore_errors=True)
        for name, content in SETTINGS.items():
            path = self.settings / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content))


def until(true: Any, what: str, seconds: float = STOP_SECONDS) -> None:
    """Ask again and again until a condition outside of the browser holds; AssertionError when it never does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds:g} seconds in vain for {what}"
        time.sleep(0.05)


def environment(folder: Path) -> dict[str, str]:
    """Every place that Jupyter, IPython and the kit write to, inside of one folder."""
    own = {
        "HOME": "home",
        "JUPYTER_CONFIG_DIR": "jupyter/config",
        "JUPYTER_DATA_DIR": "jupyter/data",
        "JUPYTER_RUNTIME_DIR": "jupyter/runtime",
        "JUPYTERLAB_SETTINGS_DIR": "jupyter/settings",
        "JUPYTERLAB_WORKSPACES_DIR": "jupyter/workspaces",
        "IPYTHONDIR": "ipython",
        "RUNBOOK_STATE": "state",
        "RUNBOOK_RUNS": "runs",
    }
    places = {name: str(folder / place) for name, place in own.items()}
    for place in places.values():
        Path(place).mkdir(parents=True, exist_ok=True)
    return {**inherited(), **places}


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Jupyter]:
    """Run JupyterLab for the length of a ``with`` block, on a copy of the notebooks."""
    own = environment(folder)
    shutil.copytree(NOTEBOOKS, folder / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    token = secrets.token_hex(16)
    log = folder / "jupyter.log"
    with log.open("wb") as written:
        process = subprocess.Popen(_command(folder, token), env=own, cwd=folder, stdout=written, stderr=written,
                                   stdin=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
    try:
        started = Jupyter(folder, _address(process, Path(own["JUPYTER_RUNTIME_DIR"]), log), token)
        started.settle_in()
        yield started
    finally:
        _stop(process)


def _command(folder: Path, token: str) -> list[str]:
    return [
        sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root",
        "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={folder / 'notebooks'}",
        "--ServerApp.shutdown_no_activity_timeout=600",  # if these tests are killed, it ends by itself
        "--ServerApp.log_level=WARN", "--LabApp.news_url=None",
    ]  # fmt: skip


def _address(process: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    told = runtime / f"jpserver-{process.pid}.json"

    def answers() -> bool:
        assert process.poll() is None, f"JupyterLab ended by itself:\n{log.read_text()[-2000:]}"
        return told.is_file() and told.read_text().strip().endswith("}")

    until(answers, "JupyterLab to start", START_SECONDS)
    return str(json.loads(told.read_text())["url"])


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, which ends its kernels; a kernel ends by itself when it is gone all the same."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
