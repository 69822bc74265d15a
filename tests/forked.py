"""The process that `forking` starts: it imports once, then forks a child for every command.

It has one thread, runs no command itself, and says which environment variables were read while it imported. A child
runs a module, in general ``runbook``, as ``python -m`` does, and its interpreter ends as any other does.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# What a run imports beyond the modules of the commands.
MODULES = (
    "IPython.core.application",
    "IPython.core.completer",
    "IPython.core.crashhandler",
    "IPython.core.magics",
    "jinja2.ext",
    "papermill.engines",
    "runbook.engine.bookkeeping",
    "runbook.engine.files",
    "runbook.engine.worker",
    "runbook.record.record",
    "simtenant.state",
)


@dataclass(frozen=True)
class Command:
    """What a child is to do, and on which streams."""

    module: str
    arguments: list[str]
    cwd: str
    environment: dict[str, str]
    umask: int
    streams: list[int]


@contextlib.contextmanager
def watched_environment() -> Iterator[set[str]]:
    """Collect the names of the environment variables that are read in a block; "*" where all of them are."""
    read: set[str] = set()
    usual: Any = type(os.environ)

    class Watched(usual):
        def __getitem__(self, name: Any) -> Any:
            read.add(os.fsdecode(name))
            return super().__getitem__(name)

        def __iter__(self) -> Any:
            read.add("*")
            return super().__iter__()

    os.environ.__class__ = Watched  # type: ignore[assignment]
    try:
        yield read
    finally:
        os.environ.__class__ = usual


def import_all() -> None:
    """Import what the commands would, and do once what comes out the same for every command."""
    from nbformat.validator import get_validator

    from runbook import library, run
    from runbook.cli.main import COMMANDS

    for name in (*(module for module, _ in COMMANDS.values()), *MODULES):
        importlib.import_module(name)
    run.preload()
    for relaxed in (False, True):
        get_validator(4, 5, relax_add_props=relaxed)
    library._load.cache_clear()  # what was worked out on the way is kept, the document not: a child loads its own


class Forker:
    """Forks on request, and tells the other side how every child ended."""

    def __init__(self, main: socket.socket) -> None:
        self._main = main
        self._calls: dict[int, socket.socket] = {}
        self._waiting = selectors.PollSelector()  # epoll's would be shared with the children
        self._woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._waiting.register(self._woken, selectors.EVENT_READ, "woken")
        self._waiting.register(main, selectors.EVENT_READ, "main")

    def serve(self) -> Command | None:
        """Return in a child what it is to do, and None in this process once the other side has closed."""
        while True:
            for key, _ in self._waiting.select():
                if key.data == "woken":
                    os.read(self._woken, 4096)
                    self._reap()
                elif key.data == "main":
                    data, descriptors, _, _ = socket.recv_fds(self._main, 1, 3)
                    if not data:
                        for pid in self._calls:
                            kill(pid)
                        return None
                    if command := self._begin(*descriptors):
                        return command
                elif key.data in self._calls:  # it has said all that it had to say: that it closes means "enough"
                    self._waiting.unregister(key.fileobj)
                    kill(key.data)

    def _begin(self, told: int, *streams: int) -> Command | None:
        call = socket.socket(fileno=told)
        with call.makefile("r") as lines:
            command = Command(**json.loads(lines.readline()), streams=list(streams))
        pid = os.fork()
        if pid == 0:
            return command
        with contextlib.suppress(OSError):  # the child does the same; whoever comes first
            os.setpgid(pid, pid)
        for stream in streams:
            os.close(stream)
        self._calls[pid] = call
        self._waiting.register(call, selectors.EVENT_READ, pid)
        return None

    def _reap(self) -> None:
        while self._calls:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            with self._calls.pop(pid) as call:
                with contextlib.suppress(KeyError):
                    self._waiting.unregister(call)
                with contextlib.suppress(OSError):  # nobody may be waiting for it any more
                    call.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def become(command: Command) -> None:
    """Make this process what ``python -m MODULE`` would be at the module's first line."""
    os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, stream in enumerate([os.open(os.devnull, os.O_RDONLY), *command.streams]):
        os.dup2(stream, number)
    os.closerange(3, max(map(int, os.listdir("/proc/self/fd"))) + 1)
    os.umask(command.umask)
    os.chdir(command.cwd)
    os.environ.clear()
    os.environ.update(command.environment)
    sys.argv[1:] = command.arguments
    sys.orig_argv[:] = [sys.executable, "-m", command.module, *command.arguments]
    sys.path.insert(0, command.cwd)


def main() -> None:
    """Serve the socket whose number is the first argument; in a child, run its command."""
    sys.path.pop(0)  # this file's own folder
    with watched_environment() as read:
        import_all()
    gc.collect()
    gc.freeze()  # else a child's first collection would copy all that it shares
    main = socket.socket(fileno=int(sys.argv[1]))
    main.sendall(json.dumps(sorted(read)).encode() + b"\n")
    forker = Forker(main)
    command = forker.serve()
    if command is not None:
        become(command)
        runpy.run_module(command.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
