"""What a run leaves to a person: errors with their remedy, open decisions, steps by hand, a plan that waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runbook.difference import lines_text
from runbook.inputs import decision_field


def todo(result: Mapping[str, Any], approved: Mapping[str, Any]) -> list[str]:
    """Return what a person must still do, each once. `approved` are the values of the approved plan, by input."""
    found = list(_of_sections(result))
    if result.get("takes_back"):
        found += [text for text in result["assumptions"] if text.startswith("Not taken back")]
        return list(dict.fromkeys(found))
    found += _undecided(result, approved)
    found += [_open_step(step) for step in result.get("manual", []) if not step.get("done")]
    if result.get("ticks_problem"):
        found.append(result["ticks_problem"])
    if result["status"] == "changes pending":
        found.append("Read the plan; if it is right, approve and apply it.")
    return list(dict.fromkeys(found))


def _of_sections(result: Mapping[str, Any]) -> Iterator[str]:
    for item in result["sections"]:
        error = one_line(item["error"])
        if error:
            yield f"{item['title']}: {error['detail']} {error['remedy']}".strip()
        for problem in (item["plan"] or {}).get("problems", []):
            if problem["presence"] == "left" and not result.get("takes_back"):
                continue  # it stands among the steps for a person, where it can be ticked off
            yield f"{item['title']}: {problem['identity']}: {problem['reason']}"


def done_by_hand(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the steps that a person had ticked off when the run ended, with who, when and what was seen."""
    if result.get("takes_back"):
        return []
    return [
        {"text": f"{step['text']} ({lines_text(step['lines'])} of the tutorial)", **step["done"]}
        for step in result.get("manual", [])
        if step.get("done")
    ]


def one_line(error: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Put the lines of an error's texts into one, as a browser would."""
    if error is None:
        return None
    return {name: " ".join(item.split()) if isinstance(item, str) else item for name, item in error.items()}


def _open_step(step: Mapping[str, Any]) -> str:
    """Word a step for a person; one that was ticked off in another edition of the text is to be looked at again."""
    named = f", step {step['id']}" if "id" in step else ""  # older results have none
    former = step.get("other_edition")
    again = f"; ticked for another edition of the text by {former['by']}, {former['at']}" if former else ""
    return f"{step['text']} ({lines_text(step['lines'])} of the tutorial{named}{again})"


def _undecided(result: Mapping[str, Any], approved: Mapping[str, Any]) -> list[str]:
    """Word what a decision would answer, where nobody has taken it.

    A section that was never opened has left no inputs. What it was given is then known from the approved plan; where
    that does not name it either, it is not known, and so not called undecided.
    """
    known = {entry["name"]: entry["value"] for item in result["sections"] for entry in item["inputs"]}
    values = {**approved, **known}
    all_known = all(item["inputs"] for item in result["sections"])
    found: dict[str, str] = {}
    for item in result.get("diagnostics", []):
        field = decision_field(item["decision"]) if item["decision"] else ""
        # One line a decision; what the document promises says more than that it leaves something to the reader.
        first = item["decision"] not in found or item["code"] == "promise-not-covered"
        if not field or values.get(field) not in (False, "", None) or not first:
            continue
        word = "Undecided" if field in values or all_known else "Not known whether decided, its section did not open"
        found[item["decision"]] = f"{word}: {item['message']}"
    return list(found.values())
