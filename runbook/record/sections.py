"""What the record says of one section: its verdict, its changes with what was read back, its steps and inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runbook.difference import cannot_be_undone, entries_lines, lines_text, show_value, side
from runbook.kinds import BY_TYPE
from runbook.plan import SYMBOL
from runbook.record.todo import one_line
from runbook.views import hand_lines, left_lines, reason_beside, settling_lines

OPEN_ENDED = ("unknown", "interrupted", "running")
"""What a change is called of which it is not known whether it took effect."""
_ASSUMED = 'inferred: see "What was assumed"'
_BY_STATUS = ("unknown", "refused", "failed", "interrupted")


def section(item: Mapping[str, Any], *, mode: str, done: str, assumed: Sequence[str] = ()) -> dict[str, Any]:
    """Return a section's content, as texts that are not yet made harmless; `done` are the words for "as it should".

    A note that stands letter by letter among what was `assumed` is not said again beside each thing it is true of.
    """
    verification = item["verification"]
    plan = item["plan"] or {"changes": [], "problems": []}
    later = (verification or {}).get("problems", ())
    problems = [*plan["problems"], *(found for found in later if found not in plan["problems"])]
    good = bool(verification and verification["ok"] and verification["checks"] and not item["error"])
    checks = [_check(check) for check in (verification["checks"] if verification else [])]
    changes = [_change(change, item) for change in plan["changes"]]
    for prop in (prop for change in changes for prop in change["properties"]):
        if len(prop["note"]) > len(_ASSUMED) and any(text.endswith(f": {prop['note']}") for text in assumed):
            prop["note"] = _ASSUMED
    made = [made_change(change, changes) for change in item["made"]]
    return {
        "number": item["number"],
        "id": f"s{item['number']}",
        "title": item["title"],
        "status": item["status"],
        "good": good,
        "verdict": _verdict(item, good, mode),
        "attention": not good and not item.get("nothing_to_check"),
        "plan": _plan_text(item),
        "changed": made,
        "changes": changes,
        "problems": [{"what": f"{_title(p['kind'])} {p['identity']}", "reason": p["reason"]} for p in problems],
        "checks": checks,
        "wrong": [check for check in checks if not check["ok"]],
        "unplaced": _read_back(changes, checks, done),
        "beside": [
            line.strip() for line in [*settling_lines(verification), *left_lines(item.get("left_to_person", ()))]
        ],
        "verified_at": verification["at"] if verification else "",
        "read": _read(verification, checks, mode),
        "inputs": [_input(entry) for entry in item["inputs"] if entry["name"] not in ("tenant", "mode")],
        "error": one_line(item["error"]),
        "by_hand": [line for hand in item["by_hand"] for line in hand_lines(hand["lines"])],
        "steps": _steps(item.get("steps", []), changes),
    }


def made_change(change: Mapping[str, Any], changes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Name a change that was made; its properties are those of the plan, if that still has it as a change."""
    key = (change["kind"], change["identity"])
    planned = next((item for item in changes if item["key"] == key and item["action"] == change["action"]), None)
    return {
        "symbol": SYMBOL[change["action"]],
        "action": change["action"],
        "what": f"{_title(change['kind'])} {change['identity']}",
        "properties": planned["changing"] if planned else [],
    }


def _verdict(item: Mapping[str, Any], good: bool, mode: str) -> str:
    """Name how a section ended; a plan verifies nothing, it finds what is there already."""
    if good:
        return "as wanted" if mode == "plan" else "verified"
    if item.get("nothing_to_check"):
        return "nothing to check"
    if item["status"] in _BY_STATUS:
        return str(item["status"])
    if not item["plan"]:
        return "not run"
    pending = any(change["action"] != "none" for change in item["plan"]["changes"])
    return "changes pending" if mode == "plan" and pending else "not verified"


def _plan_text(item: Mapping[str, Any]) -> str:
    """Name the section's own plan, and by whose word it was allowed."""
    own = (item["plan"] or {}).get("hash", "")
    if not own:
        return ""
    approval = item.get("approval")
    return f"Plan {own}" + (f", allowed by {approval['approved_by']} ({approval['how']})" if approval else "")


