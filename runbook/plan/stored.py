"""Changes as plain JSON and back, and the hash by which a plan is approved."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from runbook import canonical
from runbook.plan.model import Change, Difference


def digest(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON (RFC 8785), in hexadecimal."""
    return hashlib.sha256(canonical.dumps(value)).hexdigest()


def plan_digest(plan: Mapping[str, Any]) -> str:
    """Return the hash of a plan given as JSON.

    What was found counts in its canonical form alone, so that another spelling of the same thing is the same plan;
    so a list that keeps its other entries counts by what it is expected to be. How many other things were listed
    beside it, and the notes on that, do not count.
    """
    changes = [
        {
            **{k: v for k, v in change.items() if k not in ("listed", "notes")},
            "properties": [{k: v for k, v in item.items() if k not in _spelt(item)} for item in change["properties"]],
        }
        for change in plan["changes"]
    ]
    return digest({**{k: v for k, v in plan.items() if k != "hash"}, "changes": changes})


def _spelt(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the parts of a stored property that are spelt as the service spelt them."""
    found = {"add": ("before", "after"), "remove": ("before", "after", "entries")}
    return found.get(item.get("op", "set"), ("before",))


def change_json(change: Change) -> dict[str, Any]:
    """Return a change as plain JSON, without its section, which is the plan's."""
    return {
        "action": change.action,
        "kind": change.kind,
        "identity": change.identity,
        "reason": change.reason,
        "lines": list(change.lines),
        "observed": dict(change.observed),
        "handle": change.handle,
        "expected": dict(change.expected),
        "listed": change.listed,
        "notes": list(change.notes),
        "properties": [
            {
                "name": item.attribute,
                "before": item.before,
                "after": item.after,
                "changed": item.changed,
                "lines": list(item.lines),
                "words": item.words,
                "note": item.note,
                **({"op": item.op, "entries": list(item.entries)} if item.op != "set" else {}),
            }
            for item in change.differences
        ],
        **({"awaits": change.awaits} if change.awaits else {}),
    }


def change_from_json(stored: Mapping[str, Any], section: str) -> Change:
    """Return the change that `change_json` wrote down. Raises KeyError or TypeError for anything else."""
    differences = tuple(
        Difference(
            attribute=item["name"],
            before=item["before"],
            after=item["after"],
            lines=tuple(item["lines"]),
            words=item["words"],
            note=item["note"],
            changed=item["changed"],
            op=item.get("op", "set"),
            entries=tuple(item.get("entries", ())),
        )
        for item in stored["properties"]
    )
    names = ("action", "kind", "identity", "reason", "observed", "handle", "expected", "listed")
    plain = {name: stored[name] for name in names}
    notes = tuple(stored.get("notes", ()))  # older journals have none
    awaits = stored.get("awaits", "")
    lines = tuple(stored["lines"])
    return Change(section=section, differences=differences, lines=lines, notes=notes, awaits=awaits, **plain)
