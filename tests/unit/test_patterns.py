"""The quick look for a pattern's words, before it is compiled and matched, never hides a match."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.compile.grammar import joined
from runbook.compile.patterns import compiled, literals, whole
from runbook.compile.phrase import phrase_of, trim
from runbook.errors import TutorialError
from runbook.lexicon import load_lexicon
from runbook.tutorial import read_tutorial

CASES = Path(__file__).resolve().parents[1] / "cases"
TABLE = load_lexicon().phrases
PATTERNS = [pattern for row in (*TABLE.steps, *TABLE.clauses) for pattern in row.patterns]
PATTERNS += [*TABLE.enumeration, *TABLE.choice, *TABLE.condition, *TABLE.hangs, *TABLE.gate, *TABLE.optional]


def sentences() -> set[str]:
    """The masked sentences of all our texts."""
    found: set[str] = set()
    for path in sorted((*CASES.glob("tutorials/*.md"), *CASES.glob("texts/own/*.md"))):
        try:
            steps = list(read_tutorial(path).walk())
        except TutorialError:
            continue
        for step in steps:
            phrase = phrase_of(step.pieces)
            parts = (trim(phrase.masked), *phrase.sentences(phrase.masked))
            found |= {*parts, *(joined(part, TABLE) for part in parts)}
            found |= {part.partition(": ")[2] for part in parts}
    return found


def test_what_matches_is_found_with_and_without_the_quick_look() -> None:
    texts, matched = sentences(), set()
    assert len(texts) > 200
    for pattern in PATTERNS:
        slow = {text for text in texts if compiled(pattern).fullmatch(text)}
        assert slow == {text for text in texts if whole(pattern, text)}, pattern
        matched |= {pattern} if slow else set()
    assert len(matched) > 60, "else the texts say nothing about the patterns"


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("review (?:your|the) {what~}", ("review ",)),
        ("colou?r", ("colo", "r")),
        (r"x b\. c", ("x b", " c")),
        ("one|two", ()),
        ("x (?:a|b)? y", ("x ", " y")),
        ("[ab] then", (" then",)),
    ],
)
def test_words_that_each_match_must_have(pattern: str, words: tuple[str, ...]) -> None:
    assert literals(pattern) == words
