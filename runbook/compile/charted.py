"""Read flow charts as promises: which place each disposition reaches along solid arrows, and how.

A dotted arrow is what somebody may do afterwards, such as release a message; it promises nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from runbook.compile.findings import Findings
from runbook.compile.promised import Promise, Via
from runbook.lexicon.match import fold
from runbook.lexicon.model import Destination, Disposition, PromisesFile
from runbook.tutorial import Block, Section, Step, Tutorial
from runbook.tutorial.flowchart import Edge, Flowchart, Node, Unread, read_flowchart

_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})\s*\{?mermaid\b", re.IGNORECASE)
_SETS = re.compile(r"\bset\w*\s(?:the\s)?(?:SCL|spam confidence level(?:\s\(SCL\))?)\sto\s(-?\d+)\b", re.IGNORECASE)
_RANGE = re.compile(r"\bSCL\s*[=:]\s*(-?\d+(?:\s*,\s*-?\d+)*)", re.IGNORECASE)
MOST = 200
"""Most ways that are followed from one box."""


def charted_promises(tutorial: Tutorial, table: PromisesFile, findings: Findings) -> tuple[Promise, ...]:
    """Give the promises of all flow charts of the text; a chart that cannot be read is noted, and promises nothing."""
    found: list[Promise] = []
    for block in _charts(tutorial):
        rows = tutorial.lines[block.first : block.last]
        closed = bool(rows) and re.fullmatch(r"\s*(?:`{3,}|~{3,})\s*", rows[-1]) is not None
        chart = read_flowchart(rows[:-1] if closed else rows, block.first + 1)
        if isinstance(chart, Unread):
            _unread(findings, (chart.line,), chart.why)
        else:
            found += _Reader(chart, table, findings).promises()
    return tuple(found)


def check_contradictions(promises: Sequence[Promise], table: PromisesFile, findings: Findings) -> None:
    """Note a disposition that prose and chart send to different places, with the lines of both."""
    for name in dict.fromkeys(item.disposition for item in promises if item.disposition):
        drawn = [item for item in promises if item.disposition == name and item.source == "flow chart"]
        written = [item for item in promises if item.disposition == name and item.source != "flow chart"]
        reached = {item.destination for item in drawn}
        apart = [item for item in written if not _agree(item.destination, reached, table)]
        if not drawn or not apart:
            continue
        said = " and ".join(dict.fromkeys(item.destination for item in apart))
        shown = " or ".join(dict.fromkeys(item.destination for item in drawn))
        lines = tuple(sorted({item.line for item in (*drawn, *apart)}))
        findings.note(
            "document-inconsistent", lines, about=f"{name}: words and flow chart",
            message=f"The words ({findings.at(apart[0].line)}) promise {name} to {said}; the flow chart "
                    f"({findings.at(drawn[0].line)}) leads it to {shown}.",
        )  # fmt: skip


def _agree(name: str, reached: set[str], table: PromisesFile) -> bool:
    """Tell whether a place is among others; a quarantine that may be either owner's agrees with both."""
    either = {row.name for row in table.destinations if row.dropped}
    return name in reached or (name in either and bool(reached & either))


def _unread(findings: Findings, lines: tuple[int, ...], why: str) -> None:
    findings.note(
        "unknown-step",
        lines,
        f"The flow chart is not read here: {why}. It promises nothing that it draws there.",
        severity="tells",
    )


def _charts(tutorial: Tutorial) -> Iterator[Block]:
    for item in (*tutorial.preamble, *(item for section in tutorial.sections for item in _all(section))):
        if isinstance(item, Block) and item.kind == "code" and _FENCE.match(tutorial.lines[item.first - 1]):
            yield item


def _all(section: Section) -> Iterator[Step | Block]:
    yield from section.items
    for step in section.steps:
        for each in step.walk():
            yield from each.notes


@dataclass(frozen=True, slots=True)
class _Way:
    """One way from a disposition to where it ends: the boxes and arrows passed."""

    end: Node
    boxes: tuple[Node, ...]
    arrows: tuple[Edge, ...]


