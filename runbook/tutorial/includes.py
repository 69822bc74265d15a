"""Put the text of other files where a tutorial includes them, and keep for every line the file it came from.

Known are Hugo's and MDX's includes as paragraphs of their own, see `includecalls`. Whatever is in the way of taking
the file in (it is not there, it includes itself, it lies outside the folder, a parameter is missing) leaves the
include as it stands, with the reason; nothing is guessed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from markdown_it.tree import SyntaxTreeNode

from runbook.errors import TutorialError
from runbook.tutorial.includecalls import Call, NotUnderstood, call_of, filled
from runbook.tutorial.markdown import Repair, decode, repair, tree_of

Fetch = Callable[[str], bytes | str]
"""Takes the name in an include; returns the file's bytes, or a sentence's end that says why there are none."""

MOST_LINES = 8_000
MOST_FILES = 200
DEEPEST = 8
_PLACE = re.compile(r"(?P<file>.+) line (?P<line>\d+), via line (?P<via>\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a line of the whole text stands: in which file, and for an included one by which line of the tutorial."""

    line: int
    file: str = ""
    """The included file's name; empty for the tutorial itself."""
    via: int = 0
    """The tutorial's own line that brought it in; 0 for the tutorial itself."""

    @property
    def place(self) -> int | str:
        """The line's number in the tutorial itself; for an included file its name, line and the line it came by."""
        return f"{PurePosixPath(self.file).name} line {self.line}, via line {self.via}" if self.file else self.line


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file that the text was put together from; one that was taken in twice is there twice."""

    file: str
    """Its name in the include; empty for the tutorial itself."""
    sha256: str
    lines: int
    via: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something to be said about an include, at a line of the whole text; it is left as it stands if `blocks`."""

    line: int
    text: str
    blocks: bool


@dataclass(slots=True)
class Assembly:
    """A text with everything that it includes: its lines, their origins, and its top-level blocks in order."""

    lines: list[str] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    nodes: list[tuple[SyntaxTreeNode, int]] = field(default_factory=list)
    """Each block with the number of lines that stand before its file's first one."""
    taken: set[int] = field(default_factory=set)
    """Lines of includes that were taken in; they are no text."""
    files: list[SourceFile] = field(default_factory=list)
    """The included files, in the order of the text."""
    repairs: list[Repair] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


def gathered(places: Sequence[int | str]) -> list[str]:
    """Word the places of lines that are in included files, those of one file and one include together."""
    found: dict[tuple[str, str], list[str]] = {}
    for place in places:
        match = _PLACE.fullmatch(place) if isinstance(place, str) else None
        if match:
            found.setdefault((match["file"], match["via"]), []).append(match["line"])
    return [
        f"{file} line{'s' if len(lines) > 1 else ''} {', '.join(lines)}, via line {via}"
        for (file, via), lines in found.items()
    ]


def folders(*places: Path) -> Fetch:
    """Return a way to read included files from the first folder that has them; a name may not lead out of it."""

    def fetch(name: str) -> bytes | str:
        outside = False
        for place in places:
            try:
                root = place.resolve()
                path = (root / name).resolve()
                if not path.is_relative_to(root):
                    outside = True
                elif path.is_file():
                    return path.read_bytes()
            except (OSError, RuntimeError, ValueError) as error:  # a loop of links is a RuntimeError up to Python 3.12
                return f"the file {name[:80]} cannot be opened: {getattr(error, 'strerror', None) or error}"
        if outside:
            return f"{name} leads out of the folder of included files"
        return f"there is no file {name} in the folders of included files"

    return fetch


def assemble(lines: Sequence[str], fetch: Fetch | None) -> Assembly:
    """Take in what a text includes, all the way down. Without `fetch` the text stays as it is."""
    assembly = Assembly()
    _add(assembly, lines, Origin(line=0), fetch, ())
    return assembly


