"""Where a test message lands: the tenant delivers it by its own rules, so that a run can prove the outcome.

    view, ways = mailflow.read(tx), mailflow.chosen_ways(tx)
    outcome = mailflow.deliver(view, mailflow.parse({...}, now), ways)

``deliver`` is pure: the view is read once from a transaction and good for any number of messages. What the facts
leave open is a switch (``Ways``) and a row of the table of assumptions (``simtenant.assumptions.mail``).
"""

from __future__ import annotations

from simtenant.mailflow.delivery import deliver
from simtenant.mailflow.message import Message, parse
from simtenant.mailflow.outcome import Outcome
from simtenant.mailflow.tenant import Tenant, read
from simtenant.mailflow.ways import Ways, chosen_ways

__all__ = ["Message", "Outcome", "Tenant", "Ways", "chosen_ways", "deliver", "parse", "read"]
