"""Each row of the lexicon alone: one item on the row's page, and exactly what it sets. A new row needs a case here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook.compile import compile_tutorial
from runbook.compile.values import plain_json
from runbook.lexicon import Place, load_lexicon
from runbook.tutorial import parse_tutorial

PATH = Path(__file__).resolve().parents[1] / "cases" / "lexicon" / "rows.yaml"
CASES: dict[str, list[dict[str, Any]]] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
LEXICON = load_lexicon()
EACH = [(place, case) for place, cases in CASES.items() for case in cases]


def alone(place: Place, say: str) -> str:
    """Put an item on its page: the console, the way, what opens a change there, and a name if the page wants one."""
    console = next(item for item in LEXICON.places_file.consoles if item.id == place.console[0])
    start = LEXICON.place("exchange.connectors") if place.id == "exchange.outbound_connectors" else place
    way = " > ".join(f"**{word}**" for word in start.paths[0])
    steps = [f"Open the [{console.names[0]}](https://{console.hosts[0]}/).", f"Go to {way}."]
    if start.picks:
        steps.append("Select the `Alone` that you configured previously.")
    elif start.loop:
        steps.append("For each domain you have, select **...** > **Edit**, and set the following options:")
    elif start.create:
        steps.append("Select " + " > ".join(f"**{word}**" for word in start.create[0]) + ".")
    elif start.opens:
        steps.append(f"Select **{start.opens[0]}**.")
    lines = [f"{at}. {step}" for at, step in enumerate(steps, 1)]
    if start is not place:
        lines.append("    - In **Connection from**, select **Office 365**.")
    name = next((row.path[-1] for row in getattr(LEXICON.labels_of(place), "rows", ()) if row.type == "name"), "")
    if name and not place.loop:
        lines.append(f"    - **{name}**: `Alone`")
    indent = "" if say[0].isdigit() else "    "
    lines += [indent + line for line in say.split("\n")]
    return "\n".join(["# Alone", "", "## Page", "", *lines, ""])


@pytest.mark.parametrize(("place", "case"), EACH, ids=lambda item: item if isinstance(item, str) else item["say"][:60])
def test_row(place: str, case: dict[str, Any]) -> None:
    text = alone(LEXICON.place(place), case["say"])
    compiled = compile_tutorial(parse_tutorial(text.encode()), LEXICON)
    (draft,) = compiled.resources
    assert {item.parameter: plain_json(item.value) for item in draft.settings} == case["sets"], text
    assert {item.parameter: item.op for item in draft.settings if item.op != "set"} == case.get("ops", {}), text
    unread = [item.text for item in compiled.readings if item.read_as == "unknown"]
    assert unread == [], text


def test_every_row_that_sets_something_has_a_case() -> None:
    told = {(place, parameter) for place, case in EACH for parameter in case["sets"]}
    lacking = [
        f"{table.place}: {' > '.join(row.path)}"
        for table in LEXICON.labels_file.labels
        for row in table.rows
        if row.parameter and (table.place, row.parameter) not in told
    ]
    assert lacking == []
