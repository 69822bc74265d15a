"""Points and days in time as a person writes them: ``2026-11-24``, ``yesterday``, ``last tuesday``, ``7d``.

Everything is in UTC, as the runs' own times are. The present time is an argument.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from runbook.errors import UsageError

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_HOW = (
    "Write a date (2026-11-24), a time (2026-11-24T10:30Z), today, yesterday, a day's name (tuesday: the newest one "
    "so far; last tuesday: the newest before today), or an age (36h, 7d, 2w)."
)


@dataclass(frozen=True, slots=True)
class Span:
    """What was meant: from `first` to `last`, both of them in it. A point in time has one of both."""

    first: datetime
    last: datetime


def parse(text: str, *, now: datetime) -> Span:
    """Return the day or the point in time that a text means. Raises UsageError, saying what is understood."""
    words = " ".join(text.lower().split())
    try:
        day = _day(words, now.astimezone(UTC).date())
        if day is not None:
            first = datetime.combine(day, time(), UTC)
            return Span(first, first + timedelta(days=1) - timedelta(microseconds=1))
        age = re.fullmatch(r"(\d{1,6})\s?([hdw])", words)
        if age:
            point = now.astimezone(UTC) - int(age[1]) * _UNITS[age[2]]
        else:
            point = datetime.fromisoformat(text.strip())
            point = point.replace(tzinfo=UTC) if point.tzinfo is None else point.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is not understood as a day or a time.", _HOW) from None
    return Span(point, point)


def lasting(seconds: float) -> str:
    """Say how long something takes, as exactly as a person wants to know it."""
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h {whole % 3600 // 60} min"


def _day(words: str, today: date) -> date | None:
    if words in ("today", "yesterday"):
        return today - timedelta(days=int(words == "yesterday"))
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", words):
        return date.fromisoformat(words)
    last, _, name = words.rpartition(" ")
    found = [number for number, day in enumerate(_DAYS) if len(name) >= 3 and day.startswith(name)]
    if last not in ("", "last") or len(found) != 1:
        return None
    back = (today.weekday() - found[0]) % 7
    return today - timedelta(days=back or (7 if last else 0))
