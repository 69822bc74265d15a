"""The global quarantine policy: how often recipients are told of quarantined messages.

Wire: the same cmdlets as quarantine policies, with type GlobalQuarantinePolicy. In an untouched tenant the
only row is virtual (named DefaultGlobalPolicy, all-zero GUID) and has to be created as DefaultGlobalTag
before it can be set [CIPP-GQ]. The interval is written as .NET text and read back as ISO 8601 [CIPP-GQ].
"""

from __future__ import annotations

from collections.abc import Sequence

from runbook.kinds.kind import NO_GUID, Kind, Wait, absent, address, assignments, cmdlets, needed, unknown
from runbook.kinds.powershell import command
from runbook.kinds.quarantine_policy import needed_for
from runbook.plan import Change, Observed
from runbook.values import TIMESPAN
from tenantapi import Services

TYPE = "GlobalQuarantinePolicy"
VIRTUAL_NAME = "DefaultGlobalPolicy"


def read(services: Services, identities: Sequence[str]) -> tuple[Observed, ...]:
    rows = services.exchange.rows("Get-QuarantinePolicy", QuarantinePolicyType=TYPE)
    return tuple(_observed(identity, rows) for identity in identities)


def _observed(identity: str, rows: Sequence[dict[str, object]]) -> Observed:
    if len(rows) != 1:
        return unknown(TYPE, identity, f"{len(rows)} global quarantine policies were listed; every tenant has one")
    row = rows[0]
    if str(row.get("Guid") or NO_GUID) == NO_GUID and row.get("Name") == VIRTUAL_NAME:
        return absent(TYPE, identity, "the tenant still has the built-in virtual policy, which cannot be changed")
    return Observed(
        kind=TYPE,
        identity=identity,
        presence="present",
        properties={"EndUserSpamNotificationFrequency": needed(row, "EndUserSpamNotificationFrequency")},
        handle=address(row, "Identity"),
        row=row,
    )


def write(services: Services, change: Change, observed: Observed, wait: Wait) -> None:
    if change.action == "create":
        parameters = {
            "Name": change.identity,
            "QuarantinePolicyType": TYPE,
            **assignments(change, only_changed=False),
        }
        services.exchange.invoke("New-QuarantinePolicy", parameters, write=True)
        return
    parameters = {"Identity": observed.handle, **assignments(change, only_changed=True)}
    services.exchange.invoke("Set-QuarantinePolicy", parameters, write=True)


def by_hand(change: Change) -> tuple[str, ...]:
    if change.action == "create":
        parameters = {
            "Name": change.identity,
            "QuarantinePolicyType": TYPE,
            **assignments(change, only_changed=False),
        }
        return (command("New-QuarantinePolicy", parameters),)
    setting = command("Set-QuarantinePolicy", assignments(change, only_changed=True))
    return (f"{_listed()} | {setting}",)


def look_by_hand(identity: str) -> tuple[str, ...]:
    """The row of an untouched tenant, which only looks like a policy, is left out [CIPP-GQ]."""
    condition = f"Where-Object Name -ne '{VIRTUAL_NAME}'"
    return (f"{_listed()} | {condition} | Format-List",)


def _listed() -> str:
    return command("Get-QuarantinePolicy", {"QuarantinePolicyType": TYPE})


KIND = Kind(
    type=TYPE,
    title="Quarantine notifications",
    types={"EndUserSpamNotificationFrequency": TIMESPAN},
    read=read,
    write=write,
    by_hand=by_hand,
    look_by_hand=look_by_hand,
    rights=cmdlets("Get-QuarantinePolicy", "New-QuarantinePolicy", "Set-QuarantinePolicy"),
    needed_for=needed_for,
    modifying_makes=True,
    stays="the global quarantine policy cannot be removed once it was created",
)
