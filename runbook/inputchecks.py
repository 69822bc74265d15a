"""What an input accepts: a text as somebody wrote it, or what a reader of YAML or Python made of one.

A text means the same wherever it was written; blanks at its ends are no part of it. What a reader made is taken
only where nothing can have been lost on the way: a number is never a text, for 83 may have been written 00123.
Every check raises ValueError with a sentence that says what is allowed, and a checked value passes its check again
unchanged.
"""

from __future__ import annotations

import csv
import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from runbook.compile.result import Bounds
from runbook.values import TIMESPAN, dotnet_timespan, parse_timespan

LONGEST_TEXT = 4096
"""Characters of one text; the longest path that Linux takes, and more than any service takes for a name."""
_SHOWN = 60
_UNSEEN = ("Cc", "Cs", "Zl", "Zp")
"""Categories of Unicode: control characters, halves of characters, ends of lines and paragraphs."""
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_DOMAIN = re.compile(r"^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$")
_TIME_WORDS = re.compile(r"^(?P<count>[1-9][0-9]{0,5})\s*(?P<unit>hours?|days?)$", re.IGNORECASE | re.ASCII)
_PLAIN_WORDS = {"daily": "1 day", "weekly": "7 days", "within 4 hours": "4 hours"}
_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
"""The words of YAML 1.1. A reader of it has made a truth value of them before anybody else sees them, so no other
reading of them could be the same everywhere."""


def quoted(value: object) -> str:
    """Show a value in a message; a long one in part."""
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}… ({len(shown)} characters)"


def check_text(value: Any) -> str:
    """Return one text without the blanks at its ends."""
    if isinstance(value, bool | int | float):
        raise ValueError(
            f"{quoted(value)} came as a {'truth value' if isinstance(value, bool) else 'number'}, and what was written "
            "is lost (00123 and 1_000 are numbers, too). Give it as a text: in quotation marks in a notebook or a "
            "file, by -r and not by -p with papermill"
        )
    if not isinstance(value, str):
        raise ValueError(f"{quoted(value)} is not one text")
    text = _seen(value.strip())
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"{quoted(value)} is too long: a text can have {LONGEST_TEXT} characters")
    return text


def _seen(text: str) -> str:
    if any(unicodedata.category(character) in _UNSEEN for character in text):
        raise ValueError(f"{quoted(text)} holds characters that cannot be seen, or more than one line")
    return text


def check_list(value: Any) -> tuple[str, ...]:
    """Return the entries of a list, or of a text with commas between them, without the empty ones.

    In a text, an entry that has a comma stands in quotation marks, as in a CSV file.
    """
    if isinstance(value, str):
        return _parted(_seen(value.strip()))
    if not isinstance(value, list | tuple):
        raise ValueError(f"{quoted(value)} is not a list of names")
    return tuple(filter(None, map(check_text, value)))


def _parted(text: str) -> tuple[str, ...]:
    if text.startswith("[") and text.endswith("]"):
        raise ValueError(f"{quoted(text)} is a text and no list: write the names with commas between, without brackets")
    try:
        rows = list(csv.reader([text], skipinitialspace=True, strict=True))
    except csv.Error:
        raise ValueError(
            f"{quoted(text)} is not a list of names: a name that begins with a quotation mark must end with one, "
            "before a comma"
        ) from None
    return tuple(filter(None, (check_text(part) for row in rows for part in row)))


def list_text(entries: Iterable[str]) -> str:
    """Write entries as one text, so that `check_list` gives them again."""
    parts = [
        '"' + part.replace('"', '""') + '"' if "," in part or part.startswith(('"', "[")) else part for part in entries
    ]
    return ", ".join(parts)


def check_domains(value: Any) -> tuple[str, ...]:
    """Return domain names in one spelling. Raises ValueError for what is none, or is named twice."""
    if not isinstance(value, str | list | tuple):
        raise ValueError(f"{quoted(value)} is not a list of domain names")
    names: list[str] = []
    for item in re.split(r"[,\s]+", value.strip()) if isinstance(value, str) else value:
        if item == "":
            continue
        name = _domain_name(item)
        if name is None:
            raise ValueError(f"{quoted(item)} is not a domain name such as example.com")
        if name in names:
            raise ValueError(f"{name!r} is named twice")
        names.append(name)
    return tuple(names)


def _domain_name(value: Any) -> str | None:
    """Return the name in small letters; None for what is none. Only letters of ASCII have a small one here."""
    text = value.strip().rstrip(".") if isinstance(value, str) else ""
    return text.lower() if text.isascii() and _DOMAIN.match(text.lower()) else None


def check_host(value: Any) -> str:
    """Return the name of a mail server in one spelling; empty where none is given."""
    text = check_text(value)
    name = _domain_name(text)
    if text and name is None:
        raise ValueError(f"{quoted(value)} is not the name of a mail server")
    return name or ""


def integer_check(bounds: Bounds, unit: str) -> Callable[[Any], int]:
    """Return the check of a whole number in decimal digits, which every reader takes for the same number."""

    def check(value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            number = value
        elif isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
            number = int(value)
        else:
            raise ValueError(f"{quoted(value)} is not a whole number of {unit}{_hint(value)}")
        if not bounds.low <= number <= bounds.high:
            raise ValueError(f"{quoted(number)} is not allowed: it must be from {bounds.low} to {bounds.high} {unit}")
        return number

    return check


def _hint(value: Any) -> str:
    """What is said more of a number with zeros in front: YAML 1.1 takes 015 for 13."""
    zeros = isinstance(value, str) and re.fullmatch(r"-?0+[0-9]+", value.strip())
    return " (write it without zeros in front, which some readers take for another number)" if zeros else ""


def timespan_check(allowed: Sequence[str]) -> Callable[[Any], str]:
    """Return the check of a time span that the service offers, in words or in digits."""
    shown = [TIMESPAN.show(item) for item in allowed]

    def check(value: Any) -> str:
        given = check_text(value)
        text = _PLAIN_WORDS.get(given.lower(), given)
        words = _TIME_WORDS.match(text)
        if words:
            hours = int(words["count"]) * (24 if words["unit"].lower().startswith("day") else 1)
            text = f"P{hours // 24}DT{hours % 24}H"
        try:
            span = dotnet_timespan(parse_timespan(text))
        except (ValueError, OverflowError):
            span = ""
        if span not in allowed:
            raise ValueError(f"{quoted(value)} is not offered by the service: choose {', '.join(shown)}")
        return TIMESPAN.show(span)

    return check


def choice_check(choices: Sequence[str]) -> Callable[[Any], str]:
    """Return the check of a text that is one of some."""

    def check(value: Any) -> str:
        text = check_text(value)
        if text not in choices:
            near = difflib.get_close_matches(text, choices, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise ValueError(f"{quoted(value)} is not one of {', '.join(choices) or 'nothing'}{hint}")
        return text

    return check


def check_boolean(value: Any) -> bool:
    """Return a truth value; as a text it is true or false, yes or no, on or off, in any letter case."""
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in _TRUTH:
        raise ValueError(f"{quoted(value)} is neither true nor false")
    return _TRUTH[word]
