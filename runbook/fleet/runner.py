"""Carry out one order that comes on standard input, in a process of its own, and print the tenant's row.

python -m runbook.fleet.runner < order.json
"""

from __future__ import annotations

import json
import os
import sys

from runbook import run
from runbook.fleet.carrying import carry_out, enter
from runbook.fleet.order import Order


def main() -> int:
    """Read the order, do it, print the row; what anything else prints goes to standard error."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    order = Order(**json.load(sys.stdin))
    run.preload()
    enter(order)
    json.dump(carry_out(order), answer)
    answer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
