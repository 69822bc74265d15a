"""A process of one thread that carries out orders for one that has threads, and so must not fork.

    python -m runbook.fleet.runner < order.json         one order; its row is printed
    python -m runbook.fleet.runner --serve              an order a line, as they come; an answer a line, as they end

The serving form keeps everything imported and forks a child for each order, as the supervisor of one machine does. It
ends when its input ends: then all that runs is interrupted, for whoever asked is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from runbook.engine import can_fork
from runbook.engine.process import end_with_parent, write_all
from runbook.fleet.carrying import carry_out, enter
from runbook.fleet.crew import Ended
from runbook.fleet.executors import TAKEN_BACK
from runbook.fleet.folder import FleetFolder
from runbook.fleet.forkedcrew import ForkedCrew
from runbook.fleet.local import work
from runbook.fleet.order import Order
from runbook.preloading import preload

_IDLE_SECONDS, _LOOK_SECONDS = 60.0, 0.5


def main() -> int:
    """Serve, or carry out the one order; what anything else prints goes to standard error."""
    answers = os.dup(1)
    os.dup2(2, 1)
    if "--serve" in sys.argv[1:]:
        return _serve(answers)
    end_with_parent(os.getppid())
    order = Order(**json.load(sys.stdin))
    preload(order.tutorial)
    enter(order)
    _say(answers, carry_out(order))
    return 0


def _serve(answers: int) -> int:
    if not can_fork():
        print("This process cannot fork; serve orders one at a time instead.", file=sys.stderr)
        return 1
    os.set_blocking(0, False)
    buffer, more = b"", True
    numbers: dict[int, Any] = {}
    """What each order is answered under, by its identity: the same tenant may be asked for twice at once."""
    crew = ForkedCrew(work, wake=0)
    while more or crew.running():
        for event in crew.wait(_LOOK_SECONDS if crew.running() else _IDLE_SECONDS):
            if isinstance(event, Ended):
                answer = {"row": event.row, "how": event.how, "too_long": event.too_long}
                _say(answers, {"number": numbers.pop(id(event.order)), **answer})
        _halt(crew)
        if not more:
            continue
        data = _read()
        more = data is None or bool(data)
        if not more:
            crew.sleep_on()
            crew.interrupt()
        *lines, buffer = (buffer + (data or b"")).split(b"\n")
        for line in lines:
            request = json.loads(line)
            order = Order(**request["order"])
            preload(order.tutorial)
            if FleetFolder(Path(order.folder)).halted():
                _say(answers, {"number": request["number"], **TAKEN_BACK})
                continue
            numbers[id(order)] = request["number"]
            crew.start(order, limit_seconds=request["seconds"])
    crew.close()
    return 0


def _halt(crew: ForkedCrew) -> None:
    """End what a supervisor wants ended, which may be on another machine and says so in the fleet run's folder."""
    for folder in {order.folder for order in crew.orders()}:
        halted = FleetFolder(Path(folder)).halted()
        if halted == "kill":
            crew.kill(folder)
        elif halted:
            crew.interrupt(folder)


def _read() -> bytes | None:
    """Return what has come; nothing at all once the input has ended, None where nothing has come yet."""
    try:
        return os.read(0, 1 << 16)
    except BlockingIOError:
        return None


def _say(descriptor: int, value: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody listens any more; the files tell everything
        write_all(descriptor, json.dumps(value).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
