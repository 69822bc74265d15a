"""What two texts say differently beside their resources: inputs, lists, order, promises, remarks, steps by hand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from runbook.compile.result import Compiled, Diagnostic, Line
from runbook.textdiff.renaming import Names, folded

_LINES = re.compile(r"\blines? \d+(?:(?:, | and |-)\d+)*(?:, via line \d+)?")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Anything else that one text says and the other does not, in words, with its lines."""

    about: str
    before: str | None
    after: str | None
    lines_before: tuple[Line, ...] = ()
    lines_after: tuple[Line, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Give the printed form; a side that does not say it has no entry."""
        sides = (("before", self.before, self.lines_before), ("after", self.after, self.lines_after))
        return {"about": self.about} | {
            name: {"says": says, "lines": list(lines)} for name, says, lines in sides if says is not None
        }


def inputs(old: Compiled, new: Compiled) -> tuple[Fact, ...]:
    """Compare what the texts leave open, and what may be given there."""
    return _facts(old.inputs, new.inputs, lambda item: item.name, lambda item: _open_words(item.as_json()))


def references(old: Compiled, new: Compiled) -> tuple[Fact, ...]:
    """Compare the lists on other pages that the texts name."""
    return _facts(old.references, new.references, lambda item: item.name, lambda item: f"{item.page}: {item.select}")


def _facts(
    old: Sequence[Item], new: Sequence[Item], name: Callable[[Item], str], says: Callable[[Item], str]
) -> tuple[Fact, ...]:
    mine, theirs = {name(item): item for item in old}, {name(item): item for item in new}
    found = [
        Fact(
            about=key, before=says(mine[key]) if key in mine else None, lines_before=_lines_of(mine.get(key)),
            after=says(theirs[key]) if key in theirs else None, lines_after=_lines_of(theirs.get(key)),
        )
        for key in dict.fromkeys([*mine, *theirs])
    ]  # fmt: skip
    return tuple(item for item in found if item.before != item.after)


def _lines_of(item: Any) -> tuple[Line, ...]:
    return tuple(item.lines) if item is not None else ()


def _open_words(found: Mapping[str, Any]) -> str:
    """Word an input: how it is left open, and what may be given."""
    words = [str(found["kind"]).replace("_", " ")]
    for name, lead in (("domain", ""), ("recommended", "recommended ")):
        value = found.get(name)
        if isinstance(value, dict):
            words.append(f"{lead}{value['min']} to {value['max']}")
        elif value:
            words.append(f"one of {', '.join(value)}")
    return ", ".join(words)


def order(old: Compiled, new: Compiled, names: Names) -> tuple[Fact, ...]:
    """Compare which must come before which, the old names as the new text has them."""
    by_key = {f"{type_}:{name}": f"{type_}:{after}".casefold() for (type_, name), after in names.items()}

    def worded(pair: tuple[str, str]) -> str:
        return " before ".join(by_key.get(_key(key), key.casefold()) for key in pair)

    mine, theirs = {worded(pair): pair for pair in old.order}, {worded(pair): pair for pair in new.order}
    gone = [Fact(about="order", before=" before ".join(mine[key]), after=None) for key in mine if key not in theirs]
    come = [Fact(about="order", before=None, after=" before ".join(theirs[key])) for key in theirs if key not in mine]
    return (*gone, *come)


def _key(key: str) -> str:
    type_, _, name = key.partition(":")
    return f"{type_}:{name.casefold()}"


def sequence(old: Compiled, new: Compiled, names: Names) -> tuple[Fact, ...]:
    """Compare in which order objects of one type are made: of rules, the earlier is the one with more priority."""
    found = []
    for kind in dict.fromkeys(draft.type for draft in new.resources):
        made = [[draft for draft in one.resources if (draft.type, draft.action) == (kind, "create")]
                for one in (old, new)]  # fmt: skip
        mine = [names.get((kind, folded(draft)), str(draft.identity)).casefold() for draft in made[0]]
        theirs = [folded(draft) for draft in made[1]]
        both = set(mine) & set(theirs)
        rows = [[name for name in row if name in both] for row in (mine, theirs)]
        if rows[0] != rows[1]:
            texts = [", ".join(str(draft.identity) for draft in row) for row in made]
            found.append(Fact(
                about=f"{kind}, made in this order", before=texts[0], after=texts[1],
                lines_before=tuple(draft.opened_at for draft in made[0]),
                lines_after=tuple(draft.opened_at for draft in made[1]),
            ))  # fmt: skip
    return tuple(found)


def promises(old: Compiled, new: Compiled) -> tuple[Fact, ...]:
    """Compare where mail is promised to land; that a title says it once more is no change."""

    def rows(compiled: Compiled) -> dict[str, list[Line]]:
        found: dict[str, list[Line]] = {}
        for item in compiled.promises:
            via = f", by SCL {item.via.scl}" if item.via and item.via.scl is not None else ""
            words = f"{item.disposition or 'mail, not said whose,'} to {item.destination}{via}"
            found.setdefault(words, []).append(item.line)
        return found

    return _only_one(rows(old), rows(new), "promise")


def manual(old: Compiled, new: Compiled) -> tuple[Fact, ...]:
    """Compare the steps that are left to a person, word by word."""
    rows = [{" ".join(item.text.split()): list(item.lines) for item in one.manual} for one in (old, new)]
    return _only_one(rows[0], rows[1], "step for a person")


def _only_one(mine: Mapping[str, list[Line]], theirs: Mapping[str, list[Line]], about: str) -> tuple[Fact, ...]:
    gone = [Fact(about=about, before=says, after=None, lines_before=tuple(lines))
            for says, lines in mine.items() if says not in theirs]  # fmt: skip
    come = [Fact(about=about, before=None, after=says, lines_after=tuple(lines))
            for says, lines in theirs.items() if says not in mine]  # fmt: skip
    return (*gone, *come)


def diagnostics(old: Compiled, new: Compiled) -> tuple[Fact, ...]:
    """Give what is said of one text only; a remark that is made three times and then twice has gone once."""
    counts = [Counter(map(_told, one.diagnostics)) for one in (old, new)]
    gone = [Fact(about=item.code, before=f"{item.severity}: {item.message}", after=None, lines_before=item.lines)
            for item in _beyond(old.diagnostics, counts[0] - counts[1])]  # fmt: skip
    come = [Fact(about=item.code, before=None, after=f"{item.severity}: {item.message}", lines_after=item.lines)
            for item in _beyond(new.diagnostics, counts[1] - counts[0])]  # fmt: skip
    return (*gone, *come)


def _told(item: Diagnostic) -> tuple[str, ...]:
    return item.code, item.severity, neutral(item.message), neutral(item.about), item.decision or ""


def _beyond(items: Iterable[Diagnostic], left: Counter[tuple[str, ...]]) -> list[Diagnostic]:
    found = []
    for item in items:
        if left[_told(item)] > 0:
            left[_told(item)] -= 1
            found.append(item)
    return found


def neutral(text: str) -> str:
    """Take the numbers of lines out of a sentence: they change whenever a line is added above."""
    return _LINES.sub("a line", text)
