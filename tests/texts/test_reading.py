"""Every given text and every one of our own, held against what a reader says that it means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from texts.holding import HOME, SHARED, cases, hold, source
from texts.table import PAGE, page

from runbook.lexicon import Lexicon, load_lexicon

CASES = cases()
# What the reader asks to be told of and the compile says otherwise, with why that is left.
UNTOLD = {
    "domains-2024.json": ["alternative-section at 46"],  # no page is recognised there: all its steps are for a person
}
# Settings that a reader understands and the compile only lists, by text. Fewer is better; none may be added.
SHORT = {
    "breaks-in-items.json": 7,
    "breaks-inside-values.json": 7,
    "comment-before-a-label.json": 1,
    "component-before-a-bullet.json": 1,
    "example-values.json": 2,
    "gateway-quoted-labels.json": 10,
    "german-rule.json": 4,
    "learn-anti-spam-page.json": 3,
    "learn-quarantine-policy-page.json": 4,
    "misspelt-labels.json": 7,
    "nested-letters.json": 12,
    "not-like-this-first.json": 2,
    "notes-inside-steps.json": 1,
    "optional-and-test-steps.json": 2,
    "phishing-training-allow-list.json": 5,
    "quotes-that-set.json": 1,
    "screenshots-between.json": 6,
    "steps-tabs-render.json": 6,
    "microsoft-configure-the-connection-filter-policy-2019.json": 2,
    "microsoft-use-rules-to-bypass-clutter.json": 2,
    "uc2-2025-mdx-o365-use-case-transport-rules.json": 5,
}


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()


@pytest.mark.parametrize("path", CASES, ids=lambda path: str(path.relative_to(HOME)))
def test_nothing_is_wrong_and_nothing_is_lost(path: Path, lexicon: Lexicon) -> None:
    if not source_of(path).exists():
        pytest.skip(f"the text is in the shared folder, which is not beside this checkout ({SHARED.parent.name})")
    held = hold(path, lexicon)
    assert held.wrong == [], f"{held.name}: wrong"
    assert held.lost == [], f"{held.name}: lost"
    assert held.ledger, f"{held.name}: the lines do not add up"
    assert held.untold == UNTOLD.get(path.name, []), f"{held.name}: not told"
    assert len(held.short) == SHORT.get(path.name, 0), f"{held.name}: only listed: {held.short}"


@pytest.mark.skipif(not SHARED.exists(), reason="the given texts are not beside this checkout")
def test_the_table_of_the_docs_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make texts`"


def source_of(path: Path) -> Path:
    return source(json.loads(path.read_text(encoding="utf-8")))
