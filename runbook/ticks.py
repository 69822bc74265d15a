"""What a person has done by hand, ticked off step by step: who, when, and what was seen.

One file per tenant beside the runs, ``ticks/NAME-MARK.jsonl``, written and chained as a run's journal is: a line is
added, none is ever changed, and a file of which a line was altered is told of, not read. A tick belongs to a tenant,
to the very text (its SHA-256) and to the step. Whole lines taken from the end leave a chain that is whole; the records
of runs that ended meanwhile still name their ticks.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from runbook.compile.result import Compiled, ManualStep
from runbook.errors import UsageError
from runbook.journal import Journal, JournalError, read
from runbook.plan import digest
from runbook.runs import TICKS
from runbook.secretlike import kind_of_secret

_TICKED, _TAKEN_BACK = "ticked", "taken-back"
_SHORTEST = 6
_LONGEST_WORDS = 1000
_LINE_SECONDS = 0.2
"""Another process may be in the middle of a line; a moment later that line is whole."""
_Found = TypeVar("_Found")


class TicksDamaged(JournalError):
    """The file of a tenant's ticks cannot be believed, so none of its ticks is."""

    summary = "What was ticked off is not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A person's word that a step was done."""

    by: str
    at: str
    """In UTC, as ISO 8601."""
    seen: str
    sha256: str
    """Of the text that it was ticked off in."""

    def as_json(self) -> dict[str, str]:
        """Give who, when and what was seen."""
        return {"by": self.by, "at": self.at, "seen": self.seen}


@dataclass(frozen=True, slots=True, kw_only=True)
class HandStep:
    """A step for a person, and what is known of it on one tenant."""

    id: str
    """The beginning of `digest` that no other step of the text has, 6 digits where that is enough."""
    digest: str
    step: ManualStep
    done: Tick | None = None
    other_edition: Tick | None = None
    """The newest tick for another edition of the same text; it does not count."""

    def as_json(self) -> dict[str, Any]:
        """Give the step with its id, and its ticks or null."""
        return {
            "id": self.id,
            **self.step.as_json(),
            "done": self.done and self.done.as_json(),
            "other_edition": self.other_edition and self.other_edition.as_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One tenant's ticks for one text: which file, and which text."""

    base: Path
    """The folder of the runs."""
    tenant: str
    name: str
    """The text's name; another edition of it has the same."""
    compiled: Compiled

    @property
    def path(self) -> Path:
        """The file; its name tells apart names that differ in letter case alone, or far behind."""
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", self.tenant)[:40]
        mark = hashlib.sha256(self.tenant.encode()).hexdigest()[:8]
        return self.base / TICKS / f"{safe}-{mark}.jsonl"

    def steps(self) -> tuple[HandStep, ...]:
        """Return the text's steps for a person, with their ticks. Raises TicksDamaged."""
        return steps(self.compiled, self.name, self._patiently(self._entries))

    def known(self) -> tuple[tuple[HandStep, ...], str]:
        """Return the steps, and why their ticks are not known; then none of them counts as done."""
        try:
            return self.steps(), ""
        except TicksDamaged as error:
            return steps(self.compiled, self.name, ()), f"{error.summary}: {error.detail}"

    def tick(self, words: Sequence[str], by: str, seen: str) -> None:
        """Tick steps off, all of them or none. Raises UsageError or TicksDamaged; then nothing is written."""
        by, seen = _said("by", by), _said("seen", seen)
        found = chosen(self.steps(), words)
        for item in found:
            if item.done:
                raise UsageError(
                    f"The step {item.id} was ticked off by {item.done.by}, {item.done.at}.",
                    "Take that back first, with --take-back. Nothing was written.",
                )
        self._add(_TICKED, found, by=by, seen=seen)

    def take_back(self, words: Sequence[str], by: str, why: str) -> None:
        """Take ticks back, all of them or none. Raises UsageError or TicksDamaged; then nothing is written."""
        by, why = _said("by", by), _said("why", why)
        found = chosen(self.steps(), words)
        for item in found:
            if not item.done:
                raise UsageError(f"The step {item.id} is not ticked off in this text.", "Nothing was written.")
        self._add(_TAKEN_BACK, found, by=by, why=why)

    def _entries(self) -> list[dict[str, Any]]:
        try:
            entries = list(read(self.path))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise TicksDamaged(f"{self.path} cannot be read: {error.strerror}.") from error
        for entry in entries:
            if not _is_ours(entry, self.tenant):
                place = f"{self.path}, line {entry['n'] + 1}"
                raise TicksDamaged(f"{place}, is no tick of the tenant {self.tenant!r}.", _DAMAGED)
        return entries

    def _patiently(self, look: Callable[[], _Found]) -> _Found:
        """Look twice before the file is called damaged."""
        try:
            return look()
        except (JournalError, RecursionError):
            time.sleep(_LINE_SECONDS)
        try:
            return look()
        except TicksDamaged:
            raise
        except JournalError as error:
            raise TicksDamaged(f"{self.path} is not whole: {error.detail}", _DAMAGED) from error
        except RecursionError:
            raise TicksDamaged(f"{self.path} is not whole: a line of it is no entry.", _DAMAGED) from None

    def _add(self, event: str, found: Iterable[HandStep], **said: str) -> None:
        tutorial = {"name": self.name, "sha256": self.compiled.tutorial.sha256}
        rows = [{"id": item.digest, **item.step.as_json()} for item in found]
        try:
            file = self._patiently(lambda: Journal(self.path))
            file.append(event, tenant=self.tenant, tutorial=tutorial, steps=rows, **said)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror}.") from error


