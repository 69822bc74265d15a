"""Match words of a text against a closed set of names: exact, alias, then nearly equal if that is unique."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

Certainty = Literal["exact label", "alias", "fuzzy"]
RANK: Mapping[Certainty, int] = {"exact label": 0, "alias": 1, "fuzzy": 2}

ARTICLES = frozenset({"a", "an", "the"})
# A text may miss one of these words, or have one too many, and still mean the same name.
FUNCTION_WORDS = frozenset({"to", "of", "in", "on", "for", "from", "be", "is", "at", "by", "and"})


def weaker(one: Certainty, other: Certainty) -> Certainty:
    """Give the less certain of two certainties."""
    return one if RANK[one] >= RANK[other] else other


@lru_cache(maxsize=8192)
def fold(text: str) -> tuple[str, ...]:
    """Reduce a name to its words: no case, no punctuation, no articles, and no plus sign as a button's icon."""
    words = re.findall(r"[\w+]+", text.casefold().replace("&", " and "))
    kept = tuple(word for word in words if word not in ARTICLES)
    return tuple(word for word in kept if word != "+") or kept or (text.strip(),)


def match_name(
    text: str, names: Sequence[str], aliases: Mapping[str, str] | None = None
) -> tuple[str, Certainty] | None:
    """Find which of `names` the text means; None if none does or if more than one might.

    `aliases` maps other spellings to names. Near equality is allowed only because `names` is closed: same
    words without case, punctuation and articles, or one function word more or less.
    """
    aliases = aliases or {}
    if text in names:
        return text, "exact label"
    if text in aliases:
        return aliases[text], "alias"
    known = {name: name for name in names} | dict(aliases)
    wanted = fold(text)
    same = {name for spelling, name in known.items() if fold(spelling) == wanted}
    if not same:
        same = {name for spelling, name in known.items() if _one_word_apart(fold(spelling), wanted)}
    return (same.pop(), "fuzzy") if len(same) == 1 else None


def _one_word_apart(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    if len(longer) != len(shorter) + 1 or not shorter:
        return False
    return any(word in FUNCTION_WORDS and longer[:at] + longer[at + 1 :] == shorter for at, word in enumerate(longer))