class _Reader:
    """Follows the arrows of one chart."""

    def __init__(self, chart: Flowchart, table: PromisesFile, findings: Findings) -> None:
        self.table, self.findings = table, findings
        self.nodes: Mapping[str, Node] = {node.id: node for node in chart.nodes}
        self.out: dict[str, list[Edge]] = {}
        for edge in chart.edges:
            if edge.solid:
                self.out.setdefault(edge.source, []).append(edge)
        self.places = {node.id: place for node in chart.nodes if (place := self._place(node))}

    def promises(self) -> list[Promise]:
        """Give what the chart promises; a disposition with a way that is not understood is noted and left out."""
        found: list[Promise] = []
        drawn: dict[str, int] = {}
        for node, dispositions in self._starts():
            if twice := next((row.drop for row in dispositions if row.drop in drawn), None):
                _unread(self.findings, (drawn[twice], node.line), f"{twice} stands in two boxes")
                found = [item for item in found if item.disposition != twice]
                continue
            drawn |= {row.drop: node.line for row in dispositions}
            ends = self._ends(node)
            if isinstance(ends, Unread):
                _unread(self.findings, tuple(dict.fromkeys((node.line, ends.line))), ends.why)
                continue
            found += [
                Promise(disposition=row.drop, destination=place, line=node.line, source="flow chart", via=via)
                for row in dispositions for place, via in ends
            ]  # fmt: skip
        return found

    def _starts(self) -> list[tuple[Node, tuple[Disposition, ...]]]:
        """Find the boxes of dispositions: all their words are, and no other such box leads to them.

        The second half tells a gateway's SPAM from Microsoft's verdict Spam, which may be drawn with the same word.
        """
        named = {node.id: rows for node in self.nodes.values() if (rows := self._dispositions(node))}
        later = {other for start in named for other in self._reached(start) if other in named and other != start}
        return [(self.nodes[name], rows) for name, rows in named.items() if name not in later]

    def _dispositions(self, node: Node) -> tuple[Disposition, ...]:
        words = {word: row for row in self.table.dispositions for word in row.words}
        rows = [words.get(row.casefold()) for row in node.rows]
        return tuple(row for row in rows if row) if rows and all(rows) else ()

    def _place(self, node: Node) -> Destination | None:
        """Find the place that a box is; a bare name is the place of the frame's owner where that has one."""
        name = fold(" ".join(node.rows))
        framed = " ".join(node.frames).casefold()
        for row in self.table.destinations:
            if any(owner in framed for owner in row.owners) and any(fold(words) == name for words in row.bare):
                return row
        return next((row for row in self.table.destinations if any(fold(w) == name for w in row.words)), None)

    def _reached(self, start: str) -> set[str]:
        seen, todo = {start}, [start]
        while todo:
            for edge in self.out.get(todo.pop(), ()):
                if edge.target not in seen:
                    seen.add(edge.target)
                    todo.append(edge.target)
        return seen

    def _ends(self, start: Node) -> list[tuple[str, Via]] | Unread:
        found: list[tuple[str, Via]] = []
        ways = self._ways(start)
        if isinstance(ways, Unread):
            return ways
        for way in ways:
            via = self._via(way)
            if isinstance(via, Unread):
                return via
            if (item := (self.places[way.end.id].name, via)) not in found:
                found.append(item)
        return found

    def _ways(self, start: Node) -> list[_Way] | Unread:
        """Follow every solid arrow from a box to places; a way that ends elsewhere, or nowhere, is not understood."""
        ways: list[_Way] = []
        todo = [_Way(start, (start,), ())]
        while todo:
            way = todo.pop(0)
            shown = " ".join(way.end.rows)
            if way.end.id in self.places:
                ways.append(way)
                continue
            arrows = self.out.get(way.end.id, [])
            if not arrows:
                return Unread(line=way.end.line, why=f"{shown!r} leads nowhere and is no place that is known")
            for arrow in arrows:
                if any(arrow.target == box.id for box in way.boxes):
                    return Unread(line=arrow.line, why=f"{shown!r} leads round in a circle")
                target = self.nodes[arrow.target]
                todo.append(_Way(target, (*way.boxes, target), (*way.arrows, arrow)))
            if len(ways) + len(todo) > MOST:
                return Unread(line=start.line, why=f"{' '.join(start.rows)!r} has more than {MOST} ways")
        return ways

    def _via(self, way: _Way) -> Via | Unread:
        """Give the level that is set on a way and the verdict that it passes, unless the way contradicts itself."""
        said = [(arrow.label, arrow.line) for arrow in way.arrows]
        said += [(" ".join(box.rows), box.line) for box in way.boxes]
        levels = {int(match[1]): line for text, line in said for match in _SETS.finditer(text)}
        if len(levels) > 1:
            return Unread(line=max(levels.values()), why=f"one way sets SCL {' and SCL '.join(map(str, levels))}")
        known = {fold(word) for word in self.table.verdicts}
        verdicts: list[str] = []
        for box in way.boxes[1:-1]:
            verdicts += [row for row in box.rows if fold(row) in known]
            ranged = _RANGE.search(" ".join(box.rows))
            for level, line in levels.items():
                if ranged and level not in {int(part) for part in ranged[1].split(",")}:
                    self.findings.note(
                        "document-inconsistent", tuple(sorted({line, box.line})), about=f"SCL {level}",
                        message=f"The flow chart sets SCL {level} and leads to {' '.join(box.rows)!r}.",
                    )  # fmt: skip
                    return Unread(line=box.line, why=f"SCL {level} leads to a box of other levels")
        return Via(scl=next(iter(levels), None), verdict=" or ".join(dict.fromkeys(verdicts)))
