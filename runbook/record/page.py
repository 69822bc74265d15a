"""What the record's page says, worked out before it is laid out: counts, rows and sentences, no markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runbook import sightings
from runbook.kinds import BY_TYPE
from runbook.outcome_picture import picture
from runbook.outcome_words import headline
from runbook.plan import SYMBOL
from runbook.record import landing
from runbook.views import (
    entries_lines,
    hand_lines,
    left_lines,
    lines_text,
    plain,
    reason_text,
    settling_lines,
    show_value,
)

_MODE_WORDS = {
    "plan": "Plan: the tenant was read and compared; nothing was written",
    "apply": "Apply: carry out an approved plan",
    "verify": "Verification: the tenant was read and compared; nothing was written",
    "walkthrough": "Walkthrough by a person",
}


def from_result(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the page's content for a run's result, every text in it made harmless."""
    sections = [_section(item) for item in result["sections"]]
    outlook = result.get("outlook")
    content: dict[str, Any] = _harmless({**_content(result, sections), "landing": outlook and landing.content(outlook)})
    content["picture"] = picture(outlook) if outlook else ""
    return content


def _harmless(value: Any) -> Any:
    """Spell out control and direction marks in all texts of a value, whoever chose them."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {name: _harmless(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_harmless(item) for item in value]
    return value


def _content(result: Mapping[str, Any], sections: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "title": f"{result['tutorial']['title']}: {result['tenant']['name']}",
        "tutorial": result["tutorial"],
        "tenant": result["tenant"],
        "run": result["run"],
        "mode": _mode(result),
        "aim": "as before the run" if result.get("takes_back") else "as the tutorial asks",
        "found": "Found" if result.get("takes_back") else "What was there",
        "done": "as before" if result.get("takes_back") else "as asked",
        "asks": "Before the run" if result.get("takes_back") else "What the tutorial asks",
        "status": result["status"],
        "finished": result["finished"],
        "headline": _headline(result, sections),
        "facts": _facts(result, sections),
        "sections": sections,
        "todo": _todo(result),
        "done_by_hand": _done_by_hand(result),
        "open": result.get("diagnostics", []),
        "assumptions": result.get("assumptions", []),
        "journal": result.get("journal", {}),
        "kit": result["kit"],
        "simulated": result["tenant"].get("simulated", False),
        "plan_hash": result.get("plan_hash", ""),
    }


def from_notebook(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content for a single notebook that nbconvert was given without a run."""
    name = notebook["metadata"].get("runbook", {}).get("section", "Notebook")
    return {"title": str(name), "sections": [], "notebook_only": True}


def _headline(result: Mapping[str, Any], sections: Sequence[Mapping[str, Any]]) -> str:
    verified = sum(1 for item in sections if item["verified"])
    changed = sum(len(item["changed"]) for item in sections)
    open_ended = [item for section in sections for item in section["changes"] if item["status"] in _OPEN_ENDED]
    words = {
        "changed": "",
        "unchanged": "Nothing had to be changed. ",
        "changes pending": "Changes are pending; nothing was written. ",
        "left to a person": "A part is left to a person. ",
        "drift": f"The tenant is not {'as before the run' if result.get('takes_back') else 'as the tutorial asks'}. ",
        "refused": "A decision is open. " if result["mode"] == "verify" else "Refused. ",
        "unknown": "Not everything could be read, so not everything can be said. ",
        "interrupted": "Killed before it could end. " if "afterwards" in result else "Interrupted. ",
        "failed": "Failed. ",
    }[result["status"]]
    if result["mode"] in ("apply", "walkthrough") and result["status"] != "unchanged":
        words += f"{changed} change{'s' if changed != 1 else ''} made. "
    if open_ended:
        words += f"Of {len(open_ended)} more it is not known whether it took effect. "
    kept = headline(result.get("outlook"))
    return f"{words}{verified} of {len(sections)} sections verified by fresh reads. {kept}".strip()


def _mode(result: Mapping[str, Any]) -> str:
    back = result.get("takes_back")
    if not back:
        return str(_MODE_WORDS.get(result["mode"], result["mode"]))
    what = f"the way back from {back['run']}"
    left = "; what somebody else has set since is left as it is" if back["rest"] else ""
    if result["mode"] == "apply":
        return f"Rollback: {what}{left}"
    return f"Rollback planned: {what} was read and compared; nothing was written{left}"


_OPEN_ENDED = ("unknown", "interrupted", "running")


