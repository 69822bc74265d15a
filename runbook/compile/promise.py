"""Compare what the titles promise with what the rules do: where mail of each disposition should land."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A promise by the lexicon's rows: mail of this disposition lands there."""

    disposition: Disposition
    destination: Destination
    line: Line


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
    """Note every promise that no resource keeps."""
    table = lexicon.promises
    if any(item.code == "unresolved-include" and item.severity == "blocks" for item in findings.diagnostics):
        return  # the steps that keep the promise may be in the text that is missing
    open_promises: dict[str, list[Claim]] = {}
    gated: dict[tuple[str, str], list[Claim]] = {}
    for claim in claims(promises, table):
        if not claim.destination.checked:
            continue  # a place that no single setting leads to
        keepers = [draft for draft in drafts if keeps(draft, claim, table)]
        if not keepers:
            open_promises.setdefault(claim.destination.name, []).append(claim)
        elif (decision := keepers[0].optional) and all(draft.optional for draft in keepers):
            gated.setdefault((claim.destination.name, decision), []).append(claim)
    for name, several in open_promises.items():
        about = f"{names_of(several)} to {name}: no step {several[0].destination.ways}"
        advice = table.suggestion
        # The decision adds a rule beside the text's own; a text without rules has no section for it.
        offered = any(draft.type == table.rule for draft in drafts) and name == advice.destination
        offered = offered and {claim.disposition.header for claim in several} <= set(advice.headers)
        findings.note(
            "promise-not-covered", lines_of(several), f"The text promises {about}.", about=about,
            suggestion=advice.text if offered else "", source=advice.source if offered else "",
            decision=advice.decision if offered else None,
        )  # fmt: skip
    for (name, decision), several in gated.items():
        findings.note(
            "promise-not-covered", lines_of(several), severity="tells", decision=decision,
            about=f"{names_of(several)} to {name}",
            message=f"{names_of(several)} reach {name} only once the decision {decision} is taken.",
        )  # fmt: skip


def claims(promises: Sequence[Promise], table: PromisesFile) -> tuple[Claim, ...]:
    """Give the promises of mail that a header tells, by the lexicon's rows; others are left out."""
    dispositions = {row.drop: row for row in table.dispositions if row.header is not None}
    destinations = {row.name: row for row in table.destinations}
    return tuple(
        Claim(disposition=dispositions[item.disposition], destination=destinations[item.destination], line=item.line)
        for item in promises
        if item.disposition in dispositions
    )


def names_of(several: Sequence[Claim]) -> str:
    """Name the dispositions of several promises, each once."""
    return " and ".join(dict.fromkeys(claim.disposition.drop for claim in several))


def lines_of(several: Sequence[Claim]) -> tuple[Line, ...]:
    """Give the lines of several promises, each once, in the order of the text."""
    return tuple(dict.fromkeys(claim.line for claim in several))


def words_of(setting: Setting | None) -> tuple[str, ...]:
    """Give the words of a setting in upper case, corrected ones as they are advised."""
    value = setting.value if setting else ()
    value = value.advised if isinstance(value, AdvisedValue) else value
    return tuple(word.upper() for word in value) if isinstance(value, tuple) else ()


def keeps(draft: ResourceDraft, claim: Claim, table: PromisesFile) -> bool:
    """Tell whether a resource does what a promise says, once all its advised values are taken."""
    destination, disposition = claim.destination, claim.disposition
    if destination.dropped and draft.type == table.drop.resource:
        return disposition.drop in words_of(draft.setting(table.drop.parameter))
    if draft.type != table.rule or disposition.header not in words_of(draft.setting(table.header_words)):
        return False
    if destination.parameter and draft.setting(destination.parameter):
        return True
    level = draft.setting(table.level)
    if destination.scl is None:
        return False
    low, high = destination.scl
    return level is not None and isinstance(level.value, int) and low <= level.value <= high
