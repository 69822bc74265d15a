"""Reach a kernel over sockets in a private folder, so that no port of it can be seen or connected to."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager


class PrivateKernelManager(AsyncKernelManager):
    """A kernel manager that talks over Unix sockets in a folder that only its owner may enter (mode 0700).

    Over TCP, jupyter_client opens five ports on loopback, which every user of the machine can connect to; only the
    key in the connection file keeps them out [jupyter_client 8, "Connection files"].
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Not below a run's folder: a socket's whole path may be 107 bytes long (unix(7)), on some systems 103.
        usual = tempfile.gettempdir()
        self._folder = tempfile.mkdtemp(prefix="runbook-", dir=usual if len(os.fsencode(usual)) < 70 else "/tmp")
        self.transport = "ipc"
        self.connection_file = str(Path(self._folder) / "kernel.json")

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """Return the command that starts the kernel: an IPython kernel is started without the port of its own."""
        own = {"ipykernel_launcher": "runbook.engine.private_kernel"}
        return [own.get(word, word) for word in super().format_kernel_cmd(extra_arguments)]

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        await super()._async_cleanup_resources(restart=restart)
        if not restart:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __del__(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        super().__del__()


def kernel_options() -> dict[str, Any]:
    """Return nbclient's options for such a kernel; where the system has no Unix sockets for it (Windows) it uses TCP.

    The kernel writes to the terminal past everybody, so it keeps its log to what is critical: when it is
    interrupted it logs a traceback of its own. What goes wrong in a cell is in the notebook.
    """
    quiet = {"extra_arguments": ["--IPKernelApp.log_level=50"]}
    return {"kernel_manager_class": PrivateKernelManager, **quiet} if os.name == "posix" else quiet