def _facts(result: Mapping[str, Any], sections: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    tenant = result["tenant"]
    facts = [
        ("Tenant", tenant["name"] + (" (simulated)" if tenant.get("simulated") else "")),
        ("Mode", _mode(result)),
        ("Run", result["run"]),
        *_ended(result),
        ("Tutorial", f"{result['tutorial']['title']} (SHA-256 {result['tutorial']['sha256'][:16]})"),
    ]
    if result.get("plan_hash"):
        facts.append(("Plan", result["plan_hash"]))
    if result.get("approval"):
        approval = result["approval"]
        facts.append(
            (
                "Approved",
                f"plan {approval['plan'][:16]} by {approval['approved_by']}, {approval['approved_at']}",
            )
        )
    facts += [("Other rules", line) for line in sightings.lines(result.get("since"))]
    if result.get("requests"):
        counted = result["requests"]
        said = f"{counted['total']} requests by anybody during this run, {counted['writes']} of them writes"
        facts.append(("Simulated tenant's log", said))
    return facts


def _ended(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    if "afterwards" not in result:
        return [("Finished", result["finished"])]
    return [
        ("Last sign of life", result["finished"]),
        (
            "Ended",
            f"not by itself: it was stopped from outside. This record was made afterwards, {result['afterwards']}",
        ),
    ]


def _todo(result: Mapping[str, Any]) -> list[str]:
    """What a person must still do: errors with their remedy, open decisions, manual steps, pending changes."""
    todo = []
    for item in result["sections"]:
        error = _one_line(item["error"])
        if error:
            todo.append(f"{item['title']}: {error['detail']} {error['remedy']}".strip())
        for problem in (item["plan"] or {}).get("problems", []):
            if problem["presence"] == "left" and not result.get("takes_back"):
                continue  # it stands among the steps for a person, where it can be ticked off
            todo.append(f"{item['title']}: {problem['identity']}: {problem['reason']}")
    if result.get("takes_back"):
        return list(
            dict.fromkeys([*todo, *(text for text in result["assumptions"] if text.startswith("Not taken back"))])
        )
    todo += [f"Undecided: {item['message']}" for item in _undecided(result)]
    todo += [_open_step(step) for step in result.get("manual", []) if not step.get("done")]
    if result.get("ticks_problem"):
        todo.append(result["ticks_problem"])
    if result["status"] == "changes pending":
        todo.append("Read the plan; if it is right, approve and apply it.")
    return list(dict.fromkeys(todo))


def _open_step(step: Mapping[str, Any]) -> str:
    """Word a step for a person; one that was ticked off in another edition of the text is to be looked at again."""
    named = f", step {step['id']}" if "id" in step else ""  # older results have none
    former = step.get("other_edition")
    again = f"; ticked for another edition of the text by {former['by']}, {former['at']}" if former else ""
    return f"{step['text']} ({lines_text(step['lines'])} of the tutorial{named}{again})"


def _done_by_hand(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps that a person had ticked off when the run ended, with who, when and what was seen."""
    if result.get("takes_back"):
        return []
    return [
        {"text": f"{step['text']} ({lines_text(step['lines'])} of the tutorial)", **step["done"]}
        for step in result.get("manual", [])
        if step.get("done")
    ]


def _one_line(error: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Put the lines of an error's texts into one, as a browser would."""
    if error is None:
        return None
    return {name: " ".join(item.split()) if isinstance(item, str) else item for name, item in error.items()}


def _undecided(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Findings in the document that a decision would answer, where nobody has taken it."""
    taken = {
        entry["name"].replace("_", "-")
        for item in result["sections"]
        for entry in item["inputs"]
        if entry["value"] not in (False, "", None)
    }
    found: dict[str, Mapping[str, Any]] = {}
    for item in result.get("diagnostics", []):
        # One line a decision; what the document promises says more than that it leaves something to the reader.
        first = item["decision"] not in found or item["code"] == "promise-not-covered"
        if item["decision"] and item["decision"] not in taken and first:
            found[item["decision"]] = item
    return list(found.values())


def _section(item: Mapping[str, Any]) -> dict[str, Any]:
    verification = item["verification"]
    plan = item["plan"] or {"changes": [], "problems": []}
    later = [found for found in (verification or {}).get("problems", ()) if found.get("other")]
    problems = [*plan["problems"], *(found for found in later if found not in plan["problems"])]
    verified = bool(verification and verification["ok"] and verification["checks"])
    changed = item["made"]
    checks = verification["checks"] if verification else []
    return {
        "number": item["number"],
        "id": item["section"],
        "title": item["title"],
        "status": item["status"],
        "verified": verified,
        "verdict": _verdict(item, verified),
        "changed": changed,
        "changes": [_change(change, item) for change in plan["changes"]],
        "problems": [{"what": f"{_title(p['kind'])} {p['identity']}", "reason": p["reason"]} for p in problems],
        "checks": [_check(check) for check in checks],
        "wrong": [_check(check) for check in checks if not check["ok"]],
        "beside": [
            line.strip() for line in [*settling_lines(verification), *left_lines(item.get("left_to_person", ()))]
        ],
        "verified_at": verification["at"] if verification else "",
        "inputs": [entry for entry in item["inputs"] if entry["name"] not in ("tenant", "mode")],
        "error": _one_line(item["error"]),
        "by_hand": [line for hand in item["by_hand"] for line in hand_lines(hand["lines"])],
        "steps": item.get("steps", []),
    }


def _verdict(item: Mapping[str, Any], verified: bool) -> str:
    if verified:
        return "verified"
    if item.get("nothing_to_check"):
        return "nothing to check"
    if item["status"] in ("unknown", "refused", "failed", "interrupted"):
        return str(item["status"])
    return "not verified" if item["plan"] else "not run"


def _title(kind: str) -> str:
    return BY_TYPE[kind].title if kind in BY_TYPE else kind


def _change(change: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    done = {(c["kind"], c["identity"]): c for c in item["changes"]}.get((change["kind"], change["identity"]))
    return {
        "symbol": SYMBOL[change["action"]],
        "action": change["action"],
        "what": f"{_title(change['kind'])} {change['identity']}",
        "reason": reason_text(change),
        "status": done["status"] if done else "unchanged",
        "properties": [
            {
                "name": prop["name"],
                "before": "(did not exist)"
                if change["action"] == "create"
                else show_value(change["kind"], prop["name"], prop["before"]),
                "after": show_value(change["kind"], prop["name"], prop["after"]),
                "changed": prop["changed"],
                "lines": ", ".join(str(line) for line in prop["lines"]),
                "words": prop["words"],
                "note": "; ".join([*entries_lines(prop), *([prop["note"]] if prop["note"] else [])]),
            }
            for prop in change["properties"]
        ],
    }


def _check(check: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "what": f"{_title(check['kind'])} {check['identity']}",
        "name": check["name"],
        "wanted": show_value(check["kind"], check["name"], check["wanted"]),
        "found": check["found_text"],
        "ok": check["ok"],
        "lines": ", ".join(str(line) for line in check["lines"]),
    }
