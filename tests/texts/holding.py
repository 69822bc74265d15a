"""Hold a compile against what a reader says that the text means: what is wrong, what is lost, what was not told.

The reader's files stand in tests/cases/texts; their README says what each key means.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runbook.compile import Compiled, compile_tutorial
from runbook.compile.result import ResourceDraft, Setting
from runbook.compile.values import AdvisedValue, InputValue, plain_json
from runbook.errors import TutorialError
from runbook.lexicon import Lexicon
from runbook.tutorial import read_tutorial

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "tests" / "cases" / "texts"
SHARED = ROOT.parent / "shared" / "tutorials"
Place = int | str


@dataclass(slots=True)
class Held:
    """What came of holding one text: counts, and a sentence for each fault."""

    name: str
    items: int = 0
    bound: int = 0
    inputs: int = 0
    listed: int = 0
    manual: int = 0
    unknown: int = 0
    diagnostics: int = 0
    ledger: bool = True
    refused: bool = False
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    """Diagnostics that the reader demands and the compile does not give."""
    short: list[str] = field(default_factory=list)
    """Items that the reader reads as settings and that are only listed: understood less, not wrongly."""


def cases() -> list[Path]:
    """Return the reader's files, those of our own texts first."""
    return [*sorted((HOME / "own").glob("*.json")), *sorted(HOME.glob("*.json"))]


def source(case: Mapping[str, Any]) -> Path:
    """Return where the text of a case is; it need not be there."""
    text = str(case["text"])
    return HOME / text if text.startswith("own/") else (SHARED / text).resolve()


def hold(path: Path, lexicon: Lexicon) -> Held:
    """Compile the text of a reader's file and hold the two together."""
    case = json.loads(path.read_text(encoding="utf-8"))
    held = Held(name=str(case["text"]))
    where = source(case)
    try:
        compiled = compile_tutorial(read_tutorial(where, [where.parent]), lexicon)
    except TutorialError as error:
        return _refused(case, held, error)
    return _Holding(case, compiled, held).all()


def _refused(case: Mapping[str, Any], held: Held, error: TutorialError) -> Held:
    """A text that is refused as a whole, with a word and an exit code, sets nothing and passes nothing over."""
    held.items, held.refused = len(case["items"]), bool(error.detail)
    return held


