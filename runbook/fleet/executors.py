"""A crew made of anything with the semantics of ``concurrent.futures``: threads, processes, a cluster's workers.

What is submitted is one function of this module with one order in plain values. It runs the tenant in a process of its
own (``python -m runbook.fleet.runner``), since what an executor runs things in has threads, and must not fork.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from runbook.errors import RunbookError
from runbook.fleet.crew import Ended, Event
from runbook.fleet.folder import FleetFolder
from runbook.fleet.order import Order

BREATH_SECONDS = 30.0
"""How long a tenant's process may take to write its record once it was interrupted."""
LOOK_SECONDS = 0.5
"""How often it is looked whether the supervisor, which may be on another machine, has what runs ended."""
TAKEN_BACK: Mapping[str, Any] = {
    "row": None,
    "how": "it was taken back before it began",
    "too_long": False,
    "begun": False,
}


def processes(count: int) -> Executor:
    """Return an executor of this machine alone: threads, each of which waits for the process of one tenant."""
    return ThreadPoolExecutor(max_workers=count, thread_name_prefix="tenant")


def in_a_process(values: Mapping[str, Any], tenant_seconds: float | None = None) -> dict[str, Any]:
    """Carry out an order in a new process; return its row, or how the process ended without one, and if it was late.

    `values` is `Order.as_json`; `tenant_seconds` how long it may take before it is interrupted. The process is
    interrupted or killed, too, when the fleet run's folder says so (`FleetFolder.halt`).
    """
    folder = FleetFolder(Path(values["folder"]))
    if folder.halted():
        return dict(TAKEN_BACK)
    process = subprocess.Popen(
        [sys.executable, "-m", "runbook.fleet.runner"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    out, err, late = communicated(process, json.dumps(dict(values)), folder, tenant_seconds)
    row = json.loads(out) if process.returncode == 0 and out else None
    last = (err.strip().splitlines() or [""])[-1][:300]
    how = "" if row is not None else f"the process of this tenant ended with exit code {process.returncode}: {last}"
    return {"row": row, "how": how, "too_long": late}


def communicated(
    process: subprocess.Popen[str],
    given: str,
    folder: FleetFolder,
    tenant_seconds: float | None,
    breath_seconds: float = BREATH_SECONDS,
) -> tuple[str, str, bool]:
    """Wait for a process; return what it printed in both ways, and whether it had to be told that it is late.

    It is interrupted after `tenant_seconds`, and killed when it has not ended `breath_seconds` later.
    """
    deadline = float("inf") if tenant_seconds is None else time.monotonic() + tenant_seconds
    text: str | None = given
    late, killed_at = False, float("inf")
    while True:
        now = time.monotonic()
        try:
            out, err = process.communicate(text, timeout=max(0.0, min(LOOK_SECONDS, deadline - now, killed_at - now)))
            return out, err, late
        except subprocess.TimeoutExpired:
            text, now, halted = None, time.monotonic(), folder.halted()
            if halted == "kill" or now >= killed_at:
                return *_killed(process, breath_seconds), late
            elif killed_at == float("inf") and (halted or now >= deadline):
                late, deadline, killed_at = not halted, float("inf"), now + breath_seconds
                process.send_signal(signal.SIGINT)


def _killed(process: subprocess.Popen[str], breath_seconds: float) -> tuple[str, str]:
    """Kill a process and return what it had printed; nothing where something that it started holds its pipes."""
    process.kill()
    try:
        return process.communicate(timeout=breath_seconds)
    except subprocess.TimeoutExpired:
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        return "", "it was killed, and something that it had started still runs"


class SchedulerLost(RunbookError):
    """Nobody can say any more what the workers do."""

    summary = "The fleet run could not go on"


class ExecutorCrew:
    """A crew whose orders are carried out by an executor; it lives as long as the executor does.

    `function` is what is submitted, with the order's plain values and the time limit; `after` is called at the end.
    `cancels` says whether its futures can be believed when they say that they were cancelled before they began: those
    of dask say so of what runs, too.
    """

    def __init__(
        self,
        executor: Executor,
        *,
        tenant_seconds: float | None = None,
        function: Callable[..., dict[str, Any]] = in_a_process,
        after: Callable[[], object] = lambda: None,
        cancels: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._executor, self._function, self._after, self._clock = executor, function, after, clock
        self._seconds, self._cancels = tenant_seconds, cancels
        self._given_up_at = float("inf")
        self._running: dict[Future[dict[str, Any]], tuple[Order, float]] = {}

    def start(self, order: Order) -> None:
        future = self._executor.submit(self._function, order.as_json(), self._seconds)
        self._running[future] = (order, self._clock())

    def running(self) -> int:
        return len(self._running)

    def wait(self, seconds: float) -> list[Event]:
        """Return the orders that have ended, waiting for one at most so long. Raises SchedulerLost."""
        back = [future for future in self._running if future.cancelled()]
        done = back or wait(list(self._running), timeout=seconds, return_when=FIRST_COMPLETED).done
        if not done and self._clock() >= self._given_up_at:
            return [self._unanswered(future) for future in list(self._running)]
        return [self._ended(future) for future in done]

    def interrupt(self) -> None:
        """Take back what has not begun, and have what runs interrupted, wherever that is, within a second."""
        self._halt("interrupt")

    def kill(self) -> None:
        """Have what runs killed, and give up what nobody answers for `BREATH_SECONDS` later."""
        self._halt("kill")
        self._given_up_at = min(self._given_up_at, self._clock() + BREATH_SECONDS)

    def _halt(self, word: str) -> None:
        for folder in {order.folder for order, _ in self._running.values()}:
            FleetFolder(Path(folder)).have_halted(word)
        if self._cancels:
            for future in self._running:
                future.cancel()

    def _unanswered(self, future: Future[dict[str, Any]]) -> Event:
        future.cancel()
        order, began = self._running.pop(future)
        how = "its worker did not answer any more"
        return Ended(order=order, row=None, how=how, too_long=False, seconds=self._clock() - began)

    def close(self) -> None:
        self._executor.shutdown(wait=True)  # nothing runs any more; dask's knows no other argument
        self._after()

    def _ended(self, future: Future[dict[str, Any]]) -> Event:
        if future.cancelled() and not self._cancels:
            raise SchedulerLost(
                "The scheduler does not answer any more; what its workers have begun may still run.",
                "See that it runs again, and go on with what is left: runbook fleet resume",
            )
        order, began = self._running.pop(future)
        found = TAKEN_BACK
        if not future.cancelled():
            error = future.exception()
            how = f"its worker failed: {type(error).__name__}: {error}"
            found = future.result() if error is None else {"row": None, "how": how, "too_long": False}
        seconds = self._clock() - began
        begun = found.get("begun", True)
        return Ended(
            order=order, row=found["row"], how=found["how"], too_long=found["too_long"], seconds=seconds, begun=begun
        )
