"""Quarantine policies: the ordinary ones, the built-in ones, and the one global policy for notifications.

Sources: permission bits and their exclusion [DOCS, CIPP-QP]; text block on read-back [CIPP-QP, DSC]; virtual
global policy [CIPP-GQ]; built-ins read-only with an all-zero GUID [DEF, CIPP].
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from simtenant import directory, switches
from simtenant.binding import Delta, parse_time_span
from simtenant.directory import Call, Outcome
from simtenant.envelope import CmdletError, invalid
from simtenant.store import Body, Record, Transaction

KIND = "QuarantinePolicy"
GLOBAL_TYPE = "GlobalQuarantinePolicy"
GLOBAL_NAME = "DefaultGlobalTag"
VIRTUAL_NAME = "DefaultGlobalPolicy"
TAG_PROPERTIES = (
    "SpamQuarantineTag",
    "HighConfidenceSpamQuarantineTag",
    "PhishQuarantineTag",
    "HighConfidencePhishQuarantineTag",
    "BulkQuarantineTag",
)

_BITS = (
    ("PermissionToViewHeader", 128),
    ("PermissionToDownload", 64),
    ("PermissionToAllowSender", 32),
    ("PermissionToBlockSender", 16),
    ("PermissionToRequestRelease", 8),
    ("PermissionToRelease", 4),
    ("PermissionToPreview", 2),
    ("PermissionToDelete", 1),
)
_EXCLUSIVE = 8 | 4
_MOST_LANGUAGES = 3
_LONGEST_DISCLAIMER = 200
_FREQUENCY = "EndUserSpamNotificationFrequency"
_GLOBAL_ONLY = (
    _FREQUENCY,
    "MultiLanguageSetting",
    "MultiLanguageSenderName",
    "EsnCustomSubject",
    "MultiLanguageCustomDisclaimer",
    "EndUserSpamNotificationCustomFromAddress",
    "OrganizationBrandingEnabled",
)
_ORDINARY_DEFAULTS: Mapping[str, Any] = {
    "EndUserQuarantinePermissionsValue": 0,
    "ESNEnabled": False,
    "IncludeMessagesFromBlockedSenderAddress": False,
    "QuarantinePolicyType": "QuarantinePolicy",
    "QuarantineRetentionDays": 30,
}
_NOT_STORED = {"Identity", "Name", "Confirm", "WhatIf", "DomainController", "IgnoreDehydratedFlag"}


def ordinary_values() -> Body:
    """Give the settings of a policy that was made with a name only."""
    return dict(_ORDINARY_DEFAULTS)


def get(call: Call) -> Outcome:
    """List ordinary policies, the global one when the type asks for it, or whichever an identity names."""
    found = directory.listed(call, KIND)
    asked = call.arguments.get("QuarantinePolicyType")
    if call.identity() is not None and asked is None:
        return found
    return Outcome(records=tuple(record for record in found.records if _is_global(record) == (asked == GLOBAL_TYPE)))


def new(call: Call) -> Outcome:
    """Create a policy; the type GlobalQuarantinePolicy makes the virtual global policy a real one."""
    settings = _settings(call, {})
    name = str(call.arguments["Name"])
    if call.arguments.get("QuarantinePolicyType") == GLOBAL_TYPE:
        return _new_global(call, name, settings)
    _refuse_global_settings(settings)
    record = directory.create(call, KIND, name, {**_ORDINARY_DEFAULTS, **settings})
    return Outcome(records=(record,))


def set_(call: Call) -> Outcome:
    """Change a policy; built-in ones are refused, the virtual global one only by default."""
    record = directory.find(call, KIND)
    settings = _settings(call, record.body)
    if record.body.get("_builtin"):
        raise _read_only(record)
    if record.body.get("_virtual"):
        if switches.chosen(call.tx, "virtual_global_set") == "refuse":
            raise invalid(
                f"The global quarantine policy '{VIRTUAL_NAME}' isn't stored yet and can't be changed. "
                f"Create it: New-QuarantinePolicy -Name {GLOBAL_NAME} -QuarantinePolicyType {GLOBAL_TYPE}."
            )
        return Outcome(warnings=_new_global(call, GLOBAL_NAME, settings).warnings)
    if not _is_global(record):
        _refuse_global_settings(settings)
    return directory.change(call, record, settings)


def remove(call: Call) -> Outcome:
    """Delete a policy that nothing refers to any more."""
    record = directory.find(call, KIND)
    if record.body.get("_builtin") or _is_global(record):
        raise _read_only(record)
    users = _users(call.tx, str(record.body["Name"]))
    if users and switches.chosen(call.tx, "remove_in_use") == "refuse":
        raise CmdletError(
            f"The quarantine policy '{record.body['Name']}' is in use: {', '.join(users)}.",
            exception="Microsoft.Exchange.Management.Tasks.InvalidOperationException",
        )
    call.tx.delete(KIND, record.key)
    return Outcome()


def tag_name(call: Call, value: object) -> str:
    """Resolve what an anti-spam policy names as its tag to the policy's name; raises CmdletError."""
    for record in directory.visible(call, KIND):
        if not _is_global(record) and directory.named(record, str(value)):
            return str(record.body["Name"])
    raise CmdletError(
        f"The quarantine policy '{value}' doesn't exist.",
        exception="Microsoft.Exchange.Management.Tasks.QuarantineTagNotFoundException",
    )


