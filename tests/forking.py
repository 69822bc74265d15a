"""A quick stand-in for ``python -m runbook``: a child forked from a process that has its imports done.

That process (`forked`) runs no command itself. Every command gets a child of its own with its own arguments, folder,
environment, umask and streams, so that nothing of one command reaches the next.

What such a child is not: its command line, its parent and its start are those of a fork, all children of one process
have the same hash seed, and a module that a command forgot to import may be there already. Tests of these start a
process: `Kit.python`, or Popen.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

INTERPRETER = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "TZ")
"""Variables that the interpreter or its libraries read before any line of Python does."""
PROGRAM = Path(__file__).with_name("forked.py")


def possible() -> bool:
    """Whether processes can be forked safely here."""
    return sys.platform == "linux"


class Forking:
    """Runs commands in forked children. They end with the process that made this, however it ends."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Start the process to fork from in this environment; its imports are done when this returns."""
        self._lock = threading.Lock()
        self._main, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(PROGRAM), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=environment,
                pass_fds=[theirs.fileno()],
            )
        self._environment = dict(environment)
        with self._main.makefile("r") as lines:
            self._read = frozenset(json.loads(lines.readline()))

    def takes(self, environment: Mapping[str, str]) -> bool:
        """Whether a process with this environment would have begun and imported just the same."""
        other = {name for name, _ in environment.items() ^ self._environment.items()}
        return not any(name in self._read or name.startswith(INTERPRETER) for name in other)

    def run(
        self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float, module: str = "runbook"
    ) -> subprocess.CompletedProcess[str]:
        """Do what subprocess.run does for ``python -m MODULE`` with captured text and no input.

        The child leads a process group of its own. Raises TimeoutExpired, when that group has been killed, and
        ChildProcessError if this was closed meanwhile.
        """
        words = [sys.executable, "-m", module, *arguments]
        asked = {"module": module, "arguments": list(arguments), "cwd": str(cwd)}
        asked |= {"environment": dict(env), "umask": _umask()}
        with contextlib.ExitStack() as stack:
            call, out, errors = self._begin(stack)
            call.sendall(json.dumps(asked).encode() + b"\n")
            said = _until_ended([call.fileno(), out, errors], timeout)
            if said is None:
                call.shutdown(socket.SHUT_WR)  # which has the child killed
                call.recv(64)
                raise subprocess.TimeoutExpired(words, timeout)
        code, *streams = said
        if not code:
            raise ChildProcessError("The process that this was forked from has ended.")
        texts = [io.TextIOWrapper(io.BytesIO(data)).read() for data in streams]
        return subprocess.CompletedProcess(words, int(code), *texts)

    def _begin(self, stack: contextlib.ExitStack) -> tuple[socket.socket, int, int]:
        """Have a child forked; return the socket to talk about it, and the ends of its streams to read from."""
        call, theirs = socket.socketpair()
        stack.enter_context(call)
        (out, out_end), (errors, errors_end) = os.pipe(), os.pipe()
        for end in (out, errors):
            stack.callback(os.close, end)
        try:
            with self._lock:
                socket.send_fds(self._main, [b"."], [theirs.fileno(), out_end, errors_end])
        finally:
            theirs.close()
            os.close(out_end)
            os.close(errors_end)
        return call, out, errors

    def close(self) -> None:
        self._main.close()
        self._process.wait(timeout=20)


def _umask() -> int:
    """This process's umask, without changing it for a moment as os.umask would."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1], 8) for line in lines if line.startswith("Umask:"))


def _until_ended(descriptors: Sequence[int], timeout: float) -> list[bytes] | None:
    """Read all to their ends; None when that takes too long."""
    said = dict.fromkeys(descriptors, b"")
    end = time.monotonic() + timeout
    with selectors.DefaultSelector() as waiting:
        for descriptor in descriptors:
            waiting.register(descriptor, selectors.EVENT_READ)
        while waiting.get_map():
            left = end - time.monotonic()
            if left <= 0:
                return None
            for key, _ in waiting.select(left):
                data = os.read(key.fd, 1 << 16)
                said[key.fd] += data
                if not data:
                    waiting.unregister(key.fd)
    return list(said.values())
