"""Anti-spam policies, the rules that scope them, and the rules of the preset policies.

Sources: factory values of the Default policy [G2O-FIX; live]; ranges and enums [DOCS]; presets [G2O-FIX,
DEF].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simtenant import directory, quarantine, ranking, switches
from simtenant.binding import Delta
from simtenant.directory import Call, Outcome
from simtenant.envelope import CmdletError, duplicate, invalid
from simtenant.store import Body, Record

POLICY = "HostedContentFilterPolicy"
RULE = "HostedContentFilterRule"

_NOT_STORED = {"Identity", "Name", "Confirm", "WhatIf", "MakeDefault", "Enabled", "Priority"}
_OFF = (
    "IncreaseScoreWithImageLinks",
    "IncreaseScoreWithNumericIps",
    "IncreaseScoreWithRedirectToOtherPort",
    "IncreaseScoreWithBizOrInfoUrls",
    "MarkAsSpamEmptyMessages",
    "MarkAsSpamJavaScriptInHtml",
    "MarkAsSpamFramesInHtml",
    "MarkAsSpamObjectTagsInHtml",
    "MarkAsSpamEmbedTagsInHtml",
    "MarkAsSpamFormTagsInHtml",
    "MarkAsSpamWebBugsInHtml",
    "MarkAsSpamSensitiveWordList",
    "MarkAsSpamSpfRecordHardFail",
    "MarkAsSpamFromAddressAuthFail",
    "MarkAsSpamNdrBackscatter",
)
_FACTORY: Mapping[str, Any] = {
    "BulkMovesEnabled": "NotSet",
    "QuarantineRetentionPeriod": 15,
    "TestModeAction": "None",
    "IsDefault": False,
    "SpamAction": "MoveToJmf",
    "HighConfidenceSpamAction": "MoveToJmf",
    "PhishSpamAction": "MoveToJmf",
    "HighConfidencePhishAction": "Quarantine",
    "BulkSpamAction": "MoveToJmf",
    "BulkThreshold": 7,
    "ZapEnabled": True,
    "InlineSafetyTipsEnabled": True,
    "SpamZapEnabled": True,
    "PhishZapEnabled": True,
    "IntraOrgFilterState": "Default",
    "RecommendedPolicyType": "Custom",
    "SpamQuarantineTag": "DefaultFullAccessPolicy",
    "HighConfidenceSpamQuarantineTag": "DefaultFullAccessPolicy",
    "PhishQuarantineTag": "DefaultFullAccessPolicy",
    "HighConfidencePhishQuarantineTag": "AdminOnlyAccessPolicy",
    "BulkQuarantineTag": "DefaultFullAccessPolicy",
    "MarkAsSpamBulkMail": "On",
    **dict.fromkeys(_OFF, "Off"),
}
_PRESETS = ("Standard", "Strict")


def factory_values() -> Body:
    """Give the settings of an anti-spam policy that nobody touched."""
    return dict(_FACTORY)


def get(call: Call) -> Outcome:
    """List anti-spam policies."""
    return directory.listed(call, POLICY)


def new(call: Call) -> Outcome:
    """Create a custom policy; it reaches nobody until a rule names it."""
    settings = _settings(call, {})
    record = directory.create(call, POLICY, str(call.arguments["Name"]), {**_FACTORY, **settings})
    return Outcome(records=(record,))


def set_(call: Call) -> Outcome:
    """Change a policy; presets are protected, and there is no parameter to rename one [DOCS]."""
    record = directory.find(call, POLICY)
    _refuse_preset(record)
    settings = _settings(call, record.body)
    if call.arguments.get("MakeDefault"):
        _make_default(call, record)
        record = directory.find(call, POLICY, str(record.body["Guid"]))
    return directory.change(call, record, settings)


def remove(call: Call) -> Outcome:
    """Delete a custom policy that no rule names."""
    record = directory.find(call, POLICY)
    _refuse_preset(record)
    if record.body["IsDefault"]:
        raise invalid("The default anti-spam policy can't be removed.")
    for rule in call.tx.all(RULE):
        if directory.same(rule.body[POLICY], record.body["Name"]):
            raise invalid(f"The policy '{record.body['Name']}' is used by the rule '{rule.body['Name']}'.")
    call.tx.delete(POLICY, record.key)
    return Outcome()


def get_rule(call: Call) -> Outcome:
    """List the rules of custom policies; an untouched tenant has none."""
    return ranking.listed(call, RULE)


def new_rule(call: Call) -> Outcome:
    """Create a rule for a custom policy that has none yet."""
    policy = _free_policy(call, None)
    settings = {**_settings(call, {}), POLICY: policy}
    settings["State"] = "Disabled" if call.arguments.get("Enabled") is False else "Enabled"
    return Outcome(records=(ranking.insert(call, RULE, str(call.arguments["Name"]), settings),))


def set_rule(call: Call) -> Outcome:
    """Change a rule; its State is not among what can be changed here."""
    record = directory.find(call, RULE)
    settings = _settings(call, record.body)
    if settings.get(POLICY) is not None:
        settings[POLICY] = _free_policy(call, record)
    name = call.arguments.get("Name")
    if name is not None:
        _refuse_taken(call, RULE, record, name)
        settings["Name"] = name
    return ranking.change(call, record, settings)


def get_eop_rule(call: Call) -> Outcome:
    """List the anti-spam side of the presets; no row for a preset that was never switched on [live]."""
    return ranking.listed(call, "EOPProtectionPolicyRule")


def get_atp_rule(call: Call) -> Outcome:
    """List the Safe Links and Safe Attachments side of the presets; fails without the Defender plan."""
    if switches.chosen(call.tx, "defender_plan") == "absent":
        raise CmdletError(
            "This organization doesn't have a subscription that includes this cmdlet.",
            exception="Microsoft.Exchange.Management.Tasks.InvalidOperationException",
        )
    return ranking.listed(call, "ATPProtectionPolicyRule")


def rule_shown(record: Record) -> Body:
    """Give the generated properties of a policy rule."""
    names = ("SentTo", "SentToMemberOf", "RecipientDomainIs")
    conditions = [name for name in names if record.body.get(name)]
    exceptions = [f"ExceptIf{name}" for name in names if record.body.get(f"ExceptIf{name}")]
    scope = "\r\n\t".join(f"{name}: {', '.join(record.body[name])}" for name in (*conditions, *exceptions))
    return {
        "Conditions": _classes(conditions),
        "Exceptions": _classes([name.removeprefix("ExceptIf") for name in exceptions]),
        "Description": f"If the message:\r\n\t{scope or 'applies to everyone'}\r\n"
        "Take the following actions:\r\n"
        f'\tApply the policy "{record.body.get(POLICY, "")}".\r\n',
        "RuleVersion": "15.0.5.2" if conditions or exceptions else "14.0.0.0",
    }


def _classes(names: list[str]) -> list[str] | None:
    prefix = "Microsoft.Exchange.MessagingPolicies.Rules.Tasks."
    return [f"{prefix}{name}Predicate" for name in names] or None


def _settings(call: Call, before: Mapping[str, Any]) -> Body:
    settings: Body = {}
    for name, value in call.arguments.items():
        if name in _NOT_STORED:
            continue
        if isinstance(value, Delta):
            value = value.apply(before.get(name) or [])
        if name in quarantine.TAG_PROPERTIES and value:
            value = quarantine.tag_name(call, value)
        if isinstance(value, tuple):
            # Rule objects show an empty list as null, policy objects as an empty list [live].
            value = list(value) or (None if call.cmdlet.endswith("Rule") else [])
        settings[name] = value
    return settings


def _refuse_preset(record: Record) -> None:
    if record.body["RecommendedPolicyType"] in _PRESETS:
        raise invalid(f"The policy '{record.body['Name']}' belongs to a preset security policy and is read-only.")


def _refuse_taken(call: Call, kind: str, record: Record, name: str) -> None:
    for other in call.tx.all(kind):
        if other.key != record.key and directory.same(other.body["Name"], name):
            raise duplicate(kind, name)


def _make_default(call: Call, chosen: Record) -> None:
    for record in call.tx.all(POLICY):
        if record.body["IsDefault"] != (record.key == chosen.key):
            call.tx.put(POLICY, record.key, {**record.body, "IsDefault": record.key == chosen.key})


def _free_policy(call: Call, rule: Record | None) -> str:
    policy = directory.find(call, POLICY, str(call.arguments[POLICY]))
    name = str(policy.body["Name"])
    if policy.body["IsDefault"]:
        raise invalid("The default anti-spam policy can't be used in a rule.")
    for other in call.tx.all(RULE):
        if directory.same(other.body[POLICY], name) and (rule is None or other.key != rule.key):
            raise invalid(f"The policy '{name}' is already used by the rule '{other.body['Name']}'.")
    return name
