"""What the record says of where mail lands, from a result's outlook: sentences and rows, no markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runbook import outcome_words as words
from runbook.outcome_picture import caption

Row = Mapping[str, Any]

_NOT_READ_BACK = "What comes after is computed from the plan; nothing of it was read back."
_READ_BACK = "What comes after is predicted from what was read back, {at}."


def content(outlook: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of the record's part on where mail lands, as texts that are not yet made harmless."""
    governed = outlook["governed"]
    everybody = _everybody(words.rows_of(outlook, "gateway"))
    steps, numbers = _steps(words.rows_of(outlook, "gateway"))
    at = outlook["after_at"]
    return {
        "summary": words.summary(outlook),
        "caption": caption(outlook),
        "basis": [
            f"What was before is predicted from what was read, {outlook['before_at']}.",
            _READ_BACK.format(at=at) if at else _NOT_READ_BACK,
            *([f"All recipients are: {', '.join(everybody)}."] if everybody else []),
            "A promise counts as kept only where it is kept for all recipients.",
            words.SCL,
            words.GRADES,
        ],
        "groups": _groups(words.rows_of(outlook, "gateway"), numbers),
        "steps": steps,
        "broken": _broken(words.rows_of(outlook, "gateway")),
        "others": _others(outlook),
        "policy": governed["policy"] if governed else "",
        "governed_text": words.governed_text(governed) if governed else [],
        "governed": [{**row, "counted": words.counted(row)} for row in governed["rows"]] if governed else [],
        "beside": words.beside(outlook),
        "presets_text": words.presets_text(outlook),
        "presets": [{**row, "remark": words.preset_remark(row)} for row in outlook["presets"] if row["name"]],
        "unread": words.unread(outlook),
        "undecided": words.undecided(outlook),
        "left": words.left(outlook),
        "supposed": words.supposed(outlook),
    }


def _groups(rows: Sequence[Row], numbers: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the rows of each disposition; those that differ in nothing but what was before are one."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    everybody = _everybody(rows)
    for row in rows:
        name, own = words.disposition(row), _row(row, numbers)
        kept = found.setdefault(name, {}).setdefault(repr(own), {**own, "recipients": [], "befores": {}})
        kept["recipients"] += [str(item) for item in row["recipients"]]
        before = (row["before"]["text"], row["before"]["grade"], _way(row["before"], numbers))
        kept["befores"].setdefault(before, []).append(words.recipients(row))
        kept["never"] += [text for text in words.never(row) if text not in kept["never"]]
    return [
        {"disposition": name, "rows": [_together(row, everybody) for row in own.values()]}
        for name, own in found.items()
    ]


def _everybody(rows: Sequence[Row]) -> list[str]:
    """Return all recipients that are told apart, where there are several."""
    found = list(dict.fromkeys(str(name) for row in rows for name in row["recipients"]))
    return found if len(found) > 1 else []


def _together(row: dict[str, Any], everybody: Sequence[str]) -> dict[str, Any]:
    befores = [
        {"text": text, "grade": grade, "way": way, "who": ", ".join(people) if len(row["befores"]) > 1 else ""}
        for (text, grade, way), people in row["befores"].items()
    ]
    return {**row, "recipients": _whose(row["recipients"], everybody), "befores": befores}


def _whose(people: Sequence[str], everybody: Sequence[str]) -> str:
    return "all recipients" if everybody and set(people) == set(everybody) else ", ".join(people)


def _row(row: Row, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Return what a row says but for whom, for what was before, and for rules that never match."""
    place, lines = words.promised(row)
    return {
        "disposition": words.disposition(row),
        "promised": place,
        "lines": lines,
        "after": row["after"]["text"],
        "grade": row["after"]["grade"],
        "way": _way(row["after"], numbers),
        "observed": words.observed(row),
        "kept": words.kept(row) or "nothing promised",
        "broken": _is_broken(row),
        "never": [],
    }


def _steps(rows: Sequence[Row]) -> tuple[list[Mapping[str, Any]], dict[str, int]]:
    """Return every step that a message takes once, and the number of each."""
    numbers: dict[str, int] = {}
    steps: list[Mapping[str, Any]] = []
    for row in rows:
        for step in (*row["before"]["steps"], *row["after"]["steps"]):
            if numbers.setdefault(repr(step), len(steps) + 1) > len(steps):
                steps.append(step)
    return steps, numbers


def _way(cell: Row, numbers: Mapping[str, int]) -> str:
    return ", ".join(str(numbers[repr(step)]) for step in cell["steps"])


def _is_broken(row: Row) -> bool:
    return row["kept"] is False or bool(row["observed"] and row["observed"]["kept"] is False)


def _broken(rows: Sequence[Row]) -> list[dict[str, str]]:
    """Return what is promised and is not kept, or is not known to be, for the summary."""
    found: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        seen = row["observed"]
        if not row["promised"] or (row["kept"] is True and (not seen or seen["kept"] is True)):
            continue
        place, lines = words.promised(row)
        lands = f"lands in {words.observed(row, when=False)}" if seen else f"predicted: {row['after']['text']}"
        key = (words.disposition(row), place, lines, lands, words.kept(row))
        found.setdefault(key, []).extend(str(item) for item in row["recipients"])
    names = ("disposition", "promised", "lines", "lands", "kept")
    return [
        {**dict(zip(names, key, strict=True)), "recipients": _whose(who, _everybody(rows))}
        for key, who in found.items()
    ]


def _others(outlook: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, case by case, where other mail lands; what differs only in what was before is one row."""
    everybody = _everybody(outlook["rows"])
    cases = []
    for case in ("outside", "phishing"):
        found: dict[tuple[str, ...], list[words.Alike]] = {}
        for item in words.alike(words.rows_of(outlook, case)):
            key = (item.row["after"]["text"], item.row["after"]["grade"], _seen(item.row))
            found.setdefault(key, []).append(item)
        rows = [_other(part, everybody) for items in found.values() for part in _mergeable(items)]
        if rows:
            cases.append({"case": words.CASES[case], "rows": rows})
    return cases


def _mergeable(items: Sequence[words.Alike]) -> list[Sequence[words.Alike]]:
    """Return items as one, if it is true of all their dispositions for all their recipients; else each by itself."""
    pairs = {(name, who) for item in items for name in item.dispositions for who in item.recipients}
    whole = len({name for name, _ in pairs}) * len({who for _, who in pairs})
    return [items] if len(pairs) == whole else [[item] for item in items]


def _other(items: Sequence[words.Alike], everybody: Sequence[str]) -> dict[str, Any]:
    row = items[0].row
    befores: dict[tuple[str, str], list[str]] = {}
    for item in items:
        who = f"{', '.join(item.dispositions)} for {_whose(item.recipients, everybody)}"
        befores.setdefault((item.row["before"]["text"], item.row["before"]["grade"]), []).append(who)
    people = list(dict.fromkeys(who for item in items for who in item.recipients))
    return {
        "disposition": ", ".join(dict.fromkeys(name for item in items for name in item.dispositions)),
        "recipients": _whose(people, everybody),
        "befores": [
            {"text": text, "grade": grade, "who": "; ".join(who) if len(befores) > 1 else ""}
            for (text, grade), who in befores.items()
        ],
        "after": row["after"]["text"],
        "grade": row["after"]["grade"],
        "observed": _seen(row),
    }


def _seen(row: Row) -> str:
    """Say what was observed of other mail; a place that was predicted in the same words is not named twice."""
    seen = row["observed"]
    if not seen or not seen["as_predicted"] or seen["text"] != row["after"]["text"]:
        return words.observed(row, when=False)
    return f"as predicted ({seen['by']})"
