"""What stands beside our transport rules and changes what they see or do: lists of addresses, connectors.

Somebody else's rules are judged in `ruletrace`, before a plan may be applied. What is found here is told, with both
names; how it acts together with a rule is not confirmed by anybody [facts 7.10].
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from runbook.outcome.admission import skips
from runbook.outcome.rules import read
from runbook.outcome.surroundings import CONNECTION_FILTER, CONNECTOR, Surroundings
from runbook.values import NETWORKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """One thing beside one of our rules, by both names, and what it may do to it."""

    rule: str
    other: str
    why: str


def beside(found: Surroundings, rules: Sequence[str], egress: Sequence[str]) -> tuple[Beside, ...]:
    """Return what stands beside our rules. `egress` are the gateway's addresses that the rules are for."""
    told = [*_lists(found, egress), *_connectors(found, egress)]
    return tuple(Beside(rule=rule, other=other, why=why) for rule in rules for other, why in told)


def _lists(found: Surroundings, egress: Sequence[str]) -> Iterator[tuple[str, str]]:
    part = found.part(CONNECTION_FILTER)
    if part.unknown:
        yield (
            "the connection filter",
            f"it could not be read, so whether it allows or blocks is unknown: {part.unknown}",
        )
    for row in part.rows:
        for name, does in (
            (
                "IPAllowList",
                "their mail passes the spam filter, so an SCL that a rule sets may not count (not confirmed)",
            ),
            ("IPBlockList", "their mail is refused before any rule sees it"),
        ):
            covered = _covered(egress, row.get(name))
            if covered is None:
                yield f"the connection filter {row.get('Name')}, {name}", "its entries cannot be understood"
            elif covered:
                yield (
                    f"the connection filter {row.get('Name')}, {name}",
                    f"it holds {covered} of {len(egress)} of the gateway's ranges: {does}",
                )


def _connectors(found: Surroundings, egress: Sequence[str]) -> Iterator[tuple[str, str]]:
    part = found.part(CONNECTOR)
    if part.unknown:
        yield "inbound connectors", f"they could not be read, so enhanced filtering is unknown: {part.unknown}"
    for row in part.rows:
        judged = [skips(row, str(ipaddress.ip_network(item, strict=False)[0])) for item in egress]
        if any(item is not False for item in judged):
            yield (
                f"the inbound connector {row.get('Name')}",
                "enhanced filtering looks behind the gateway's addresses, so a condition on the sender's address may "
                "see another one (not confirmed)",
            )


def _covered(egress: Sequence[str], entries: Any) -> int | None:
    """How many of the ranges a list holds a part of; None for a list that cannot be understood."""
    if not entries:
        return 0
    networks, understood = read(NETWORKS, entries)
    if not understood:
        return None
    theirs = [ipaddress.ip_network(item) for item in networks]
    ours = [ipaddress.ip_network(item, strict=False) for item in egress]
    return sum(any(one.version == item.version and one.overlaps(item) for item in theirs) for one in ours)
