"""What a transport rule can hold beside what is compared of every rule: conditions, exceptions and actions.

Sources: names [DOCS, G2O-FIX]; which of them are on or off [CIPP-SHAPE]. Pure: rows in, values out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from runbook.kinds.kind import is_unset, said
from runbook.values import BOOLEAN

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


def also_set(row: Mapping[str, Any], but: Collection[str] = ()) -> list[str]:
    """Return the conditions, exceptions and actions that a rule has beyond the compared ones, as texts.

    `but` are those that are compared by themselves, because a tutorial names them. Raises ValueError for a switch that
    is neither on nor off.
    """
    found = {name: value for name, value in _beyond(row).items() if name not in but}
    switches = [name for name in found if name.removeprefix("ExceptIf") in _SWITCHES]
    found |= {name: BOOLEAN.canonical(found[name]) for name in switches if not is_unset(found[name])}
    return sorted(f"{name}: {said(value)}" for name, value in found.items() if not is_unset(value))


def effects(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the conditions, exceptions and actions that a rule has beyond the compared ones.

    A missing one is unset: which of them a row has depends on the service's version. A switch comes as the service
    spells it, unless that plainly says that it is off.
    """
    return {name: value for name, value in _beyond(row).items() if not is_unset(value) and not _is_off(name, value)}


def _beyond(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in _EFFECTS or name.startswith("ExceptIf")}


def _is_off(name: str, value: Any) -> bool:
    return name.removeprefix("ExceptIf") in _SWITCHES and str(value).strip().casefold() == "false"