_DAMAGED = (
    "The file was cut or changed after it was written. Nothing is taken from it and nothing is added to it. Move it "
    "elsewhere, find out what happened to it, and tick off again what was seen."
)


def _is_ours(entry: Mapping[str, Any], tenant: str) -> bool:
    """Whether a whole entry is one that this module writes, for this tenant."""
    data = entry["data"]
    try:
        said = {_TICKED: "seen", _TAKEN_BACK: "why"}[entry["event"]]
        texts = [data["by"], data[said], data["tutorial"]["name"], data["tutorial"]["sha256"], entry["at"]]
        texts += [row["id"] for row in data["steps"]]
    except (KeyError, TypeError):
        return False
    return data.get("tenant") == tenant and all(isinstance(text, str) for text in texts)


def steps(compiled: Compiled, name: str, entries: Iterable[Mapping[str, Any]]) -> tuple[HandStep, ...]:
    """Return a text's steps for a person, each with the tick that counts for it. Pure.

    A tick counts until it is taken back; what two people ticked at the same moment counts for the first of them.
    """
    sha256 = compiled.tutorial.sha256
    ticks: dict[tuple[str, str], Tick] = {}
    for entry in entries:
        data, text = entry["data"], entry["data"]["tutorial"]
        for row in data["steps"]:
            place = (text["sha256"], row["id"])
            if entry["event"] == _TAKEN_BACK:
                ticks.pop(place, None)
            elif text["sha256"] == sha256 or text["name"] == name:
                given = Tick(by=data["by"], at=entry["at"], seen=data["seen"], sha256=text["sha256"])
                ticks.setdefault(place, given)
    others: dict[str, Tick] = {}
    for (edition, step), found in ticks.items():
        if edition != sha256:
            others[step] = max(others.get(step, found), found, key=lambda tick: tick.at)
    return tuple(
        HandStep(id=short, digest=whole, step=step, done=ticks.get((sha256, whole)), other_edition=others.get(whole))
        for step, (short, whole) in zip(by_hand(compiled), identifiers(by_hand(compiled)), strict=True)
    )


def by_hand(compiled: Compiled) -> tuple[ManualStep, ...]:
    """Give all that a text leaves to a person, section by section: steps, and things that are not understood whole."""
    order = [section.id for section in compiled.tutorial.sections]
    whole = (
        ManualStep(
            text=f"{draft.type} {draft.identity or draft.for_each}, as a whole: {'; '.join(draft.blocked_by)}",
            lines=(draft.opened_at,),
            section=draft.section,
        )
        for draft in compiled.resources
        if draft.blocked_by and draft.left
    )
    found = (*compiled.manual, *whole)
    return tuple(sorted(found, key=lambda step: order.index(step.section) if step.section in order else -1))


def identifiers(manual: Sequence[ManualStep]) -> tuple[tuple[str, str], ...]:
    """Return of each step the id to show and the whole digest: of its section, its words, and which such step it is.

    Neither has to do with lines, so that a step keeps its id when something is written above it.
    """
    met: dict[tuple[str, str], int] = {}
    found = []
    for step in manual:
        number = met[step.section, step.text] = met.get((step.section, step.text), 0) + 1
        found.append(digest([step.section, step.text, *([number] if number > 1 else [])]))
    in_order = ["", *sorted(found), ""]  # what begins most alike stands side by side
    beside = {
        whole: (before, after) for before, whole, after in zip(in_order, in_order[1:], in_order[2:], strict=False)
    }
    return tuple(
        (whole[: max(_SHORTEST, *(_alike(whole, other) + 1 for other in beside[whole]))], whole) for whole in found
    )


def _alike(one: str, other: str) -> int:
    """Return how many digits two digests have in common at their beginning."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(other))


def chosen(among: Sequence[HandStep], words: Sequence[str]) -> tuple[HandStep, ...]:
    """Return the steps that ids name, each once. Raises UsageError for an id that names none, or more than one."""
    found: dict[str, HandStep] = {}
    for word in words:
        wanted = word.strip().lower()
        named = [item for item in among if len(wanted) >= _SHORTEST and item.digest.startswith(wanted)]
        if len(named) != 1:
            what = "No step" if not named else f"More than one step ({', '.join(item.id for item in named)})"
            raise UsageError(
                f"{what} of this text has the id {word!r}.",
                "Without an id, `runbook tick` lists the steps with their ids. Nothing was written.",
            )
        found[named[0].digest] = named[0]
    return tuple(found.values())


def _said(option: str, text: str) -> str:
    """Return a person's words as one line. Raises UsageError for none, and for what looks like a credential."""
    line = " ".join(text.split())
    if not line:
        raise UsageError(f"--{option} is empty.", "Say it in a few words. Nothing was written.")
    if kind := kind_of_secret(line):
        raise UsageError(
            f"What was given as --{option} looks like {kind}. It is not shown here.",
            "Say what was seen without it: these words stand in every record. Nothing was written.",
        )
    try:
        line.encode()
    except UnicodeEncodeError:
        raise UsageError(f"--{option} holds bytes that are no text.", "Nothing was written.") from None
    if len(line) > _LONGEST_WORDS:
        raise UsageError(f"--{option} has more than {_LONGEST_WORDS} characters.", "Nothing was written.")
    return line
