"""Transport rules (mail flow rules).

Wire: Get-, New-, Set-, Enable-, Disable- and Remove-TransportRule. The answer has State, not Enabled, and Set has no
Enabled either [DOCS, DSC]; a new rule is enabled unless it is told otherwise, while the portal's wizard
leaves it off until the last step [DOCS]. So a rule is created disabled, read back, and only then enabled.
A header condition is the pair of name and words, always sent together [DOCS].
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from runbook.errors import ApplyFailed
from runbook.kinds.kind import Kind, Right, Wait, absent, address, assignments, cmdlets, named, needed, unknown
from runbook.kinds.powershell import command
from runbook.plan import Attribute, Change, Observed
from runbook.values import BOOLEAN, DATE, INTEGER, NETWORKS, TEXT_SET, WORD, WORD_SET
from tenantapi import ApiError, Services

TYPE = "TransportRule"
_TYPES = {
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
_DATES = ("ActivationDate", "ExpiryDate")
_PAIR = ("HeaderContainsMessageHeader", "HeaderContainsWords")
# Conditions and actions that a rule can hold beside the compared ones [DOCS, G2O-FIX]; every exception
# begins with ExceptIf. A property that is in neither list is new to us and is left out of the comparison.
_EFFECTS = frozenset(
    """
    ADComparisonAttribute ADComparisonOperator AddManagerAsRecipientType AddToRecipients
    AnyOfCcHeader AnyOfCcHeaderMemberOf AnyOfRecipientAddressContainsWords
    AnyOfRecipientAddressMatchesPatterns AnyOfToCcHeader AnyOfToCcHeaderMemberOf AnyOfToHeader
    AnyOfToHeaderMemberOf ApplyClassification ApplyHtmlDisclaimerFallbackAction
    ApplyHtmlDisclaimerLocation ApplyHtmlDisclaimerText ApplyOME
    ApplyRightsProtectionCustomizationTemplate ApplyRightsProtectionTemplate AttachmentContainsWords
    AttachmentExtensionMatchesWords AttachmentHasExecutableContent AttachmentIsPasswordProtected
    AttachmentIsUnsupported AttachmentMatchesPatterns AttachmentNameMatchesPatterns
    AttachmentProcessingLimitExceeded AttachmentPropertyContainsWords AttachmentSizeOver
    BetweenMemberOf1 BetweenMemberOf2 BlindCopyTo ContentCharacterSetContainsWords ContentMatchesPrompt
    ContentMatchesPromptVerdict CopyTo DeleteMessage Disconnect From FromAddressContainsWords
    FromAddressMatchesPatterns FromMemberOf FromScope GenerateIncidentReport GenerateNotification
    HasClassification HasNoClassification HasSenderOverride HeaderMatchesMessageHeader
    HeaderMatchesPatterns IncidentReportContent ManagerAddresses ManagerForEvaluatedUser
    MessageContainsAllDataClassifications MessageContainsDataClassifications MessageSizeOver
    MessageTypeMatches ModerateMessageByManager ModerateMessageByUser PrependSubject Quarantine
    RecipientADAttributeContainsWords RecipientADAttributeMatchesPatterns RecipientAddressContainsWords
    RecipientAddressMatchesPatterns RecipientDomainIs RecipientInSenderList RedirectMessageTo
    RemoveHeader RemoveOME RemoveOMEv2 RemoveRMSAttachmentEncryption RouteMessageOutboundConnector
    RouteMessageOutboundRequireTls SCLOver SenderADAttributeContainsWords
    SenderADAttributeMatchesPatterns SenderDomainIs SenderInRecipientList SenderManagementRelationship
    SenderNotificationType SentTo SentToMemberOf SentToScope SetHeaderName SetHeaderValue
    SmtpRejectMessageRejectStatusCode SmtpRejectMessageRejectText StopRuleProcessing
    SubjectContainsWords SubjectMatchesPatterns SubjectOrBodyContainsWords SubjectOrBodyMatchesPatterns
    WithImportance
    """.split()
)
ACTIONS = frozenset(
    """
    AddManagerAsRecipientType AddToRecipients ApplyClassification ApplyHtmlDisclaimerFallbackAction
    ApplyHtmlDisclaimerLocation ApplyHtmlDisclaimerText ApplyOME ApplyRightsProtectionCustomizationTemplate
    ApplyRightsProtectionTemplate BlindCopyTo CopyTo DeleteMessage Disconnect GenerateIncidentReport
    GenerateNotification IncidentReportContent ModerateMessageByManager ModerateMessageByUser PrependSubject
    Quarantine RedirectMessageTo RemoveHeader RemoveOME RemoveOMEv2 RemoveRMSAttachmentEncryption
    RouteMessageOutboundConnector RouteMessageOutboundRequireTls SenderNotificationType SetHeaderName SetHeaderValue
    SmtpRejectMessageRejectStatusCode SmtpRejectMessageRejectText StopRuleProcessing
    """.split()
)
"""What a rule does, among the properties beside the compared ones [DOCS]; all others of them are conditions."""
# Those of them, and of the exceptions, that are on or off [CIPP-SHAPE].
_SWITCHES = frozenset(
    """
    ApplyOME AttachmentHasExecutableContent AttachmentIsPasswordProtected AttachmentIsUnsupported
    AttachmentProcessingLimitExceeded DeleteMessage Disconnect HasNoClassification HasSenderOverride
    ModerateMessageByManager Quarantine RemoveOME RemoveOMEv2 RemoveRMSAttachmentEncryption
    RouteMessageOutboundRequireTls StopRuleProcessing
    """.split()
)


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
    properties = {name: needed(row, name) for name in _TYPES if name not in ("Enabled", "AlsoSet", *_DATES)}
    properties |= {name: row.get(name) for name in _DATES}  # which of the unset ones a row has is the version's
    properties |= {"Enabled": state == "enabled", "AlsoSet": _also_set(row)}
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


def _touched(row: Mapping[str, Any]) -> str:
    """When the rule was last changed; empty where the row does not say, or leaves the zone open."""
    try:
        moment = str(DATE.canonical(row.get("WhenChanged")) or "")
    except ValueError:
        return ""
    return moment[:19] + "Z" if moment.endswith("Z") else ""


def _also_set(row: Mapping[str, Any]) -> list[str]:
    """Conditions, exceptions and actions that narrow or widen the rule beyond the compared ones, as texts.

    Raises ValueError for a switch that is neither on nor off.
    """
    found = _beyond(row)
    switches = [name for name in found if name.removeprefix("ExceptIf") in _SWITCHES]
    found |= {name: BOOLEAN.canonical(found[name]) for name in switches if not _is_unset(found[name])}
    return sorted(f"{name}: {_said(value)}" for name, value in found.items() if not _is_unset(value))


def effects(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the conditions, exceptions and actions that a rule has beyond the compared ones.

    A missing one is unset: which of them a row has depends on the service's version. A switch comes as the service
    spells it, unless that plainly says that it is off.
    """
    return {name: value for name, value in _beyond(row).items() if not _is_unset(value) and not _is_off(name, value)}


