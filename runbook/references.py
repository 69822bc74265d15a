"""Lists that tutorials point to, resolved from pinned snapshots: never fetched while a tenant is changed."""

from __future__ import annotations

import functools
import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from runbook.errors import UsageError

EGRESS_FILE = Path(__file__).parent / "tutorials" / "egress-ips.yaml"
# Office 365 takes no IPv4 range wider than this in the lists it shares with Cloudflare's mail gateways.
WIDEST = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A published list as it was on a day; `sha256` is over the file, for the record of a run."""

    regions: dict[str, tuple[str, ...]]
    date: str
    source: str
    sha256: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    version: int
    date: Annotated[str, BeforeValidator(str)]
    source: str
    regions: dict[str, tuple[str, ...]]


def office365_ranges(addresses: Iterable[str]) -> tuple[str, ...]:
    """Give the addresses in the form that Office 365 takes.

    IPv6 is dropped, an IPv4 range wider than /24 becomes its /24 ranges, everything else stays. The result is
    sorted by address, narrower ranges after wider ones, without duplicates; a single host is written without
    a mask. It covers exactly the IPv4 addresses given. Raises ValueError for anything that is no address, or
    a range with bits set behind its mask. [Cloudflare documentation, Egress IPs: Office 365 /24 addresses]
    """
    narrow: set[ipaddress.IPv4Network] = set()
    for text in addresses:
        network = ipaddress.ip_network(text)
        if isinstance(network, ipaddress.IPv4Network):
            narrow.update(network.subnets(new_prefix=WIDEST) if network.prefixlen < WIDEST else (network,))
    return tuple(
        str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)
        for network in sorted(narrow)
    )


def egress_ranges(region: str, snapshot: Snapshot | None = None) -> tuple[str, ...]:
    """Give Cloudflare's egress addresses for customers of `region`, as Office 365 takes them.

    Regions are us, europe, india and australia-new-zealand; since 2026 the vendor publishes one list, which
    equals europe. Raises ValueError naming the known regions for any other.
    """
    snapshot = snapshot or egress_snapshot()
    if region not in snapshot.regions:
        known = ", ".join(sorted(snapshot.regions))
        raise ValueError(f"There is no list of egress addresses for the region {region!r}; known are {known}.")
    return office365_ranges(snapshot.regions[region])


@functools.lru_cache(maxsize=4)
def egress_snapshot(path: Path = EGRESS_FILE) -> Snapshot:
    """Load the pinned list with its date and source; raise UsageError if the file is not as it should be."""
    try:
        data = path.read_bytes()
        loaded = _File.model_validate(yaml.safe_load(data))
        for addresses in loaded.regions.values():
            office365_ranges(addresses)
    except (OSError, yaml.YAMLError, ValidationError, ValueError) as error:
        raise UsageError(f"The list of egress addresses in {path} cannot be used: {error}") from error
    return Snapshot(
        regions=loaded.regions, date=loaded.date, source=loaded.source.strip(),
        sha256=hashlib.sha256(data).hexdigest(),
    )  # fmt: skip
