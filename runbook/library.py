"""The tutorials that the kit carries, and any other text by its path: read, compile, and what goes with it."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from runbook.compile import compile_tutorial
from runbook.compile.decisions import Decision, load_decisions
from runbook.compile.offers import offers
from runbook.compile.result import Compiled, Diagnostic, ResourceDraft
from runbook.errors import TutorialError, UsageError
from runbook.inputs import Field, decision_field, section_fields
from runbook.lexicon import load_lexicon
from runbook.outcome.matrix import Promised
from runbook.tutorial import Section, read_tutorial, slug
from runbook.written import read_yaml

OWN = "junk-and-user-quarantine"
"""The kit's own edition of the tutorial that it exists for."""
_FOLDER = Path(__file__).parent / "tutorials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A compiled tutorial with what the kit says about its inputs."""

    name: str
    compiled: Compiled
    described: Mapping[str, Mapping[str, Any]]
    offered: tuple[ResourceDraft, ...] = ()
    """Resources of the kit's own edition that a decision would add; each is off until it is taken."""

    @property
    def sections(self) -> tuple[Section, ...]:
        """Sections that hold steps, in order: one notebook each."""
        return tuple(section for section in self.compiled.tutorial.sections if section.steps)

    def section(self, identifier: str) -> Section:
        """Return a section by its id. Raises TutorialError naming those that there are."""
        for section in self.sections:
            if section.id == identifier:
                return section
        known = ", ".join(section.id for section in self.sections)
        raise TutorialError(f"There is no section {identifier!r}. There are: {known}.", path=self.name)

    def number(self, identifier: str) -> int:
        """Return a section's place, counted from 1."""
        return self.sections.index(self.section(identifier)) + 1

    def drafts(self, section: str) -> tuple[ResourceDraft, ...]:
        """Return what a section asks for, with what a decision would add to it."""
        return tuple(draft for draft in (*self.compiled.resources, *self.offered) if draft.section == section)

    def others(self, section: str) -> tuple[tuple[ResourceDraft, ...], tuple[ResourceDraft, ...]]:
        """Return what the sections before this one ask for, and what those after it do."""
        ids = [item.id for item in self.sections]
        place = ids.index(section) if section in ids else len(ids)
        before, after = ids[:place], ids[place + 1 :]
        known = (*self.compiled.resources, *self.offered)
        return tuple(d for d in known if d.section in before), tuple(d for d in known if d.section in after)

    @property
    def promises(self) -> tuple[Promised, ...]:
        """What the text promises of mail that is told by its disposition, by the lexicon's places."""
        rows = {row.name: row for row in load_lexicon().promises.destinations}
        return tuple(
            Promised(
                disposition="none" if item.disposition == "BENIGN" else item.disposition,
                lands=rows[item.destination].lands,
                place=item.destination,
                line=item.line,
                source=item.source,
            )
            for item in self.compiled.promises
            if item.disposition is not None
        )

    def waits(self, section: str) -> list[dict[str, Any]]:
        """Return what the text wants to wait for before a section, in the section or under a heading above it."""
        found = self.section(section)
        return [
            {"text": item.message, "lines": list(item.lines)}
            for item in self.compiled.diagnostics
            if _is_wait(item) and item.section in (found.heading, *found.above)
        ]

    def fields(self, section: str) -> tuple[Field, ...]:
        """Return the inputs of one section."""
        whole = replace(self.compiled, resources=(*self.compiled.resources, *self.offered))
        return section_fields(whole, section, self.described)

    def all_fields(self) -> tuple[Field, ...]:
        """Return the inputs of all sections, each once."""
        found: dict[str, Field] = {}
        for section in self.sections:
            for field in self.fields(section.id):
                found.setdefault(field.name, field)
        return tuple(found.values())


def decisions() -> dict[str, Decision]:
    """Return the decisions that the kit knows of, by name."""
    return {item.name: item for item in load_decisions(_FOLDER / f"{OWN}.decisions.yaml")}


def include_folders() -> tuple[Path, ...]:
    """Return the folders that RUNBOOK_INCLUDES names: where the files that texts include are looked for first."""
    named = os.environ.get("RUNBOOK_INCLUDES", "")
    return tuple(Path(folder) for folder in named.split(os.pathsep) if folder)


def load(name: str = OWN, includes: tuple[Path, ...] | None = None) -> Document:
    """Return a tutorial by name (one of the kit's own) or by path. Raises TutorialError.

    Files that it includes are taken from `includes` (if None, from `include_folders`), then from `_partials` beside it.
    """
    return _load(name, include_folders() if includes is None else includes)


@functools.lru_cache(maxsize=8)
def _load(name: str, includes: tuple[Path, ...]) -> Document:
    path = _FOLDER / f"{name}.md"
    own = path.is_file() and "/" not in name and "\\" not in name
    compiled = compile_tutorial(read_tutorial(path if own else Path(name), includes), load_lexicon())
    described_path = (path if own else Path(name)).with_suffix(".inputs.yaml")
    described = {**_decisions_described(), **_waits_described(compiled), **_described(described_path)}
    offered = () if own and name == OWN else offers(compiled, load(OWN).compiled)
    # A notebook is run from anywhere, so a text that is not the kit's own is named by its whole path.
    shown = name if own else str(Path(name).resolve())
    return Document(name=shown, compiled=compiled, described=described, offered=offered)


class _Described(BaseModel):
    """What a file beside a text says of one input."""

    model_config = ConfigDict(extra="forbid")
    default: bool | int | str | list[str] | None = None
    help: str = ""


def _described(path: Path) -> dict[str, dict[str, Any]]:
    """Read what is said of a text's inputs; nothing where there is no such file. Raises UsageError if it is wrong."""
    if not path.is_file():
        return {}
    try:
        loaded = read_yaml(path.read_text(encoding="utf-8"))
        rows = TypeAdapter(dict[str, _Described]).validate_python(loaded or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        what = (
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            if isinstance(error, ValidationError)
            else " ".join(str(error).split())
        )
        raise UsageError(
            f"{path} cannot be used: {what}", "It has one row per input: `name: {default: …, help: …}`."
        ) from error
    return {name: row.model_dump(exclude_unset=True) for name, row in rows.items()}


def _is_wait(item: Diagnostic) -> bool:
    """Whether a finding is a time that the text wants to pass first."""
    return item.code == "gated-section" and item.decision is None


def _waits_described(compiled: Compiled) -> dict[str, dict[str, str]]:
    """Word the decisions on sections that a text leaves to the reader, with the time that it wants to pass first."""
    waits = {item.section: item.message for item in compiled.diagnostics if _is_wait(item)}
    found = {}
    for draft in compiled.resources:
        if draft.optional and draft.optional.startswith("section-"):
            headings = [s.heading for s in compiled.tutorial.sections if f"section-{slug(s.heading)}" == draft.optional]
            said = " ".join(waits[heading] for heading in headings if heading in waits)
            text = f"Decision - carry out the part {headings[0] if headings else draft.optional!r} of the text. {said}"
            found[decision_field(draft.optional)] = {"help": text.replace("=", " is ").strip()}
    return found


def _decisions_described() -> dict[str, dict[str, str]]:
    """Give the question of each decision of the kit as the help of its input, for any text that it is open in."""
    return {decision_field(item.name): {"help": f"Decision - {item.question}"} for item in decisions().values()}
