"""Read a Mermaid flow chart as data: boxes, arrows and frames, each with its source line.

Only what the tutorials draw is known: boxes with words, lists of boxes joined by `&`, arrows with words on
them, frames around boxes. A chart with anything else is not read at all, and the answer says at which line
and why; half of a chart could say the opposite of the whole. [Mermaid documentation, Flowcharts - Basic Syntax]
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

LONGEST = 2000
"""Most lines and arrows of a chart that is read, and most characters of one of its lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A box. `rows` are its words, one for each line that is drawn, without lines that are only dashes."""

    id: str
    rows: tuple[str, ...]
    line: int
    """Where its words stand; if it has none of its own, where it stands alone, else where it is named first."""
    frames: tuple[str, ...] = ()
    """Titles of the frames that it stands in, outermost first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An arrow, with the words on it; a dotted arrow is not solid."""

    source: str
    target: str
    label: str
    solid: bool
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flowchart:
    """A whole chart, boxes and arrows in the order of the text."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def node(self, identifier: str) -> Node:
        """Find a box; every arrow's ends are there."""
        return next(node for node in self.nodes if node.id == identifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A chart that was not read: the first line that stands in the way, and why."""

    line: int
    why: str


_HEADER = re.compile(r"(?:graph|flowchart)(?:\s+(?:TB|TD|BT|RL|LR))?\s*;?")
_FRAME = re.compile(
    r'subgraph\s+(?:[\w-]+\s*\[\s*"?(?P<titled>[^\]"]*)"?\s*\]|"(?P<quoted>[^"]*)"|(?P<bare>[^\[\]"]+))'
)
# Lines that change how a chart looks or is read aloud, and no arrow.
_SILENT = re.compile(
    r"%%|acc(?:Title|Descr)\s*:|direction\s+(?:TB|TD|BT|RL|LR)\s*$|(?:classDef|class|style|linkStyle)\s"
)
_NODE = re.compile(
    r"\s*(?P<id>\w+(?:-\w+)*)"
    r"(?P<shape>\[\[|\(\[|\(\(|\{\{|\[(?![/\\(])|\((?!\()|\{)?"
)
_CLOSING = {"[[": "]]", "([": "])", "((": "))", "{{": "}}", "[": "]", "(": ")", "{": "}"}
_ARROW = re.compile(r'\s*(?P<arrow>-{2,}>|={2,}>|-\.{1,}->)\s*(?:\|\s*(?:"(?P<quoted>[^"|]*)"|(?P<bare>[^"|]*))\s*\|)?')
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


class _Stuck(Exception):
    """Why a line cannot be read; never leaves this module."""


@dataclass(slots=True)
class _Frame:
    title: str
    line: int
    named: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class _Drawing:
    """What has been drawn so far."""

    rows: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    alone: set[str] = field(default_factory=set)
    frames: dict[str, tuple[str, ...]] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    open: list[_Frame] = field(default_factory=list)

    def draw(self, text: str, line: int) -> None:
        """Read one line of boxes and arrows."""
        before = len(self.edges)
        sources, at = self._boxes(text, 0, line)
        while text[at:].strip(" ;"):
            arrow = _ARROW.match(text, at)
            if arrow is None:
                raise _Stuck(f"{text[at:].strip()!r} is no arrow that is known")
            targets, at = self._boxes(text, arrow.end(), line)
            label = " ".join(_rows(arrow["quoted"] or arrow["bare"] or ""))
            if len(self.edges) + len(sources) * len(targets) > LONGEST:
                raise _Stuck(f"it has more than {LONGEST} arrows")
            self.edges += [
                Edge(source=source, target=target, label=label, solid="." not in arrow["arrow"], line=line)
                for source in sources for target in targets
            ]  # fmt: skip
            sources = targets
        if len(self.edges) == before:
            self._stand_alone(sources, line)

    def _boxes(self, text: str, at: int, line: int) -> tuple[list[str], int]:
        """Read boxes joined by `&`, from `at` on; give their ids and where they end."""
        found: list[str] = []
        while True:
            node = _NODE.match(text, at)
            if node is None:
                raise _Stuck(f"{text[at:].strip()!r} is no box that is known")
            words, at = _words(text, node)
            self._name(node["id"], words, line)
            found.append(node["id"])
            joined = re.compile(r"\s*&").match(text, at)
            if joined is None:
                return found, at
            at = joined.end()

    def _name(self, identifier: str, words: tuple[str, ...] | None, line: int) -> None:
        self.lines.setdefault(identifier, line)
        for frame in self.open:
            frame.named[identifier] = None
        if words is None:
            return
        if self.rows.setdefault(identifier, words) != words:
            raise _Stuck(f"the box {identifier} is given other words than in line {self.lines[identifier]}")
        self.lines[identifier] = line

    def _stand_alone(self, identifiers: Sequence[str], line: int) -> None:
        """Take a line that only names boxes for the line of those without words, the first time."""
        for identifier in identifiers:
            if identifier not in self.rows and identifier not in self.alone:
                self.alone.add(identifier)
                self.lines[identifier] = line

    def close(self) -> None:
        """End a frame: boxes named in it that no frame inside it has taken are its own."""
        if not self.open:
            raise _Stuck("no frame is open here")
        titles = tuple(frame.title for frame in self.open)
        for identifier in self.open.pop().named:
            self.frames.setdefault(identifier, titles)


def read_flowchart(rows: Sequence[str], first: int = 1) -> Flowchart | Unread:
    """Read the lines of a chart; `first` is the line in the text where they begin. Never raises."""
    if len(rows) > LONGEST:
        return Unread(line=first, why=f"it has more than {LONGEST} lines")
    drawing, begun, line = _Drawing(), False, first
    for line, row in enumerate(rows, start=first):
        if len(row) > LONGEST:
            return Unread(line=line, why=f"the line has more than {LONGEST} characters")
        text = row.strip()
        if not text or text.startswith("%%"):
            continue
        if not begun:
            if not _HEADER.fullmatch(text):
                return Unread(line=line, why=f"{text!r} does not begin a flow chart that is known")
            begun = True
            continue
        try:
            _line(drawing, text, line)
        except _Stuck as stuck:
            return Unread(line=line, why=str(stuck))
    if drawing.open:
        return Unread(line=drawing.open[-1].line, why="the frame that begins here has no end")
    if not drawing.lines:
        return Unread(line=line, why="it draws nothing")
    nodes = tuple(
        Node(id=name, rows=drawing.rows.get(name, (name,)), line=at, frames=drawing.frames.get(name, ()))
        for name, at in drawing.lines.items()
    )
    return Flowchart(nodes=nodes, edges=tuple(drawing.edges))


def _line(drawing: _Drawing, text: str, line: int) -> None:
    if _SILENT.match(text):
        return
    if text.rstrip(";") == "end":
        drawing.close()
    elif text.startswith("subgraph"):
        frame = _FRAME.fullmatch(text.rstrip("; "))
        if frame is None:
            raise _Stuck("its frame has no title that is understood")
        title = frame["titled"] or frame["quoted"] or frame["bare"] or ""
        drawing.open.append(_Frame(" ".join(_rows(title)), line))
    else:
        drawing.draw(text, line)


def _words(text: str, node: re.Match[str]) -> tuple[tuple[str, ...] | None, int]:
    """Give the words of a box, None if it has only its id, and where the box ends."""
    if node["shape"] is None:
        return None, node.end()
    closing, at = _CLOSING[node["shape"]], node.end()
    quoted = re.compile(r'\s*"([^"]*)"\s*').match(text, at)
    end = quoted.end() if quoted else text.find(closing, at)
    if end < 0 or not text.startswith(closing, end):
        raise _Stuck(f"the box {node['id']} is not closed in its line")
    words = quoted[1] if quoted else text[at:end]
    if not quoted and re.search(r'[\[\](){}"|<>]', _BREAK.sub("", words)):
        raise _Stuck(f"the words of the box {node['id']} hold marks that are not in quotes")
    return _rows(words), end + len(closing)


def _rows(words: str) -> tuple[str, ...]:
    """Cut words where the chart breaks the line; a line of dashes only rules one off from the next."""
    parts = (" ".join(part.split()) for part in _BREAK.split(words))
    return tuple(part for part in parts if part.strip("-\u2013\u2014_ "))
