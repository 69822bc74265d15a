"""The ways of mail flow that the facts leave open, as one frozen value; ``simtenant.switches`` has their meanings."""

from __future__ import annotations

from dataclasses import dataclass, fields

from simtenant import switches
from simtenant.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How the switches of mail flow stand; each field is a switch of the same name, its default that switch's."""

    disposition_header: str = "old"
    bulk_disposition: str = "written"
    forged_disposition: str = "replaced"
    allow_list_and_scl: str = "allow-wins"
    enhanced_filtering_ip: str = "last-hop"
    requested_scl: str = "honoured"
    domain_conditions: str = "exact"


def chosen_ways(tx: Transaction) -> Ways:
    """Read how the switches stand."""
    return Ways(**{field.name: switches.chosen(tx, field.name) for field in fields(Ways)})
