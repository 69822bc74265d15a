"""Read a Markdown tutorial into frozen values that know their source lines.

The text is parsed as CommonMark (markdown-it-py), never by counting blanks: one blank too many before a
bullet must not move a setting below another. Nothing here knows what a step means; that is `compile`'s work.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from markdown_it.tree import SyntaxTreeNode

from runbook.errors import TutorialError
from runbook.tutorial.includes import Assembly, Fetch, SourceFile, assemble, folders
from runbook.tutorial.markdown import MOST_BYTES, Piece, decode, pieces_of, plain
from runbook.tutorial.outline import Block, BlockKind, Section, Step, Title, Tutorial

__all__ = ["Block", "Section", "Step", "Title", "Tutorial", "parse_tutorial", "read_tutorial", "slug"]

SUFFIXES = (".md", ".mdx", ".markdown", ".txt", "")
# What other site generators put in place of text that lives in another file.
INCLUDE = re.compile(r"\s*(?:<Render\b|\{\{[<%]\s*(?:render|include|partial)\b|\[!INCLUDE\b|!INCLUDE\b)")
# Site furniture around text: shortcodes, imports and comments of MDX.
FURNITURE = re.compile(r"\s*(?:\{\{[<%]|\{/\*|import\s.+\sfrom\s)")


PARTIALS = "_partials"
"""Folder beside a text where the files that it includes are looked for, after the folders that are named and before
the text's own folder."""


def read_tutorial(path: Path | str, includes: Sequence[Path] = ()) -> Tutorial:
    """Read the Markdown file at `path`, with the files it includes from `includes` or from beside it.

    Raises TutorialError if there is no such file, if it is not text, or if it holds no section with a
    numbered step: a text without steps is not a tutorial.
    """
    where = Path(path)
    remedy = "Give the path of a Markdown file, for example `runbook compile tutorial.md`."
    if where.is_dir():
        raise TutorialError("This is a directory.", remedy, path=where)
    if where.suffix.lower() not in SUFFIXES:
        raise TutorialError(f"A file ending in {where.suffix!r} is not Markdown.", remedy, path=where)
    try:
        found = where.stat()
        if not stat.S_ISREG(found.st_mode):
            raise TutorialError("This is not a file of text, but a device or a pipe.", remedy, path=where)
        with where.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if found.st_size > MOST_BYTES or len(data) > MOST_BYTES:
            raise TutorialError(
                f"The file has {max(found.st_size, len(data)):,} bytes; no more than {MOST_BYTES:,} are read.",
                "Give the part of it that is the tutorial, as a file of its own.", path=where,
            )  # fmt: skip
    except FileNotFoundError:
        raise TutorialError("There is no such file.", remedy, path=where) from None
    except OSError as error:
        raise TutorialError(f"The file cannot be opened: {error.strerror}.", remedy, path=where) from error
    return parse_tutorial(data, path=str(where), fetch=folders(*includes, where.parent / PARTIALS, where.parent))


def parse_tutorial(data: bytes, *, path: str = "", fetch: Fetch | None = None) -> Tutorial:
    """Turn the bytes of a Markdown text into a Tutorial; `path` is only for messages, `fetch` gives included files.

    Guarantees that `ledger` covers every line once. Raises TutorialError as `read_tutorial` does.
    """
    try:
        return _parsed(data, path, fetch)
    except RecursionError:
        raise TutorialError(
            "Marks, lists or quotations are nested too deeply to be read.",
            "Take the text apart, or write the nested part plainly.", path=path or None,
        ) from None  # fmt: skip


def _parsed(data: bytes, path: str, fetch: Fetch | None) -> Tutorial:
    text = decode(data, path)
    lines = tuple(text.removesuffix("\n").split("\n"))
    assembly = assemble(lines, fetch)
    own = SourceFile(file="", sha256=hashlib.sha256(data).hexdigest(), lines=len(lines))
    tutorial = _Builder(assembly, path).build(assembly, own)
    if not any(_has_steps(section) for section in tutorial.sections):
        what = "no section and no step" if not tutorial.sections else "sections, but no numbered step in them"
        raise TutorialError(
            f"The text has {what}, so there is nothing to carry out.",
            "A tutorial needs a heading such as `## Create a rule` and below it steps numbered 1., 2., 3.",
            path=path or None,
        )
    return tutorial


