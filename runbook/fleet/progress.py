"""How far a fleet is, in tenants: a few lines that move on a terminal, a line a tenant elsewhere.

Nothing here starts a thread, for a supervisor that has one may not fork: what moves, moves when the supervisor tells
of a tenant or calls `tick`, which it should do about once a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from runbook.archive.when import lasting
from runbook.errors import ExitCode
from runbook.views import plain

if TYPE_CHECKING:
    import rich.console
    import rich.live

_LINE_SECONDS = 30.0
_MOVE_SECONDS = 0.1
_ENOUGH = 3
"""So many tenants must have ended before an estimate is made of them."""
_RINGS_SHOWN = 8

Clock = Callable[[], float]
"""Seconds from any beginning, as `time.monotonic` has them."""


class Progress(Protocol):
    """What a supervisor tells while it works."""

    def ring(self, name: str, count: int) -> None:
        """A ring of so many tenants is begun."""

    def started(self, tenant: str) -> None:
        """A tenant's process was started; again, for another attempt."""

    def ended(self, row: Mapping[str, Any]) -> None:
        """A tenant came to its end, now or in a run of this fleet before; its row says how."""

    def tick(self) -> None:
        """Time has passed."""

    def close(self) -> None:
        """Nothing more will be told; the terminal is whole again. May be called twice."""


class Silent:
    """Tells nothing."""

    def ring(self, name: str, count: int) -> None: ...

    def started(self, tenant: str) -> None: ...

    def ended(self, row: Mapping[str, Any]) -> None: ...

    def tick(self) -> None: ...

    def close(self) -> None: ...


class Tally:
    """How many tenants are done, run and failed; counts only, no output."""

    def __init__(self, total: int, clock: Clock) -> None:
        self._total, self._clock = total, clock
        self._begun = clock()
        self.rings: dict[str, list[int]] = {}
        """Per ring that was begun, how many of its tenants are done, and how many it has."""
        self._running: dict[str, float] = {}
        self._own_seconds = 0.0
        """When the last tenant that this process had started came to its end, from the beginning."""
        self.done = self._own = self._failed = self._otherwise = 0

    def ring(self, name: str, count: int) -> None:
        self.rings[name] = [self.rings.get(name, [0])[0], count]

    def started(self, tenant: str) -> None:
        self._running[tenant] = self._clock()

    def ended(self, row: Mapping[str, Any]) -> None:
        if self._running.pop(row["tenant"], None) is not None:
            self._own += 1
            self._own_seconds = self.elapsed
        self.rings.setdefault(row["ring"], [0, 0])[0] += 1
        self.done += 1
        self._failed += row["exit_code"] not in (ExitCode.DONE, ExitCode.CHANGES)
        self._otherwise += row["exit_code"] == ExitCode.CHANGES

    @property
    def total(self) -> int:
        """How many tenants there are; at least those of the rings that were begun."""
        return max(self._total, self.done, sum(count for _, count in self.rings.values()))

    @property
    def elapsed(self) -> float:
        return self._clock() - self._begun

    def left(self) -> float | None:
        """Estimate the seconds to the end by those tenants that ended since the beginning; None while they are few.

        Those that had ended in an earlier run of this fleet say nothing of how quick this one is.
        """
        if self._own < _ENOUGH or self._own_seconds <= 0:
            return None
        return (self.total - self.done) * self._own_seconds / self._own

    def text(self) -> str:
        """Sum up in one line."""
        left = self.left()
        parts = [
            f"{self.done} of {self.total} done",
            f"{len(self._running)} running",
            f"{self._failed} failed",
            *([f"{self._otherwise} not as asked"] if self._otherwise else []),
            lasting(self.elapsed),
            *([] if left is None or self.done >= self.total else [f"about {lasting(left)} left"]),
        ]
        return ", ".join(parts)

    def slowest(self) -> str:
        """Name the tenant that has been running longest, and for how long; empty if none runs."""
        if not self._running:
            return ""
        tenant, since = min(self._running.items(), key=lambda item: item[1])
        return f"longest: {plain(tenant)}, {lasting(self._clock() - since)}"


class Lines:
    """A line for each tenant that ended, and one of them all every 30 seconds, as logs keep them."""

    def __init__(self, stream: TextIO, total: int, clock: Clock) -> None:
        self._stream, self._clock = stream, clock
        self._tally = Tally(total, clock)
        self._last = clock()

    def ring(self, name: str, count: int) -> None:
        self._tally.ring(name, count)
        self._say(f"ring {name}: {count} tenant{'s' if count != 1 else ''}")

    def started(self, tenant: str) -> None:
        self._tally.started(tenant)
        self.tick()

    def ended(self, row: Mapping[str, Any]) -> None:
        tally = self._tally
        tally.ended(row)
        why = f": {row['reason']}" if row["reason"] else ""
        self._say(f"{tally.done} of {tally.total}, {row['tenant']}: {row['status']}, {lasting(row['seconds'])}{why}")
        self.tick()

    def tick(self) -> None:
        if self._clock() - self._last >= _LINE_SECONDS:
            self._last = self._clock()
            self._say(self._tally.text())

    def close(self) -> None: ...

    def _say(self, text: str) -> None:
        print(f"  .. {plain(text)}", file=self._stream, flush=True)


class Live:
    """Bars for the rings and a line below them, on a terminal. All of it is gone at the end."""

    def __init__(self, console: rich.console.Console, total: int, clock: Clock) -> None:
        self._console, self._clock = console, clock
        self._tally = Tally(total, clock)
        self._live: rich.live.Live | None = None
        self._moved = float("-inf")
        self._closed = False

    def ring(self, name: str, count: int) -> None:
        self._tally.ring(name, count)
        self.tick()

    def started(self, tenant: str) -> None:
        self._tally.started(tenant)
        self.tick()

    def ended(self, row: Mapping[str, Any]) -> None:
        self._tally.ended(row)
        self.tick()

    def tick(self) -> None:
        if self._closed or self._clock() - self._moved < _MOVE_SECONDS:
            return
        self._moved = self._clock()
        if self._live is None:
            from rich.live import Live as RichLive

            self._live = RichLive(
                console=self._console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
            )
            self._live.start()
        self._live.update(self._drawn(), refresh=True)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            if self._live is not None:
                self._live.stop()
        finally:  # a second Ctrl-C may come while rich tidies up after the first
            if self._live is not None:
                self._console.show_cursor(True)

    def _drawn(self) -> rich.console.RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        rings = Table.grid(padding=(0, 1))
        for name, (done, count) in list(self._tally.rings.items())[-_RINGS_SHOWN:]:
            bar = ProgressBar(total=max(1, count), completed=done, width=24)
            rings.add_row(Text(plain(name), overflow="ellipsis", no_wrap=True), bar, Text(f"{done} of {count}"))
        lines = [Text(text, overflow="fold") for text in (self._tally.text(), self._tally.slowest()) if text]
        return Group(rings, *lines)
