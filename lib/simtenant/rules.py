"""Transport rules.

Sources: null for unset lists, State instead of Enabled, generated Description with CRLF and tabs [CIPP-SHAPE,
G2O-FIX; live]; name, comment and SCL limits, header pair, priority [DOCS]; 300 rules [2nd].
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from simtenant import addresses, directory, ranking, switches
from simtenant.binding import Delta
from simtenant.directory import Call, Outcome
from simtenant.envelope import duplicate, invalid, unfit
from simtenant.store import Body, Record, Transaction

KIND = "TransportRule"

_MOST_RULES = 300
_SCL = range(-1, 10)
_CLASS_PREFIX = "Microsoft.Exchange.MessagingPolicies.Rules.Tasks."
_NOT_STORED = {"Identity", "Name", "Confirm", "WhatIf", "Enabled", "Priority"}
_PROPERTIES = {
    "ActivationDate",
    "Comments",
    "DlpPolicy",
    "ExpiryDate",
    "Mode",
    "RuleErrorAction",
    "RuleSubType",
    "SenderAddressLocation",
    "UseLegacyRegex",
}
_ACTIONS = {
    "AddManagerAsRecipientType": "AddManagerAsRecipientType",
    "AddToRecipients": "AddToRecipients",
    "ApplyClassification": "ApplyClassification",
    "ApplyHtmlDisclaimerFallbackAction": "ApplyHtmlDisclaimer",
    "ApplyHtmlDisclaimerLocation": "ApplyHtmlDisclaimer",
    "ApplyHtmlDisclaimerText": "ApplyHtmlDisclaimer",
    "ApplyOME": "ApplyOME",
    "ApplyRightsProtectionCustomizationTemplate": "ApplyOME",
    "ApplyRightsProtectionTemplate": "RightsProtectMessage",
    "BlindCopyTo": "BlindCopyTo",
    "CopyTo": "CopyTo",
    "DeleteMessage": "DeleteMessage",
    "Disconnect": "Disconnect",
    "GenerateIncidentReport": "GenerateIncidentReport",
    "GenerateNotification": "GenerateNotification",
    "IncidentReportContent": "GenerateIncidentReport",
    "LogEventText": "LogEvent",
    "ModerateMessageByManager": "ModerateMessageByManager",
    "ModerateMessageByUser": "ModerateMessageByUser",
    "NotifySender": "NotifySender",
    "PrependSubject": "PrependSubject",
    "Quarantine": "Quarantine",
    "RedirectMessageTo": "RedirectMessage",
    "RejectMessageEnhancedStatusCode": "RejectMessage",
    "RejectMessageReasonText": "RejectMessage",
    "RemoveHeader": "RemoveHeader",
    "RemoveOME": "RemoveOME",
    "RemoveOMEv2": "RemoveOMEv2",
    "RemoveRMSAttachmentEncryption": "RemoveRMSAttachmentEncryption",
    "RouteMessageOutboundConnector": "RouteMessageOutboundConnector",
    "RouteMessageOutboundRequireTls": "RouteMessageOutboundRequireTls",
    "SetAuditSeverity": "SetAuditSeverity",
    "SetHeaderName": "SetHeader",
    "SetHeaderValue": "SetHeader",
    "SetSCL": "SetScl",
    "SmtpRejectMessageRejectStatusCode": "RejectMessage",
    "SmtpRejectMessageRejectText": "RejectMessage",
    "StopRuleProcessing": "StopRuleProcessing",
}
_BOOKKEEPING = {"Name", "Guid", "Priority", "CreatedBy", "LastModifiedBy", "WhenChanged", "ManuallyModified"}
_PAIRS = (
    ("HeaderContainsMessageHeader", "HeaderContainsWords"),
    ("ExceptIfHeaderContainsMessageHeader", "ExceptIfHeaderContainsWords"),
)
_SET_HEADER = ("SetHeaderName", "SetHeaderValue")
_WORDS = ("HeaderContainsWords", "SubjectContainsWords", "SenderDomainIs", "From")
_RANGES = ("SenderIpRanges", "ExceptIfSenderIpRanges")
_LEVELS = ("SetSCL", "SCLOver", "ExceptIfSCLOver")
_DEFAULTS: Mapping[str, Any] = {
    "State": "Enabled",
    "Mode": "Enforce",
    "RuleErrorAction": "Ignore",
    "RuleSubType": "None",
    "SenderAddressLocation": "Header",
    "RecipientAddressType": "Resolved",
    "IsRuleConfigurationSupported": True,
    "RuleVersion": "15.0.0.0",
    "StopRuleProcessing": False,
}
_DOMAIN = re.compile(r"[^\s@;:/]+")
_LIKE = re.compile(r"\s*Description\s+-like\s+(['\"])(?P<pattern>.*)\1\s*", re.IGNORECASE)


def factory_values() -> Body:
    """Give what a rule has before anything is set."""
    return dict(_DEFAULTS)


def get(call: Call) -> Outcome:
    """List rules by priority; Filter knows ``Description -like '…'`` only [DOCS]."""
    found = ranking.listed(call, KIND).records
    wanted = call.arguments.get("Filter")
    if wanted:
        match = _LIKE.fullmatch(wanted)
        if match is None:
            raise invalid(f"The filter '{wanted}' isn't supported. Only Description -like '...' is.")
        pattern = match["pattern"].casefold()
        found = tuple(
            record
            for record in found
            if fnmatchcase(_description(record.body, sorted_parts(record.body)).casefold(), pattern)
        )
    policy = call.arguments.get("DlpPolicy")
    if policy is not None:
        found = tuple(record for record in found if directory.same(record.body.get("DlpPolicy"), policy))
    return Outcome(records=found)


def new(call: Call) -> Outcome:
    """Create a rule, last unless a priority is given and switched on unless Enabled is false."""
    if len(call.tx.all(KIND)) >= _MOST_RULES:
        raise invalid(f"The organization already has {_MOST_RULES} transport rules, which is the limit.")
    settings = _settings(call, {})
    _check_pairs(settings)
    state = "Disabled" if call.arguments.get("Enabled") is False else "Enabled"
    body = {**_DEFAULTS, **settings, "State": state, "CreatedBy": call.actor, "LastModifiedBy": call.actor}
    return Outcome(records=(ranking.insert(call, KIND, str(call.arguments["Name"]), body),))


def set_(call: Call) -> Outcome:
    """Change a rule; there is no way to switch it on or off here [DOCS]."""
    record = directory.find(call, KIND)
    settings = _settings(call, record.body)
    _check_pairs({**record.body, **settings})
    name = call.arguments.get("Name")
    if name is not None:
        if any(other.key != record.key and directory.same(other.body["Name"], name) for other in call.tx.all(KIND)):
            raise duplicate(KIND, name)
        settings["Name"] = name
    outcome = ranking.change(call, record, settings)
    if not outcome.warnings:
        _sign(call, record)
    return outcome


def remove(call: Call) -> Outcome:
    """Delete a rule; those behind it move up."""
    ranking.remove(call, directory.find(call, KIND))
    return Outcome()


def enable(call: Call) -> Outcome:
    """Switch a rule on, in the mode asked for."""
    return _switch(call, "Enabled")


def disable(call: Call) -> Outcome:
    """Switch a rule off."""
    return _switch(call, "Disabled")


def shown(record: Record, tx: Transaction) -> Body:
    """Give the wire's spelling and the generated properties of a rule."""
    parts = sorted_parts(record.body)
    conditions, exceptions, actions = parts
    spelled: Body = {
        "Conditions": _classes(conditions, "Predicate"),
        "Exceptions": _classes(exceptions, "Predicate"),
        "Actions": _classes(actions, "Action"),
        "Description": _description(record.body, parts),
        "Size": sum(len(str(record.body[name])) + len(name) for name in (*conditions, *exceptions, *actions)),
    }
    if switches.chosen(tx, "scl_type") == "text" and record.body.get("SetSCL") is not None:
        spelled["SetSCL"] = str(record.body["SetSCL"])
    if switches.chosen(tx, "ip_spelling") == "normalised":
        for name in _RANGES:
            if record.body.get(name):
                spelled[name] = [addresses.normalised(text) for text in record.body[name]]
    return spelled


