"""Show plans, inputs and results: the same content as plain text (logs, terminals) and as a small HTML table.

Everything that comes from a tenant or a document is escaped; there is no script and no style that a record
would have to carry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import Any

from runbook import settling
from runbook.difference import cannot_be_undone, counts_text, entries_lines, kind_title, lines_text, show_value
from runbook.inputs import Effective
from runbook.kinds import BY_TYPE
from runbook.plan import SYMBOL


def plain(text: str) -> str:
    """Make a text that a tenant or a service chose harmless in a line: control and direction marks are spelt out."""
    if type(text) is str and text.isprintable():  # as nearly all are; a mark of direction is not
        return text
    return "".join(char if char.isprintable() and char not in _DIRECTION else repr(char)[1:-1] or char for char in text)


def plain_lines(text: str) -> str:
    """Make a text of several lines harmless, line by line; its own line ends stay."""
    return "\n".join(plain(line) for line in text.split("\n"))


def harmless(value: Any, spell: Callable[[str], str] = plain) -> Any:
    """Make all texts of a value harmless, whoever chose them; `spell` says how one is spelt out."""
    if isinstance(value, str):
        return spell(value)
    if isinstance(value, Mapping):
        return {name: harmless(item, spell) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [harmless(item, spell) for item in value]
    return value


# Marks that change the order in which a line is read.
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class View:
    """A result to be displayed: as HTML where that can be shown, else as text."""

    text: str
    html: str

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": self.text, "text/html": self.html}


def message(text: str) -> View:
    """Show a sentence."""
    text = plain_lines(text)
    return View(text, "<p>" + escape(text).replace("\n", "<br>") + "</p>")


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], *, note: str = "") -> View:
    """Show rows under a caption; in text, columns are aligned."""
    rows = [[plain(cell) for cell in row] for row in rows]
    caption, note = plain(caption), plain(note)
    cells = [list(heads), *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    head = "".join(f'<th scope="col">{escape(item)}</th>' for item in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    html = f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    if note:
        html += f"<p>{escape(note)}</p>"
    return View("\n".join([caption, *lines, *([note] if note else [])]), html)


def facts(caption: str, rows: Sequence[tuple[str, str]]) -> View:
    """Show names with what they are, under a caption."""
    safe = [(plain(name), plain(value)) for name, value in rows]
    width = max(len(name) for name, _ in safe)
    body = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in safe)
    lines = [f"{name.ljust(width)}  {value}" for name, value in safe]
    html = f"<table><caption>{escape(plain(caption))}</caption><tbody>{body}</tbody></table>"
    return View("\n".join([plain(caption), "", *lines]), html)


def inputs_view(effective: Sequence[Effective]) -> View:
    """Show the effective inputs and where each value came from; the run's own folder stands in the banner."""
    rows = []
    for item in effective:
        if item.field.name in ("run_dir", "approve"):
            continue
        value = item.value
        shown = ", ".join(value) if isinstance(value, tuple) else str(value)
        rows.append((item.field.name, shown or "(empty)", item.source, item.field.help))
    return table("Inputs in effect", ("input", "value", "from", "what it is for"), rows)


Hands = Mapping[tuple[str, str], Sequence[str]]
"""Per change (kind and identity), the same change as command lines for a person."""


def plan_lines(plan: Mapping[str, Any], *, title: str, hands: Hands = MappingProxyType({})) -> list[str]:
    """Return a plan as lines of text; properties that stay as they are are left out."""
    lines = [f"{plain(title)}: {counts_text(plan)}"]
    for change in plan["changes"]:
        kind = BY_TYPE[change["kind"]].title
        lines.append(f"  {SYMBOL[change['action']]} {kind} {plain(change['identity'])}: {plain(reason_text(change))}")
        for item in change["properties"] if change["action"] != "delete" else ():
            if not item["changed"]:
                continue
            before = show_value(change["kind"], item["name"], item["before"])
            after = show_value(change["kind"], item["name"], item["after"])
            arrow = after if change["action"] == "create" else f"{before} -> {after}"
            place = lines_text(item["lines"]) or item["note"]
            lines.append(f"      {item['name']}: {plain(arrow)}" + (f"   [{plain(place)}]" if place else ""))
            lines += [f"        {plain(text)}" for text in entries_lines(item)]
        lines += [f"      cannot be undone: {text}" for text in cannot_be_undone(change)]
        lines += [f"      by hand: {plain(line)}" for line in hands.get((change["kind"], change["identity"]), ())]
    return [*lines, *problem_lines(plan)]


def wait_lines(section: Mapping[str, Any]) -> list[str]:
    """Say what the text wants to wait for before a section's changes; nothing where it changes nothing."""
    pending = any(change["action"] != "none" for change in (section["plan"] or {"changes": ()})["changes"])
    return [
        f"  {plain(item['text'])} ({plain(lines_text(item['lines']))})"
        for item in (section.get("waits", ()) if pending else ())
    ]


