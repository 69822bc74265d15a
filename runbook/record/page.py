"""What the record's page says, worked out before it is laid out: counts, rows and sentences, no markup."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from runbook import sightings
from runbook.outcome_picture import picture
from runbook.outcome_words import headline
from runbook.record import landing
from runbook.record.evidence import said_above
from runbook.record.sections import OPEN_ENDED, section
from runbook.record.todo import done_by_hand, todo
from runbook.views import harmless

_MODE_WORDS = {
    "plan": "Plan: the tenant was read and compared; nothing was written",
    "apply": "Apply: carry out an approved plan",
    "verify": "Verification: the tenant was read and compared; nothing was written",
    "walkthrough": "Walkthrough by a person",
}
_SIMULATED = "Simulated tenant: "
_NOT_CONFIRMED = " Not confirmed: "


def from_result(result: Mapping[str, Any], approved: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the page's content for a run's result, every text in it made harmless.

    `approved` are the values of the inputs in the plan that was approved, for sections that never opened.
    """
    outlook = result.get("outlook")
    raw = {**_content(result, approved or {}), "landing": outlook and landing.content(outlook)}
    content: dict[str, Any] = harmless(raw)
    content["picture"] = _lighter(picture(outlook)) if outlook else ""
    content["said"] = said_above(result, content["aim"])
    return content


def _content(result: Mapping[str, Any], approved: Mapping[str, Any]) -> dict[str, Any]:
    back = bool(result.get("takes_back"))
    words = "as before" if back else "as wanted" if result["mode"] == "plan" else "as asked"
    assumed = result.get("assumptions", [])
    sections = [section(item, mode=result["mode"], done=words, assumed=assumed) for item in result["sections"]]
    return {
        "title": f"{result['tutorial']['title']}: {result['tenant']['name']}",
        "tutorial": result["tutorial"],
        "tenant": result["tenant"],
        "run": result["run"],
        "mode": _mode(result),
        "writes": result["mode"] in ("apply", "walkthrough"),
        "aim": "as before the run" if back else "as the tutorial asks",
        "found": "Found" if back else "What was there",
        "done": words,
        "asks": "Before the run" if back else "What the tutorial asks",
        "status": result["status"],
        "good": result["status"] in ("changed", "unchanged"),
        "finished": result["finished"],
        "headline": _headline(result, sections),
        "facts": _facts(result),
        "sections": sections,
        "unended": _unended(sections),
        "pending": _pending(result, sections),
        "all_good": all(item["good"] for item in sections),
        "todo": todo(result, approved),
        "done_by_hand": done_by_hand(result),
        "open": _remarks(result.get("diagnostics", [])),
        "assumptions": [text for text in assumed if not text.startswith(_SIMULATED)],
        "supposed": [_supposed(text) for text in assumed if text.startswith(_SIMULATED)],
        "journal": result.get("journal", {}),
        "kit": result["kit"],
        "simulated": result["tenant"].get("simulated", False),
        "plan_hash": result.get("plan_hash", ""),
    }