class _Holding:
    def __init__(self, case: Mapping[str, Any], compiled: Compiled, held: Held) -> None:
        self.case, self.compiled, self.held = case, compiled, held
        self.text = compiled.tutorial

    def all(self) -> Held:
        held = self.held
        self._resources()
        for item in self.case["items"]:
            self._item(item)
        for item in self.case["diagnostics"]:
            self._diagnostic(item)
        held.ledger = bool(self.compiled.ledger["closed"])
        held.manual, held.diagnostics = len(self.compiled.manual), len(self.compiled.diagnostics)
        held.unknown = sum(reading.read_as == "unknown" for reading in self.compiled.readings)
        names = {item["name"] for item in self.case["inputs"]}
        found = {item.name for item in self.compiled.inputs}
        held.short += [f"the input {name} is not asked for" for name in sorted(names - found)]
        wanted, given = ({item["name"] if isinstance(item, dict) else item.name for item in items}
                         for items in (self.case["references"], self.compiled.references))  # fmt: skip
        held.short += [f"the list {name} is not named" for name in sorted(wanted - given)]
        return held

    # Resources

    def _resources(self) -> None:
        wanted = [dict(row) for row in self.case["resources"]]
        for draft in self.compiled.resources:
            row = next((row for row in wanted if _same(row, draft)), None)
            if row is not None:
                wanted.remove(row)
            if not draft.blocked_by:
                self._draft(draft, row)
        for row in wanted:
            if not row.get("blocked"):
                self.held.short.append(f"{_name(row)} is not made")
        if self.case.get("unsupported") and self.compiled.resources:
            self.held.wrong.append("something is made of a text about another platform")

    def _draft(self, draft: ResourceDraft, row: dict[str, Any] | None) -> None:
        wrong = self.held.wrong
        if row is None or row.get("blocked"):
            wrong.append(f"{draft.key} is made, and should {'be blocked' if row else 'not be'}")
            return
        if row["action"] != draft.action:
            wrong.append(f"{draft.key}: {draft.action} instead of {row['action']}")
        if bool(row.get("optional")) != bool(draft.optional):
            wrong.append(f"{draft.key}: {'is' if draft.optional else 'is not'} left to a decision")
        for setting in draft.settings:
            self._setting(draft, setting, row)
        for name in row["settings"]:
            if draft.setting(name) is None and not self._is_listed(draft, name):
                wrong.append(f"{draft.key}: {name} is missing, and nothing says so")

    def _is_listed(self, draft: ResourceDraft, name: str) -> bool:
        """Tell whether the item that sets a parameter is told of, so that a person does what the kit does not."""
        items = [
            item for item in self.case["items"]
            if item.get("of") == draft.type and name in (item.get("parameter"), *item.get("also", []))
            and item.get("identity", draft.identity) == draft.identity
        ]  # fmt: skip
        return bool(items) and all(self._is_told(item) for item in items)

    def _setting(self, draft: ResourceDraft, setting: Setting, row: dict[str, Any]) -> None:
        wrong, name = self.held.wrong, setting.parameter
        if name not in row["settings"]:
            # What is implied and shown is no reading of the text, and what is asked for sets nothing by itself.
            if not setting.assumption and not isinstance(setting.value, InputValue):
                wrong.append(f"{draft.key}: {name} is set to {plain_json(setting.value)!r}")
            return
        if not _fits(setting, row["settings"][name]):
            value = plain_json(setting.value)
            wrong.append(f"{draft.key}: {name} is {value!r} instead of {row['settings'][name]!r}")
        if setting.op != row.get("ops", {}).get(name, "set"):
            wrong.append(f"{draft.key}: {name} is {setting.op}")
        places = row["lines"].get(name)
        allowed = places if isinstance(places, list) else [places]
        if places is not None and not any(_near(line, allowed) for line in setting.lines):
            wrong.append(f"{draft.key}: {name} is said to stand in {setting.lines}, not {allowed}")

    # Items

    def _item(self, item: Mapping[str, Any]) -> None:
        held = self.held
        held.items += 1
        kind = item["is"]
        if kind == "setting" and self._is_bound(item):
            held.bound += 1
        elif kind == "input" and any(found.name == item["name"] for found in self.compiled.inputs):
            held.inputs += 1
        elif self._is_told(item):
            held.listed += 1
            if kind == "setting":
                held.short.append(f"line {item['line']}: {item['of']}.{item['parameter']} is only listed")
        elif not item.get("weak"):
            held.lost.append(f"line {item['line']}: {item.get('parameter') or item.get('name') or item.get('why')}")

    def _is_bound(self, item: Mapping[str, Any]) -> bool:
        names = [item["parameter"], *item.get("also", [])]
        for draft in self.compiled.resources:
            if draft.type != item["of"] or (draft.identity and draft.identity != item.get("identity", draft.identity)):
                continue
            lines = dict(draft.lines)
            if all(name in lines or (name == "identity" and draft.identity) for name in names):
                return True
        return False

    def _is_told(self, item: Mapping[str, Any]) -> bool:
        wanted = set(_span(item))
        return bool(wanted & set(self._told()))

    def _told(self) -> Iterator[Place]:
        compiled = self.compiled
        for row in (*compiled.manual, *compiled.diagnostics, *compiled.inputs, *compiled.references):
            yield from (_plain(line) for line in row.lines)
        for draft in compiled.resources:
            if draft.blocked_by:  # what is bound in it is shown and not carried out
                yield from (_plain(line) for _, line in draft.lines)
        for reading in compiled.readings:
            if reading.read_as in ("unknown", "manual", "input"):
                yield from (_plain(self.text.place(line)) for line in range(reading.first, reading.last + 1))

    def _diagnostic(self, item: Mapping[str, Any]) -> None:
        codes = {item["code"], *item.get("or", [])}
        found = [row for row in self.compiled.diagnostics if row.code in codes]
        if "line" in item:
            wanted = set(_span(item))
            found = [row for row in found if wanted & {_plain(line) for line in row.lines}]
        elif "section" in item:
            found = [row for row in found if row.section == item["section"]]
        if not found and not item.get("weak"):
            where = item.get("line") or item.get("section") or item.get("about")
            self.held.untold.append(f"{item['code']} at {where}")


def _fits(setting: Setting, wanted: Any) -> bool:
    """Tell whether a value is the reader's; of one with corrections, as written, and any offered one that he names."""
    value = setting.value
    if not isinstance(value, AdvisedValue):
        return bool(plain_json(value) == wanted)
    offered = [plain_json(item) for item in (value.advised, *(item for _, item in value.between))]
    if isinstance(wanted, dict) and "as_written" in wanted:
        return plain_json(value.as_written) == wanted["as_written"] and wanted["advised"] in offered
    return bool(plain_json(value.as_written) == wanted)


def _same(row: Mapping[str, Any], draft: ResourceDraft) -> bool:
    if row["type"] != draft.type or (row["action"] != draft.action and row.get("identity") != draft.identity):
        return False
    if row.get("for_each") != draft.for_each:
        return False
    return row.get("for_each") is not None or (
        row.get("identity") in (draft.identity, None) and (row["action"] == draft.action)
    )


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['type']}:{row.get('identity') or row.get('for_each')}"


def _span(item: Mapping[str, Any]) -> Iterator[Place]:
    lines = item["line"] if isinstance(item["line"], list) else [item["line"]]
    for line in lines:
        if isinstance(line, int):
            yield from range(line, int(item.get("to", line)) + 1)
        else:
            yield _plain(line)


def _plain(place: Place) -> Place:
    """Name a line of an included file by the file's last name and its line, however it was written."""
    if isinstance(place, int):
        return place
    if ", via line" in place:
        file, line = place.split(", via line")[0].rsplit(" line ", 1)
    else:
        file, line = place.rsplit(":", 1)
    return f"{file.rsplit('/', 1)[-1]}:{line}"


def _near(line: Place, allowed: list[Place]) -> bool:
    return _plain(line) in {_plain(place) for place in allowed if place is not None}
