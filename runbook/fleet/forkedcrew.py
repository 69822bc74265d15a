"""Processes that carry out orders: forked from this one, watched from one thread, stopped when they must be.

This process has imported and compiled everything before, so that a child begins within milliseconds and shares its
memory. It must have one thread only, and calls no tenant itself. Its environment is that of all tenants; each child
drops what only others refer to (`carrying.enter`).
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from runbook.engine.process import be_child, write_all
from runbook.errors import RunbookError
from runbook.fleet import system
from runbook.fleet.crew import Ended, Event, Row, Told
from runbook.fleet.order import Order
from runbook.secretlike import MASK, kind_of_secret

Work = Callable[[Order, Callable[[str], None]], Row]
GRACE_SECONDS = 20.0
"""How long a tenant's process may take to write its record once it was interrupted."""
_KEPT_BYTES = 4000
_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})


class NoProcess(RunbookError):
    """A tenant's process could not be started; nothing of it was begun."""

    summary = "The fleet run could not go on"


@dataclass(slots=True)
class _Child:
    order: Order
    pid: int
    messages: int
    printed: int
    began: float
    limit: float | None
    buffer: bytes = b""
    last_printed: bytes = b""
    row: Row | None = None
    interrupted_at: float | None = None
    too_long: bool = False
    open: set[int] = field(default_factory=set)