def _beyond(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in _EFFECTS or name.startswith("ExceptIf")}


def _is_off(name: str, value: Any) -> bool:
    return name.removeprefix("ExceptIf") in _SWITCHES and str(value).strip().casefold() == "false"


def _is_unset(value: Any) -> bool:
    """Unset is null, false, or an empty text or list; the number 0 is a value."""
    return value is None or value is False or value == "" or value == []


def _said(value: Any) -> str:
    """Values of one condition are alternatives [DOCS], so that their order says nothing."""
    if not isinstance(value, list):
        return str(value)
    return f"[{', '.join(sorted({json.dumps(item, sort_keys=True, ensure_ascii=False) for item in value}))}]"


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
        send = {"Identity": observed.handle, **_with_pair(change, changed)}
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
        seen[:] = [item for item in read(services, [change.identity]) if item.presence == "present"]
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
        lines.append(command("Set-TransportRule", {"Identity": change.identity, **_with_pair(change, wanted)}))
    if enabled is True:
        lines.append(command(_switch_cmdlet(True), {"Identity": change.identity}))
    elif enabled is False and change.action != "create":
        lines.insert(0, command(_switch_cmdlet(False), {"Identity": change.identity}))
    return tuple(lines)


def _with_pair(change: Change, changed: Mapping[str, Any]) -> dict[str, Any]:
    """The header's name and its words are only understood together [DOCS]."""
    whole = assignments(change, only_changed=False)
    pair = {name: whole[name] for name in _PAIR if name in whole and changed.keys() & set(_PAIR)}
    return {**pair, **changed}


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
    acts_within=timedelta(minutes=30),  # [DOCS, mail flow rules in Exchange Online]
)
