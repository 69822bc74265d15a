"""How a run's sections ended, for a terminal: a line each, then what is not as asked, then what is still open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from runbook import outcome_words, sightings, views
from runbook.cli.tables.layout import Cell, said, table
from runbook.cli.tables.plan import every_entry
from runbook.cli.words import problems, verdict
from runbook.difference import lines_text, show_value
from runbook.kinds import BY_TYPE


def section_parts(result: Mapping[str, Any], room: int) -> Iterator[RenderableType]:
    """Show every section's result, and all that the plain form says beside it."""
    rows = [(item["title"], str(len(item["made"])), _verdict(item)) for item in result["sections"]]
    yield table(("section", "changed", "result"), rows, room=room)
    drift = [row for item in result["sections"] for row in _drift(item)]
    if drift:
        yield Text("\nNot as it should be", style="bold")
        yield table(("what", "property", "found", "wanted", "tutorial"), drift, room=room)
    for item in result["sections"]:
        later = [
            *views.settling_lines(item["verification"]),
            *problems(item),
            *views.left_lines(item["left_to_person"]),
        ]
        if later:
            yield Text("")
            yield said(item["title"], "bold", indent=2)
            yield from (said(line.strip(), indent=4) for line in later)
    yield Text("")
    if result["outlook"] is not None:
        yield said(f"Where mail lands: {outcome_words.summary(result['outlook'])}")
    yield from (said(line) for line in sightings.lines(result.get("since")))


def _verdict(item: Mapping[str, Any]) -> Cell:
    text = verdict(item)
    if "NOT" in text:
        return Cell(text, "bold red")
    return Cell(text, "green" if text.startswith("verified") else "")


def _drift(item: Mapping[str, Any]) -> Iterator[Sequence[Cell | str]]:
    for check in (item["verification"] or {}).get("checks", ()):
        if not check["ok"]:
            yield (
                f"{BY_TYPE[check['kind']].title} {check['identity']}",
                check["name"],
                Cell(check["found_text"], "red"),
                Cell(_wanted(check), "green"),
                Cell(lines_text(check["lines"])),
            )


def _wanted(check: Mapping[str, Any]) -> str:
    kind, name, value = check["kind"], check["name"], check["wanted"]
    return "; ".join([show_value(kind, name, value), *every_entry(kind, name, value)])