def reason_text(change: Mapping[str, Any]) -> str:
    """Return why a change is made, and what else is to be known of it."""
    notes = change.get("notes", ()) if change["action"] != "delete" else ()
    return "; ".join([change["reason"], *notes])


def reason_beside(change: Mapping[str, Any]) -> str:
    """Return the same where the properties stand in a table beside it: without their names."""
    names = ": " + ", ".join(item["name"] for item in change["properties"] if item["changed"])
    return reason_text({**change, "reason": change["reason"].removesuffix(names)})


def problem_lines(plan: Mapping[str, Any]) -> list[str]:
    """Return one line for each thing that cannot be planned, or that somebody else's is in the way of."""
    return [
        f"  {'!' if item.get('other') else '?'} {kind_title(item['kind'])} {plain(item['identity'])}: "
        f"{plain(item['reason'])}"
        for item in plan["problems"]
    ]


def checks_lines(checks: Sequence[Mapping[str, Any]], *, title: str, aim: str, beside: Sequence[str] = ()) -> list[str]:
    """Return what was checked by fresh reads: a sum, a line for what is not as it should be, and the lines `beside`."""
    wrong = [check for check in checks if not check["ok"]]
    summary = f"{plain(title)}: {len(checks) - len(wrong)} of {len(checks)} properties are {aim}"
    return [summary, *check_lines(wrong), *beside]


def check_lines(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one line for each property that is not as it should be."""
    return [
        f"  {BY_TYPE[check['kind']].title} {plain(check['identity'])}, {check['name']}"
        + (f" ({lines_text(check['lines'])} of the tutorial)" if check["lines"] else "")
        + f": found {plain(check['found_text'])},"
        + f" wanted {plain(show_value(check['kind'], check['name'], check['wanted']))}"
        for check in checks
        if not check["ok"]
    ]


def settling_lines(verification: Mapping[str, Any] | None) -> list[str]:
    """Return one line for each change that may not act everywhere yet, or that came about in part."""
    partial, late = (list((verification or {}).get(name, ())) for name in ("partial", "pending"))
    lines = [
        f"  {kind_title(item['kind'])} {plain(item['identity'])}: partial, "
        f"{item['asked'] - len(item['missing'])} of {item['asked']} changed properties read back, "
        f"not {', '.join(item['missing'])}"
        for item in partial
    ]
    return lines + [f"  {kind_title(item['kind'])} {plain(item['identity'])}: {_late_text(item)}" for item in late]


def _late_text(item: Mapping[str, str]) -> str:
    if "asked" in item:
        return settling.unseen_text(item)
    return f"propagation pending, it may take until {item['until'][11:16]} UTC to act everywhere"


def left_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one line for each thing that was seen of what is left to a person, or that could not be seen."""
    return [
        f"  left to a person: {kind_title(item['kind'])} {plain(item['identity'])}: {plain(item['said'])}"
        + (f" ({lines_text(item['lines'])})" if item["lines"] else "")
        for item in rows
    ]


def script_lines(result: Mapping[str, Any]) -> list[str]:
    """Return a run's pending changes as one PowerShell script; what is not PowerShell stands in comments."""
    title, tenant = _comment(result["tutorial"]["title"]), _comment(result["tenant"]["name"])
    lines = [
        f"# {title}: tenant {tenant}, plan {result['plan_hash'] or 'none'}",
        "# Exchange Online PowerShell; connect first:  Connect-ExchangeOnline",
        f"# Then check what was done:  runbook verify --tenant {tenant}",
        "$ErrorActionPreference = 'Stop'",
    ]
    for item in result["sections"]:
        lines += ["", f"# {item['number']}. {_comment(item['title'])}"]
        lines += [f"# cannot be planned: {_comment(problem)}" for problem in problem_lines(item["plan"] or _NO_PLAN)]
        if not item["by_hand"] and not (item["plan"] or _NO_PLAN)["problems"]:
            lines.append("# nothing to do")
        for hand in item["by_hand"]:
            for line in hand_lines(hand["lines"]):
                lines.append(line if _POWERSHELL.match(line) else f"# {_comment(line.removeprefix('# '))}")
    return lines


def hand_lines(lines: Sequence[str]) -> list[str]:
    """Return lines that a person can run; one with marks that nobody can see or type becomes a comment saying so."""
    return [line if line == plain(line) else f"# not to be typed, it has hidden marks: {plain(line)}" for line in lines]


_NO_PLAN: Mapping[str, Any] = {"problems": []}
_POWERSHELL = re.compile(r"^[A-Z][a-z]+-[A-Za-z]+ ")


def _comment(text: str) -> str:
    """Keep a text that a tenant may have chosen inside its comment line."""
    return plain(" ".join(text.split()))
