"""Quarantine policies: what recipients may do with a quarantined message.

Wire: Get-, New-, Set- and Remove-QuarantinePolicy. Permissions are written as a number and read back as one text
of eight lines [CIPP-QP]. Built-in policies cannot be changed and share an all-zero GUID, so they are
addressed by name, custom ones by GUID [DEF; CIPP].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from runbook.kinds.kind import (
    NO_GUID,
    Kind,
    Right,
    Wait,
    absent,
    assignments,
    cmdlets,
    named,
    needed,
    plain_name,
    unknown,
)
from runbook.kinds.powershell import command, listing
from runbook.plan import Change, Observed
from runbook.values import BOOLEAN, PERMISSIONS
from tenantapi import Services

TYPE = "QuarantinePolicy"


def read(services: Services, identities: Sequence[str]) -> tuple[Observed, ...]:
    """List all policies and pick by exact name: a named miss and an unknown identity answer differently."""
    rows = services.exchange.rows("Get-QuarantinePolicy")
    if not rows:
        reason = "the list of quarantine policies is empty, although every tenant has built-in ones"
        return tuple(unknown(TYPE, identity, reason) for identity in identities)
    plain = [{**row, "Name": plain_name(row)} for row in rows]
    return tuple(
        replace(_observed(identity, named(plain, identity), len(rows)), beside=rows) for identity in identities
    )


def _observed(identity: str, rows: Sequence[Mapping[str, Any]], listed: int) -> Observed:
    if not rows:
        return absent(TYPE, identity, listed=listed)
    if len(rows) > 1:
        return unknown(TYPE, identity, f"{len(rows)} quarantine policies have this name")
    row = rows[0]
    guid = str(row.get("Guid") or NO_GUID).lower()  # a System.Guid, a number written in hexadecimal [live]
    return Observed(
        kind=TYPE,
        identity=identity,
        presence="present",
        properties={
            "EndUserQuarantinePermissionsValue": needed(row, "EndUserQuarantinePermissions"),
            "ESNEnabled": needed(row, "ESNEnabled"),
        },
        handle=str(row.get("Name")) if guid == NO_GUID else guid,
        row=row,
        name=str(row["Name"]),
        listed=listed,
    )


def write(services: Services, change: Change, observed: Observed, wait: Wait) -> None:
    if change.action == "create":
        parameters = {"Name": change.identity, **assignments(change, only_changed=False)}
        services.exchange.invoke("New-QuarantinePolicy", parameters, write=True)
        wait(
            f"the new quarantine policy {change.identity}",
            lambda: bool(named(services.exchange.rows("Get-QuarantinePolicy"), change.identity)),
        )
        return
    if change.action == "delete":
        services.exchange.invoke("Remove-QuarantinePolicy", {"Identity": observed.handle}, write=True)
        return
    parameters = {"Identity": observed.handle, **assignments(change, only_changed=True)}
    services.exchange.invoke("Set-QuarantinePolicy", parameters, write=True)


def by_hand(change: Change) -> tuple[str, ...]:
    if change.action == "create":
        return (command("New-QuarantinePolicy", {"Name": change.identity, **assignments(change, only_changed=False)}),)
    if change.action == "delete":
        return (command("Remove-QuarantinePolicy", {"Identity": change.identity}),)
    return (command("Set-QuarantinePolicy", {"Identity": change.identity, **assignments(change, only_changed=True)}),)


def needed_for(change: Change) -> tuple[Right, ...]:
    """The cmdlets that this change asks for; a new policy is looked for once it was made."""
    if change.action == "create":
        return cmdlets("Get-QuarantinePolicy", "New-QuarantinePolicy")
    return cmdlets("Remove-QuarantinePolicy" if change.action == "delete" else "Set-QuarantinePolicy")


KIND = Kind(
    type=TYPE,
    title="Quarantine policy",
    types={"EndUserQuarantinePermissionsValue": PERMISSIONS, "ESNEnabled": BOOLEAN},
    read=read,
    write=write,
    by_hand=by_hand,
    look_by_hand=lambda name: (listing("Get-QuarantinePolicy", name),),
    rights=cmdlets("Get-QuarantinePolicy", "New-QuarantinePolicy", "Set-QuarantinePolicy", "Remove-QuarantinePolicy"),
    needed_for=needed_for,
)
