"""The evidence: what the cells printed, without what this page says already from the very same data.

A run prints its plan, its inputs and where mail lands in its notebooks; the page shows the same from the result file.
Lines are left out only where the result, printed by the same code, gives them character by character; the page says
how many they were and where they stand. What differs by a letter is printed in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from runbook.outcome_views import outlook_view
from runbook.views import checks_lines, hand_lines, plain_lines, plan_lines, settling_lines, table

Said = dict[str, frozenset[str]]
"""Lines that this page shows already, each with the places where its content stands."""
_BESIDE = {"inputs": "; what each is for, in the cell of parameters"}
_SHORTEST = 60
"""Fewer characters than this are printed again: to say that they stand above would be as long."""


def said_above(result: Mapping[str, Any], done: str) -> Said:
    """Return every line that the result's data print; `done` are the words for "as it should be"."""
    found: Said = {}
    for item in result["sections"]:
        for what, text in _texts(item, result["tenant"]["name"], done):
            note(found, text, f"{what}, as in section {item['number']}{_BESIDE.get(what, '')}")
    for outlook, label in _outlooks(result.get("outlook")):
        for what in ("matrix", "policy"):
            note(found, outlook_view(outlook, what).text, label)
    return found


def note(said: Said, text: str, place: str) -> None:
    """Note that the lines of a text stand in a place."""
    for line in plain_lines(text).split("\n"):
        said[line] = said.get(line, frozenset()) | {place}


def _texts(item: Mapping[str, Any], tenant: str, done: str) -> Iterator[tuple[str, str]]:
    title = f"{item['title']} on {tenant}"
    if item["plan"]:
        hands = {(hand["kind"], hand["identity"]): hand["lines"] for hand in item["by_hand"]}
        lines = plan_lines(item["plan"], title=f"{title}, plan", hands=hands)
        yield "plan", "\n".join([*lines, f"plan {item['plan']['hash']}"])
        yield "by hand", "\n".join(line for lines in hands.values() for line in hand_lines(lines))
    if item["verification"]:
        checks, beside = item["verification"]["checks"], settling_lines(item["verification"])
        yield "check", "\n".join(checks_lines(checks, title=f"{title}, verification", aim=done, beside=beside))
    if item["inputs"]:
        rows = [
            (entry["name"], _shown(entry["value"]) or "(empty)", entry["source"], entry["help"])
            for entry in item["inputs"]
            if entry["name"] not in ("run_dir", "approve")
        ]
        yield "inputs", table("Inputs in effect", ("input", "value", "from", "what it is for"), rows).text


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _outlooks(outlook: Mapping[str, Any] | None) -> Iterator[tuple[Mapping[str, Any], str]]:
    if outlook is None:
        return
    yield outlook, "where mail lands, as above"
    unseen = {**outlook, "rows": [{**row, "observed": None} for row in outlook["rows"]]}
    yield unseen, "where mail lands, as above, with nothing observed yet"


def pieces(text: str, said: Said) -> list[tuple[str, str]]:
    """Return a text as pieces: what is printed, and remarks in place of lines that stand elsewhere on the page."""
    found: list[tuple[str, str]] = []
    for places, lines in _stretches(text.split("\n"), said):
        body = "\n".join(lines)
        if places and len(body) >= _SHORTEST:
            count = f"{len(lines)} line{'s' if len(lines) != 1 else ''}"
            found.append(("above", f"[{count}: {min(places)}]"))
        elif found and found[-1][0] == "text":
            found[-1] = ("text", f"{found[-1][1]}\n{body}")
        else:
            found.append(("text", body))
    return found


def _stretches(lines: Sequence[str], said: Said) -> list[tuple[frozenset[str], list[str]]]:
    """Cut lines into stretches that all stand in the same places, or in none; each is as long as it can be."""
    found: list[tuple[frozenset[str], list[str]]] = []
    for line in lines:
        places = said.get(line, frozenset())
        shared = found[-1][0] & places if found else frozenset()
        if found and (shared or not (places or found[-1][0])):
            found[-1] = (shared, [*found[-1][1], line])
        else:
            found.append((places, [line]))
    return found


def cells(notebook: Any, said: Said, shown: Callable[[Any], str]) -> list[dict[str, Any]]:
    """Return the code cells in groups by notebook; what an earlier notebook said is not repeated by a later one.

    `shown` turns an output into plain text.
    """
    known, groups = dict(said), []
    for name, group in groupby(notebook.cells, key=lambda cell: cell.metadata.get("runbook_notebook", "notebook")):
        own: Said = {}
        found = []
        for cell in (cell for cell in group if cell.cell_type == "code"):
            texts = [("source", cell.source), *((output.output_type, shown(output)) for output in cell.outputs)]
            found.append({"cell": cell, "texts": [(kind, pieces(plain_lines(text), known)) for kind, text in texts]})
            for _, text in texts:
                note(own, text, f"as in notebook {name[:2]}")
        groups.append({"name": name, "cells": found})
        for line, places in own.items():
            known.setdefault(line, places)
    return groups
