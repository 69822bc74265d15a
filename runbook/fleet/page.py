"""One page over a fleet run: how many ended how, what needs a person, what changed since, and every tenant.

The page stands alone: no script, nothing outside, links to the tenants' own records. It is made from the summary and
says no more than that: what is not known of a tenant is called so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader

from runbook.archive import listing, when
from runbook.fleet import changes
from runbook.fleet.rows import GOOD, NOT_STARTED, badness, counts, word
from runbook.styling import Style, style
from runbook.views import harmless

Row = Mapping[str, Any]
Address = Callable[[str], str]
"""Gives the address of a run's record, seen from the page; empty where there is none."""

_TEMPLATES = Path(__file__).parent / "templates"
_MEANINGS = {
    "killed": "The process did not come to its end; what is known of it stands in its record.",
    "failed": "Something went wrong, or a fresh read did not agree with what was asked.",
    "interrupted": "Somebody stopped it before its end.",
    "unknown": "It could not be reached or read, so nothing is said of it.",
    "refused": "The next write was not begun: no approval, an open decision, or a state that had moved.",
    "not started": "Nothing was done for it.",
    "drift": "A fresh read shows something else than the tutorial asks.",
    "changes pending": "The plan has changes that wait for an approval.",
    "left to a person": "All is as asked, but for what a person has to do by hand.",
    "changed": "Changes were made, and all was read back as asked.",
    "unchanged": "All was as asked already, by fresh reads.",
}
_MODES = {
    "plan": "Plan: every tenant was read and compared; nothing was written",
    "apply": "Apply: approved plans were carried out",
    "verify": "Verification: every tenant was read and compared; nothing was written",
}
_WELL = frozenset({"verified", "as wanted", "as before"})
_CHANGED = " changed, verified"
_NO_SUCH, _NOT_KNOWN = "not in this run", "not known"
_QUIET = frozenset({"nothing to check", "not run", _NO_SUCH, _NOT_KNOWN})
"""What a cell says where another, or the tenant's status, says what is wrong."""
_GROUPS = 12
"""So many different reasons are listed; the table below has them all."""
_NAMES = 6
_SINCE = 10


def beside(run: str) -> str:
    """Return the address of a run's record where fleet and run lie in one folder of runs."""
    return f"../../{quote(run)}/record.html"


def page(summary: Row, since: changes.Changes | None = None, *, record: Address = beside) -> str:
    """Return the page over a fleet's summary; `since` is what changed, None where there is nothing to compare with.

    Raises KeyError, TypeError or ValueError for what is no summary.
    """
    content = harmless(_content(summary, since))
    rows = [_Line.of(row, content["titles"], record) for row in content["tenants"]]
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.tests["good"] = GOOD.__contains__
    environment.tests["well"] = _is_well
    environment.tests["loud"] = lambda cell: not (_is_well(cell) or cell in _QUIET)
    lay_out = getattr(environment.get_template("fleet_parts.html.j2").module, "line")  # noqa: B009  (a macro)
    laid_out = [lay_out(line) for line in rows]  # once, for all orders
    groups = [{**group, "names": _names(group["rows"], record)} for group in content.pop("groups")]
    text = environment.get_template("fleet.html.j2").render(
        **content,
        needs=groups,
        style=_style(content["titles"]),
        orders=[{**order, "lines": [laid_out[place] for place in order["places"]]} for order in _orders(content)],
    )
    return text + "\n"


def _content(summary: Row, since: changes.Changes | None) -> dict[str, Any]:
    """Return what the page says, with nothing laid out and no text made harmless yet."""
    tenants = list(summary["tenants"])
    bad = [row for row in tenants if row["status"] not in GOOD]
    groups = _groups(sorted(bad, key=badness))
    return {
        "fleet": summary["fleet"],
        "mode": summary["mode"],
        "status": summary["status"],
        "facts": _facts(summary),
        "stopped": summary["stopped"],
        "tenants": tenants,
        "count": len(tenants),
        "bad": len(bad),
        "counts": [(status, count, _MEANINGS.get(status, "")) for status, count in counts(tenants).items()],
        "rings": _rings(tenants),
        "titles": list(dict.fromkeys(item["title"] for row in tenants for item in row["sections"])),
        "groups": groups[:_GROUPS],
        "others": sum(len(group["rows"]) for group in groups[_GROUPS:]),
        "since": _since(since),
    }


def _facts(summary: Row) -> list[tuple[str, str]]:
    begun, ended = (datetime.fromisoformat(summary[name]) for name in ("started", "finished"))
    took = max(0, round((ended - begun).total_seconds()))
    tutorial = summary["tutorial"]
    return [
        ("Mode", _MODES.get(summary["mode"], summary["mode"])),
        ("Inventory", str(summary["inventory"])),
        ("Tutorial", str(tutorial.get("title", tutorial["name"]) if isinstance(tutorial, Mapping) else tutorial)),
        ("Ran", f"{listing.stamp(begun)} to {listing.stamp(ended)}, {when.lasting(took)}"),
        ("Fleet run", summary["fleet"]),
    ]


def _rings(tenants: Sequence[Row]) -> list[tuple[str, int, int, int, int]]:
    """Return per ring how many tenants it has, are as they should be, need a person, and were not started."""
    found = []
    for ring in dict.fromkeys(row["ring"] for row in tenants):
        own = [row["status"] for row in tenants if row["ring"] == ring]
        good, idle = sum(status in GOOD for status in own), own.count(NOT_STARTED)
        found.append((ring, len(own), good, len(own) - good - idle, idle))
    return found if len(found) > 1 else []


