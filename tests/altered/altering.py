"""Texts altered as people and tools alter them: worded otherwise, moved, stripped of markup, cut, made conditional.

Each alteration is a pure function of a seeded source of chance and a text. It says which lines of the text it has
touched and what that may do to what they set: at most what the unaltered text sets, unless it declares otherwise.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from altered import meanings, shapes
from altered.laid_out import Altered, Draft, draft_of

Alteration = Callable[[random.Random, Draft], Mapping[str, object] | None]
ALTERATIONS: Mapping[str, Alteration] = {
    "label synonym": shapes.label_synonym,
    "label words swapped": shapes.label_swapped,
    "label typo": shapes.label_typo,
    "option typo": shapes.option_typo,
    "sentence typo": shapes.sentence_typo,
    "sentence words swapped": shapes.sentence_swapped,
    "other language": shapes.other_language,
    "neighbours swapped": shapes.neighbours_swapped,
    "renumbered": shapes.renumbered,
    "deleted": shapes.deleted,
    "indented": shapes.indented,
    "detached": shapes.detached,
    "heading lost": shapes.heading_lost,
    "wrapped": shapes.wrapped,
    "unmarked": shapes.unmarked,
    "marked otherwise": shapes.marked_otherwise,
    "marks broken": shapes.marks_broken,
    "one of two": meanings.one_of_two,
    "optionally": meanings.optionally,
    "on a condition": meanings.on_condition,
    "below a condition": meanings.below_a_condition,
    "options of a choice": meanings.options_of,
    "in brackets": meanings.in_brackets,
    "heading left open": meanings.heading_left_open,
    "condition above": meanings.condition_above,
    "negated": meanings.negated,
    "struck out": meanings.struck_out,
    "as an example": meanings.as_an_example,
    "value swapped": meanings.value_swapped,
    "quoted": meanings.quoted,
}


def alter(name: str, lines: Sequence[str], chance: random.Random) -> Altered | None:
    """Alter a text in one way; None if there is nothing in it that can be altered so."""
    draft = draft_of(lines)
    said = ALTERATIONS[name](chance, draft) if draft.fitting else None
    result = tuple(line for row in draft.rows for line in row)
    if said is None or result == tuple(lines):
        return None
    return Altered(alteration=name, lines=result, touched=tuple(sorted(set(draft.touched))), **said)  # type: ignore[arg-type]
