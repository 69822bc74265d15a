"""Whose rules have come, gone or been renamed since the run before: told as information, never as drift.

Every run keeps the names and identifiers of the rules that it saw. Priorities are left out on purpose: one rule that
is put in at the front moves all others, and nobody has touched those.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runbook.kinds.transport_rule import TYPE
from runbook.runs import read_json
from runbook.values import fold

_NAMED = re.compile(r"\d{8}T\d{6}Z-(.+)-[a-z]+-[0-9a-f]{6}")
"""A run's folder by name, with what its tenant is called there (`runbook.runs.RunFolder.create`)."""


def since(result: Mapping[str, Any], folder: Path) -> dict[str, Any] | None:
    """Compare a run's result with the newest earlier run of this tenant beside it; None where there is none.

    A list that is empty now, or was then, says nothing: it may not have been read.
    """
    now = _seen(result)
    before = _newest(result, folder) if now else None
    return None if before is None else {"run": before["run"], **compare(before, result)}


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return what somebody else has added, removed and renamed; what the tutorial makes itself is ours."""
    then, now = _seen(before), _seen(after)
    own = _own(before) | _own(after)
    return {
        "added": [name for key, name in now.items() if key not in then and fold(name) not in own],
        "removed": [name for key, name in then.items() if key not in now and fold(name) not in own],
        "renamed": [[then[key], name] for key, name in now.items() if key in then and then[key] != name],
    }


def lines(found: Mapping[str, Any] | None) -> list[str]:
    """Return one line for each sort of thing that somebody else did."""
    if not found:
        return []
    texts = {
        "added": [repr(name) for name in found["added"]],
        "removed": [repr(name) for name in found["removed"]],
        "renamed": [f"{old!r} to {new!r}" for old, new in found["renamed"]],
    }
    return [
        f"{len(names)} rule{'s' if len(names) != 1 else ''} {word} by somebody else since {found['run']}: "
        + ", ".join(names)
        for word, names in texts.items()
        if names
    ]


def _seen(result: Mapping[str, Any]) -> dict[str, str]:
    """Names by identifier; where a row had none, the name stands for it."""
    return {
        item["id"] or fold(item["name"]): item["name"]
        for section in result["sections"]
        for item in section.get("seen", ())
        if item["kind"] == TYPE
    }


def _own(result: Mapping[str, Any]) -> set[str]:
    return {
        fold(item["identity"].strip())
        for section in result["sections"]
        for item in (section["plan"] or {"changes": ()})["changes"]
        if item["kind"] == TYPE
    }


def _newest(result: Mapping[str, Any], folder: Path) -> Mapping[str, Any] | None:
    """The run before: names of runs begin with the second at which they began, and of one second the last one ends."""
    newest: Mapping[str, Any] | None = None
    for earlier in _earlier(folder):
        if newest is not None and _second(earlier["run"]) != _second(newest["run"]):
            break
        is_later = newest is None or earlier["finished"] > newest["finished"]
        if _tenant(earlier) == _tenant(result) and _seen(earlier) and is_later:
            newest = earlier
    return newest


def _earlier(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Yield results beside a run's, the newest first; what by its folder's name is another tenant's is not opened.

    In a folder with the runs of a thousand tenants, each of them would else read the results of all others.
    """
    own = _NAMED.fullmatch(folder.name)
    for name in sorted(os.listdir(folder.parent), reverse=True):
        named = _NAMED.fullmatch(name)
        if name == folder.name or _second(name) > _second(folder.name) or (own and named and named[1] != own[1]):
            continue
        try:
            found = read_json(folder.parent / name / "result.json")
            yield {**found, "run": name, "sections": found["sections"], "finished": found["finished"]}
        except (OSError, ValueError, KeyError, TypeError):
            continue  # no run, or not whole: there is an older one


def _second(run: str) -> str:
    return run.split("-", 1)[0]


def _tenant(result: Mapping[str, Any]) -> tuple[Any, ...]:
    scopes = (section["plan"]["scope"]["tenant"] for section in result["sections"] if section["plan"])
    scope: Mapping[str, Any] = next(scopes, {})
    return (result["tenant"]["name"], scope.get("tenant_id"))
