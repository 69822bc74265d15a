"""Anti-spam policies: what happens to a message with each verdict.

Wire: Get- and Set-HostedContentFilterPolicy. Quarantine tags are the names of quarantine policies; they
count only where the matching action is Quarantine [DOCS; live]. The tutorial edits the policy that every
tenant has, so it is never created and its absence is never believed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from runbook.kinds.kind import NO_GUID, Kind, Wait, assignments, cmdlets, named, needed, plain_name, unknown
from runbook.kinds.powershell import command, listing
from runbook.plan import Change, Observed
from runbook.values import INTEGER, WORD, ValueType, fold
from tenantapi import Services

TYPE = "HostedContentFilterPolicy"

_TYPES: dict[str, ValueType] = {
    **{f"{verdict}Action": WORD for verdict in ("Spam", "HighConfidenceSpam", "BulkSpam", "PhishSpam")},
    "HighConfidencePhishAction": WORD,
    **{f"{verdict}QuarantineTag": WORD for verdict in ("Spam", "HighConfidenceSpam", "Bulk", "Phish")},
    "HighConfidencePhishQuarantineTag": WORD,
    "QuarantineRetentionPeriod": INTEGER,
    "BulkThreshold": INTEGER,
    # Off or On [DOCS]; no text that says nothing about it depends on its being read.
    "MarkAsSpamSpfRecordHardFail": replace(WORD, asked_only=True),
}

# A tag may be given as a name, DN or GUID; what is read back is the name [DOCS; live]. Should one of the others
# come all the same, the quarantine policies tell whose it is.
_NO_NAME = re.compile(r"\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?|CN=[^,]+,.+", re.IGNORECASE)


def read(services: Services, identities: Sequence[str]) -> tuple[Observed, ...]:
    rows = services.exchange.rows("Get-HostedContentFilterPolicy")
    policies = _Policies(services)
    found = []
    for identity in identities:
        matches = named(rows, identity)
        if len(matches) != 1:
            reason = f"{len(matches)} anti-spam policies named {identity} were listed; every tenant has one"
            found.append(unknown(TYPE, identity, reason))
            continue
        found.append(_observed(identity, matches[0], policies))
    return tuple(found)


class _Policies:
    """The quarantine policies by GUID and by DN; they are read at the first question, and once."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._rows: Sequence[Mapping[str, Any]] | None = None

    def name(self, address: str) -> str | None:
        """Return the name of the one policy that this is the GUID or the DN of; None where that is not one."""
        rows = self._rows
        if rows is None:
            rows = self._rows = self._services.exchange.rows("Get-QuarantinePolicy")
        wanted = _folded(address)
        if wanted == NO_GUID:  # all built-in policies share it [DEF]
            return None
        names = [plain_name(row) for row in rows for key in _ADDRESSES if _folded(row.get(key)) == wanted]
        return names[0] if len(names) == 1 and isinstance(names[0], str) and names[0].strip() else None


_ADDRESSES = ("Guid", "DistinguishedName")


def _folded(address: object) -> str:
    return fold(str(address or "").strip().strip("{}"))


def _observed(identity: str, row: Mapping[str, Any], policies: _Policies) -> Observed:
    properties = {name: needed(row, name) for name in _TYPES if not _TYPES[name].asked_only or name in row}
    for name, value in properties.items():
        if name.endswith("QuarantineTag") and isinstance(value, str) and _NO_NAME.fullmatch(value.strip()):
            tag = policies.name(value)
            if tag is None:
                reason = f"{name} came as {value!r}, not as a name; which quarantine policy that is cannot be told"
                return unknown(TYPE, identity, reason)
            properties[name] = tag
    return Observed(kind=TYPE, identity=identity, presence="present", properties=properties, handle=identity, row=row)


def write(services: Services, change: Change, observed: Observed, wait: Wait) -> None:
    """Set the changed properties in one call, once every quarantine policy that they name can be seen."""
    changed = assignments(change, only_changed=True)
    for name, value in changed.items():
        if name.endswith("QuarantineTag"):
            wait(f"the quarantine policy {value}", _Visible(services, str(value)))
    services.exchange.invoke("Set-HostedContentFilterPolicy", {"Identity": observed.handle, **changed}, write=True)


class _Visible:
    """Whether a quarantine policy can be seen; a class, because a loop makes several of these questions."""

    def __init__(self, services: Services, name: str) -> None:
        self._services, self._name = services, name

    def __call__(self) -> bool:
        return bool(named(self._services.exchange.rows("Get-QuarantinePolicy"), self._name))


def by_hand(change: Change) -> tuple[str, ...]:
    parameters = {"Identity": change.identity, **assignments(change, only_changed=True)}
    return (command("Set-HostedContentFilterPolicy", parameters),)


KIND = Kind(
    type=TYPE,
    title="Anti-spam policy",
    types=_TYPES,
    read=read,
    write=write,
    by_hand=by_hand,
    look_by_hand=lambda name: (listing("Get-HostedContentFilterPolicy", name),),
    rights=cmdlets(
        "Get-HostedContentFilterPolicy",
        "Get-HostedContentFilterRule",  # these two say for whom the policy is in force
        "Get-EOPProtectionPolicyRule",
        "Get-QuarantinePolicy",
        "Set-HostedContentFilterPolicy",
    ),
    needed_for=lambda change: cmdlets("Get-QuarantinePolicy", "Set-HostedContentFilterPolicy"),
    creates=False,
)
