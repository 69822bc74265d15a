"""Alterations that say the same otherwise, or less: words, places in the list, markup."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from altered import wordings
from altered.laid_out import BOLD, CODE, EMPHASIS, Draft, indent_of, replaced, some, split_item

# Words


def label_synonym(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    for at in some(chance, draft, BOLD.search, 3):
        draft.put(at, replaced(chance, draft.line(at), BOLD, lambda text: wordings.synonym(chance, text)))
    return {}


def label_swapped(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    for at in some(chance, draft, lambda line: any(" " in m["inner"] for m in BOLD.finditer(line)), 2):
        draft.put(at, replaced(chance, draft.line(at), BOLD, lambda text: wordings.swapped(chance, text)))
    return {}


def label_typo(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    for at in some(chance, draft, BOLD.search, 3):
        draft.put(at, replaced(chance, draft.line(at), BOLD, lambda text: wordings.typo(chance, text)))
    return {}


def option_typo(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """A slip in an option: never in a name or a literal, which a text may choose."""
    fits = lambda line: any(wordings.is_option(m["inner"]) for m in EMPHASIS.finditer(line))  # noqa: E731
    for at in some(chance, draft, fits, 2):
        draft.put(at, replaced(chance, draft.line(at), EMPHASIS, lambda text: (
            wordings.typo(chance, text) if wordings.is_option(text) else text)))  # fmt: skip
    return {}


def sentence_typo(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    for at in some(chance, draft, lambda line: True, 3):
        lead, rest = split_item(draft.line(at))
        draft.put(at, lead + wordings.outside_marks(rest, lambda text: wordings.typo(chance, text)))
    return {}


def sentence_swapped(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    for at in some(chance, draft, lambda line: True, 2):
        lead, rest = split_item(draft.line(at))
        draft.put(at, lead + wordings.outside_marks(rest, lambda text: wordings.swapped(chance, text)))
    return {}


def other_language(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    language = chance.choice(sorted(wordings.LANGUAGES))
    for at in some(chance, draft, lambda line: True, 6):
        lead, rest = split_item(draft.line(at))
        draft.put(at, lead + wordings.translated(rest, language))
    return {}


# Places


def neighbours_swapped(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """Two neighbours change places, each with what stands below it."""
    at = chance.choice(draft.fitting)
    mine = draft.subtree(at)
    following = mine.stop
    if following not in draft.fitting or indent_of(draft.line(following)) != indent_of(draft.line(at)):
        return None
    theirs = draft.subtree(following)
    both = [draft.line(n) for n in theirs] + [draft.line(n) for n in mine]
    for n, line in zip(range(mine.start, theirs.stop), both, strict=True):
        draft.put(n, line)
    return {}


def renumbered(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    way = chance.choice(["ones", "random", "letters", "later"])
    count = chance.randint(2, 40)
    for at in draft.fitting:
        match = re.match(r"(\s*)\d+([.)])", draft.line(at))
        if match:
            count += 1
            number = {"ones": 1, "random": chance.randint(1, 99), "letters": chr(96 + count % 26), "later": count}[way]
            draft.put(at, f"{match[1]}{number}{match[2]}{draft.line(at)[match.end() :]}")
    return {}


def deleted(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    for at in some(chance, draft, lambda line: True, 2):
        for n in draft.subtree(at):
            draft.put(n, "")
        draft.fitting = [n for n in draft.fitting if draft.line(n)]
    return {"fewer_boxes": True}


def indented(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """A list is moved to the right or to the left, as a careless paste does."""
    by = chance.choice([-4, -3, -2, -1, 1, 2, 3, 4])
    for at in some(chance, draft, lambda line: indent_of(line) > 0 or by > 0):
        for n in draft.subtree(at) if chance.random() < 0.5 else [at]:
            line = draft.line(n)
            draft.put(n, " " * by + line if by > 0 else line[min(-by, indent_of(line)) :])
    return {"fewer_boxes": True}


def detached(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    """Everything below a step is taken to the left edge, with a line between, as pages that are rendered have it."""
    below = [at for at in draft.fitting if len(draft.subtree(at)) > 1 and indent_of(draft.line(at)) == 0]
    if not below:
        return None
    lines = draft.subtree(chance.choice(below))
    depth = min((indent_of(draft.line(n)) for n in lines if n != lines.start and draft.line(n).strip()), default=0)
    for n in lines[1:]:
        draft.put(n, *([""] if n == lines[1] else []), draft.line(n)[depth:])
    return {"fewer_boxes": True}


def heading_lost(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    heads = [at for at, row in enumerate(draft.rows) if row[0].startswith("## ")]
    if len(heads) < 2:
        return None
    draft.put(chance.choice(heads[1:]), "")
    return {}


def wrapped(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    for at in some(chance, draft, lambda line: line.strip().count(" ") > 3, 3):
        lead, rest = split_item(draft.line(at))
        blanks = [match.start() for match in re.finditer(r"(?<=\w) (?=\w)", rest)]
        if blanks:
            cut = chance.choice(blanks)
            draft.put(at, lead + rest[:cut], " " * chance.choice([0, len(lead)]) + rest[cut + 1 :])
    return {}


# Marks


def unmarked(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    pattern = chance.choice([BOLD, EMPHASIS, CODE])
    whole = chance.random() < 0.3
    for at in draft.fitting if whole else some(chance, draft, pattern.search, 3):
        draft.put(at, pattern.sub(lambda match: match["inner"], draft.line(at)))
    return {"fewer_boxes": True}


def marked_otherwise(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    pattern = chance.choice([BOLD, EMPHASIS, CODE])
    marks = chance.choice([('"', '"'), ("“", "”"), ("**", "**"), ("_", "_"), ("`", "`"), ("'", "'"), ("***", "***")])
    whole = chance.random() < 0.3
    for at in draft.fitting if whole else some(chance, draft, pattern.search, 3):
        draft.put(at, pattern.sub(lambda match: f"{marks[0]}{match['inner']}{marks[1]}", draft.line(at)))
    return {"fewer_boxes": True}


def marks_broken(chance: random.Random, draft: Draft) -> Mapping[str, object] | None:
    for at in some(chance, draft, lambda line: re.search(r"[`*_]", line), 3):
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
