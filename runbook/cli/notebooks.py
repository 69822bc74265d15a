"""``runbook notebooks``: JupyterLab on a folder of notebooks, with the simulated tenant running beside it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import click

from runbook import tenants
from runbook.errors import UsageError
from runbook.notebooks import START
from runbook.runs import runs_directory
from runbook.tenants.file import find_file


@click.command(
    epilog="""\b
Examples:
  runbook notebooks
  runbook compile tutorial.md -o nb && runbook notebooks nb
"""
)
@click.argument("folder", default="notebooks", type=click.Path(path_type=Path))
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
@click.option("--port", default=8888, show_default=True, help="Port on this machine; the next free one if it is taken.")
def notebooks(folder: Path, no_browser: bool, port: int) -> int:
    """Open JupyterLab on the first page of a folder of notebooks, until Ctrl-C.

    The simulated tenant is served meanwhile, so that all notebooks share it. Runs and their records go to the folder
    runs beside the notebooks, or to RUNBOOK_RUNS; the present folder is the top of what JupyterLab shows.
    """
    if not (folder / START).is_file():
        raise UsageError(
            f"{folder / START} is not there.",
            f"Name a folder of generated notebooks, or make one: runbook compile TUTORIAL -o {folder}",
        )
    if importlib.util.find_spec("jupyterlab") is None:
        raise UsageError("JupyterLab is not installed.", "Install it beside the kit: pip install -e '.[notebook]'")
    top = Path.cwd()
    try:
        page = folder.resolve().relative_to(top).joinpath(START).as_posix()
    except ValueError:
        top, page = folder.resolve(), START
    demo = tenants.entry(tenants.DEMO)
    server = tenants.serve(tenants.DEMO, demo) if demo.simulated is not None else None
    try:
        return _lab(top, page, port, no_browser)
    finally:
        if server is not None:
            server.stop()


def _lab(top: Path, page: str, port: int, no_browser: bool) -> int:
    """Run JupyterLab as a process of its own; when this one is asked to end, that one is, with its kernels."""
    command = [
        sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={top}", f"--ServerApp.port={port}",
        f"--LabApp.default_url=/lab/tree/{page}", "--LabApp.news_url=None",
    ]  # fmt: skip
    command += ["--no-browser"] if no_browser else []
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    process = subprocess.Popen(command, env=_environment())
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        return 0


def _environment() -> dict[str, str]:
    """The environment of the kernels, in which names that are relative to this folder are whole."""
    found = find_file()
    return {
        **os.environ,
        "RUNBOOK_RUNS": str(runs_directory().absolute()),
        **({"RUNBOOK_TENANTS": str(found.absolute())} if found else {}),
    }
