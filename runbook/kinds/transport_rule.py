"""Transport rules (mail flow rules).

Wire: Get-, New-, Set-, Enable-, Disable- and Remove-TransportRule. The answer has State, not Enabled, and Set has no
Enabled either [DOCS, DSC]; a new rule is enabled unless it is told otherwise, while the portal's wizard
leaves it off until the last step [DOCS]. So a rule is created disabled, read back, and only then enabled.
A header condition is the pair of name and words, always sent together [DOCS], and so is a header that a rule sets.

Nine conditions and actions are compared where a tutorial names them; in any other rule they are among what it sets
beside (`AlsoSet`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from runbook.errors import ApplyFailed
from runbook.kinds.kind import Kind, Right, Wait, absent, address, assignments, cmdlets, named, needed, unknown
from runbook.kinds.powershell import command, listing
from runbook.kinds.rule_effects import also_set
from runbook.plan import Attribute, Change, Observed
from runbook.values import BOOLEAN, DATE, INTEGER, NETWORKS, TEXT, TEXT_SET, WORD, WORD_SET
from tenantapi import ApiError, Services

TYPE = "TransportRule"
_ALWAYS = {
    "HeaderContainsMessageHeader": WORD,
    "HeaderContainsWords": WORD_SET,
    "SenderIpRanges": NETWORKS,
    "SetSCL": INTEGER,
    "Enabled": BOOLEAN,
    "Mode": WORD,
    "ActivationDate": DATE,
    "ExpiryDate": DATE,
    "AlsoSet": TEXT_SET,
}
_WHERE_NAMED = {
    "From": WORD_SET,
    "FromScope": WORD,
    "SenderDomainIs": WORD_SET,
    "SubjectContainsWords": WORD_SET,
    "ExceptIfSenderDomainIs": WORD_SET,
    "SetHeaderName": WORD,
    "SetHeaderValue": TEXT,
    "Quarantine": BOOLEAN,
    "StopRuleProcessing": BOOLEAN,
}
_TYPES = {**_ALWAYS, **_WHERE_NAMED}
_DATES = ("ActivationDate", "ExpiryDate")
_SWITCHES = ("Quarantine", "StopRuleProcessing")
_PAIRS = (("HeaderContainsMessageHeader", "HeaderContainsWords"), ("SetHeaderName", "SetHeaderValue"))


def read(services: Services, identities: Sequence[str]) -> tuple[Observed, ...]:
    rows = tuple(services.exchange.rows("Get-TransportRule"))
    return tuple(replace(_observed(identity, named(rows, identity), len(rows)), beside=rows) for identity in identities)


def _observed(identity: str, rows: Sequence[Mapping[str, Any]], listed: int) -> Observed:
    if not rows:
        return absent(TYPE, identity, listed=listed)
    if len(rows) > 1:
        return unknown(TYPE, identity, f"{len(rows)} transport rules have this name")
    row = rows[0]
    state = WORD.canonical(row.get("State"))
    if state not in ("enabled", "disabled"):
        return unknown(TYPE, identity, f"the rule's state is {row.get('State')!r}, neither Enabled nor Disabled")
    properties = {name: needed(row, name) for name in _ALWAYS if name not in ("Enabled", "AlsoSet", *_DATES)}
    properties |= {name: row.get(name) for name in _DATES}  # which of the unset ones a row has is the version's
    properties |= {"Enabled": state == "enabled", "AlsoSet": also_set(row)}
    return Observed(
        kind=TYPE,
        identity=identity,
        presence="present",
        properties=properties,
        handle=address(row, "Guid").lower(),  # a System.Guid, a number written in hexadecimal [live]
        row=row,
        name=row["Name"],
        listed=listed,
        touched=_touched(row),
    )


def compared(observed: Observed, names: Collection[str]) -> Observed:
    """Return a rule with the properties that are compared because they are named, and no longer among the others.

    Raises ValueError where the answer leaves one of them out.
    """
    more = [name for name in _WHERE_NAMED if name in names]
    if observed.presence != "present" or not more:
        return observed
    found = {name: needed(observed.row, name) for name in more}
    found |= {name: found[name] or False for name in _SWITCHES if name in found}  # an unset one is off
    return replace(observed, properties={**observed.properties, **found, "AlsoSet": also_set(observed.row, but=more)})


def _touched(row: Mapping[str, Any]) -> str:
    """When the rule was last changed; empty where the row does not say, or leaves the zone open."""
    try:
        moment = str(DATE.canonical(row.get("WhenChanged")) or "")
    except ValueError:
        return ""
    return moment[:19] + "Z" if moment.endswith("Z") else ""


def write(services: Services, change: Change, observed: Observed, wait: Wait) -> None:
    if change.action == "create":
        _create(services, change, wait)
        return
    if change.action == "delete":
        services.exchange.invoke("Remove-TransportRule", {"Identity": observed.handle}, write=True)
        return
    changed = assignments(change, only_changed=True)
    if "AlsoSet" in changed:
        also = next(item.before for item in change.differences if item.attribute == "AlsoSet")
        raise ApplyFailed(
            f"The transport rule {change.identity!r} also sets {', '.join(also)}; nothing of it was changed.",
            "Remove these from the rule in the Exchange admin center, or rename that rule, then plan again.",
        )
    enabled = changed.pop("Enabled", None)
    if enabled is False:  # first: what the rule is about to become must never act, not even between two calls
        _switch(services, observed.handle, False)
    if changed:
        send = {"Identity": observed.handle, **_with_pairs(change, changed)}
        services.exchange.invoke("Set-TransportRule", send, write=True)
    if enabled:
        _switch(services, observed.handle, True)


def _create(services: Services, change: Change, wait: Wait) -> None:
    wanted = assignments(change, only_changed=False)
    enabled = wanted.pop("Enabled", False)  # a text that never says so leaves the rule off, as the wizard does
    wanted = {name: value for name, value in wanted.items() if name != "AlsoSet" and value is not None}
    services.exchange.invoke("New-TransportRule", {"Name": change.identity, **wanted, "Enabled": False}, write=True)
    seen: list[Observed] = []

    def listed() -> bool:
        names = [item.attribute for item in change.differences]
        found = (compared(item, names) for item in read(services, [change.identity]))
        seen[:] = [item for item in found if item.presence == "present"]
        return bool(seen)

    try:
        wait(f"the new transport rule {change.identity}", listed)
    except ApiError as error:
        raise ApplyFailed(
            f"The transport rule {change.identity!r} was created, disabled, and could not be read back: {error.detail}",
            "Plan again: the plan then shows the rule, and what is left to do.",
        ) from error
    _check_read_back(change, seen[0])
    if enabled:
        _switch(services, seen[0].handle, True)


def _check_read_back(change: Change, observed: Observed) -> None:
    for item in change.differences:
        value_type = _TYPES[item.attribute]
        found = observed.properties.get(item.attribute)
        wanted = False if item.attribute == "Enabled" else item.after
        if value_type.canonical(found) != value_type.canonical(wanted):
            raise ApplyFailed(
                f"The new transport rule {change.identity!r} was read back with {item.attribute} "
                f"{value_type.show(found)} instead of {value_type.show(wanted)}. It was left disabled.",
                "Look at the rule in the Exchange admin center, remove it, and plan again.",
            )


def _switch(services: Services, handle: str, enabled: bool) -> None:
    services.exchange.invoke(_switch_cmdlet(enabled), {"Identity": handle}, write=True)


def _switch_cmdlet(enabled: bool) -> str:
    return "Enable-TransportRule" if enabled else "Disable-TransportRule"


def by_hand(change: Change) -> tuple[str, ...]:
    if change.action == "delete":
        return (command("Remove-TransportRule", {"Identity": change.identity}),)
    wanted = assignments(change, only_changed=change.action != "create")
    lines = []
    if wanted.pop("AlsoSet", None) is not None and change.action != "create":
        lines.append("# first remove from the rule what the tutorial does not ask for; see the plan")
    enabled = wanted.pop("Enabled", None)
    if change.action == "create":
        wanted = {name: value for name, value in wanted.items() if value is not None}
        lines.append(command("New-TransportRule", {"Name": change.identity, **wanted, "Enabled": False}))
    elif wanted:
        lines.append(command("Set-TransportRule", {"Identity": change.identity, **_with_pairs(change, wanted)}))
    if enabled is True:
        lines.append(command(_switch_cmdlet(True), {"Identity": change.identity}))
    elif enabled is False and change.action != "create":
        lines.insert(0, command(_switch_cmdlet(False), {"Identity": change.identity}))
    return tuple(lines)


def _with_pairs(change: Change, changed: Mapping[str, Any]) -> dict[str, Any]:
    """A header's name and its words, or its name and the value that it gets, are only understood together [DOCS]."""
    whole = assignments(change, only_changed=False)
    halves = [name for pair in _PAIRS if changed.keys() & set(pair) for name in pair if name in whole]
    return {**{name: whole[name] for name in halves}, **changed}


