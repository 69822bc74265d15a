"""Compare what the titles promise with what the rules do: where mail of each disposition should land."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from runbook.compile.findings import Findings
from runbook.compile.result import ResourceDraft, Setting
from runbook.compile.values import AdvisedValue
from runbook.lexicon import Lexicon
from runbook.lexicon.model import Destination, Disposition, PromisesFile
from runbook.tutorial import Tutorial


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One sentence's claim: mail of this disposition lands there."""

    disposition: Disposition
    destination: Destination
    line: int


def promises_of(tutorial: Tutorial, table: PromisesFile) -> tuple[Promise, ...]:
    """Find the promises in titles and introduction; a title without a disposition promises nothing."""
    texts = [(title.text, title.line, title.line) for title in tutorial.titles]
    texts += [(block.text, block.first, block.last) for block in tutorial.preamble if block.kind == "prose"]
    found: dict[tuple[str, str], Promise] = {}
    for text, first, last in texts:
        for disposition, destination in _in_sentence(text.casefold(), table):
            key = (disposition.header, destination.name)
            line = _line_of(disposition, tutorial.lines, first, last)
            found.setdefault(key, Promise(disposition=disposition, destination=destination, line=line))
    return tuple(found.values())


def _line_of(disposition: Disposition, lines: Sequence[str], first: int, last: int) -> int:
    """Give the line of a paragraph that names the disposition; its first line if no word stands there whole."""
    named = re.compile("|".join(rf"\b{re.escape(word)}\b" for word in disposition.words), re.IGNORECASE)
    return next((at for at in range(first, min(last, len(lines)) + 1) if named.search(lines[at - 1])), first)


def _in_sentence(text: str, table: PromisesFile) -> list[tuple[Disposition, Destination]]:
    spots = [
        (match.start(), match.end(), destination)
        for destination in table.destinations
        for match in re.finditer("|".join(re.escape(words) for words in destination.words), text)
    ]
    pairs: list[tuple[Disposition, Destination]] = []
    begin = 0
    for start, end, destination in sorted(spots, key=lambda spot: spot[0]):
        before = text[begin:start]
        named = [
            (match.start(), disposition)
            for disposition in table.dispositions
            for word in disposition.words
            if (match := re.search(rf"\b{re.escape(word)}\b", before))
        ]
        pairs += [(disposition, destination) for _, disposition in sorted(named, key=lambda item: item[0])]
        begin = end
    return pairs


def check_promises(tutorial: Tutorial, drafts: Sequence[ResourceDraft], lexicon: Lexicon, findings: Findings) -> None:
    """Note every promise that no resource keeps."""
    table = lexicon.promises
    if any(item.code == "unresolved-include" for item in findings.diagnostics):
        return  # the steps that keep the promise may be in the text that is missing
    open_promises: dict[str, list[Promise]] = {}
    gated: dict[str, list[Promise]] = {}
    for promise in promises_of(tutorial, table):
        keepers = [draft for draft in drafts if keeps(draft, promise, table)]
        if not keepers:
            open_promises.setdefault(promise.destination.name, []).append(promise)
        elif keepers and all(draft.optional for draft in keepers):
            gated.setdefault(f"{promise.destination.name}|{keepers[0].optional}", []).append(promise)
    for name, promises in open_promises.items():
        low, high = promises[0].destination.scl
        about = f"{_names(promises)} to {name}: no step sets SCL {low} to {high}"
        advice = table.suggestion
        # The decision adds a rule beside the text's own; a text without rules has no section for it.
        offered = any(draft.type == table.rule for draft in drafts) and name == advice.destination
        offered = offered and {promise.disposition.header for promise in promises} <= set(advice.headers)
        findings.note(
            "promise-not-covered", _lines(promises), f"The text promises {about}.", about=about,
            suggestion=advice.text if offered else "", source=advice.source if offered else "",
            decision=advice.decision if offered else None,
        )  # fmt: skip
    for key, promises in gated.items():
        name, decision = key.split("|")
        findings.note(
            "promise-not-covered", _lines(promises), severity="tells", decision=decision,
            about=f"{_names(promises)} to {name}",
            message=f"{_names(promises)} reach {name} only once the decision {decision} is taken.",
        )  # fmt: skip


def _names(promises: Sequence[Promise]) -> str:
    return " and ".join(promise.disposition.drop for promise in promises)


def _lines(promises: Sequence[Promise]) -> tuple[int, ...]:
    return tuple(sorted({promise.line for promise in promises}))


def words_of(setting: Setting | None) -> tuple[str, ...]:
    """Give the words of a setting in upper case, corrected ones as they are advised."""
    value = setting.value if setting else ()
    value = value.advised if isinstance(value, AdvisedValue) else value
    return tuple(word.upper() for word in value) if isinstance(value, tuple) else ()


def keeps(draft: ResourceDraft, promise: Promise, table: PromisesFile) -> bool:
    """Tell whether a resource does what a promise says, once all its advised values are taken."""
    destination, disposition = promise.destination, promise.disposition
    if destination.dropped and draft.type == table.drop.resource:
        return disposition.drop in words_of(draft.setting(table.drop.parameter))
    if draft.type != table.rule or disposition.header not in words_of(draft.setting(table.header_words)):
        return False
    if destination.parameter and draft.setting(destination.parameter):
        return True
    level = draft.setting(table.level)
    low, high = destination.scl
    return level is not None and isinstance(level.value, int) and low <= level.value <= high
