"""Why a tenant is not as it should be, in one plain sentence: what happened, where, and what to do if that is known.

The fixed summary of an error is left out where its detail says the same with names and values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from runbook.errors import DriftFound, ExitCode
from runbook.kinds import BY_TYPE

LONGEST = 400
"""A sentence that is longer is cut; the whole stands in the run's record."""
_GRAVE = (
    ExitCode.INTERRUPTED,
    ExitCode.FAILED,
    ExitCode.USAGE,
    ExitCode.UNREADABLE,
    ExitCode.REFUSED,
    ExitCode.CHANGES,
)
_SENTENCE_ENDS = re.compile(r"(?<=[\w)\]'\"])\.\s+(?=[A-Z])")
_REASSURED = "Nothing was "
"""How the kit begins to say that no harm was done, which is no remedy."""
_VERBS = frozenset("Allow Answer Ask Check Give Grant Make Plan Read Renew Repeat Run Set Sign Store Use Wait".split())
"""What the kit's and its client library's sentences begin with that say what to do."""
_NAMES = ("Cloudflare", "Entra", "Exchange", "Graph", "Microsoft")

Item = Mapping[str, Any]


def of_result(result: Item) -> str:
    """Say why a run ended as it did; empty if all is well."""
    items = result["sections"]
    status = result["status"]
    if status in ("changed", "unchanged"):
        return ""
    if (gravest := _gravest(items)) is not None:
        return _in_section(items, gravest)
    if status == "changes pending":
        return _pending(items)
    if problems := [(item, problem) for item in items for problem in (item["plan"] or {"problems": ()})["problems"]]:
        return _problem(*problems[0], more=len(problems) - 1)
    if status == "interrupted":
        return "The run was interrupted before its first section; run it again."
    left = [item for item in items if not _is_well(item)]
    named = f": {_titles(left)}" if left else ""
    return one_sentence(f"Not every section was read back as asked{named}; see the record")


def of_killed(how: str, result: Item | None) -> str:
    """Say what ended a process, and what is not known because of that."""
    began = [] if result is None else [item for item in result["sections"] if item["status"] == "interrupted"]
    where = f" during {_titles(began)}" if began else ""
    unsure = 0 if result is None else sum(_is_open(change) for item in result["sections"] for change in item["changes"])
    todo = "run it again"
    if unsure:
        todo = f"of {_many(unsure, 'change')} it is not known whether it took effect, so plan again and see"
    return one_sentence(f"The process was killed{where}: {how.strip().rstrip('.')}; {todo}")


def of_too_long(seconds: float, sections: Sequence[Item]) -> str:
    """Say that a tenant was stopped because of its time limit, and in which of its row's sections that was."""
    began = [item for item in sections if item["status"] == "interrupted"]
    where = f", during {_titles(began)}" if began else ""
    return one_sentence(
        f"It ran longer than it may and was stopped after {seconds:.0f} seconds{where}; see whether its services "
        "answer, and run it again (--only failed), with a longer --tenant-timeout if it was only slow"
    )


def of_error(summary: str, detail: str, remedy: str) -> str:
    """Say an error in one sentence: the first of its detail, and what to do."""
    said = _first(detail)
    said = summary if said in ("", KeyboardInterrupt.__name__) else said
    todo = _todo(detail, remedy)
    return one_sentence(f"{said}; {_lower(todo)}" if todo else said)


def of_section(item: Item, drift: int) -> str:
    """Say what is wrong with one section, without its name; empty where it came to its end."""
    error = item["error"]
    if not error:
        return ""
    if _is_drift(error):
        detail = f"{_many(drift, 'property')} {'is' if drift == 1 else 'are'} not as asked"
        return of_error(error["summary"], detail if drift else error["detail"], error["remedy"])
    return of_error(error["summary"], error["detail"], error["remedy"])


def one_sentence(text: str) -> str:
    """Return a text as one line that ends with a full stop, cut where it is too long to be read in a table."""
    line = " ".join(text.split()).rstrip(".;:, ")
    return f"{line[: LONGEST - 1].rstrip()}…" if len(line) > LONGEST else f"{line}."


def _gravest(items: Sequence[Item]) -> Item | None:
    """Return the first section with the gravest error."""
    found = [item for item in items if item["error"]]
    return min(found, key=lambda item: _weight(item["error"]["exit_code"]), default=None)


