"""The ways to stop a fleet run: Ctrl-C (again to kill), a request to end from the system, and a file in its folder."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from runbook.fleet.conduct import Stop


class Switch:
    """Remembers how often this process was asked to end; asked by `conduct` all the time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.presses = 0

    def press(self, number: int = 0, frame: FrameType | None = None) -> None:
        """Be asked to end; usable as a handler of signals."""
        self.presses += 1

    def asked(self) -> Stop | None:
        """Say whether to stop: after one press those that run are interrupted, after two they are killed."""
        if self.presses > 1:
            return Stop(reason="it was stopped at once", running="kill")
        if self.presses:
            return Stop(reason="it was interrupted", running="interrupt")
        if self._file.exists():
            return Stop(reason=f"somebody asked for it, by the file {self._file.name}")
        return None


@contextlib.contextmanager
def on_signals(press: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Have Ctrl-C and the system's request to end press a switch, for the length of a ``with`` block."""
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, press) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
