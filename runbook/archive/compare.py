"""Compare two runs by step and property: values found and wanted, statuses, inputs, decisions, the text itself.

Pure: two results in, the differences out. What is another in any two runs (times, the run's name, hashes of
journals) is not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from runbook.archive import spreadsheet
from runbook.difference import lines_text, show_value
from runbook.kinds import BY_TYPE
from runbook.result import is_verified


class _Missing:
    """What stands for a value that one of the two runs does not have."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


class Where(NamedTuple):
    """What a fact is about; parts that do not apply are empty."""

    section: str = ""
    kind: str = ""
    identity: str = ""
    name: str = ""
    """A property, an input or a step's words."""
    aspect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that two runs say differently; `before` and `after` are MISSING where a run does not say it."""

    where: Where
    before: Any
    after: Any
    lines: tuple[int | str, ...] = ()
    """The tutorial's lines behind a property, as the later run has them."""

    def as_json(self) -> dict[str, Any]:
        """Return it for a machine: a side that does not say it has no entry."""
        sides = {name: value for name, value in (("a", self.before), ("b", self.after)) if value is not MISSING}
        return {**self.where._asdict(), "lines": list(self.lines), **sides}


def diff(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    """Return the differences between two runs' results, in the order of the run and of its sections.

    A section that only one of them has is named once. Raises KeyError, TypeError or AttributeError for something
    that is no result.
    """
    before, after = dict(_run_facts(a)), dict(_run_facts(b))
    mine, theirs = _sections(a), _sections(b)
    for name in mine.keys() | theirs.keys():
        for section, facts, other in ((mine.get(name), before, theirs), (theirs.get(name), after, mine)):
            if section is not None:
                facts.update(_section_facts(section) if name in other else [(Where(name, aspect="section"), "there")])
    order = {name: place for place, name in enumerate(["", *mine, *theirs])}
    places = {**_places(a), **_places(b)}
    found = []
    for where in sorted(dict.fromkeys([*before, *after]), key=lambda where: order[where.section]):
        left, right = before.get(where, MISSING), after.get(where, MISSING)
        if left != right or type(left) is not type(right):
            place = places.get(where._replace(aspect=""), ())
            found.append(Difference(where=where, before=left, after=right, lines=place))
    return found


def _sections(result: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    decisions = {item["decision"] for item in result["diagnostics"]}
    return {item["section"]: {**item, "decisions": decisions} for item in result["sections"]}


def _run_facts(result: Mapping[str, Any]) -> Iterator[tuple[Where, Any]]:
    yield Where(aspect="tenant"), result["tenant"]["name"]
    yield Where(aspect="mode"), result["mode"]
    yield Where(aspect="tutorial"), result["tutorial"]["name"]
    yield Where(aspect="tutorial's SHA-256"), result["tutorial"]["sha256"]
    yield Where(aspect="kit"), result["kit"]["version"]
    yield Where(aspect="status"), result["status"]
    yield Where(aspect="exit code"), result["exit_code"]
    if result["approval"]:
        yield Where(aspect="approved plan"), result["approval"]["plan"]
        yield Where(aspect="approved by"), result["approval"]["approved_by"]
    for item in result["diagnostics"]:
        yield Where(name=f"{item['code']} ({item['where'] or 'no line'})", aspect="left open"), item["message"]


def _section_facts(item: Mapping[str, Any]) -> Iterator[tuple[Where, Any]]:
    section = item["section"]
    yield Where(section, aspect="title"), item["title"]
    yield Where(section, aspect="status"), item["status"]
    yield Where(section, aspect="verified"), is_verified(item)
    if item["error"]:
        yield Where(section, aspect="error"), f"{item['error']['type']}: {item['error']['detail']}"
    for entry in item["inputs"]:
        if entry["name"] not in ("tenant", "mode"):
            sort = "decision" if entry["name"].replace("_", "-") in item["decisions"] else "input"
            yield Where(section, name=entry["name"], aspect=sort), entry["value"]
    yield from _steps(item)
    yield from _things(item)


def _steps(item: Mapping[str, Any]) -> Iterator[tuple[Where, Any]]:
    """Yield the tutorial's steps by their words, not by their line: a line put in above changes none of them."""
    seen: dict[str, int] = {}
    for step in item.get("steps", []):
        words = f"{step['number']}. {step['text']}" if step["number"] else str(step["text"])
        seen[words] = seen.get(words, 0) + 1
        name = words if seen[words] == 1 else f"{words} (for the {seen[words]}th time)"
        yield Where(item["section"], name=name, aspect="step, read as"), step["read_as"]


def _things(item: Mapping[str, Any]) -> Iterator[tuple[Where, Any]]:
    done = {(change["kind"], change["identity"]): change["status"] for change in item["changes"]}
    plan = item["plan"] or {"changes": [], "problems": []}
    for change in plan["changes"]:
        thing = Where(item["section"], change["kind"], change["identity"])
        yield thing._replace(aspect="action"), change["action"]
        yield thing._replace(aspect="change"), done.get((change["kind"], change["identity"]), "unchanged")
        for one in change["properties"]:
            if change["action"] != "create":
                yield thing._replace(name=one["name"], aspect="found"), one["before"]
            yield thing._replace(name=one["name"], aspect="wanted"), one["after"]
    for problem in plan["problems"]:
        thing = Where(item["section"], problem["kind"], problem["identity"])
        yield thing._replace(aspect="cannot be planned"), problem["reason"]
    for check in (item["verification"] or {"checks": []})["checks"]:
        thing = Where(item["section"], check["kind"], check["identity"], check["name"])
        yield thing._replace(aspect="read back"), check["found_text"]


def _places(result: Mapping[str, Any]) -> dict[Where, tuple[int, ...]]:
    return {
        Where(item["section"], change["kind"], change["identity"], one["name"]): tuple(one["lines"])
        for item in result["sections"]
        for change in (item["plan"] or {"changes": []})["changes"]
        for one in change["properties"]
    }


def csv_text(differences: Sequence[Difference]) -> str:
    """Return the differences as CSV, values as they are shown to people."""
    heads = [*Where._fields, "lines", "a", "b"]
    rows = [
        [*item.where, lines_text(item.lines), _shown(item.where, item.before), _shown(item.where, item.after)]
        for item in differences
    ]
    return spreadsheet.text(heads, rows)


def lines(differences: Sequence[Difference]) -> Iterator[str]:
    """Yield the differences as lines of text, under their sections and things; nothing in them is made harmless."""
    heads: tuple[str, str, str] | None = None
    for item in differences:
        where = item.where
        if heads is None or heads[0] != where.section:
            yield where.section or "the run"
        thing = (where.section, where.kind, where.identity)
        if where.kind and heads != thing:
            title = BY_TYPE[where.kind].title if where.kind in BY_TYPE else where.kind
            yield f"  {title} {where.identity}"
        heads = thing
        indent = "    " if where.kind else "  "
        name = f"{where.name}, {where.aspect}" if where.kind and where.name else f"{where.aspect} {where.name}".strip()
        place = f"   [{lines_text(item.lines)}]" if item.lines else ""
        yield f"{indent}{name}: {_shown(where, item.before)} -> {_shown(where, item.after)}{place}"


def _shown(where: Where, value: Any) -> str:
    if value is MISSING:
        return "(not there)"
    if where.aspect in ("found", "wanted") and value is not None:
        return show_value(where.kind, where.name, value) or "(empty)"
    if value is None:
        return "(nothing)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "(empty)"
    return str(value) or "(empty)"
