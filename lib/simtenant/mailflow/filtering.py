"""Microsoft's filter: its verdict and what rules asked for, the policy that wins, and what that policy does.

Sources: precedence and first match only [DEF how-policies-and-protections-are-combined]; meaning of the levels
[DEF scl-about]; malware and high-confidence phishing act in spite of a bypass, and are never released by users
[DEF]; a phishing verdict goes before a requested level [peers 6.4]; actions and tags [DOCS].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from simtenant import contentfilter
from simtenant.mailflow.outcome import Rights
from simtenant.mailflow.tenant import Policy, Tenant
from simtenant.mailflow.ways import Ways

_DELETE, _PREVIEW, _RELEASE, _REQUEST = 1, 2, 4, 8
_IN_EFFECT = 63
"""ViewHeader (128) and Download (64) have no effect today [DOCS]."""

_ALWAYS = ("malware", "high-confidence-phish")
_WORSE = ("none", "bulk", "spam", "high-confidence-spam")
_PROPERTIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "bulk": ("BulkSpamAction", "BulkQuarantineTag"),
        "spam": ("SpamAction", "SpamQuarantineTag"),
        "high-confidence-spam": ("HighConfidenceSpamAction", "HighConfidenceSpamQuarantineTag"),
        "phish": ("PhishSpamAction", "PhishQuarantineTag"),
        "high-confidence-phish": ("HighConfidencePhishAction", "HighConfidencePhishQuarantineTag"),
    }
)
_PLACES: Mapping[str, str] = MappingProxyType(
    {"MoveToJmf": "junk", "Quarantine": "quarantine", "Delete": "deleted", "Redirect": "redirected"}
)
"""By action; every other one delivers to the inbox, with a mark at most."""
_MALWARE_TAG = "AdminOnlyAccessPolicy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the filter did."""

    place: str
    policy: str | None = None
    tag: str | None = None
    rights: Rights | None = None
    notified: bool | None = None
    steps: tuple[str, ...] = ()


def effective(verdict: str, allowed: bool, asked: int | None, ways: Ways) -> tuple[str, int | None]:
    """Join the filter's own verdict with the allow list and a rule's request: (what counts, level shown).

    A level from 0 to 4 asks for nothing: the filter's own verdict stands.
    """
    wished = None if ways.requested_scl == "ignored" else asked
    level = -1 if allowed and (wished is None or ways.allow_list_and_scl == "allow-wins") else wished
    if level is None or verdict in _ALWAYS:
        return verdict, asked if level is None else level
    if level == -1:
        return "none", level
    if verdict == "phish" or level < 5:
        return verdict, level
    wish = "spam" if level < 7 else "high-confidence-spam"
    if ways.requested_scl == "worse-counts":
        wish = max(wish, verdict, key=_WORSE.index)
    return wish, level


def winner(tenant: Tenant, recipient: str, groups: frozenset[str], ways: Ways) -> Policy | None:
    """Give the first policy that reaches the recipient; None only in a tenant that has lost its Default."""
    below = ways.domain_conditions == "subdomains"
    return next((policy for policy in tenant.policies if policy.reaches(recipient, groups, below=below)), None)


def judge(tenant: Tenant, counts: str, policy: Policy | None) -> Judged:
    """Do with a message what the winning policy says for what counts."""
    if counts == "malware":
        return _held(tenant, None, _MALWARE_TAG, counts, ("Malware is quarantined, whatever the anti-spam policies.",))
    if policy is None:
        return Judged(place="inbox", steps=("No anti-spam policy reaches the recipient.",))
    by = f" by its rule '{policy.rule}'" if policy.rule is not None else ", for no other does"
    steps: tuple[str, ...] = (f"The anti-spam policy '{policy.name}' reaches the recipient{by}.",)
    if counts == "bulk" and policy.settings.get("MarkAsSpamBulkMail", "On") != "On":
        return Judged(place="inbox", policy=policy.name, steps=(*steps, "It does not treat bulk mail as spam."))
    if counts == "none":
        return Judged(place="inbox", policy=policy.name, steps=(*steps, "The message counts as no spam: inbox."))
    action_name, tag_name = _PROPERTIES[counts]
    action = str(policy.settings.get(action_name) or contentfilter.factory_values()[action_name])
    place = _PLACES.get(action, "inbox")
    steps = (*steps, f"The message counts as {counts}; {action_name} is {action}: {place}.")
    if place != "quarantine":
        return Judged(place=place, policy=policy.name, steps=steps)
    tag = str(policy.settings.get(tag_name) or contentfilter.factory_values()[tag_name])
    return _held(tenant, policy.name, tag, counts, steps)


def _held(tenant: Tenant, policy: str | None, tag: str, counts: str, steps: tuple[str, ...]) -> Judged:
    """Hold a message under a quarantine policy; one that is gone grants nothing."""
    access = tenant.quarantine.get(tag.lower())
    bits = 0 if access is None else access.bits & _IN_EFFECT
    release, request = bool(bits & _RELEASE), bool(bits & _REQUEST)
    if counts in _ALWAYS and release:
        steps = (*steps, f"Users never release {counts}; they may ask for it.")
        release, request = False, True
    rights = Rights(
        see=bits != 0, preview=bool(bits & _PREVIEW), delete=bool(bits & _DELETE), release=release, request=request
    )
    name = tag if access is None else access.name
    said = f"The quarantine policy is '{name}'." if access is not None else f"There is no quarantine policy '{name}'."
    return Judged(
        place="quarantine",
        policy=policy,
        tag=name,
        rights=rights,
        notified=access is not None and access.notifies,
        steps=(*steps, said),
    )
