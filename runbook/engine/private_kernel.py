"""Start an IPython kernel that listens on no TCP port at all: ``python -m runbook.engine.private_kernel -f FILE``.

Even with Unix sockets for its channels, ipykernel opens one port on loopback, by which forked children of the
kernel print (7.4, ``iostream.IOPubThread``, argument ``pipe``; there is no setting for it). Without it such a child's
``print`` is lost; what a subprocess writes is not.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ipykernel import kernelapp
from ipykernel.iostream import IOPubThread


class WithoutPipe(IOPubThread):
    """The thread that sends a kernel's outputs, without its own port."""

    def __init__(self, socket: Any, pipe: bool = False, **more: Any) -> None:
        super().__init__(socket, pipe=False, **more)


def main() -> None:
    """Run the kernel until it is told to end."""
    if sys.path[0] == "" or Path(sys.path[0]) == Path.cwd():
        del sys.path[0]  # as ipykernel's own launcher does
    vars(kernelapp)["IOPubThread"] = WithoutPipe  # this process is a kernel and nothing else
    kernelapp.launch_new_instance()


if __name__ == "__main__":
    main()
