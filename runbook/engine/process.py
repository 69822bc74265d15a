"""The parent's side: fork a worker, send it cells, collect what it prints, and outlive whatever it does."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import selectors
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Message = Mapping[str, Any]
INTERRUPT_GRACE_SECONDS = 2.0
NEW_NOTEBOOK_SECONDS = 30.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class WorkerDied(Exception):
    """The child ended while a cell was running; the text says how."""


class CellTimedOut(Exception):
    """A cell ran longer than it may; the child was interrupted, and killed if it did not stop."""


def can_fork() -> bool:
    """Whether this process may fork safely: the platform has it, and no second thread runs (as the system counts)."""
    if not hasattr(os, "fork") or sys.platform == "darwin":
        return False
    tasks = Path("/proc/self/task")
    count = len(list(tasks.iterdir())) if tasks.is_dir() else threading.active_count()
    return count == 1


@dataclass(frozen=True, slots=True)
class Late:
    """What is done when a cell runs longer than so many seconds, and goes on running."""

    seconds: float
    do: Callable[[], object]


@dataclass(slots=True)
class _Pipes:
    requests: int
    messages: int
    printed: int


class Worker:
    """One forked child that runs notebooks, one after the other, for one tenant.

    Use it as a context manager. The child sees the parent's modules, its own environment, and nothing of
    another tenant; it ends when the parent closes the pipe or dies.
    """

    def __init__(self, *, directory: Path | None = None) -> None:
        from runbook.engine import worker  # IPython is imported here, once, before the fork

        shell = worker.make_shell()
        request_read, request_write = os.pipe()
        message_read, message_write = os.pipe()
        print_read, print_write = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            for descriptor in (request_write, message_read, print_read):
                os.close(descriptor)
            be_child(
                lambda: worker.run_child(shell, request_read, message_write),
                parent=parent,
                printed=print_write,
                directory=directory,
            )
        for descriptor in (request_read, message_write, print_write):
            os.close(descriptor)
        self._pipes = _Pipes(requests=request_write, messages=message_read, printed=print_read)
        self._selector = selectors.DefaultSelector()
        self._selector.register(message_read, selectors.EVENT_READ, "messages")
        self._selector.register(print_read, selectors.EVENT_READ, "printed")
        self._buffer = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._ended: str | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def new_notebook(self) -> None:
        """Give the next notebook an empty namespace. Raises WorkerDied."""
        self._converse({"op": "new"}, lambda message: None, NEW_NOTEBOOK_SECONDS)

    def run_cell(
        self, code: str, take: Callable[[Message], None], timeout_seconds: float | None, late: Late | None = None
    ) -> Message:
        """Run one cell, hand every output to `take`, and return the closing message (ok, count).

        If it runs longer than `late` allows, that is done once, beside it.

        Raises WorkerDied or CellTimedOut; what was printed before is with `take` already.
        """
        return self._converse({"op": "cell", "code": code}, take, timeout_seconds, late)

    def _converse(
        self,
        request: Message,
        take: Callable[[Message], None],
        timeout_seconds: float | None,
        late: Late | None = None,
    ) -> Message:
        if self._ended is not None:
            raise WorkerDied(self._ended)
        try:
            write_all(self._pipes.requests, json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            self._reap()
            raise WorkerDied(self._ended or "") from None
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        try:
            done = self._in_time(take, late, deadline) if late is not None else None
            done = done or self._until_done(take, deadline)
        except WorkerDied:
            raise
        except KeyboardInterrupt:
            self.interrupt(take)
            raise
        except BaseException:
            # An output that cannot be taken: the cell must not go on, nor its answer be the next one's.
            self.interrupt(lambda message: None)
            raise
        if done is not None:
            return done
        self.interrupt(take)
        raise CellTimedOut(f"the cell ran longer than {timeout_seconds:g} seconds")

    def interrupt(self, take: Callable[[Message], None]) -> None:
        """Interrupt the running cell; kill the child if it has not stopped after two seconds."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGINT)
        with contextlib.suppress(WorkerDied):
            if self._until_done(take, time.monotonic() + INTERRUPT_GRACE_SECONDS) is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
                self._reap()

    def _in_time(self, take: Callable[[Message], None], late: Late, deadline: float | None) -> Message | None:
        """Return the closing message, or None when it is late; then what is to be done about that is done."""
        until = time.monotonic() + late.seconds
        done = self._until_done(take, until if deadline is None else min(until, deadline))
        if done is None:
            with contextlib.suppress(OSError):  # a full disk is told by what is written when the cell has ended
                late.do()
        return done

    def _until_done(self, take: Callable[[Message], None], deadline: float | None) -> Message | None:
        """Return the closing message, or None when the deadline passes first."""
        while True:
            wait = None if deadline is None else max(0.0, deadline - time.monotonic())
            done = None
            for key, _ in self._selector.select(wait):  # once more at the end: it may be there already
                if key.data == "printed":
                    self._take_printed(take)
                    continue
                done = self._take_messages(take) or done
            if done is not None:
                self._drain_printed(take)
                return done
            if wait == 0:
                return None

    def _take_printed(self, take: Callable[[Message], None]) -> None:
        data = os.read(self._pipes.printed, 65536)
        if data:
            take({"type": "stream", "name": "stdout", "text": self._decoder.decode(data)})
        else:
            self._selector.unregister(self._pipes.printed)

    def _drain_printed(self, take: Callable[[Message], None]) -> None:
        while any(key.data == "printed" for key, _ in self._selector.select(0)):
            self._take_printed(take)

    def _take_messages(self, take: Callable[[Message], None]) -> Message | None:
        data = os.read(self._pipes.messages, 1 << 20)
        if not data:
            self._drain_printed(take)
            self._reap()
            raise WorkerDied(self._ended or "")
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        done = None
        for line in lines:
            message = json.loads(line)
            if message["type"] == "done":
                done = message
            else:
                take(message)
        return done

    def _reap(self) -> None:
        if self._ended is not None:
            return
        _, status = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        how = f"was ended by signal {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        self._ended = f"the process that ran this notebook {how}"

    def close(self) -> None:
        """End the child and release the pipes. Safe to call twice."""
        if self._selector.get_map() is None:
            return
        self._selector.close()
        os.close(self._pipes.requests)
        self._reap_soon()
        os.close(self._pipes.messages)
        os.close(self._pipes.printed)

    def _reap_soon(self) -> None:
        """Wait for the child to end by itself, as it does when its pipe closes; then kill it."""
        deadline = time.monotonic() + INTERRUPT_GRACE_SECONDS
        while self._ended is None and time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._ended = f"exit code {os.waitstatus_to_exitcode(status)}"
                return
            time.sleep(0.001)
        if self._ended is None:
            os.kill(self.pid, signal.SIGKILL)
            self._reap()


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it to a pipe, however little of it the pipe takes at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def end_with_parent(parent: int) -> None:
    """Be interrupted when the parent dies, however it dies, so that no further change is begun (Linux)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:  # it has died already, before this could be asked for
            os.kill(os.getpid(), signal.SIGINT)


def be_child(serve: Callable[[], None], *, parent: int, printed: int, directory: Path | None = None) -> None:
    """Set a forked child up, serve, and leave without running the parent's clean-up.

    The child has a session of its own, reads nothing, prints into a pipe, and is interrupted when its parent dies.
    """
    code = 1
    try:
        os.setsid()
        end_with_parent(parent)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        os.close(printed)
        if directory is not None:
            os.chdir(directory)
        serve()
        code = 0
    finally:
        os._exit(code)
