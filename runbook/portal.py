"""What the portals call a property and its values, by the lexicon: for people who know the page and not the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runbook.kinds import BY_TYPE
from runbook.lexicon import load_lexicon
from runbook.lexicon.labels import Label, Option
from runbook.lexicon.match import fold
from runbook.values import ValueType


def label(kind: str, parameter: str) -> str:
    """Return the label beside which a property stands in its portal, after those above it; empty if none is known.

    >>> label("HostedContentFilterPolicy", "SpamQuarantineTag")
    'Spam › Select quarantine policy'
    """
    row = load_lexicon().label_of(kind, parameter)
    return " › ".join(row.path) if row else ""


def spoken(kind: str, parameter: str, value: Any) -> str:
    """Return the option that the portal shows for a value; empty where it has no word of its own for it.

    Values are compared as the plan compares them, so that another spelling of a value has the same word.
    """
    row, types = load_lexicon().label_of(kind, parameter), BY_TYPE[kind].types if kind in BY_TYPE else {}
    value_type = types.get(parameter)
    if row is None or value_type is None or row.type not in ("enum", "interval", "integer"):
        return ""
    words = [option.words for option in _options(row) if _same(value_type, option.value, value)]
    return words[0] if words and all(_alike(words[0], other) for other in words) else ""


def _alike(one: str, other: str) -> bool:
    """Whether two words for one value are spellings of the same; of others nobody can say which the page showed."""
    return bool(set(fold(one)) & set(fold(other)))


def _options(row: Label) -> Sequence[Option]:
    tables = (table for table in load_lexicon().labels_file.labels if row in table.rows)
    return next((table.options_of(row) for table in tables), ())


def _same(value_type: ValueType, one: Any, other: Any) -> bool:
    try:
        return value_type.canonical(list(one) if isinstance(one, tuple) else one) == value_type.canonical(other)
    except ValueError:
        return False