def needed_for(change: Change) -> tuple[Right, ...]:
    """The cmdlets that this change asks for: switching a rule on or off has cmdlets of its own."""
    if change.action == "delete":
        return cmdlets("Remove-TransportRule")
    changed = assignments(change, only_changed=change.action != "create")
    enabled = changed.pop("Enabled", None)
    switch = () if enabled is None else cmdlets(_switch_cmdlet(enabled))
    if change.action == "create":
        return cmdlets("New-TransportRule", "Get-TransportRule") + (switch if enabled else ())
    return (cmdlets("Set-TransportRule") if changed else ()) + switch


KIND = Kind(
    type=TYPE,
    title="Transport rule",
    types=_TYPES,
    read=read,
    write=write,
    by_hand=by_hand,
    look_by_hand=lambda name: (listing("Get-TransportRule", name),),
    rights=cmdlets(
        "Get-TransportRule",
        "New-TransportRule",
        "Set-TransportRule",
        "Enable-TransportRule",
        "Disable-TransportRule",
        "Remove-TransportRule",
    ),
    needed_for=needed_for,
    halfway={"Enabled": False},
    implied=(
        Attribute(name="Mode", value="Enforce", note="the wizard's default; in another mode the rule does nothing"),
        Attribute(name="ActivationDate", value=None, note="before such a date the rule does nothing"),
        Attribute(name="ExpiryDate", value=None, note="after such a date the rule does nothing"),
        Attribute(name="AlsoSet", value=[], note="no condition, exception or action beyond the tutorial's"),
    ),
    switches=frozenset({"Enabled", "Mode", "ActivationDate", "ExpiryDate"}),
    not_taken_away=frozenset({"AlsoSet"}),
    compared=compared,
    acts_within=timedelta(minutes=30),  # [DOCS, mail flow rules in Exchange Online]
)