def _settings(call: Call, before: Mapping[str, Any]) -> Body:
    settings: Body = {}
    for name, value in call.arguments.items():
        if name in _NOT_STORED:
            continue
        if value is None and (name in _DEFAULTS or switches.chosen(call.tx, "null_clears") == "refuse"):
            raise unfit(name, "null", "a value. Null isn't accepted.")
        if isinstance(value, Delta):
            value = value.apply(before.get(name) or [])
        if isinstance(value, tuple | list):
            value = list(value) or None
        settings[name] = value
    for name in _RANGES:
        addresses.check_rule_ranges(name, settings.get(name) or ())
    for name in _LEVELS:
        if settings.get(name) is not None and settings[name] not in _SCL:
            raise invalid(f"{name} must be -1 or a number from 0 to 9, not {settings[name]}.")
    for words in (*_WORDS, *(f"ExceptIf{name}" for name in _WORDS)):
        for word in settings.get(words) or ():
            if word != word.strip() or not word:
                raise invalid(f"{words}: '{word}' has leading or trailing blanks or is empty.")
    for name in ("SenderDomainIs", "ExceptIfSenderDomainIs"):
        for domain in settings.get(name) or ():
            if _DOMAIN.fullmatch(domain) is None:
                raise invalid(f"{name}: '{domain}' isn't a domain.")
    return settings


