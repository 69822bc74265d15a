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
    at = outlook["after_at"]
    return {
        "summary": words.summary(outlook),
        "caption": caption(outlook),
        "basis": [
            f"What was before is predicted from what was read, {outlook['before_at']}.",
            _READ_BACK.format(at=at) if at else _NOT_READ_BACK,
            "A promise counts as kept only where it is kept for all recipients.",
            words.SCL,
            words.GRADES,
        ],
        "groups": _groups(words.rows_of(outlook, "gateway")),
        "others": [_other(item) for item in words.alike(words.rows_of(outlook, "outside", "phishing"))],
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


def _groups(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the rows of each disposition, with the ways that its messages take."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(words.disposition(row), []).append(row)
    return [
        {"disposition": name, "rows": [_row(row) for row in own], "ways": _ways(own)} for name, own in found.items()
    ]


def _row(row: Row) -> dict[str, Any]:
    place, lines = words.promised(row)
    return {
        **_places(row),
        "disposition": words.disposition(row),
        "recipients": words.recipients(row),
        "promised": place,
        "lines": lines,
        "observed": words.observed(row),
        "kept": words.kept(row) or "nothing promised",
        "broken": row["kept"] is False or bool(row["observed"] and row["observed"]["kept"] is False),
        "never": words.never(row),
    }


def _other(item: words.Alike) -> dict[str, Any]:
    return {
        **_places(item.row),
        "disposition": ", ".join(item.dispositions),
        "recipients": ", ".join(item.recipients),
        "case": words.CASES[item.row["case"]],
        "observed": words.observed(item.row, when=False),
    }


def _places(row: Row) -> dict[str, Any]:
    return {
        "before": row["before"]["text"],
        "after": row["after"]["text"],
        "grade_before": row["before"]["grade"],
        "grade": row["after"]["grade"],
    }


def _ways(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return each way once, with when it is taken and for whom."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        for when, title in (("before", "Before"), ("after", "After, by prediction")):
            way = found.setdefault(repr(row[when]["steps"]), {"taken": {}, "steps": row[when]["steps"]})
            way["taken"].setdefault(title, []).append(words.recipients(row))
    return [
        {"title": "; ".join(f"{when}: {', '.join(people)}" for when, people in way["taken"].items()), **way}
        for way in found.values()
    ]
