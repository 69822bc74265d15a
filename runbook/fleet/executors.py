"""A crew made of anything with the semantics of ``concurrent.futures``: threads, processes, a cluster's workers.

What is submitted is one function of this module with one order in plain values. It runs the tenant in a process of its
own (``python -m runbook.fleet.runner``), since what an executor runs things in has threads, and must not fork.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from typing import Any

from runbook.fleet.crew import Ended, Event, Row
from runbook.fleet.order import Order

_BREATH_SECONDS = 30.0


def processes(count: int) -> Executor:
    """Return an executor of this machine alone: threads, each of which waits for the process of one tenant."""
    return ThreadPoolExecutor(max_workers=count, thread_name_prefix="tenant")


def in_a_process(values: Mapping[str, Any], tenant_seconds: float | None = None) -> dict[str, Any]:
    """Carry out an order in a new process; return its row, or how the process ended without one, and if it was late.

    `values` is `Order.as_json`; `tenant_seconds` how long it may take before it is interrupted.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "runbook.fleet.runner"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    late = False
    try:
        out, err = process.communicate(json.dumps(dict(values)), timeout=tenant_seconds)
    except subprocess.TimeoutExpired:
        late = True
        process.send_signal(2)
        try:
            out, err = process.communicate(timeout=_BREATH_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
    row = json.loads(out) if process.returncode == 0 and out else None
    last = (err.strip().splitlines() or [""])[-1][:300]
    how = "" if row is not None else f"the process of this tenant ended with exit code {process.returncode}: {last}"
    return {"row": row, "how": how, "too_long": late}


class ExecutorCrew:
    """A crew whose orders are carried out by an executor; it lives as long as the executor does.

    `function` is what is submitted, with the order's plain values and the time limit; `after` is called at the end.
    """

    def __init__(
        self,
        executor: Executor,
        *,
        tenant_seconds: float | None = None,
        function: Callable[..., dict[str, Any]] = in_a_process,
        after: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._executor, self._function, self._after, self._clock = executor, function, after, clock
        self._seconds = tenant_seconds
        self._running: dict[Future[dict[str, Any]], tuple[Order, float]] = {}

    def start(self, order: Order) -> None:
        future = self._executor.submit(self._function, order.as_json(), self._seconds)
        self._running[future] = (order, self._clock())

    def running(self) -> int:
        return len(self._running)

    def wait(self, seconds: float) -> list[Event]:
        """Return the orders that have ended, waiting for one at most so long."""
        back = [future for future in self._running if future.cancelled()]
        done = back or wait(list(self._running), timeout=seconds, return_when=FIRST_COMPLETED).done
        return [self._ended(future) for future in done]

    def interrupt(self) -> None:
        """Take back what has not begun; what runs on another machine comes to its end there."""
        for future in self._running:
            future.cancel()

    def kill(self) -> None:
        self.interrupt()

    def close(self) -> None:
        self._executor.shutdown(wait=True)  # nothing runs any more; dask's knows no other argument
        self._after()

    def _ended(self, future: Future[dict[str, Any]]) -> Event:
        order, began = self._running.pop(future)
        row: Row | None = None
        how, too_long = "it was taken back before it began", False
        begun = not future.cancelled()
        if begun:
            error = future.exception()
            if error is None:
                found = future.result()
                row, how, too_long = found["row"], found["how"], found["too_long"]
            else:
                how = f"its worker failed: {type(error).__name__}: {error}"
        seconds = self._clock() - began
        return Ended(order=order, row=row, how=how, too_long=too_long, seconds=seconds, begun=begun)