def _has_steps(section: Section) -> bool:
    if any(step.number is not None for step in section.steps):
        return True
    return any(isinstance(item, Block) and item.kind == "include" for item in section.items)


def slug(heading: str) -> str:
    """Give the id of a heading: lower case, without a leading number, words joined by hyphens."""
    bare = re.sub(r"^\s*\d+[.)]?\s+", "", heading.casefold())
    return re.sub(r"[^\w]+", "-", bare).strip("-_") or "section"


class _Builder:
    """Collects sections and the ledger in one pass over the syntax tree."""

    def __init__(self, assembly: Assembly, path: str) -> None:
        self.lines = assembly.lines
        self.origins = assembly.origins
        self.path = path
        self.ledger = ["include" if at in assembly.taken else "" for at in range(1, len(self.lines) + 1)]
        self.before = 0
        """Lines that stand before the first one of the file that the present block is in."""
        self.titles: list[Title] = []
        self.preamble: list[Block] = []
        self.sections: list[Section] = []
        self.front: Mapping[str, Any] = {}
        self._open: tuple[str, int, int] | None = None  # heading, level, first line
        self._items: list[Step | Block] = []
        self._ids: Counter[str] = Counter()
        self._above: list[tuple[str, int]] = []
        """Headings that the present section stands under, and itself, with their levels."""

    def build(self, assembly: Assembly, own: SourceFile) -> Tutorial:
        for node, self.before in assembly.nodes:
            self._top(node)
        self._close(len(self.lines))
        for index, kind in enumerate(self.ledger):
            if not kind:  # a link definition leaves no node behind
                self.ledger[index] = "definition" if self.lines[index].strip() else "blank"
        files = (own, *assembly.files)
        return Tutorial(
            path=self.path,
            sha256=_identity(files) if assembly.files else own.sha256,
            lines=tuple(self.lines),
            front=self.front,
            titles=tuple(self.titles),
            preamble=tuple(self.preamble),
            sections=tuple(self.sections),
            repairs=tuple(assembly.repairs),
            ledger=tuple(self.ledger),
            origins=tuple(self.origins) if assembly.files else (),
            files=files if assembly.files else (),
            remarks=tuple(assembly.remarks),
        )

    def _top(self, node: SyntaxTreeNode) -> None:
        if node.type == "front_matter":
            self._front_matter(node)
        elif node.type == "heading":
            self._heading(node)
        elif node.type in ("ordered_list", "bullet_list"):
            if self._open is None:  # steps right under the title, or under no heading at all
                title = next((t for t in self.titles if t.where == "heading"), None)
                first = title.line if title else self._span(node)[0]
                self._open = (title.text if title else "", 1, first)
            self._items += self._steps(node)
        else:
            (self.preamble if self._open is None else self._items).extend(self._blocks(node))

    def _front_matter(self, node: SyntaxTreeNode) -> None:
        first, last = self._mark(node, "front matter")
        if self.origins[first - 1].file:
            return  # it says how the included file is to be built, and nothing about the tutorial
        try:
            loaded = yaml.safe_load(node.content)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            raise TutorialError(
                f"The front matter is not valid YAML: {getattr(error, 'problem', None) or 'unreadable'}.",
                "Correct the lines between the two `---` marks, or remove them.",
                path=self.path or None,
                line=first + 1 + (mark.line if mark else 0),
            ) from None
        self.front = loaded if isinstance(loaded, dict) else {}
        meta = self.front.get("meta")
        found = [("front matter", self.front.get("title"), r"title:")]
        found.append(("front matter, meta", meta.get("title") if isinstance(meta, dict) else None, r"\s+title:"))
        for where, text, mark_of in found:
            if isinstance(text, str):
                at = (n for n in range(first, last + 1) if re.match(mark_of, self.lines[n - 1]))
                self.titles.append(Title(where=where, text=text, line=next(at, first)))  # type: ignore[arg-type]

    def _heading(self, node: SyntaxTreeNode) -> None:
        first, _ = self._mark(node, "heading")
        level = int(node.tag[1])
        text = plain(pieces_of(node.children[0])) if node.children else ""
        self._close(first - 1)
        if level == 1:
            self.titles.append(Title(where="heading", text=text, line=first))
        else:
            self._open = (text, level, first)

    def _close(self, last: int) -> None:
        if self._open is None:
            return
        heading, level, first = self._open
        while last > first and not self.lines[last - 1].strip():
            last -= 1
        while self._above and self._above[-1][1] >= level:
            self._above.pop()
        above = [text for text, _ in self._above]
        self._above.append((heading, level))
        name = slug(heading) if heading else "untitled"
        self._ids[name] += 1
        if self._ids[name] > 1:
            name = f"{name}-{self._ids[name]}"
        self.sections.append(
            Section(
                id=name,
                heading=heading,
                level=level,
                above=tuple(above),
                first=first,
                last=last,
                items=tuple(self._items),
            )
        )
        self._open, self._items = None, []

    def _steps(self, node: SyntaxTreeNode) -> list[Step]:
        return [self._step(item, ordered=node.type == "ordered_list") for item in node.children]

    def _step(self, item: SyntaxTreeNode, *, ordered: bool) -> Step:
        first, last = self._span(item)
        self.ledger[first - 1] = "step"
        parts: tuple[Piece, ...] = ()
        children: list[Step] = []
        notes: list[Block] = []
        text_last = first
        for index, node in enumerate(item.children):
            if index == 0 and node.type == "paragraph":
                parts = pieces_of(node.children[0])
                _, text_last = self._mark(node, "continuation")
                self.ledger[first - 1] = "step"
            elif node.type in ("ordered_list", "bullet_list"):
                children += self._steps(node)
            else:
                notes += self._blocks(node, inside="continuation")
        return Step(
            number=int(item.info) if ordered and item.info else None,
            first=first,
            last=last,
            text_last=text_last,
            raw="\n".join(self.lines[first - 1 : text_last]),
            text=plain(parts),
            pieces=parts,
            children=tuple(children),
            notes=tuple(notes),
        )

    def _blocks(self, node: SyntaxTreeNode, inside: str = "prose") -> list[Block]:
        first, last = self._span(node)
        source = "\n".join(self.lines[first - 1 : last])
        parts: tuple[Piece, ...] = ()
        kind: BlockKind
        if INCLUDE.match(source):
            kind = "include"
        elif node.type == "paragraph":
            parts = pieces_of(node.children[0])
            kind = "picture" if all(p.kind == "picture" or not p.text.strip() for p in parts) else "prose"
            kind = "wrapper" if FURNITURE.match(source) and not _inner(source) else kind
        else:
            kind = {
                "html_block": "wrapper",
                "fence": "code",
                "code_block": "code",
                "table": "table",
                "blockquote": "quote",
                "hr": "rule",
            }.get(node.type, "prose")  # type: ignore[assignment]
        self._mark(node, inside if kind == "prose" else kind)
        for number in range(first, last + 1):
            if kind == "prose" and FURNITURE.match(self.lines[number - 1]):
                self.ledger[number - 1] = "wrapper"
        return [Block(kind=kind, first=first, last=last, text=plain(parts) or source, pieces=parts)]

    def _span(self, node: SyntaxTreeNode) -> tuple[int, int]:
        assert node.map is not None, "a block of markdown-it always has its lines; this is a fault in the kit"
        first, last = self.before + node.map[0] + 1, min(self.before + node.map[1], len(self.lines))
        while last > first and not self.lines[last - 1].strip():
            last -= 1
        return first, last

    def _mark(self, node: SyntaxTreeNode, kind: str) -> tuple[int, int]:
        first, last = self._span(node)
        for number in range(first, last + 1):
            self.ledger[number - 1] = kind
        return first, last


def _identity(files: Sequence[SourceFile]) -> str:
    """Give one hash for all the files that a text was put together from."""
    return hashlib.sha256("\n".join(f"{file.sha256}  {file.file}" for file in files).encode()).hexdigest()


def _inner(source: str) -> str:
    """What is left of a paragraph once its site furniture lines are taken away."""
    return "".join(line for line in source.split("\n") if not FURNITURE.match(line)).strip()
