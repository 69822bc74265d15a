"""The conditions of transport rules that can be decided for a test message, and those that cannot.

Conditions of a rule are all needed, values of one condition are alternatives [DOCS, New-TransportRule]. A test
message has one recipient, no body and nothing attached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from simtenant.mailflow import matching

EXCEPT = "ExceptIf"


@dataclass(slots=True, kw_only=True)
class Sight:
    """What rules see of a message on its way; rules change its headers."""

    recipient: str
    sender: str
    groups: frozenset[str]
    sender_groups: frozenset[str]
    sender_inside: bool
    """Whether the sender's domain is one of the tenant's."""
    source: int | None
    """The address that a condition on the sender's address tests; None when it is not known."""
    headers: dict[str, list[str]]
    """Values by name in small letters."""
    below: bool
    """Whether a domain in a condition stands for those below it, too."""

    def has(self, header: str, wanted: Any) -> bool:
        """Tell whether a header has a value in which the pattern is found."""
        return wanted is not None and any(wanted.search(value) for value in self.headers.get(header, ()))


Test = Callable[[Sight], bool]


def compiled(name: str, body: Mapping[str, Any]) -> Test | None:
    """Make the test of a condition or exception of a rule; None for one that cannot be decided."""
    stem = name.removeprefix(EXCEPT)
    if stem.startswith("HeaderContains"):
        return _header(body, name.removesuffix(stem))
    if stem in NOTHING_ATTACHED:
        return _never
    make = _MAKERS.get(stem)
    return None if make is None else make(body[name])


def _never(sight: Sight) -> bool:
    return False


def _header(body: Mapping[str, Any], prefix: str) -> Test | None:
    """Both halves of the pair give the same test; one half alone cannot be decided."""
    header = str(body.get(f"{prefix}HeaderContainsMessageHeader") or "").strip().lower()
    wanted = matching.phrases(matching.texts(body.get(f"{prefix}HeaderContainsWords")))
    return None if not header or wanted is None else lambda sight: sight.has(header, wanted)


def _words_in_subject(value: Any) -> Test:
    wanted = matching.phrases(matching.texts(value))
    return lambda sight: sight.has("subject", wanted)


def _sender_ranges(value: Any) -> Test:
    ranges = matching.spans(matching.texts(value))
    return lambda sight: matching.covers(ranges, sight.source)


def _sender_domains(value: Any) -> Test:
    domains = matching.lower(value)
    return lambda sight: matching.in_domains(matching.domain_of(sight.sender), domains, below=sight.below)


def _recipient_domains(value: Any) -> Test:
    domains = matching.lower(value)
    return lambda sight: matching.in_domains(matching.domain_of(sight.recipient), domains, below=sight.below)


def _from(value: Any) -> Test:
    people = matching.lower(value)
    return lambda sight: sight.sender in people


def _sent_to(value: Any) -> Test:
    people = matching.lower(value)
    return lambda sight: sight.recipient in people


def _from_member(value: Any) -> Test:
    groups = matching.lower(value)
    return lambda sight: not groups.isdisjoint(sight.sender_groups)


def _sent_to_member(value: Any) -> Test:
    groups = matching.lower(value)
    return lambda sight: not groups.isdisjoint(sight.groups)


def _from_scope(value: Any) -> Test:
    inside = str(value).lower() == "inorganization"
    return lambda sight: sight.sender_inside is inside


def _sent_to_scope(value: Any) -> Test:
    """Mail that reaches the rules is for a domain of the tenant, so only InOrganization holds."""
    inside = str(value).lower() == "inorganization"
    return lambda sight: inside


_MAKERS: Mapping[str, Callable[[Any], Test]] = MappingProxyType(
    {
        "From": _from,
        "FromMemberOf": _from_member,
        "FromScope": _from_scope,
        "RecipientDomainIs": _recipient_domains,
        "SenderDomainIs": _sender_domains,
        "SenderIpRanges": _sender_ranges,
        "SentTo": _sent_to,
        "SentToMemberOf": _sent_to_member,
        "SentToScope": _sent_to_scope,
        "SubjectContainsWords": _words_in_subject,
        "SubjectOrBodyContainsWords": _words_in_subject,
    }
)

NOTHING_ATTACHED = frozenset(
    """
    AttachmentContainsWords AttachmentExtensionMatchesWords AttachmentHasExecutableContent
    AttachmentIsPasswordProtected AttachmentIsUnsupported AttachmentMatchesPatterns AttachmentNameMatchesPatterns
    AttachmentProcessingLimitExceeded AttachmentPropertyContainsWords AttachmentSizeOver
    """.split()
)
"""Never true of a test message."""

EVALUATED = frozenset(_MAKERS) | {"HeaderContainsMessageHeader", "HeaderContainsWords"}

_PATTERNS = "patterns are a dialect of regular expressions that the facts do not describe"
_PROPERTIES = "properties of people in the directory are not simulated"
_LIST = "a test message has one recipient and no lists of others, and how managers stand is not simulated"
_CONTENT = "a test message has no size, classification, importance or content of its own"
_PART_OF_WORD = "whether a part of an address counts as a word is not in the facts"

UNEVALUATED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            """
            FromAddressMatchesPatterns HeaderMatchesMessageHeader HeaderMatchesPatterns SubjectMatchesPatterns
            SubjectOrBodyMatchesPatterns RecipientAddressMatchesPatterns AnyOfRecipientAddressMatchesPatterns
            """.split(),
            _PATTERNS,
        ),
        **dict.fromkeys(
            """
            ADComparisonAttribute ADComparisonOperator RecipientADAttributeContainsWords
            RecipientADAttributeMatchesPatterns SenderADAttributeContainsWords SenderADAttributeMatchesPatterns
            """.split(),
            _PROPERTIES,
        ),
        **dict.fromkeys(
            """
            AnyOfCcHeader AnyOfCcHeaderMemberOf AnyOfToCcHeader AnyOfToCcHeaderMemberOf AnyOfToHeader
            AnyOfToHeaderMemberOf BetweenMemberOf1 BetweenMemberOf2 ManagerAddresses ManagerForEvaluatedUser
            SenderManagementRelationship SenderInRecipientList RecipientInSenderList
            """.split(),
            _LIST,
        ),
        **dict.fromkeys(
            """
            ContentCharacterSetContainsWords ContentMatchesPrompt ContentMatchesPromptVerdict HasClassification
            HasNoClassification HasSenderOverride MessageContainsAllDataClassifications
            MessageContainsDataClassifications MessageSizeOver MessageTypeMatches WithImportance
            """.split(),
            _CONTENT,
        ),
        **dict.fromkeys(
            """
            AnyOfRecipientAddressContainsWords FromAddressContainsWords RecipientAddressContainsWords
            """.split(),
            _PART_OF_WORD,
        ),
        "SCLOver": "which level a rule sees before the filter has judged is not in the facts",
    }
)
"""Conditions, by name, that are not decided, with the reason: a rule with one, also as an exception, does nothing."""
