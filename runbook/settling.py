"""What a fresh read does not settle yet: changes that act or show only later, and changes that came in part. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from runbook.kinds import BY_TYPE
from runbook.plan import Change, Plan

Key = tuple[str, str]
_SKEW = timedelta(minutes=5)
"""How far the service's clock may be ahead of ours; a moment beyond that says nothing."""


def pending(plan: Plan, now: datetime) -> list[dict[str, str]]:
    """Return the things that were changed so lately that they may not act everywhere yet, with the time until when.

    A thing counts from the moment that the service itself gives for its last change, whoever made it.
    """
    found = []
    for change in plan.changes:
        window = BY_TYPE[change.kind].acts_within
        if not (change.touched and window):
            continue
        touched = datetime.fromisoformat(change.touched)
        if touched - _SKEW <= now < touched + window:
            until = (touched + window).astimezone(UTC).isoformat(timespec="seconds")
            found.append({"kind": change.kind, "identity": change.identity, "until": until})
    return found


def unseen(plan: Plan, made: Mapping[Key, str], now: datetime) -> list[dict[str, str]]:
    """Return the changes that a fresh plan still asks for, although the service took them and may show them later.

    `made` tells when it did. After the documented time such a change counts as not come about, like any other.
    """
    found = []
    for change in plan.pending:
        asked = made.get(change.key, "")
        window = BY_TYPE[change.kind].shows_within
        if asked and now < datetime.fromisoformat(asked) + window:
            until = (datetime.fromisoformat(asked) + window).astimezone(UTC).isoformat(timespec="seconds")
            found.append({"kind": change.kind, "identity": change.identity, "asked": asked, "until": until})
    return found


def unseen_text(item: Mapping[str, str]) -> str:
    """Say of a change that the service took it, and until when it may be invisible."""
    asked, until = (f"{item[name][:10]} {item[name][11:16]} UTC" for name in ("asked", "until"))
    return f"asked for at {asked}, not visible yet; it may take until {until}"


def partial(planned: Plan, checks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the planned changes of which some properties read back as asked and others do not."""
    found = []
    for change in planned.pending:
        ok = {
            check["name"]: check["ok"]
            for check in checks
            if (check["kind"], check["identity"]) == change.key and check["name"] in _asked(change)
        }
        missing = [name for name, good in ok.items() if not good]
        if missing and len(missing) < len(ok):
            found.append({"kind": change.kind, "identity": change.identity, "missing": missing, "asked": len(ok)})
    return found


def _asked(change: Change) -> set[str]:
    return {item.attribute for item in change.changed}
