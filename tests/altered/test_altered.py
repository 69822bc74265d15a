"""Altered texts set fewer values or the same, never others: a small sample of `sweep.py`, and what once failed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from altered.altering import ALTERATIONS, alter
from altered.judging import Source, judge, source_of, sources
from altered.laid_out import Altered
from altered.sweep import SLOWEST_SECONDS, tries

from runbook.compile import compile_tutorial
from runbook.lexicon import load_lexicon
from runbook.tutorial import parse_tutorial

LEXICON = load_lexicon()
MENDED: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "mended.yaml").read_text(encoding="utf-8"))
EACH = 2
"""Altered texts for each way of altering."""


@pytest.fixture(scope="module")
def texts() -> list[Source]:
    """The texts of this checkout, so that the sample is the same everywhere."""
    return [source for source in sources(LEXICON) if not source.name.startswith("shared")]


@pytest.fixture(scope="module")
def own(texts: list[Source]) -> Source:
    return next(source for source in texts if source.name.startswith("runbook/"))


@pytest.mark.parametrize("name", ALTERATIONS)
def test_sample(name: str, texts: list[Source]) -> None:
    for tried in tries(EACH, 20, [name], texts):
        said = f"{name}, {tried.source.name}, line {tried.altered.touched}: "
        assert not tried.judged.crashed, said + tried.judged.crashed
        assert tried.seconds < SLOWEST_SECONDS, said + "too slow"
        assert not tried.judged.wrong, said + "; ".join(tried.judged.wrong)


@pytest.mark.parametrize("entry", MENDED, ids=lambda entry: entry["name"])
def test_what_was_found_does_not_come_back(entry: dict[str, Any]) -> None:
    compiled = compile_tutorial(parse_tutorial(entry["text"].encode()), LEXICON)
    free = [
        draft for draft in compiled.resources
        if draft.key == entry["nothing_of"] and not draft.blocked_by and not draft.optional
    ]  # fmt: skip
    assert not any("parameter" not in entry or draft.setting(entry["parameter"]) for draft in free)


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_alteration_is_the_same_for_the_same_seed(name: str, own: Source) -> None:
    made = [alter(name, own.lines, random.Random(seed)) for seed in range(12)]
    again = [alter(name, own.lines, random.Random(seed)) for seed in range(12)]
    assert made == again
    assert any(made), f"{name} alters nothing in the kit's own edition"
    for altered in filter(None, made):
        assert altered.lines != own.lines
        first = own.lines.index("## Configure Domains")
        assert altered.lines[:first] == own.lines[:first], f"{name} alters the introduction"


def planted(own: Source, before: str, after: str, **more: Any) -> tuple[str, ...]:
    lines = tuple(line.replace(before, after) for line in own.lines)
    assert lines != own.lines, before
    return judge(own, Altered(alteration="planted", lines=lines, touched=(), **more), LEXICON).wrong


def test_the_judge_sees_what_is_wrong(own: Source) -> None:
    """Each of these is what an alteration may not do; without them a sweep that finds nothing says nothing."""
    at = next(n for n, line in enumerate(own.lines, start=1) if line.endswith("_5_"))
    assert planted(own, "> _5_", "> _6_") == (
        'TransportRule:Area 1 Deliver to Junk Email folder SetSCL = {"alternative": null, "input": null, "op": "set", '
        '"value": 6} instead of {"alternative": null, "input": null, "op": "set", "value": 5}',
    )
    assert planted(own, "> _5_", "> _6_", may_differ=frozenset({at})) == ()
    assert len(planted(own, "> _5_", ">  _5_", must_not_set=frozenset({at}))) == 1
    assert "never names" in planted(own, "`UserNotifyUserRelease`", "`Another`")[0]
    assert "no longer left to a decision" in planted(own, "Optional (decision `add-second-rule`): s", "S")[0]
    more = "    - **High confidence spam**: _Quarantine message_"
    assert "never set" in planted(own, more, "        - **Select quarantine policy**: _Held_\n" + more)[0]
    boxes = "the **Delete** and **Preview** boxes"
    assert len(planted(own, boxes, "the **Delete** boxes")) == 2
    assert planted(own, boxes, "the **Delete** boxes", fewer_boxes=True) == ()


def test_an_unaltered_text_is_never_wrong(texts: list[Source]) -> None:
    assert len(texts) > 80
    for source in texts:
        judged = judge(source, Altered(alteration="none", lines=source.lines, touched=()), LEXICON)
        assert judged.wrong == () and not judged.crashed, source.name


def test_a_source_lays_out_all_that_a_text_sets(own: Source) -> None:
    compiled = compile_tutorial(parse_tutorial("\n".join(own.lines).encode()), LEXICON)
    assert source_of("own", compiled).count == sum(len(draft.settings) for draft in compiled.resources)