def from_notebook(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content for a single notebook that nbconvert was given without a run."""
    name = notebook["metadata"].get("runbook", {}).get("section", "Notebook")
    return {"title": str(name), "sections": [], "notebook_only": True, "said": {}}


def _lighter(drawn: str) -> str:
    """Return the picture without what the page's style says of it; the table beside it is its description."""
    text = re.sub(r"<desc.*?</desc>", "", drawn)
    text = re.sub(r'aria-describedby="[^"]*"', 'aria-describedby="matrix"', text)
    for said in (*_STROKE, ' text-anchor="middle"'):
        text = text.replace(said, "")
    drawn_alike: dict[str, list[str]] = {}
    for line, stroke in _PATH.findall(text):
        drawn_alike.setdefault(stroke, []).append(line)
    paths = "".join(f'<path d="{"".join(lines)}"{stroke}/>' for stroke, lines in drawn_alike.items())
    text = _PATH.sub("", text).replace("</svg>", f"{paths}</svg>")
    return re.sub(r'="([\w.]+)"(?=[ >])', r"=\1", text.replace("/>", " />"))


_PATH = re.compile(r'<path d="(M[^"]*)"([^>]*)/>')
_STROKE = (
    ' fill="none" stroke="currentColor" stroke-opacity="0.75"',
    ' rx="4" fill="none" stroke="currentColor" stroke-opacity="0.45"',
    ' fill="none" stroke="currentColor" stroke-opacity="0.9"',
)


def _supposed(text: str) -> dict[str, str]:
    """Split what the simulated tenant supposes from what is not confirmed of it."""
    what, _, why = text.removeprefix(_SIMULATED).partition(_NOT_CONFIRMED)
    return {"what": what, "why": why}


def _headline(result: Mapping[str, Any], sections: Sequence[Mapping[str, Any]]) -> str:
    good = sum(1 for item in sections if item["good"])
    changed = sum(len(item["changed"]) for item in sections)
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
    if unended := _unended(sections):
        words += f"Of {len(unended)} more it is not known whether it took effect. "
    said = "are as wanted already, by fresh reads" if result["mode"] == "plan" else "verified by fresh reads"
    kept = headline(result.get("outlook"))
    return f"{words}{good} of {len(sections)} sections {said}. {kept}".strip()


def _unended(sections: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the changes of which it is not known whether they took effect."""
    return [
        {"section": item["id"], **change}
        for item in sections
        for change in item["changes"]
        if change["status"] in OPEN_ENDED
    ]


def _pending(result: Mapping[str, Any], sections: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the changes that were planned and not made in this run."""
    made = {(item["kind"], item["identity"]) for found in result["sections"] for item in found["made"]}
    return [
        {"section": item["id"], **change}
        for item in sections
        for change in item["changes"]
        if change["action"] != "none" and change["status"] not in OPEN_ENDED and change["key"] not in made
    ]


def _remarks(diagnostics: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the remarks on the text; one that is made word for word of several places names them all."""
    found: dict[str, tuple[dict[str, Any], list[str]]] = {}
    for item in diagnostics:
        said = {name: value for name, value in item.items() if name != "where"}
        found.setdefault(repr(said), (said, []))[1].append(item["where"])
    return [{**said, "where": "; ".join(dict.fromkeys(filter(None, places)))} for said, places in found.values()]


def _mode(result: Mapping[str, Any]) -> str:
    back = result.get("takes_back")
    if not back:
        return str(_MODE_WORDS.get(result["mode"], result["mode"]))
    what = f"the way back from {back['run']}"
    left = "; what somebody else has set since is left as it is" if back["rest"] else ""
    if result["mode"] == "apply":
        return f"Rollback: {what}{left}"
    return f"Rollback planned: {what} was read and compared; nothing was written{left}"


def _facts(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    tenant = result["tenant"]
    facts = [
        ("Tenant", tenant["name"] + (" (simulated)" if tenant.get("simulated") else "")),
        ("Mode", _mode(result)),
        ("Run", result["run"]),
        *([("Part", result["part"])] if result.get("part") else []),
        *_ended(result),
        ("Tutorial", f"{result['tutorial']['title']} (SHA-256 {result['tutorial']['sha256'][:16]})"),
        *_plans(result),
    ]
    facts += [("Other rules", line) for line in sightings.lines(result.get("since"))]
    if result.get("requests"):
        counted = result["requests"]
        said = f"{counted['total']} requests by anybody during this run, {counted['writes']} of them writes"
        facts.append(("Simulated tenant's log", said))
    return facts


def _plans(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name the plan over all sections and the approved one, and say which hash is of which."""
    own, approval = result.get("plan_hash", ""), result.get("approval")
    found = []
    if own:
        found.append(("Plan", f"{own}, of all sections together; each section's part has a hash of its own"))
    if approval:
        plan = f"plan {approval['plan'][:16]}"
        if own and own != approval["plan"]:
            plan += (
                " (not the hash above: that one is of what this run's sections planned when they ran; which plan a "
                "section acted on stands there)"
            )
        found.append(("Approved", f"{plan} by {approval['approved_by']}, {approval['approved_at']}"))
    return found


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
