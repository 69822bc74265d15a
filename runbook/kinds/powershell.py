"""Write a cmdlet call as a line that a person can paste into Exchange Online PowerShell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

# PowerShell takes the typographic quotes for the plain one, so any of them would end the text.
_QUOTES = re.compile("['\u2018\u2019\u201a\u201b]")


@dataclass(frozen=True, slots=True)
class ListChange:
    """Entries that a list gets or loses in place, as PowerShell's hash table."""

    verb: Literal["Add", "Remove"]
    entries: tuple[str, ...]


def command(cmdlet: str, parameters: Mapping[str, Any]) -> str:
    """Return one line; texts are quoted so that nothing in them is expanded."""
    return " ".join([cmdlet, *(f"-{name} {_literal(value)}" for name, value in parameters.items())])


def listing(cmdlet: str, name: str) -> str:
    """Return the line that shows the objects of this name among all that a cmdlet lists; it shows nothing for none."""
    return f"{cmdlet} | Where-Object Name -eq {_literal(name)} | Format-List"


def _literal(value: Any) -> str:
    if value is None:
        return "$null"
    if isinstance(value, bool):
        return "$true" if value else "$false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, ListChange):
        return f"@{{{value.verb}={_literal(value.entries)}}}"
    if isinstance(value, list | tuple):
        return "@()" if not value else ",".join(_literal(item) for item in value)
    return "'" + _QUOTES.sub(r"\g<0>\g<0>", str(value)) + "'"
