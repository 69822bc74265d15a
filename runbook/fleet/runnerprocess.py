"""A runner beside a process that has threads: orders are given to it, from any thread, and their answers awaited."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any


class Runner:
    """A runner process; several threads may have it carry out orders at the same time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "runbook.fleet.runner", "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._numbers = itertools.count()
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self._lock = threading.Lock()
        self._listener = threading.Thread(target=self._listen, name="runbook-runner", daemon=True)
        self._listener.start()

    def carry_out(self, values: Mapping[str, Any], tenant_seconds: float | None) -> dict[str, Any]:
        """Return the tenant's row, or how its process ended without one. Raises RuntimeError when the runner died."""
        answer: Future[dict[str, Any]] = Future()
        assert self._process.stdin is not None
        with self._lock:
            number = next(self._numbers)
            self._waiting[number] = answer
            request = {"number": number, "order": dict(values), "seconds": tenant_seconds}
            try:
                self._process.stdin.write(json.dumps(request) + "\n")
                self._process.stdin.flush()
            except OSError as error:
                raise RuntimeError("the runner of this worker has ended") from error
        return answer.result()

    def close(self) -> None:
        """Let the runner end: what it runs is interrupted, and writes its records. Returns when it has ended."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._listener.join()
        self._process.stdout.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            with self._lock:
                waiting = self._waiting.pop(answer.pop("number"))
            waiting.set_result(answer)
        with self._lock:
            left, self._waiting = self._waiting, {}
        for waiting in left.values():
            waiting.set_exception(RuntimeError("the runner of this worker has ended"))