def shown(record: Record, tx: Transaction) -> Body:
    """Give the wire's spelling: permissions as a text block, the interval as an ISO 8601 duration."""
    lines = [f"{name}: {bool(_permissions(record) & bit)}" for name, bit in _BITS]
    order = switches.chosen(tx, "permission_order")
    if order == "turned":
        lines.reverse()
    elif order == "shuffled":
        # By the number of the reading, so that a run can be repeated.
        reading = int(tx.setting("permission_readings", 0)) + 1
        tx.set_setting("permission_readings", reading)
        random.Random(reading).shuffle(lines)
    spelled: Body = {"EndUserQuarantinePermissions": "[" + "\n".join(lines) + "]"}
    if _is_global(record):
        spelled |= {
            "QuarantinePolicyType": "GlobalQuarantineTag",
            _FREQUENCY: iso_duration(str(record.body.get(_FREQUENCY, "1.00:00:00"))),
        }
    return spelled


def shape(record: Record) -> str:
    """Name the shape of the row: only the global policy shows the notification properties."""
    return GLOBAL_TYPE if _is_global(record) else KIND


def iso_duration(time_span: str) -> str:
    """Spell a .NET time span as ISO 8601: ``P1D``, ``PT4H`` [CIPP-GQ]."""
    span = parse_time_span(time_span)
    hours, rest = divmod(span.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    clock = "".join(f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if value)
    days = f"{span.days}D" if span.days else ""
    return f"P{days}{'T' + clock if clock else ''}" if days or clock else "PT0S"


def _settings(call: Call, before: Mapping[str, Any]) -> Body:
    settings: Body = {}
    for name, value in call.arguments.items():
        if name in _NOT_STORED or name == "QuarantinePolicyType":
            continue
        if isinstance(value, Delta):
            value = value.apply(before.get(name, []))
        settings[name] = list(value) if isinstance(value, tuple) else value
    permissions = settings.get("EndUserQuarantinePermissionsValue")
    if permissions is not None and permissions & _EXCLUSIVE == _EXCLUSIVE:
        raise invalid("PermissionToRelease and PermissionToRequestRelease can't both be granted.")
    languages = settings.get("MultiLanguageSetting") or []
    if len(languages) > _MOST_LANGUAGES:
        raise invalid(f"MultiLanguageSetting can have at most {_MOST_LANGUAGES} languages.")
    if any(len(text) > _LONGEST_DISCLAIMER for text in settings.get("MultiLanguageCustomDisclaimer") or []):
        raise invalid(f"A disclaimer can have at most {_LONGEST_DISCLAIMER} characters.")
    return settings


def _new_global(call: Call, name: str, settings: Body) -> Outcome:
    present = [record for record in call.tx.all(KIND) if _is_global(record)]
    if any(not record.body.get("_virtual") for record in present) or not directory.same(name, GLOBAL_NAME):
        raise invalid(f"There is exactly one global quarantine policy, and its name is {GLOBAL_NAME}.")
    body: Body = {}
    for record in present:
        body = {key: value for key, value in record.body.items() if not key.startswith("_")}
        call.tx.delete(KIND, record.key)
    created = directory.create(call, KIND, GLOBAL_NAME, {**body, **settings, "QuarantinePolicyType": GLOBAL_TYPE})
    return Outcome(records=(created,))


def _refuse_global_settings(settings: Mapping[str, Any]) -> None:
    """Refuse notification settings on an ordinary policy; they belong to the global one only [DOCS]."""
    for name in _GLOBAL_ONLY:
        if name in settings:
            raise invalid(f"{name} can be set on the global quarantine policy only.")


def _is_global(record: Record) -> bool:
    return record.body.get("QuarantinePolicyType") == GLOBAL_TYPE


def _permissions(record: Record) -> int:
    return int(record.body.get("EndUserQuarantinePermissionsValue", 0))


def _users(tx: Transaction, name: str) -> list[str]:
    policies = tx.all("HostedContentFilterPolicy")
    return [
        str(policy.body["Name"])
        for policy in policies
        if any(directory.same(policy.body.get(tag, ""), name) for tag in TAG_PROPERTIES)
    ]


def _read_only(record: Record) -> CmdletError:
    return invalid(f"The quarantine policy '{record.body['Name']}' is built in and can't be changed or removed.")
