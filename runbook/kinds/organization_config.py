"""The organisation: whether it may have settings of its own, without which no policy can be written.

Wire: Get-OrganizationConfig (property IsDehydrated) and Enable-OrganizationCustomization, which works once [DOCS]: a
second run is an error that means success when a fresh reading says so. It may take up to 24 hours to show [DSC], so
nothing waits for it here: the verification tells what was asked for and is not visible yet. There is no way back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from runbook.errors import ApplyFailed
from runbook.kinds.kind import Kind, Wait, address, cmdlets, needed, unknown
from runbook.kinds.powershell import command
from runbook.plan import Change, Observed
from runbook.values import BOOLEAN
from tenantapi import ApiError, Services

TYPE = "OrganizationConfig"
ENABLE = "Enable-OrganizationCustomization"
_SELECT = ("Name", "Identity", "Guid", "IsDehydrated")  # it has some two hundred properties more [live]


def read(services: Services, identities: Sequence[str]) -> tuple[Observed, ...]:
    rows = services.exchange.invoke("Get-OrganizationConfig", {}, write=False, select=_SELECT).rows
    return tuple(_observed(identity, rows) for identity in identities)


def _observed(identity: str, rows: Sequence[Mapping[str, Any]]) -> Observed:
    if len(rows) != 1:
        return unknown(TYPE, identity, f"{len(rows)} organisations were listed; there is one")
    row = rows[0]
    if BOOLEAN.canonical(needed(row, "IsDehydrated")) is None:
        return unknown(TYPE, identity, "IsDehydrated is not set, so whether it may be customised cannot be told")
    return Observed(
        kind=TYPE,
        identity=identity,
        presence="present",
        properties={"IsDehydrated": row["IsDehydrated"]},
        handle=address(row, "Identity"),
        row=row,
    )


def write(services: Services, change: Change, observed: Observed, wait: Wait) -> None:
    """Enable customisation; an error is none when the organisation then reads as enabled."""
    if not all(item.after is False for item in change.changed):
        raise ApplyFailed("An organisation cannot be dehydrated again.", "Nothing was sent.")
    try:
        services.exchange.invoke(ENABLE, {}, write=True)
    except ApiError as error:
        if error.ambiguous or not _is_enabled(services, change):
            raise


def _is_enabled(services: Services, change: Change) -> bool:
    """Whether a fresh reading shows it; when there is none, the first error is the one to tell."""
    try:
        found = read(services, [change.identity])[0]
    except (ApiError, ValueError):
        return False
    return found.presence == "present" and BOOLEAN.canonical(found.properties["IsDehydrated"]) is False


def limits(change: Change) -> str:
    """Say that there is one direction only."""
    return "" if all(item.after is False for item in change.changed) else "no call makes an organisation dehydrated"


def by_hand(change: Change) -> tuple[str, ...]:
    return (command(ENABLE, {}),)


KIND = Kind(
    type=TYPE,
    title="Organisation",
    types={"IsDehydrated": BOOLEAN},
    read=read,
    write=write,
    by_hand=by_hand,
    look_by_hand=lambda name: (f"{command('Get-OrganizationConfig', {})} | Format-List -Property IsDehydrated",),
    rights=cmdlets("Get-OrganizationConfig", ENABLE),
    needed_for=lambda change: cmdlets("Get-OrganizationConfig", ENABLE),
    creates=False,
    stays="customisation of an organisation cannot be disabled once it was enabled",
    lasts="update",
    limits=limits,
    shows_within=timedelta(hours=24),  # [DSC MSFT_O365OrgCustomizationSetting]
)
