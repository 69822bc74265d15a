"""How the anti-spam policy, as it will be, differs from Microsoft's Standard and Strict presets, for a reviewer.

Values of the presets are those of the tenant's own preset policies where it has them, else Microsoft's recommended
settings [DEF recommended settings; live: retention 30, Standard threshold 6; DEF scl-about: Strict quarantines spam].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.kinds.kind import plain_name
from runbook.outcome.precedence import policy_row
from runbook.outcome.rules import read
from runbook.outcome.surroundings import POLICY, QUARANTINE, Row, Surroundings
from runbook.values import INTEGER, PERMISSIONS, WORD

_NOTIFIED = "DefaultFullAccessWithNotificationPolicy"
_STANDARD: Mapping[str, Any] = {
    "SpamAction": "MoveToJmf",
    "HighConfidenceSpamAction": "Quarantine",
    "HighConfidenceSpamQuarantineTag": _NOTIFIED,
    "PhishSpamAction": "Quarantine",
    "PhishQuarantineTag": _NOTIFIED,
    "HighConfidencePhishAction": "Quarantine",
    "HighConfidencePhishQuarantineTag": "AdminOnlyAccessPolicy",
    "BulkSpamAction": "MoveToJmf",
    "BulkThreshold": 6,
    "QuarantineRetentionPeriod": 30,
}
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "Standard": _STANDARD,
    "Strict": {**_STANDARD, "SpamAction": "Quarantine", "BulkSpamAction": "Quarantine", "BulkThreshold": 5},
}
# Actions from the mildest to the most severe [DOCS].
_SEVERITY = ("noaction", "addxheader", "modifysubject", "movetojmf", "quarantine", "redirect", "delete")
# Rights of the built-in quarantine policies [DEF], for tenants of which none could be read.
_BUILT_IN = {"adminonlyaccesspolicy": 0, "defaultfullaccesspolicy": 39, _NOTIFIED.lower(): 39}
_RELEASE, _REQUEST = 4, 8


def against_presets(found: Surroundings, policy: str) -> list[dict[str, Any]]:
    """Return, as plain JSON, each setting in which a policy differs from a preset, and which of them is milder.

    An empty list says that nothing differs; a policy that was not read gives one row that says so.
    """
    row = policy_row(found, policy)
    if row is None:
        why = found.part(POLICY).unknown or f"no policy {policy} was listed"
        return [{"name": "", "value": "", "presets": {}, "milder_than": [], "note": f"not compared: {why}"}]
    rows = []
    for name in _STANDARD:
        wanted = {level: _preset_value(found, level, name) for level in PRESETS}
        differing = [level for level in PRESETS if not _same(name, row.get(name), wanted[level], row, found)]
        if differing:
            milder = [level for level in differing if _is_milder(name, row.get(name), wanted[level], found)]
            shown = {level: str(value) for level, value in wanted.items()}
            rows.append(
                {"name": name, "value": str(row.get(name)), "presets": shown, "milder_than": milder, "note": ""}
            )
    return rows


def _preset_value(found: Surroundings, level: str, name: str) -> Any:
    own = [row for row in found.rows(POLICY) if read(WORD, row.get("RecommendedPolicyType"))[0] == level.lower()]
    return own[0].get(name, PRESETS[level][name]) if len(own) == 1 else PRESETS[level][name]


def _same(name: str, value: Any, wanted: Any, row: Row, found: Surroundings) -> bool:
    if name.endswith("Tag"):
        action = row.get(f"{name.removesuffix('QuarantineTag')}Action") or row.get("PhishSpamAction")
        if read(WORD, action)[0] != "quarantine":
            return True  # without that action the tag says nothing
        mine, theirs = _rights(value, found), _rights(wanted, found)
        return str(value).lower() == str(wanted).lower() or (mine is not None and mine == theirs)
    kind = INTEGER if isinstance(wanted, int) else WORD
    return bool(read(kind, value)[0] == read(kind, wanted)[0])


def _is_milder(name: str, value: Any, wanted: Any, found: Surroundings) -> bool:
    if name.endswith("Tag"):
        mine, theirs = _rights(value, found), _rights(wanted, found)
        if mine is None or theirs is None:
            return True
        # Who may release need not ask; and whoever may do something that the preset does not allow has the milder one.
        allowed = theirs | _REQUEST if theirs & _RELEASE else theirs
        return bool(mine & ~allowed)
    if name == "BulkThreshold":
        return _number(value) > _number(wanted)
    if name == "QuarantineRetentionPeriod":
        return _number(value) < _number(wanted)
    action, preset = (str(read(WORD, item)[0]) for item in (value, wanted))
    return action not in _SEVERITY or preset not in _SEVERITY or _SEVERITY.index(action) < _SEVERITY.index(preset)


def _number(value: Any) -> int:
    found, _ = read(INTEGER, value)
    return found if isinstance(found, int) else 0


def _rights(tag: Any, found: Surroundings) -> int | None:
    wanted = str(tag).strip().lower()
    for row in found.rows(QUARANTINE):
        if str(plain_name(row)).strip().lower() == wanted:
            bits, _ = read(PERMISSIONS, row.get("EndUserQuarantinePermissions"))
            return bits if isinstance(bits, int) else None
    return _BUILT_IN.get(wanted)