def _groups(bad: Sequence[Row]) -> list[dict[str, Any]]:
    """Put tenants together that need a person for the same reason, in the order of the first of each."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in bad:
        reason = re.sub(rf"(?<![\w-]){re.escape(row['tenant'])}(?![\w-])", "this tenant", row["reason"])
        found.setdefault((row["status"], reason), []).append(row)
    return [
        {"status": status, "reason": rows[0]["reason"] if len(rows) == 1 else reason, "rows": rows}
        for (status, reason), rows in found.items()
    ]


def _names(rows: Sequence[Row], record: Address) -> dict[str, Any]:
    return {
        "shown": [(row["tenant"], record(row["run"]) if row["run"] else "") for row in rows[:_NAMES]],
        "more": max(0, len(rows) - _NAMES),
    }


def _since(since: changes.Changes | None) -> dict[str, Any] | None:
    """Return what changed as rows: what, how many, and which of them."""
    if since is None:
        return None
    moved = (("Worse", since.worse), ("Better", since.better))
    found: list[tuple[str, Sequence[str]]] = [
        *((name, [f"{item.tenant} ({item.before}, now {item.now})" for item in items]) for name, items in moved),
        ("Drifted since", [f"{item.tenant}: {item.title} ({item.count} not as asked)" for item in since.drifted]),
        (
            "Promises broken since",
            [f"{item.tenant} ({item.now} not kept, were {item.before})" for item in since.broken],
        ),
        ("New in this run", since.new),
        ("Not in this run", since.gone),
    ]
    rows = [
        {"what": what, "count": len(items), "shown": list(items[:_SINCE]), "more": max(0, len(items) - _SINCE)}
        for what, items in found
        if items
    ]
    return {"fleet": since.fleet, "finished": listing.stamp(datetime.fromisoformat(since.finished)), "rows": rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One tenant's line in the table."""

    tenant: str
    record: str
    place: tuple[str, str]
    """Ring, and the group where that is another."""
    status: str
    cells: tuple[str, ...]
    """How each section of the page's columns is."""
    promises: str
    broken: bool
    reason: str
    calm: bool
    """Whether nothing of it is to be looked at; a narrow screen then shows no more than that."""

    @classmethod
    def of(cls, row: Row, titles: Sequence[str], record: Address) -> _Line:
        found = {item["title"]: _cell(item) for item in row["sections"]}
        outlook = row["outlook"] or {"kept": 0, "broken": 0, "unknown": 0}
        return cls(
            tenant=row["tenant"],
            record=record(row["run"]) if row["run"] else "",
            place=(row["ring"], "" if row["group"] == row["ring"] else row["group"]),
            status=row["status"],
            cells=tuple(found.get(title, _NO_SUCH if found else _NOT_KNOWN) for title in titles),
            promises=_promises(outlook),
            broken=bool(outlook["broken"]),
            reason=row["reason"],
            calm=row["status"] in GOOD and not outlook["broken"],
        )


def _cell(item: Row) -> str:
    """Say how a section is; where that is known, how much is not as asked."""
    found = word(item)
    if found == "not as asked" and item["drift"]:
        return f"{item['drift']} not as asked"
    if found == "changes pending" and item["pending"]:
        return f"{item['pending']} pending"
    return f"{item['changed']}{_CHANGED}" if found == "verified" and item["changed"] else found


def _is_well(cell: str) -> bool:
    return cell in _WELL or cell.endswith(_CHANGED)


def _promises(outlook: Mapping[str, int]) -> str:
    """Say how many promises are kept by prediction; empty where none is made or nothing is known."""
    total = sum(outlook.values())
    unknown = f", {outlook['unknown']} not known" if outlook["unknown"] else ""
    return f"{outlook['kept']} of {total}{unknown}" if total else ""


def _orders(content: Row) -> list[dict[str, Any]]:
    """Return the tenants' places in each order that the page shows; the one that is shown first stands last."""
    tenants = content["tenants"]
    rings = list(dict.fromkeys(row["ring"] for row in tenants))
    names = [(row["tenant"].casefold(), row["tenant"]) for row in tenants]
    worst = sorted(range(len(tenants)), key=lambda place: badness(tenants[place]))
    return [
        {"id": "name", "title": "By name", "places": sorted(worst, key=names.__getitem__)},
        {
            "id": "ring",
            "title": "By ring, worst first",
            "places": sorted(worst, key=lambda place: rings.index(tenants[place]["ring"])),
        },
        {"id": "worst", "title": "Worst first", "places": worst},
    ]


def _style(titles: Sequence[str]) -> Style:
    """Return the page's style, in which the columns' heads stand once more for narrow screens."""
    heads = ["", "Ring", "Status", *titles, "Promises kept", "Why"]
    named = "".join(
        f".tenants td:nth-child({number}){{--h:{_quoted(head)}}}" for number, head in enumerate(heads, 1) if head
    )
    sheet = style(_TEMPLATES / "fleet.css").text
    return Style(f"{sheet}@media (max-width:42rem){{{named}}}")


def _quoted(text: str) -> str:
    """Return a text as CSS has it in quotes, every character that is no letter, digit or blank spelt out."""
    return '"' + "".join(char if char.isalnum() or char == " " else f"\\{ord(char):06x}" for char in text) + '"'
