"""What an altered text may set at most, and whether its compile keeps to it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altered.laid_out import Altered

from runbook.compile import Compiled, compile_tutorial
from runbook.compile.result import ResourceDraft, Setting
from runbook.compile.values import plain_json
from runbook.errors import RunbookError
from runbook.lexicon import Lexicon
from runbook.tutorial import parse_tutorial

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An unaltered text: its lines, and what it sets, by object and parameter."""

    name: str
    lines: tuple[str, ...]
    settings: Mapping[Key, Mapping[str, tuple[Setting, str]]]
    drafts: Mapping[Key, ResourceDraft]

    @property
    def count(self) -> int:
        """Values that the text sets."""
        return sum(map(len, self.settings.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of an altered text. `wrong` has one sentence for each thing that may not be set."""

    bound: int
    fewer: int
    wrong: tuple[str, ...] = ()
    unreadable: bool = False
    crashed: str = ""


def sources(lexicon: Lexicon) -> Iterator[Source]:
    """Yield the kit's own edition, the cases, and the collection of texts beside the checkout if it is there."""
    paths = [*(ROOT / "runbook" / "tutorials").glob("*.md")]
    for folder in ("tutorials", "oracle", "textdiff"):
        paths += sorted((ROOT / "tests" / "cases" / folder).glob("*.md"))
    if SHARED.exists():
        paths += sorted((SHARED / "tutorials").rglob("*.md*")) + sorted((SHARED / "seed").glob("*.md"))
    for path in paths:
        try:
            compiled = compile_tutorial(parse_tutorial(path.read_bytes()), lexicon)
        except RunbookError:
            continue
        found = source_of(str(path.relative_to(ROOT.parent if SHARED in path.parents else ROOT)), compiled)
        keys = [_key(draft) for draft in compiled.resources]
        if found.count and len(keys) == len(set(keys)):  # of two of one name it could not be told which is meant
            yield found


def source_of(name: str, compiled: Compiled) -> Source:
    """Lay out what a compile sets. Blocked resources count, too: an alteration may take away what blocks them."""
    settings: dict[Key, dict[str, tuple[Setting, str]]] = {}
    drafts: dict[Key, ResourceDraft] = {}
    for draft in compiled.resources:
        drafts.setdefault(_key(draft), draft)
        for item in draft.settings:
            settings.setdefault(_key(draft), {})[item.parameter] = (item, _value(item, compiled))
    return Source(name=name, lines=compiled.tutorial.lines, settings=settings, drafts=drafts)


def judge(source: Source, altered: Altered, lexicon: Lexicon) -> Judged:
    """Compile an altered text and compare it with what it may set at most."""
    try:
        compiled = compile_tutorial(parse_tutorial(altered.text.encode()), lexicon)
    except RunbookError:
        return Judged(bound=0, fewer=source.count, unreadable=True)
    except Exception as error:  # whatever it is, it is a finding
        return Judged(bound=0, fewer=source.count, crashed=f"{type(error).__name__}: {error}")
    wrong: list[str] = []
    bound = 0
    for draft in compiled.resources:
        if draft.blocked_by:
            continue
        mine = source.settings.get(_key(draft))
        if mine is None:
            wrong.append(f"{draft.key} is made, which the text never names")
            continue
        before = source.drafts[_key(draft)]
        if draft.action != before.action:
            wrong.append(f"{draft.key}: {draft.action} instead of {before.action}")
        if before.optional and not draft.optional:
            wrong.append(f"{draft.key} is no longer left to a decision")
        for item in draft.settings:
            bound += 1
            wrong += _judged(draft, item, _value(item, compiled), mine.get(item.parameter), altered)
    return Judged(bound=bound, fewer=max(0, source.count - bound), wrong=tuple(wrong))


def _judged(
    draft: ResourceDraft, item: Setting, value: str, known: tuple[Setting, str] | None, altered: Altered
) -> Iterator[str]:
    what = f"{draft.key} {item.parameter}"
    if known is None:
        yield f"{what} = {value}: never set by the text"
        return
    before, wanted = known
    lines = {line for line in before.lines if isinstance(line, int)}
    lost = lines <= altered.must_not_set or (lines & altered.must_not_set and value == wanted)
    part = altered.fewer_boxes and _is_part(json.loads(value), json.loads(wanted))
    if lost and not draft.optional:
        yield f"{what} = {value}: its line is no instruction any more"
    elif value != wanted and not lines & altered.may_differ and not part:
        yield f"{what} = {value} instead of {wanted}"


def _is_part(value: Any, whole: Any) -> bool:
    """Tell whether some boxes of a number, or some entries of a list, are left."""
    numbers = [item["value"] for item in (value, whole)]
    if all(isinstance(item, int) and not isinstance(item, bool) for item in numbers):
        return bool(numbers[0] & numbers[1] == numbers[0])
    return all(isinstance(item, list) for item in numbers) and set(numbers[0]) < set(numbers[1])


def _key(draft: ResourceDraft) -> Key:
    return draft.type, (draft.identity or f"{{{draft.for_each}}}").casefold()


def _value(item: Setting, compiled: Compiled) -> str:
    """Give a setting's value in full: with how it is put, the input's range, and what a decision would put there."""
    asked = next((one.as_json() for one in compiled.inputs if {"input": one.name} == plain_json(item.value)), None)
    asked = {key: part for key, part in asked.items() if key != "lines"} if asked else None
    other = item.alternative.value if item.alternative else None
    found = {"op": item.op, "value": plain_json(item.value), "input": asked, "alternative": other}
    return json.dumps(found, sort_keys=True)
