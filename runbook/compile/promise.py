"""Compare what the titles promise with what the rules do: where mail of each disposition should land."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate

from runbook.compile.findings import Findings
from runbook.compile.promised import Promise, PromiseSource
from runbook.compile.result import Line, ResourceDraft, Setting
from runbook.compile.values import AdvisedValue
from runbook.lexicon import Lexicon
from runbook.lexicon.model import Destination, Disposition, PromisesFile
from runbook.tutorial import Tutorial

_SOURCES: Mapping[str, PromiseSource] = {
    "heading": "title",
    "front matter": "title",
    "front matter, meta": "meta title",
}
_ADDRESS = re.compile(r"(?<=\])\([^)]*\)")  # of a link: not words that a reader sees


def promises_of(tutorial: Tutorial, table: PromisesFile) -> tuple[Promise, ...]:
    """Find what titles and introduction promise, in the order of the text."""
    found: list[Promise] = []
    for title in tutorial.titles:
        found += _in_lines([title.text], title.line, _SOURCES[title.where], table)
    for block in tutorial.preamble:
        if block.kind == "prose":
            found += _in_lines(tutorial.lines[block.first - 1 : block.last], block.first, "introduction", table)
    return tuple(sorted(dict.fromkeys(found), key=lambda promise: promise.line))


def _in_lines(lines: Sequence[str], first: int, source: PromiseSource, table: PromisesFile) -> list[Promise]:
    """Read running text: the dispositions before a place are promised that place; a place alone is nobody's."""
    rows = [re.sub(r"[`*_]", "", _ADDRESS.sub("", line)) + " " for line in lines]
    ends = list(accumulate(len(row) for row in rows))
    text = "".join(rows).casefold()
    found: list[Promise] = []
    begin = 0
    for start, end, destination in _places(text, table):
        named: list[tuple[int, str | None]] = [
            (begin + match.start(), disposition.drop)
            for disposition in table.dispositions
            for word in disposition.words
            if (match := re.search(rf"(?<![\w-]){re.escape(word)}\b", text[begin:start]))
        ]
        for at, name in sorted(named, key=lambda item: item[0]) or [(start, None)]:
            line = first + bisect_right(ends, at)
            found.append(Promise(disposition=name, destination=destination.name, line=line, source=source))
        begin = end
    return found


def _places(text: str, table: PromisesFile) -> list[tuple[int, int, Destination]]:
    """Find the destinations named in a text; of two names at one spot the longer one counts."""
    spots = [
        (match.start(), match.end(), destination)
        for destination in table.destinations
        for words in destination.words
        for match in re.finditer(rf"\b{re.escape(words)}\b", text)
    ]
    kept: list[tuple[int, int, Destination]] = []
    for spot in sorted(spots, key=lambda spot: (spot[0], -spot[1])):
        if not kept or spot[0] >= kept[-1][1]:
            kept.append(spot)
    return kept


def check_promises(
    promises: Sequence[Promise],
    drafts: Sequence[ResourceDraft],
    lexicon: Lexicon,
    findings: Findings,
) -> None:
    """Note every promise that no resource keeps, and rules that wait for a word the header never has."""
    table = lexicon.promises
    if any(item.code == "unresolved-include" and item.severity == "blocks" for item in findings.diagnostics):
        return  # the steps that keep the promise may be in the text that is missing
    rules = [draft for draft in drafts if draft.type == table.rule]
    mistaken = _mistaken_tokens(rules, table, findings)
    open_promises: dict[str, list[Promise]] = {}
    gated: dict[tuple[str, str], list[Promise]] = {}
    for promise in promises:
        disposition, destination = _rows(promise, table)
        if disposition is None or not destination.checked:
            continue  # nobody's mail, or a place that no single setting leads to
        keepers = [draft for draft in drafts if _keeps(draft, disposition, destination, table)]
        if not keepers and disposition.header not in mistaken:
            open_promises.setdefault(destination.name, []).append(promise)
        elif keepers and (decision := keepers[0].optional) and all(draft.optional for draft in keepers):
            gated.setdefault((destination.name, decision), []).append(promise)
    for name, several in open_promises.items():
        about = f"{_names(several)} to {name}: no step {_rows(several[0], table)[1].ways}"
        findings.note(
            "promise-not-covered", _lines(several), f"The text promises {about}.", about=about,
            suggestion=table.suggestion.text, source=table.suggestion.source, decision=table.suggestion.decision,
        )  # fmt: skip
    for (name, decision), several in gated.items():
        findings.note(
            "promise-not-covered", _lines(several), severity="tells", decision=decision,
            about=f"{_names(several)} to {name}",
            message=f"{_names(several)} reach {name} only once the decision {decision} is taken.",
        )  # fmt: skip


def _rows(promise: Promise, table: PromisesFile) -> tuple[Disposition | None, Destination]:
    """Give the lexicon's rows of a promise; no disposition where none is named, or none that a header carries."""
    named = (row for row in table.dispositions if row.drop == promise.disposition and row.header is not None)
    return next(named, None), next(row for row in table.destinations if row.name == promise.destination)


def _names(promises: Sequence[Promise]) -> str:
    return " and ".join(dict.fromkeys(promise.disposition or "" for promise in promises))


def _lines(promises: Sequence[Promise]) -> tuple[Line, ...]:
    return tuple(dict.fromkeys(promise.line for promise in promises))


def _words(setting: Setting | None) -> tuple[str, ...]:
    value = setting.value if setting else ()
    value = value.advised if isinstance(value, AdvisedValue) else value
    return tuple(word.upper() for word in value) if isinstance(value, tuple) else ()


def _keeps(draft: ResourceDraft, disposition: Disposition, destination: Destination, table: PromisesFile) -> bool:
    if destination.dropped and draft.type == table.drop.resource:
        return disposition.drop in _words(draft.setting(table.drop.parameter))
    if draft.type != table.rule or disposition.header not in _words(draft.setting(table.header_words)):
        return False
    if destination.parameter and draft.setting(destination.parameter):
        return True
    level = draft.setting(table.level)
    if destination.scl is None:
        return False
    low, high = destination.scl
    return level is not None and isinstance(level.value, int) and low <= level.value <= high


def _mistaken_tokens(rules: Sequence[ResourceDraft], table: PromisesFile, findings: Findings) -> frozenset[str]:
    """Note rules that look for a disposition's name where the header carries another token."""
    mistaken: set[str] = set()
    for draft in rules:
        setting = draft.setting(table.header_words)
        words = _words(setting)
        for disposition in table.dispositions:
            if disposition.header is None:
                continue
            if setting and disposition.drop in words and disposition.header not in words:
                mistaken.add(disposition.header)
                findings.note(
                    "header-token-mismatch", setting.lines, source=disposition.source,
                    message=f"The rule looks for {disposition.drop}; the header carries {disposition.header} instead.",
                    suggestion=f"Look for {disposition.header}.",
                )  # fmt: skip
    return frozenset(mistaken)