def _weight(code: int) -> int:
    return _GRAVE.index(code) if code in _GRAVE else 0


def _in_section(items: Sequence[Item], gravest: Item) -> str:
    error = gravest["error"]
    if _is_drift(error):
        return _drift(items, error)
    said = of_error(error["summary"], error["detail"], error["remedy"])
    return one_sentence(f"{gravest['title']}: {said}")


def _is_drift(error: Item) -> bool:
    """Whether a fresh read did not agree; what a rollback has not taken back has a sentence of its own."""
    return bool(error["type"] == DriftFound.__name__)


def _drift(items: Sequence[Item], error: Item) -> str:
    """Count what is not as asked in all sections."""
    moved = [item for item in items if item["verification"] and _wrong(item)]
    if not moved:
        return of_error(error["summary"], error["detail"], error["remedy"])
    count = sum(map(_wrong, moved))
    todo = _lower(_todo("", error["remedy"]))
    what = f"{_many(count, 'property')} {'is' if count == 1 else 'are'} not as the tutorial asks"
    return one_sentence(f"{what}, in {_titles(moved)}; {todo}" if todo else f"{what}, in {_titles(moved)}")


def _wrong(item: Item) -> int:
    return sum(1 for check in item["verification"]["checks"] if not check["ok"])


def _pending(items: Sequence[Item]) -> str:
    found = [(item, sum(change["action"] != "none" for change in (item["plan"] or _NONE)["changes"])) for item in items]
    waiting = [item for item, count in found if count]
    count = sum(count for _, count in found)
    verb = "is" if count == 1 else "are"
    return one_sentence(f"{_many(count, 'change')} {verb} pending, in {_titles(waiting)}; read the plan and approve it")


def _problem(item: Item, problem: Item, *, more: int) -> str:
    """Say what is in the way of a plan: the first thing, and how many there are beside it."""
    kind = BY_TYPE[problem["kind"]].title if problem["kind"] in BY_TYPE else problem["kind"]
    what = "is left to a person" if problem["presence"] == "left" else "is not decided"
    rest = f", and {more} more" if more else ""
    why = problem["reason"].removeprefix("left to a person: ").strip().rstrip(".")
    said, *more_said = map(_first, _sentences(why))
    told = "; ".join([said, *map(_lower, more_said)])
    return one_sentence(f"{item['title']}: {kind} {problem['identity']} {what}{rest}: {told}")


_NONE: Item = {"changes": (), "problems": ()}


def _is_open(change: Item) -> bool:
    return change["status"] in ("running", "unknown", "interrupted")


def _is_well(item: Item) -> bool:
    return bool(item["verification"] and item["verification"]["ok"])


def _titles(items: Sequence[Item]) -> str:
    """Name sections; more than three of them by number."""
    names = [str(item["title"]) for item in items]
    if len(names) > 3:
        return f"{len(names)} sections"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _many(count: int, word: str) -> str:
    plural = {"property": "properties"}.get(word, f"{word}s")
    return f"{count} {word if count == 1 else plural}"


def _todo(detail: str, remedy: str) -> str:
    """Return the first sentence that says what to do; a service's own remedy may stand at the end of the detail."""
    told = [text for text in map(_first, _sentences(remedy)) if text]
    asked = [text for text in told if not text.startswith(_REASSURED)]
    at_the_end = [text for text in map(_first, _sentences(detail)[1:]) if _asks(text)]
    if len(asked) > 1 and not _asks(asked[0]) and _asks(asked[1]):  # what is wrong, and then what to do about it
        return f"{asked[0]}; {_lower(asked[1])}"
    return next(iter((*asked, *reversed(at_the_end), *told)), "")


def _asks(text: str) -> bool:
    return text.partition(" ")[0] in _VERBS


def _sentences(text: str) -> list[str]:
    return _SENTENCE_ENDS.split(" ".join(text.split()))


def _first(text: str) -> str:
    """Return the first sentence of a text, on one line; a command that stands below it goes with it."""
    return _sentences(text)[0].rstrip(".:; ")


def _lower(text: str) -> str:
    """Go on with a text in the middle of a sentence: a capital letter stays where it belongs to a name."""
    word = text.partition(" ")[0]
    return text if word.startswith(_NAMES) or not word[1:].islower() else text[:1].lower() + text[1:]
