"""Whether a value of the portal steps and one of PowerShell are the same, by the sort of value that they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from runbook.compile.powershell_text import Written
from runbook.compile.result import Bounds, Input, Setting
from runbook.compile.values import AdvisedValue, ComputedValue, InputValue, ReferenceValue
from runbook.lexicon import Lexicon
from runbook.values import BOOLEAN, INTEGER, NETWORKS, PERMISSIONS, TEXT_SET, TIMESPAN, WORD, WORD_SET, Json, ValueType

Verdict = Literal["same", "different", "open"]
# By what the lexicon says of a label; where it says nothing special, the value itself tells its sort.
_SORTS: Mapping[str, ValueType] = {
    "text": TEXT_SET, "reference": NETWORKS, "interval": TIMESPAN, "bits": PERMISSIONS, "words": WORD_SET,
    "range": INTEGER, "integer": INTEGER,
}  # fmt: skip
_HEADER = re.compile(r".*(?:MessageHeader|HeaderName)")  # a header's name is the same in any letter case [RFC 5322]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Compares values. A value that is not of the sort that the steps have is different, never the same."""

    lexicon: Lexicon
    inputs: Mapping[str, Input]

    def verdict(self, written: Written, setting: Setting, kind: str) -> Verdict:
        """Compare a setting with what PowerShell gives; "open" where one half leaves it to its reader or a page."""
        value = setting.value
        if written.open or isinstance(value, (ReferenceValue, ComputedValue)):
            return "open"
        if isinstance(value, InputValue):
            return self._within(written, value, self._sort(setting, kind))
        wanted = value.as_written if isinstance(value, AdvisedValue) else value
        return "same" if self.is_same(wanted, written, setting, kind) else "different"

    def is_same(self, wanted: object, written: Written, setting: Setting, kind: str) -> bool:
        """Tell whether `wanted`, read as the setting's values are, is what PowerShell gives."""
        sort = self._sort(setting, kind)
        mine, theirs = _canonical(sort, wanted), _canonical(sort, written.value)
        return mine is not None and mine == theirs

    def _within(self, written: Written, value: InputValue, sort: ValueType) -> Verdict:
        """A value that the steps leave open agrees with any that they allow."""
        asked = self.inputs.get(value.name)
        domain = (asked.recommended or asked.domain) if asked else None
        if domain is None:
            return "open"
        theirs = _canonical(sort, written.value)
        if isinstance(domain, Bounds):
            number = theirs[0] if theirs else None
            return "same" if isinstance(number, int) and domain.low <= number <= domain.high else "different"
        return "same" if theirs and any(theirs == _canonical(sort, word) for word in domain) else "different"

    def _sort(self, setting: Setting, kind: str) -> ValueType:
        label = self.lexicon.label_of(kind, setting.parameter)
        value = setting.value.as_written if isinstance(setting.value, AdvisedValue) else setting.value
        if _HEADER.fullmatch(setting.parameter):
            return WORD
        if isinstance(value, bool):
            return BOOLEAN
        if label and label.type in _SORTS:
            return _SORTS[label.type]
        return INTEGER if isinstance(value, int) else WORD_SET if isinstance(value, tuple) else WORD


def shown(value: object) -> str:
    """Write a value as a diagnostic shows it."""
    if isinstance(value, tuple):
        return "[" + ", ".join(repr(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "nothing" if value is None else repr(value) if isinstance(value, str) else str(value)


def _canonical(sort: ValueType, value: object) -> list[Json] | None:
    """Give the canonical form, in a list so that no value is None; None if the value is not of this sort."""
    one = value[0] if isinstance(value, tuple) and len(value) == 1 and sort in (WORD, INTEGER) else value
    try:
        return [sort.canonical(list(one) if isinstance(one, tuple) else one)]
    except ValueError:
        return None
