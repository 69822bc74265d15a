"""Everything the simulated tenant does that the facts do not confirm, in one table.

A record that was made against a simulated tenant prints the rows its calls relied on; before a first real run
they are the list of things to look at.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

from simtenant.assumptions.exchange import EXCHANGE
from simtenant.assumptions.mail import MAIL
from simtenant.assumptions.others import OTHERS
from simtenant.assumptions.policies import POLICIES
from simtenant.assumptions.table import Assumption

__all__ = ["ASSUMPTIONS", "Assumption", "used_by"]

ASSUMPTIONS: tuple[Assumption, ...] = (*EXCHANGE, *POLICIES, *OTHERS, *MAIL)


def used_by(log: Iterable[Mapping[str, Any]], turned: Container[str] = ()) -> tuple[Assumption, ...]:
    """List the assumptions that the logged requests relied on, in the order of the table.

    ``turned`` are the names of the switches that are not at their default.
    """
    told = ("status", "host", "cmdlet", "method", "path")
    rows = list({tuple(row.get(name) for name in told): row for row in log}.values())  # most calls are alike
    return tuple(row for row in ASSUMPTIONS if any(row.concerns(request, turned) for request in rows))
