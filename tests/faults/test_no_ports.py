"""While a run works, nothing of it can be reached over the network: it listens nowhere, and calls its tenant alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import Kit
from faults.watching import watched

from runbook import simulated

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
    pytest.mark.timeout(400),
]  # several runs, on a machine that may be busy


# Python imports a module of this name at its start, in every process of the run. Looking at the sockets of a process
# now and then misses a connection that is soon closed; the hook misses none that Python opens, and looking sees those
# that it does not open (a kernel's).
HOOK = """
import os, sys

def hook(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.sendto") and isinstance(arguments[1], tuple):
        with open(os.environ["CALLS"], "a") as file:
            file.write(f"{event} {arguments[1][0]} {arguments[1][1]}\\n")

sys.addaudithook(hook)
"""
TRIES_IPV6 = "socket.bind ::1 0"
"""urllib3 sees by this, as it is imported, whether the machine has IPv6; it closes the socket and never listens."""


@pytest.mark.parametrize("engine", ["runbook", pytest.param("nbclient", marks=pytest.mark.slow)])
def test_no_port_of_a_run_is_open(kit: Kit, engine: str) -> None:
    scratch = tempfile.mkdtemp(dir="/tmp")  # a socket's path must be short
    hook, calls = kit.folder / "hook", kit.folder / "calls"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(HOOK)
    environment = kit.environment(TMPDIR=scratch, CALLS=str(calls))
    environment["PYTHONPATH"] = os.pathsep.join([str(hook), environment.get("PYTHONPATH", "")])
    with simulated.serving(kit.state) as address:
        run = subprocess.Popen(
            [sys.executable, "-m", "runbook", "plan", "--tenant", "demo", "--engine", engine],
            cwd=kit.folder, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        _, errors, seen = watched(run)
    assert run.returncode == 3, errors
    assert seen.looks > 5
    assert seen.listening == set()
    tenant = urlsplit(address)
    assert seen.connected <= {tenant.port}, "nobody but the tenant was called"
    made = set(calls.read_text().splitlines()) - {TRIES_IPV6}
    assert made == {f"socket.connect {tenant.hostname} {tenant.port}"}, "the tenant was called, and nobody else"
    kernels = [line for line in seen.command_lines if b"kernel.json" in line]
    assert bool(kernels) == (engine == "nbclient")
    assert list(Path(scratch).glob("runbook-*")) == [], "the private folder is still there"
    shutil.rmtree(scratch)


PRIVATE = """
import asyncio, os
from runbook.engine.kernel import PrivateKernelManager

async def main():
    manager = PrivateKernelManager(kernel_name="python3")
    await manager.start_kernel()
    folder = os.path.dirname(manager.connection_file)
    for path in (folder, manager.connection_file):
        print(oct(os.stat(path).st_mode & 0o777))  # jupyter_client adds the sticky bit to the folder
    await manager.shutdown_kernel(now=True)
    print(os.path.exists(folder))

asyncio.run(main())
"""


def test_the_folder_of_a_kernels_sockets_is_its_owners_alone(kit: Kit) -> None:
    done = kit.python("-c", PRIVATE)
    assert done.stdout.split() == ["0o700", "0o600", "False"], done.stderr
