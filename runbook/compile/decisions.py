"""Recorded answers to what a tutorial leaves open: load the questions, carry out the answers.

A resource belongs to a decision because the tutorial says "Optional (decision NAME)" where it begins; the file
of decisions says what each name means. Taking a decision never changes the compile, only what is selected.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from runbook.compile.result import Compiled, ResourceDraft, Setting
from runbook.compile.values import AdvisedValue
from runbook.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A question with a default; `turns_on` is the key of the resource that it adds, if it adds one."""

    name: str
    default: bool
    question: str
    effect: str
    source: str
    turns_on: str | None = None
    corrects: str | None = None
    """Name of the parameter whose advised value it takes."""


class _TurnsOn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    type: str
    identity: str


class _Corrects(BaseModel):
    model_config = ConfigDict(extra="forbid")
    parameter: str


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    default: bool
    question: str
    effect: str
    source: str
    turns_on: _TurnsOn | None = None
    corrects: _Corrects | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    version: int
    decisions: tuple[_Row, ...]


def load_decisions(path: Path) -> tuple[Decision, ...]:
    """Load a file of decisions; raise UsageError if it is missing or wrong."""
    try:
        loaded = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise UsageError(f"The decisions in {path} cannot be used: {error}", "Correct the file.") from error
    return tuple(
        Decision(
            name=row.name, default=row.default, question=row.question, effect=row.effect.strip(),
            source=row.source.strip(), corrects=row.corrects.parameter if row.corrects else None,
            turns_on=f"{row.turns_on.type}:{row.turns_on.identity}" if row.turns_on else None,
        )
        for row in loaded.decisions
    )  # fmt: skip


def decision_names(compiled: Compiled) -> tuple[str, ...]:
    """Give the decisions that can change this compile's selection, in the order of the text."""
    names: dict[str, None] = {}
    for draft in compiled.resources:
        if draft.optional:
            names[draft.optional] = None
        for setting in draft.settings:
            if isinstance(setting.value, AdvisedValue):
                names |= dict.fromkeys(setting.value.decisions)
            if setting.alternative:
                names[setting.alternative.decision] = None
    return tuple(names)


def decide(
    compiled: Compiled, taken: Collection[str], offered: Sequence[ResourceDraft] = ()
) -> tuple[ResourceDraft, ...]:
    """Select the resources that stand once the decisions `taken` are taken and all others are not.

    An optional resource is in only if its decision is taken. A faulty value becomes the advised one if its
    decision is taken, else what the text says. `offered` are resources of another edition that a decision may
    add; one that the text has itself is not added again. Raises UsageError for a name that decides nothing.
    """
    own = {draft.key for draft in compiled.resources}
    extra = tuple(draft for draft in offered if draft.optional and draft.key not in own)
    known = tuple(dict.fromkeys([*decision_names(compiled), *(draft.optional or "" for draft in extra)]))
    unknown = sorted(set(taken) - set(known))
    if unknown:
        raise UsageError(
            f"The decision {unknown[0]!r} decides nothing in {compiled.tutorial.path or 'this tutorial'}.",
            f"Decisions of this tutorial: {', '.join(known) or 'none'}.",
        )
    return tuple(
        _settle(draft, taken)
        for draft in (*compiled.resources, *extra)
        if draft.optional is None or draft.optional in taken
    )


def _settle(draft: ResourceDraft, taken: Collection[str]) -> ResourceDraft:
    return replace(draft, settings=tuple(_settled(setting, taken) for setting in draft.settings))


def _settled(setting: Setting, taken: Collection[str]) -> Setting:
    value, other = setting.value, setting.alternative
    if isinstance(value, AdvisedValue):
        value = value.settled(taken)
    if other and other.decision in taken:
        value = other.value
    return replace(setting, value=value)


def disagreements(compiled: Compiled, decisions: Iterable[Decision]) -> tuple[str, ...]:
    """Say where the text's own markers and the file of decisions differ; empty if they agree."""
    listed = {decision.name: decision for decision in decisions}
    found = [
        f"{draft.key} is optional by {draft.optional}, which the file does not list or binds to another resource"
        for draft in compiled.resources
        if draft.optional and (draft.optional not in listed or listed[draft.optional].turns_on != draft.key)
    ]
    return tuple(found)