def _check_pairs(body: Mapping[str, Any]) -> None:
    for header, words in _PAIRS:
        if bool(body.get(header)) != bool(body.get(words)):
            present, missing = (header, words) if body.get(header) else (words, header)
            raise invalid(f"{present} needs {missing}: a header condition has both a name and words.")
    named, valued = (bool(body.get(name)) for name in _SET_HEADER)
    if named != valued:
        present, missing = _SET_HEADER if named else _SET_HEADER[::-1]
        raise invalid(f"{present} needs {missing}: a header is set by its name and its value.")


def _switch(call: Call, state: str) -> Outcome:
    record = directory.find(call, KIND)
    changes: Body = {"State": state}
    if call.arguments.get("Mode") is not None:
        changes["Mode"] = call.arguments["Mode"]
    if all(record.body.get(name) == value for name, value in changes.items()):
        return Outcome()
    directory.change(call, record, changes)
    _sign(call, record)
    return Outcome()


def _sign(call: Call, record: Record) -> None:
    changed = call.tx.get(KIND, record.key)
    if changed is not None:
        call.tx.put(KIND, changed.key, {**changed.body, "LastModifiedBy": call.actor})


def sorted_parts(body: Mapping[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Sort what is set into conditions, exceptions and actions, each in the order of the row."""
    conditions: list[str] = []
    exceptions: list[str] = []
    actions: list[str] = []
    is_set = {name for name, value in body.items() if value not in (None, "", []) and value is not False}
    for name in _ranked_names():
        if name not in is_set:
            continue
        if name in _ACTIONS:
            actions.append(name)
        elif name.startswith("ExceptIf"):
            exceptions.append(name)
        else:
            conditions.append(name)
    return conditions, exceptions, actions


@cache
def _ranked_names() -> tuple[str, ...]:
    """List the properties that are conditions, exceptions or actions."""
    others = _PROPERTIES | _BOOKKEEPING | (set(_DEFAULTS) - set(_ACTIONS))
    return tuple(name for name in directory.shapes()[KIND] if name not in others)


def _classes(names: list[str], suffix: str) -> list[str] | None:
    found: dict[str, None] = {}
    for name in names:
        stem = name.removeprefix("ExceptIf").removesuffix("MessageHeader")
        if stem in {"HeaderContainsWords", "HeaderMatchesPatterns"}:
            stem = stem.removesuffix("Words").removesuffix("Patterns")
        found[f"{_CLASS_PREFIX}{_ACTIONS.get(name, stem)}{suffix}"] = None
    return list(found) or None


def _description(body: Mapping[str, Any], parts: tuple[list[str], list[str], list[str]]) -> str:
    """Write the rule in words, with CRLF and tabs as the service does [CIPP-SHAPE, G2O-FIX; live]."""
    conditions, exceptions, actions = parts
    blocks = (("If the message:", conditions), ("Except if the message:", exceptions))
    text = "".join(f"{title}\r\n{_lines(body, names)}" for title, names in blocks if names)
    scope = text or "Apply to all messages\r\n"
    return f"{scope}Take the following actions:\r\n{_lines(body, actions)}"


def _lines(body: Mapping[str, Any], names: list[str]) -> str:
    def spelled(value: Any) -> str:
        return " or ".join(f"'{item}'" for item in value) if isinstance(value, list) else f"'{value}'"

    return "".join(f"\t{name}: {spelled(body[name])}\r\n" for name in names)