class ForkedCrew:
    """Children of this process, one for each order.

    `work` is called in the child. An order that runs longer than `limit_seconds` is interrupted, and killed when it
    has not ended `GRACE_SECONDS` later, with all that it has started itself. `wake` is a descriptor that ends a wait
    when there is something to read from it.
    """

    def __init__(
        self,
        work: Work,
        *,
        limit_seconds: float | None = None,
        grace_seconds: float = GRACE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        wake: int | None = None,
    ) -> None:
        self._work = work
        self._limit, self._grace, self._clock = limit_seconds, grace_seconds, clock
        self._children: dict[int, _Child] = {}
        self._selector = selectors.DefaultSelector()
        self._wake = wake
        if wake is not None:
            self._selector.register(wake, selectors.EVENT_READ, None)
        system.adopt_orphans()
        system.open_more_files()
        self._others = set(system.children_of_this_process())

    def start(self, order: Order, *, limit_seconds: float | None = None) -> None:
        """Fork a child that carries out an order; it may have a time limit of its own."""
        message_read, message_write = os.pipe()
        print_read, print_write = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = os.fork()
        except OSError as error:
            for descriptor in (message_read, message_write, print_read, print_write):
                os.close(descriptor)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            raise NoProcess(
                f"The system allows no further process: {error.strerror}.",
                "Use a smaller --in-flight, or have the limit raised (ulimit -u), and go on with: runbook fleet resume",
            ) from error
        if pid == 0:
            for descriptor in (message_read, print_read, *self._descriptors()):
                os.close(descriptor)
            be_child(lambda: self._serve(order, message_write), parent=parent, printed=print_write)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(message_write)
        os.close(print_write)
        child = _Child(
            order=order,
            pid=pid,
            messages=message_read,
            printed=print_read,
            began=self._clock(),
            limit=self._limit if limit_seconds is None else limit_seconds,
        )
        self._children[pid] = child
        for descriptor in (message_read, print_read):
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ, child)
            child.open.add(descriptor)

    def running(self) -> int:
        return len(self._children)

    def wait(self, seconds: float) -> list[Event]:
        """Return what the children told and which of them have ended, waiting for something at most so long."""
        events: list[Event] = []
        for key, _ in self._selector.select(min(seconds, self._until_a_limit())):
            if key.data is not None:
                events += self._read(key.data, key.fd)
        self._enforce_limits()
        for pid in self._dead():
            events += self._bury(pid)
        return events

    def sleep_on(self) -> None:
        """Let nothing but the children end a wait from now on: what was to wake this process has come to its end."""
        if self._wake is not None:
            self._selector.unregister(self._wake)
            self._wake = None

    def orders(self) -> list[Order]:
        """Return the orders that have begun and not ended."""
        return [child.order for child in self._children.values()]

    def interrupt(self, folder: str | None = None) -> None:
        """Interrupt all that run, or those of one fleet run."""
        for child in self._of(folder):
            self._interrupt(child)

    def kill(self, folder: str | None = None) -> None:
        """Kill all that run, or those of one fleet run."""
        for child in self._of(folder):
            _signal(child.pid, signal.SIGKILL)

    def _of(self, folder: str | None) -> list[_Child]:
        return [child for child in self._children.values() if folder is None or child.order.folder == folder]

    def close(self) -> None:
        """Let go of everything; what should still run is interrupted, and has `GRACE_SECONDS` for its record."""
        self.interrupt()
        while self._children:
            self.wait(0.1)
        self._kill_orphans()
        self._selector.close()

    def _serve(self, order: Order, descriptor: int) -> None:
        """In the child: work, and send the row as the last line."""
        for number in _SIGNALS:  # what the supervisor does about them is nothing for a child
            signal.signal(number, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, errors="replace") for number in (1, 2))
        with os.fdopen(descriptor, "wb", buffering=0) as pipe:

            def send(**message: Any) -> None:
                with contextlib.suppress(BrokenPipeError):  # nobody listens any more; the files tell everything
                    write_all(pipe.fileno(), json.dumps(message).encode() + b"\n")

            try:
                row = self._work(order, lambda line: send(line=line))
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
                raise
            send(row=row)

    def _descriptors(self) -> Iterator[int]:
        """Yield what a child has no business with: the pipes of its siblings, and the selector."""
        for child in self._children.values():
            yield from child.open
        if isinstance(self._selector, selectors.EpollSelector):
            yield self._selector.fileno()

    def _read(self, child: _Child, descriptor: int) -> list[Event]:
        try:
            data = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return []
        if not data:
            self._forget(child, descriptor)
            return []
        if descriptor == child.printed:
            child.last_printed = (child.last_printed + data)[-_KEPT_BYTES:]
            return []
        *lines, child.buffer = (child.buffer + data).split(b"\n")
        events: list[Event] = []
        for line in lines:
            message = json.loads(line)
            if "row" in message:
                child.row = message["row"]
            else:
                events.append(Told(order=child.order, line=message["line"]))
        return events

    def _forget(self, child: _Child, descriptor: int) -> None:
        if descriptor in child.open:
            child.open.discard(descriptor)
            self._selector.unregister(descriptor)
            os.close(descriptor)

    def _until_a_limit(self) -> float:
        now = self._clock()
        left = [self._deadline(child) - now for child in self._children.values()]
        # A child can end while something that it started still holds its pipes: so it is looked at now and then.
        return max(0.0, min([*left, 0.25]))

    def _deadline(self, child: _Child) -> float:
        if child.interrupted_at is not None:
            return child.interrupted_at + self._grace
        return float("inf") if child.limit is None else child.began + child.limit

    def _enforce_limits(self) -> None:
        now = self._clock()
        for child in self._children.values():
            if self._deadline(child) > now:
                continue
            if child.interrupted_at is None:
                child.too_long = True
                self._interrupt(child)
            else:
                _signal(child.pid, signal.SIGKILL)

    def _interrupt(self, child: _Child) -> None:
        if child.interrupted_at is None:
            child.interrupted_at = self._clock()
            _signal(child.pid, signal.SIGINT)

    def _dead(self) -> list[int]:
        found = []
        for pid in self._children:
            ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is not None:
                found.append(pid)
        return found

    def _bury(self, pid: int) -> list[Event]:
        child = self._children.pop(pid)
        _, status = os.waitpid(pid, 0)
        events: list[Event] = []
        for descriptor in tuple(child.open):
            while descriptor in child.open:
                before = len(child.buffer), len(child.last_printed), len(events)
                events += self._read(child, descriptor)
                if before == (len(child.buffer), len(child.last_printed), len(events)):
                    self._forget(child, descriptor)
        self._kill_orphans()
        how = "" if child.row is not None else _how(os.waitstatus_to_exitcode(status), child.last_printed)
        ended = Ended(
            order=child.order,
            row=child.row,
            how=how,
            too_long=child.too_long,
            seconds=self._clock() - child.began,
        )
        return [*events, ended]

    def _kill_orphans(self) -> None:
        """Kill what an ended child has left behind; the system has given it to this process."""
        for pid in system.children_of_this_process():
            if pid not in self._children and pid not in self._others:
                _signal(pid, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)


def _how(code: int, printed: bytes) -> str:
    how = f"was ended by signal {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    lines = printed.decode("utf-8", "replace").strip().splitlines()
    if not lines:
        return f"the process of this tenant {how}"
    # What a library printed may quote a credential, and this goes into pages and tables.
    last = MASK if kind_of_secret(lines[-1], may_be_hash=True) else lines[-1][:300]
    return f"the process of this tenant {how}: {last}"


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
