"""Flow charts as data: what is drawn, what it promises, and that a chart which is not understood says so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.compile import Compiled, compile_tutorial
from runbook.lexicon import load_lexicon
from runbook.tutorial import parse_tutorial
from runbook.tutorial.flowchart import Flowchart, Unread, read_flowchart

HOME = Path(__file__).parent.parent / "cases" / "flowcharts"
CASES: dict[str, Any] = yaml.safe_load((HOME / "charts.yaml").read_text(encoding="utf-8"))
KNOWN = {"before", "chart", "nodes_are", "edges", "unread", "promises", "findings", "uncovered"}
LEXICON = load_lexicon()
SCRAPS = [
    "graph TB", "A", " --> ", "-.->", "[", "]", '["', '"]', "|", "&", "SPAM", "<br>", "subgraph x", "end", "\n", "(",
]  # fmt: skip


def compiled(case: dict[str, Any]) -> Compiled:
    text = f"{case.get('before', '')}```mermaid\n{case['chart']}```\n\n## A section\n\n1. Go.\n"
    return compile_tutorial(parse_tutorial(text.encode()), LEXICON)


def drawn(chart: Flowchart) -> tuple[list[str], list[str]]:
    nodes = [
        f"{node.id} {node.line} {'|'.join(node.rows)}" + (f" in {' > '.join(node.frames)}" if node.frames else "")
        for node in chart.nodes
    ]
    edges = [
        f"{edge.source} {'->' if edge.solid else '~>'} {edge.target}" + (f" ({edge.label})" if edge.label else "")
        for edge in chart.edges
    ]
    return nodes, edges


def promised(found: Compiled) -> list[str]:
    rows = []
    for item in found.promises:
        if item.source == "flow chart":
            assert item.via is not None
            scl = f" SCL {item.via.scl}" if item.via.scl is not None else ""
            verdict = f" as {item.via.verdict}" if item.via.verdict else ""
            rows.append(f"{item.line} {item.disposition} to {item.destination}{scl}{verdict}")
    return rows


def noted(found: Compiled, *codes: str) -> list[str]:
    return [f"{item.code} {' '.join(map(str, item.lines))}" for item in found.diagnostics if item.code in codes]


@pytest.mark.parametrize("name", CASES)
def test_chart(name: str) -> None:
    case = CASES[name]
    assert set(case) <= KNOWN and set(case) & {"nodes_are", "edges", "unread", "promises"}, name
    chart = read_flowchart(case["chart"].splitlines(), 2)
    if "unread" in case:
        line, why = case["unread"].split(" ", 1)
        assert isinstance(chart, Unread) and chart.line == int(line), chart
        assert re.search(why, chart.why), chart
    else:
        assert isinstance(chart, Flowchart), chart
        nodes, edges = drawn(chart)
        assert nodes == case.get("nodes_are", nodes), name
        assert edges == case.get("edges", edges), name
    found = compiled(case)
    assert promised(found) == case.get("promises", []), name
    if "findings" in case:
        assert noted(found, "unknown-step", "document-inconsistent") == case["findings"], name
    if "uncovered" in case:
        assert noted(found, "promise-not-covered") == case["uncovered"], name
    assert ("unread" in case) <= bool(noted(found, "unknown-step")), "what is not read is said"
    assert found.ledger["closed"]


@given(st.lists(st.sampled_from(SCRAPS), max_size=40))
@settings(deadline=None, max_examples=200)
def test_any_scraps_are_read_or_refused(scraps: list[str]) -> None:
    rows = ["graph TB", *"".join(scraps).split("\n")]
    chart = read_flowchart(rows, 1)
    if isinstance(chart, Unread):
        assert 1 <= chart.line <= len(rows) and chart.why
    else:
        ids = {node.id for node in chart.nodes}
        assert {end for edge in chart.edges for end in (edge.source, edge.target)} <= ids


@pytest.mark.parametrize(
    "rows",
    [
        ["graph TB", "A" * 3000],
        ["graph TB", *["A --> B"] * 3000],
        ["graph TB", *["a & b & c --> d"] * 900],
    ],
    ids=["a long line", "many lines", "many arrows"],
)
def test_a_chart_that_is_too_large_is_refused(rows: list[str]) -> None:
    assert isinstance(read_flowchart(rows), Unread)


def test_many_ways_are_not_followed() -> None:
    steps = "".join(f"a{n} & b{n} --> a{n + 1} & b{n + 1}\n" for n in range(30))
    found = compiled({"chart": f"graph TB\nSPAM --> a0 & b0\n{steps}a30 & b30 --> Inbox\n"})
    assert promised(found) == [] and noted(found, "unknown-step") == ["unknown-step 3"]
