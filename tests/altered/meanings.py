"""Alterations of the meaning: choices, conditions, negations, and values that are written anew."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from altered import wordings
from altered.laid_out import EMPHASIS, ITEM, Draft, indent_of, replaced, some, split_item

# Meaning


def one_of_two(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """The value becomes a choice between it and another."""
    found = some(chance, draft, lambda line: ":" in line and EMPHASIS.search(line), 2)
    for at in found:
        line = draft.line(at)
        match = list(EMPHASIS.finditer(line))[-1]
        other = wordings.other_option(chance, match["inner"])
        words = chance.choice([f"_{match['inner']}_ or _{other}_", f"_{other}_, or _{match['inner']}_",
                               f"either _{match['inner']}_ or _{other}_", f"_{match['inner']}_/_{other}_",
                               f"_{match['inner']}_ (or _{other}_)", f"_{match['inner']}_ | _{other}_"])  # fmt: skip
        draft.put(at, line[: match.start()] + words + line[match.end() :])
    return _nothing_of(found)


def optionally(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    found = some(chance, draft, _sets_something, 2)
    for at in found:
        lead, rest = split_item(draft.line(at))
        draft.put(at, lead + wordings.preceded(chance, wordings.OPTIONAL, rest))
    return _nothing_of(found)


def on_condition(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    found = some(chance, draft, _sets_something, 2)
    for at in found:
        lead, rest = split_item(draft.line(at))
        after = chance.random() < 0.3
        words = f"{rest.rstrip('.')} {chance.choice(wordings.AFTER)}" if after else wordings.preceded(
            chance, wordings.CONDITIONS, rest)  # fmt: skip
        draft.put(at, lead + words)
    return _nothing_of(found)


def below_a_condition(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """A condition, or the opening of an enumeration, is put above an item, which then stands below it."""
    found = some(chance, draft, lambda line: indent_of(line) and _sets_something(line))
    for at in found:
        words = chance.choice([*wordings.CONDITIONS, *wordings.OPENERS]).rstrip(",")
        space = " " * indent_of(draft.line(at))
        lines = [f"    {draft.line(n)}" for n in draft.subtree(at)]
        own = list(draft.subtree(at))
        draft.put(own[0], f"{space}- {words}:", lines[0])
        for n, line in zip(own[1:], lines[1:], strict=True):
            draft.put(n, line)
    return _nothing_of(found, draft)


def options_of(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """The sentence above a list now says that its items are to choose from."""
    below = [at for at in draft.fitting if any(n in draft.fitting for n in draft.subtree(at)[1:])]
    if not below:
        return None
    at = chance.choice(below)
    draft.put(at, f"{split_item(draft.line(at))[0]}{chance.choice(wordings.OPENERS)}:")
    return _nothing_of([at], draft)


def in_brackets(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """The sentence above a list gets brackets that say for whom it is, or that it is for nobody."""
    below = [at for at in draft.fitting if any(n in draft.fitting for n in draft.subtree(at)[1:])]
    if not below:
        return None
    at = chance.choice(below)
    line = draft.line(at).rstrip()
    end = line[-1] if line[-1] in ".:" else ""
    draft.put(at, f"{line.removesuffix(end)} ({chance.choice(wordings.BRACKETS)}){end}")
    return _nothing_of([at], draft)


def heading_left_open(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """A heading says that its section may be left out, or is for some readers only."""
    at = chance.choice(_headings(draft))
    text = draft.line(at).removeprefix("## ")
    draft.put(at, "## " + chance.choice(wordings.HEADINGS).format(text))
    return _nothing_of_section(at, draft)


def condition_above(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
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


def negated(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    found = some(chance, draft, _sets_something, 2)
    for at in found:
        lead, rest = split_item(draft.line(at))
        draft.put(at, lead + wordings.preceded(chance, wordings.NEGATIONS, rest))
    return _nothing_of(found)


def struck_out(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    found = some(chance, draft, _sets_something, 2)
    for at in found:
        lead, rest = split_item(draft.line(at))
        open_, close = chance.choice([("~~", "~~"), ("<!-- ", " -->"), ("<del>", "</del>"), ("<s>", "</s>")])
        draft.put(at, f"{lead}{open_}{rest}{close}")
    return _nothing_of(found)


def as_an_example(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    found = some(chance, draft, _sets_something, 2)
    for at in found:
        lead, rest = split_item(draft.line(at))
        draft.put(at, lead + wordings.preceded(chance, wordings.EXAMPLES, rest))
    return _nothing_of(found)


def value_swapped(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """Another value is written, which may be set in its place, on the same object and to the same parameter."""
    found = some(chance, draft, lambda line: ":" in line and EMPHASIS.search(line))
    for at in found:
        draft.put(at, replaced(chance, draft.line(at), EMPHASIS, lambda text: wordings.other_option(chance, text)))
    return {"may_differ": frozenset(at + 1 for at in found)} if found else None


def quoted(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """An item is set as a quotation inside its list."""
    found = some(chance, draft, _sets_something)
    for at in found:
        lead, rest = split_item(draft.line(at))
        draft.put(at, f"{lead}> {rest}")
    return {"fewer_boxes": True} if found else None


def _sets_something(line: str) -> bool:
    """Tell whether an item looks like one that gives a value."""
    match = ITEM.fullmatch(line)
    return match is not None and bool(re.search(r":\*?\*? |choose|enter|tick|set |select", match["rest"]))


def _nothing_of(found: Sequence[int], draft: Draft | None = None) -> Mapping[str, object] | None:
    lines = {n + 1 for at in found for n in (draft.subtree(at) if draft else [at])}
    return {"must_not_set": frozenset(lines), "fewer_boxes": True} if found else None
