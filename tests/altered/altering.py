"""Texts altered as people and tools alter them: worded otherwise, moved, stripped of markup, cut, made conditional.

Each alteration is a pure function of a seeded source of chance and a text. It says which lines of the text it has
touched and what that may do to what they set: at most what the unaltered text sets, unless it declares otherwise.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from altered import wordings

ITEM = re.compile(r"(?P<lead>\s*(?:\d+[.)]|[-*+])\s+)(?P<rest>.*)")
BOLD = re.compile(r"\*\*(?P<inner>[^*\n]+)\*\*")
EMPHASIS = re.compile(r"(?<![\w_])_(?P<inner>[^_\n]+)_(?![\w_])")
CODE = re.compile(r"`(?P<inner>[^`\n]+)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """A text after one alteration; all line numbers are those of the unaltered text, from 1."""

    alteration: str
    lines: tuple[str, ...]
    touched: tuple[int, ...]
    may_differ: frozenset[int] = frozenset()
    """Lines whose settings may now have another value, for the alteration wrote one."""
    must_not_set: frozenset[int] = frozenset()
    """Lines that are no plain instruction any more: nothing of them may be set, unless a decision turns it on."""
    fewer_boxes: bool = False
    """Whether a number of boxes, or a list, may have lost some."""

    @property
    def text(self) -> str:
        """The altered text."""
        return "\n".join(self.lines) + "\n"


@dataclass(slots=True)
class Draft:
    """A text while it is being altered: each line of the base with what stands in its place."""

    rows: list[list[str]]
    touched: list[int] = field(default_factory=list)
    fitting: list[int] = field(default_factory=list)
    """Lines of list items, inside sections."""

    def line(self, at: int) -> str:
        return self.rows[at][0]

    def put(self, at: int, *lines: str) -> None:
        self.rows[at] = list(lines)
        self.touched.append(at + 1)

    def subtree(self, at: int) -> range:
        """The lines of an item with everything below it: what follows and is indented further, or is no item."""
        own = _indent(self.line(at))
        end = at + 1
        while end < len(self.rows):
            line = self.line(end)
            if line.startswith("#") or (line.strip() and _indent(line) <= own):
                break
            end += 1
        while end > at + 1 and not self.line(end - 1).strip():
            end -= 1
        return range(at, end)


Alteration = Callable[[random.Random, Draft], Mapping[str, object] | None]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def draft_of(lines: Sequence[str]) -> Draft:
    """Lay a text out for altering; items inside code, quotes and front matter are left alone."""
    fitting, fence, started = [], False, False
    for at, line in enumerate(lines):
        fence ^= line.lstrip().startswith(("```", "~~~"))
        started |= line.startswith("## ")
        if started and not fence and ITEM.fullmatch(line):
            fitting.append(at)
    return Draft([[line] for line in lines], fitting=fitting)


def alter(name: str, lines: Sequence[str], chance: random.Random) -> Altered | None:
    """Alter a text in one way; None if there is nothing in it that can be altered so."""
    draft = draft_of(lines)
    said = ALTERATIONS[name](chance, draft) if draft.fitting else None
    result = tuple(line for row in draft.rows for line in row)
    if said is None or result == tuple(lines):
        return None
    return Altered(alteration=name, lines=result, touched=tuple(sorted(set(draft.touched))), **said)  # type: ignore[arg-type]


def _some(chance: random.Random, draft: Draft, fits: Callable[[str], object], most: int = 1) -> list[int]:
    found = [at for at in draft.fitting if fits(draft.line(at))]
    return sorted(chance.sample(found, min(len(found), chance.randint(1, most)))) if found else []


def _replaced(chance: random.Random, line: str, pattern: re.Pattern[str], change: Callable[[str], str]) -> str:
    """Change the inside of one match, the marks around it stay."""
    found = list(pattern.finditer(line))
    match = chance.choice(found)
    start, end = match.span("inner")
    return line[:start] + change(match["inner"]) + line[end:]


# Words


def _label_synonym(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    for at in _some(chance, draft, BOLD.search, 3):
        draft.put(at, _replaced(chance, draft.line(at), BOLD, lambda text: wordings.synonym(chance, text)))
    return {}


def _label_swapped(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    for at in _some(chance, draft, lambda line: any(" " in m["inner"] for m in BOLD.finditer(line)), 2):
        draft.put(at, _replaced(chance, draft.line(at), BOLD, lambda text: wordings.swapped(chance, text)))
    return {}


def _label_typo(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    for at in _some(chance, draft, BOLD.search, 3):
        draft.put(at, _replaced(chance, draft.line(at), BOLD, lambda text: wordings.typo(chance, text)))
    return {}


def _option_typo(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """A slip in an option: never in a name or a literal, which a text may choose."""
    fits = lambda line: any(wordings.is_option(m["inner"]) for m in EMPHASIS.finditer(line))  # noqa: E731
    for at in _some(chance, draft, fits, 2):
        draft.put(at, _replaced(chance, draft.line(at), EMPHASIS, lambda text: (
            wordings.typo(chance, text) if wordings.is_option(text) else text)))  # fmt: skip
    return {}


def _sentence_typo(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    for at in _some(chance, draft, lambda line: True, 3):
        lead, rest = _split(draft.line(at))
        draft.put(at, lead + wordings.outside_marks(rest, lambda text: wordings.typo(chance, text)))
    return {}


def _sentence_swapped(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    for at in _some(chance, draft, lambda line: True, 2):
        lead, rest = _split(draft.line(at))
        draft.put(at, lead + wordings.outside_marks(rest, lambda text: wordings.swapped(chance, text)))
    return {}


def _other_language(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    language = chance.choice(sorted(wordings.LANGUAGES))
    for at in _some(chance, draft, lambda line: True, 6):
        lead, rest = _split(draft.line(at))
        draft.put(at, lead + wordings.translated(rest, language))
    return {}


# Places


def _neighbours_swapped(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """Two neighbours change places, each with what stands below it."""
    at = chance.choice(draft.fitting)
    mine = draft.subtree(at)
    following = mine.stop
    if following not in draft.fitting or _indent(draft.line(following)) != _indent(draft.line(at)):
        return None
    theirs = draft.subtree(following)
    both = [draft.line(n) for n in theirs] + [draft.line(n) for n in mine]
    for n, line in zip(range(mine.start, theirs.stop), both, strict=True):
        draft.put(n, line)
    return {}


def _renumbered(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    way = chance.choice(["ones", "random", "letters", "later"])
    count = chance.randint(2, 40)
    for at in draft.fitting:
        match = re.match(r"(\s*)\d+([.)])", draft.line(at))
        if match:
            count += 1
            number = {"ones": 1, "random": chance.randint(1, 99), "letters": chr(96 + count % 26), "later": count}[way]
            draft.put(at, f"{match[1]}{number}{match[2]}{draft.line(at)[match.end() :]}")
    return {}


def _deleted(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    for at in _some(chance, draft, lambda line: True, 2):
        for n in draft.subtree(at):
            draft.put(n, "")
        draft.fitting = [n for n in draft.fitting if draft.line(n)]
    return {"fewer_boxes": True}


def _indented(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """A list is moved to the right or to the left, as a careless paste does."""
    by = chance.choice([-4, -3, -2, -1, 1, 2, 3, 4])
    for at in _some(chance, draft, lambda line: _indent(line) > 0 or by > 0):
        for n in draft.subtree(at) if chance.random() < 0.5 else [at]:
            line = draft.line(n)
            draft.put(n, " " * by + line if by > 0 else line[min(-by, _indent(line)) :])
    return {"fewer_boxes": True}


def _detached(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """Everything below a step is taken to the left edge, with a line between, as pages that are rendered have it."""
    below = [at for at in draft.fitting if len(draft.subtree(at)) > 1 and _indent(draft.line(at)) == 0]
    if not below:
        return None
    lines = draft.subtree(chance.choice(below))
    depth = min((_indent(draft.line(n)) for n in lines if n != lines.start and draft.line(n).strip()), default=0)
    for n in lines[1:]:
        draft.put(n, *([""] if n == lines[1] else []), draft.line(n)[depth:])
    return {"fewer_boxes": True}


def _heading_lost(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    heads = [at for at, row in enumerate(draft.rows) if row[0].startswith("## ")]
    if len(heads) < 2:
        return None
    draft.put(chance.choice(heads[1:]), "")
    return {}


def _wrapped(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    for at in _some(chance, draft, lambda line: line.strip().count(" ") > 3, 3):
        lead, rest = _split(draft.line(at))
        blanks = [match.start() for match in re.finditer(r"(?<=\w) (?=\w)", rest)]
        if blanks:
            cut = chance.choice(blanks)
            draft.put(at, lead + rest[:cut], " " * chance.choice([0, len(lead)]) + rest[cut + 1 :])
    return {}


# Marks


def _unmarked(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    pattern = chance.choice([BOLD, EMPHASIS, CODE])
    whole = chance.random() < 0.3
    for at in draft.fitting if whole else _some(chance, draft, pattern.search, 3):
        draft.put(at, pattern.sub(lambda match: match["inner"], draft.line(at)))
    return {"fewer_boxes": True}


def _marked_otherwise(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    pattern = chance.choice([BOLD, EMPHASIS, CODE])
    marks = chance.choice([('"', '"'), ("“", "”"), ("**", "**"), ("_", "_"), ("`", "`"), ("'", "'"), ("***", "***")])
    whole = chance.random() < 0.3
    for at in draft.fitting if whole else _some(chance, draft, pattern.search, 3):
        draft.put(at, pattern.sub(lambda match: f"{marks[0]}{match['inner']}{marks[1]}", draft.line(at)))
    return {"fewer_boxes": True}


def _marks_broken(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    for at in _some(chance, draft, lambda line: re.search(r"[`*_]", line), 3):
        line = draft.line(at)
        spots = [match.start() for match in re.finditer(r"\*\*|[`_]", line)]
        spot = chance.choice(spots)
        width = 2 if line.startswith("**", spot) else 1
        mark = line[spot : spot + width]
        new = chance.choice(["", mark + mark, mark + " ", " " + mark, mark + "\u200b", "\\" + mark])
        if mark == "`" and new.startswith("\\"):
            continue  # inside a code span it would be a letter of the name
        draft.put(at, line[:spot] + new + line[spot + width :])
    return {"fewer_boxes": True}


# Meaning


def _one_of_two(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """The value becomes a choice between it and another."""
    found = _some(chance, draft, lambda line: ":" in line and EMPHASIS.search(line), 2)
    for at in found:
        line = draft.line(at)
        match = list(EMPHASIS.finditer(line))[-1]
        other = wordings.other_option(chance, match["inner"])
        words = chance.choice([f"_{match['inner']}_ or _{other}_", f"_{other}_, or _{match['inner']}_",
                               f"either _{match['inner']}_ or _{other}_", f"_{match['inner']}_/_{other}_",
                               f"_{match['inner']}_ (or _{other}_)", f"_{match['inner']}_ | _{other}_"])  # fmt: skip
        draft.put(at, line[: match.start()] + words + line[match.end() :])
    return _nothing_of(found)


def _optionally(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    found = _some(chance, draft, _sets_something, 2)
    for at in found:
        lead, rest = _split(draft.line(at))
        draft.put(at, lead + wordings.preceded(chance, wordings.OPTIONAL, rest))
    return _nothing_of(found)


def _on_condition(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    found = _some(chance, draft, _sets_something, 2)
    for at in found:
        lead, rest = _split(draft.line(at))
        after = chance.random() < 0.3
        words = f"{rest.rstrip('.')} {chance.choice(wordings.AFTER)}" if after else wordings.preceded(
            chance, wordings.CONDITIONS, rest)  # fmt: skip
        draft.put(at, lead + words)
    return _nothing_of(found)


def _below_a_condition(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """A condition, or the opening of an enumeration, is put above an item, which then stands below it."""
    found = _some(chance, draft, lambda line: _indent(line) and _sets_something(line))
    for at in found:
        words = chance.choice([*wordings.CONDITIONS, *wordings.OPENERS]).rstrip(",")
        space = " " * _indent(draft.line(at))
        lines = [f"    {draft.line(n)}" for n in draft.subtree(at)]
        own = list(draft.subtree(at))
        draft.put(own[0], f"{space}- {words}:", lines[0])
        for n, line in zip(own[1:], lines[1:], strict=True):
            draft.put(n, line)
    return _nothing_of(found, draft)


def _options_of(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """The sentence above a list now says that its items are to choose from."""
    below = [at for at in draft.fitting if any(n in draft.fitting for n in draft.subtree(at)[1:])]
    if not below:
        return None
    at = chance.choice(below)
    draft.put(at, f"{_split(draft.line(at))[0]}{chance.choice(wordings.OPENERS)}:")
    return _nothing_of([at], draft)


def _heading_left_open(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """A heading says that its section may be left out, or is for some readers only."""
    at = chance.choice(_headings(draft))
    text = draft.line(at).removeprefix("## ")
    draft.put(at, "## " + chance.choice(wordings.HEADINGS).format(text))
    return _nothing_of_section(at, draft)


def _condition_above(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """A paragraph between heading and list says that the list is for some readers only."""
    at = chance.choice(_headings(draft))
    following = [n for n in draft.fitting if n > at]
    if not following:
        return None
    draft.put(following[0], f"{chance.choice(wordings.PARAGRAPHS)}", "", draft.line(following[0]))
    return _nothing_of_section(at, draft)


def _headings(draft: Draft) -> list[int]:
    return [at for at, row in enumerate(draft.rows) if row[0].startswith("## ")]


def _nothing_of_section(at: int, draft: Draft) -> Mapping[str, object]:
    end = next((n for n in _headings(draft) if n > at), len(draft.rows))
    return {"must_not_set": frozenset(range(at + 1, end + 1)), "fewer_boxes": True}


def _negated(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    found = _some(chance, draft, _sets_something, 2)
    for at in found:
        lead, rest = _split(draft.line(at))
        draft.put(at, lead + wordings.preceded(chance, wordings.NEGATIONS, rest))
    return _nothing_of(found)


def _struck_out(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    found = _some(chance, draft, _sets_something, 2)
    for at in found:
        lead, rest = _split(draft.line(at))
        open_, close = chance.choice([("~~", "~~"), ("<!-- ", " -->"), ("<del>", "</del>"), ("<s>", "</s>")])
        draft.put(at, f"{lead}{open_}{rest}{close}")
    return _nothing_of(found)


def _as_an_example(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    found = _some(chance, draft, _sets_something, 2)
    for at in found:
        lead, rest = _split(draft.line(at))
        draft.put(at, lead + wordings.preceded(chance, wordings.EXAMPLES, rest))
    return _nothing_of(found)


def _value_swapped(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """Another value is written, which may be set in its place, on the same object and to the same parameter."""
    found = _some(chance, draft, lambda line: ":" in line and EMPHASIS.search(line))
    for at in found:
        draft.put(at, _replaced(chance, draft.line(at), EMPHASIS, lambda text: wordings.other_option(chance, text)))
    return {"may_differ": frozenset(at + 1 for at in found)} if found else None


def _quoted(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """An item is set as a quotation inside its list."""
    found = _some(chance, draft, _sets_something)
    for at in found:
        lead, rest = _split(draft.line(at))
        draft.put(at, f"{lead}> {rest}")
    return {"fewer_boxes": True} if found else None


def _split(line: str) -> tuple[str, str]:
    match = ITEM.fullmatch(line)
    assert match is not None, f"no item: {line!r}"
    return match["lead"], match["rest"]


def _sets_something(line: str) -> bool:
    """Tell whether an item looks like one that gives a value."""
    match = ITEM.fullmatch(line)
    return match is not None and bool(re.search(r":\*?\*? |choose|enter|tick|set |select", match["rest"]))


def _nothing_of(found: Sequence[int], draft: Draft | None = None) -> Mapping[str, object] | None:
    lines = {n + 1 for at in found for n in (draft.subtree(at) if draft else [at])}
    return {"must_not_set": frozenset(lines), "fewer_boxes": True} if found else None


ALTERATIONS: Mapping[str, Alteration] = {
    "label synonym": _label_synonym, "label words swapped": _label_swapped, "label typo": _label_typo,
    "option typo": _option_typo, "sentence typo": _sentence_typo, "sentence words swapped": _sentence_swapped,
    "other language": _other_language, "neighbours swapped": _neighbours_swapped, "renumbered": _renumbered,
    "deleted": _deleted, "indented": _indented, "detached": _detached, "heading lost": _heading_lost,
    "wrapped": _wrapped, "unmarked": _unmarked, "marked otherwise": _marked_otherwise, "marks broken": _marks_broken,
    "one of two": _one_of_two, "optionally": _optionally, "on a condition": _on_condition,
    "below a condition": _below_a_condition, "options of a choice": _options_of,
    "heading left open": _heading_left_open, "condition above": _condition_above, "negated": _negated,
    "struck out": _struck_out, "as an example": _as_an_example, "value swapped": _value_swapped, "quoted": _quoted,
}  # fmt: skip