def _read(verification: Mapping[str, Any] | None, checks: Sequence[Mapping[str, Any]], mode: str) -> str:
    """Say what was read back, and when; empty where nothing was."""
    if not checks or verification is None:
        return ""
    counted = f"{sum(check['ok'] for check in checks)} of {len(checks)} properties"
    if mode == "plan":
        return f"Read and compared at {verification['at']}: {counted} as wanted"
    return f"Verified by fresh reads at {verification['at']}: {counted}"


def _title(kind: str) -> str:
    return BY_TYPE[kind].title if kind in BY_TYPE else kind


def _change(change: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    key = (change["kind"], change["identity"])
    done = {(c["kind"], c["identity"]): c for c in item["changes"]}.get(key)
    properties = [_property(change, prop) for prop in change["properties"]]
    return {
        "key": key,
        "symbol": SYMBOL[change["action"]],
        "action": change["action"],
        "what": f"{_title(change['kind'])} {change['identity']}",
        "reason": reason_beside(change),
        "status": done["status"] if done else "unchanged",
        "properties": properties,
        "changing": [prop["name"] for prop in properties if prop["changed"]],
        "stays": cannot_be_undone(change),
    }


def _lines(lines: Sequence[int | str]) -> str:
    """Name lines by their numbers alone; those of an included file with its name."""
    return lines_text(lines).removeprefix("lines ").removeprefix("line ")


def _property(change: Mapping[str, Any], prop: Mapping[str, Any]) -> dict[str, Any]:
    kind, name = change["kind"], prop["name"]
    return {
        "name": name,
        "before": "(did not exist)" if change["action"] == "create" else side(kind, name, prop["before"]).text,
        "after": show_value(kind, name, prop["after"]),
        "changed": prop["changed"],
        "lines": _lines(prop["lines"]),
        "words": prop["words"],
        "note": "; ".join([*entries_lines(prop), *([prop["note"]] if prop["note"] else [])]),
        "read": "",
        "wrong": False,
    }


def _check(check: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": (check["kind"], check["identity"]),
        "what": f"{_title(check['kind'])} {check['identity']}",
        "name": check["name"],
        "wanted": show_value(check["kind"], check["name"], check["wanted"]),
        "found": check["found_text"],
        "ok": check["ok"],
        "lines": _lines(check["lines"]),
    }


def _read_back(
    changes: Sequence[dict[str, Any]], checks: Sequence[Mapping[str, Any]], done: str
) -> list[Mapping[str, Any]]:
    """Put what was read back beside the property that asked for it, and return the checks that have no such place."""
    places = {(change["key"], prop["name"]): prop for change in changes for prop in change["properties"]}
    rest = []
    for check in checks:
        prop = places.get((check["key"], check["name"]))
        if prop is None or prop["read"] or prop["after"] != check["wanted"] or prop["lines"] != check["lines"]:
            rest.append(check)
        elif check["ok"]:
            prop["read"] = done if check["found"] == prop["after"] else f"{done}: {check['found']}"
        else:
            prop["read"], prop["wrong"] = f"NOT {done}: {check['found']}", True
    return rest


def _steps(steps: Sequence[Mapping[str, Any]], changes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the steps as a listing; those in a row whose words stand letter by letter above become one line."""
    above = {(prop["lines"], prop["words"]) for change in changes for prop in change["properties"]}
    found: list[str] = []
    first = ""
    for step in steps:
        line, read_as = str(step["line"]), "" if step["read_as"] == "structural" else f" [{step['read_as']}]"
        if not step["number"] and (line, step["text"]) in above:
            first = first or line
            if first != line:
                found.pop()
            found.append(f"{first}{f' to {line}' if first != line else ''}  {_ABOVE[first != line]}{read_as}")
            continue
        first = ""
        mark = f"{step['number']}." if step["number"] else "-"
        found.append(f"{line}  {mark} {step['text']}{read_as}")
    return found


_ABOVE = {False: "its words stand beside the setting, above", True: "their words stand beside the settings, above"}


def _input(entry: Mapping[str, Any]) -> dict[str, Any]:
    value = entry["value"]
    shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return {"name": entry["name"], "value": shown or "(empty)", "source": entry["source"]}