def _add(assembly: Assembly, lines: Sequence[str], origin: Origin, fetch: Fetch | None, above: tuple[str, ...]) -> None:
    """Add a file's lines and blocks, and at each include those of the file that it names."""
    lines, repairs = repair(lines)
    done = 0  # lines of this file that are in the assembly
    shift = len(assembly.lines)  # lines of the assembly that are not this file's

    def catch_up(until: int) -> None:
        nonlocal done
        for number in range(done + 1, until + 1):
            assembly.lines.append(lines[number - 1])
            assembly.origins.append(Origin(line=number, file=origin.file, via=origin.via))
            here = len(assembly.lines)
            assembly.repairs += [replace(item, line=here) for item in repairs if item.line == number]
        done = max(done, until)

    for node in tree_of("\n".join(lines) + "\n").children:
        read = _call(node, lines) if fetch else None
        if read is None or fetch is None:
            assembly.nodes.append((node, shift))
            continue
        assert node.map is not None, "a paragraph of markdown-it always has its lines; this is a fault in the kit"
        catch_up(node.map[1])
        here, first = len(assembly.lines), len(assembly.lines) - (node.map[1] - node.map[0]) + 1
        try:
            if len(assembly.files) >= MOST_FILES:
                raise NotUnderstood(f"the text includes more than {MOST_FILES} files")
            name, body, sha256, said = _take(read(), fetch, above, len(lines) + here)
        except NotUnderstood as reason:
            assembly.remarks.append(Remark(line=first, text=str(reason), blocks=True))
            assembly.nodes.append((node, shift))
            continue
        via = origin.via or node.map[0] + 1
        assembly.taken |= set(range(first, here + 1))
        assembly.files.append(SourceFile(file=name, sha256=sha256, lines=len(body), via=via))
        assembly.remarks += [Remark(line=first, text=text, blocks=False) for text in said]
        _add(assembly, body, Origin(line=0, file=name, via=via), fetch, (*above, name))
        shift += len(assembly.lines) - here
    catch_up(len(lines))


def _call(node: SyntaxTreeNode, lines: Sequence[str]) -> Callable[[], Call] | None:
    """Give what reads the include that a block consists of; None for any other block."""
    if node.type not in ("paragraph", "html_block") or node.map is None:
        return None
    return call_of("\n".join(lines[node.map[0] : node.map[1]]))


def _take(call: Call, fetch: Fetch, above: tuple[str, ...], size: int) -> tuple[str, list[str], str, list[str]]:
    """Give an included file's name, its lines with the parameters in them, its hash, and what is odd about it."""
    name, data, said = _found(call, fetch, above)
    try:
        lines = decode(data, name).removesuffix("\n").split("\n")
    except TutorialError as error:
        raise NotUnderstood(f"{name} cannot be read: {error.detail}") from None
    if size + len(lines) > MOST_LINES:
        raise NotUnderstood(f"with {name} the text would have more than {MOST_LINES} lines")
    body, unused = filled(name, lines, call)
    return name, body, hashlib.sha256(data).hexdigest(), [text for text in (said, unused) if text]


def _found(call: Call, fetch: Fetch, above: tuple[str, ...]) -> tuple[str, bytes, str]:
    """Find an include's file under one of its names; by the last part of its name alone only if by no other."""
    best = call.names[0]
    if any(name in above for name in call.names):
        raise NotUnderstood(f"{best} includes itself")
    if len(above) >= DEEPEST:
        raise NotUnderstood(f"{best} is included more than {DEEPEST} files deep")
    why = ""
    for name in call.names:
        data = fetch(name)
        if isinstance(data, bytes):
            return name, data, ""
        why = why or data
    for name in dict.fromkeys(PurePosixPath(name).name for name in call.names) if call.by_name else ():
        if name in above:
            raise NotUnderstood(f"{name} includes itself")
        data = fetch(name)
        if isinstance(data, bytes):
            return name, data, f"{best} was taken from the file {name}, which is in no folder of that name."
    raise NotUnderstood(why)
