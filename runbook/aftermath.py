"""What became of the changes of a section that may have been stopped anywhere, from its result and the journal.

The journal is on disk before a call is sent and the section's result is written after it, so the two can be one step
apart. What was begun and not answered is unknown; nothing is called running once nothing runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from runbook.journal import JournalError, read

_Key = tuple[str, str]
_WORDS = {"change-done": "changed", "change-failed": "unknown", "change-interrupted": "interrupted"}
_MAYBE = "It was begun, and no answer was written down. Whether it took effect is not known."


def whole_entries(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a journal up to the first that is torn or does not follow; none if there is no file."""
    found: list[dict[str, Any]] = []
    with contextlib.suppress(JournalError, OSError):
        for entry in read(path):
            found.append(entry)  # one by one: what was whole before the break is kept
    return found


def fates(entries: Iterable[Mapping[str, Any]]) -> dict[str, dict[_Key, str]]:
    """Return, by section, what became of each change that was begun since the section's last plan."""
    found: dict[str, dict[_Key, str]] = {}
    section = ""
    for entry in entries:
        event, data = entry["event"], entry["data"]
        if event == "section-opened":
            section = data["section"]
        elif event == "planned":
            found[data["section"]] = {}
        elif event == "change-started":
            found.setdefault(section, {})[(data["kind"], data["identity"])] = "unknown"
        elif event in _WORDS:
            found.setdefault(section, {})[(data["kind"], data["identity"])] = _WORDS[event]
    return found


def settled(item: Mapping[str, Any], known: Mapping[_Key, str]) -> dict[str, Any]:
    """Return a section's result with every change called what it is, now that nothing of the run lives."""
    changes = [_settled(change, known.get((change["kind"], change["identity"]))) for change in item["changes"]]
    made = list(item["made"])
    for before, change in zip(item["changes"], changes, strict=True):
        if change["status"] == "changed" and before["status"] != "changed":
            made.append({name: change[name] for name in ("kind", "identity", "action")})
    return {**item, "changes": changes, "made": made}


def _settled(change: Mapping[str, Any], fate: str | None) -> dict[str, Any]:
    if change["status"] not in ("running", "not-run"):
        return dict(change)  # the result was written after the journal: it knows more
    if fate is None:
        # "running" is written after the journal's entry, so without one the journal was cut: the worse is true.
        fate = "unknown" if change["status"] == "running" else "not-run"
    error = _MAYBE if fate in ("unknown", "interrupted") else ""
    return {**change, "status": fate, "error": error}
