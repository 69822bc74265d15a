"""Recipients: the classes that policies tell apart, and a list of real ones that an administrator may give."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from runbook.errors import InventoryError
from runbook.outcome.message import Recipient
from runbook.outcome.precedence import scopes
from runbook.outcome.surroundings import Row, Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientClass:
    """Recipients whom the tenant's policies do not tell apart."""

    title: str
    recipient: Recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Everybody who receives mail, as far as somebody has listed them."""

    recipients: tuple[Recipient, ...]
    source: str
    """Where the list came from, for the record."""


def classes(found: Surroundings, domains: Sequence[str]) -> tuple[RecipientClass, ...]:
    """Return the classes that the rules of policies make among the recipients of these domains.

    For each domain: those whom no rule names; of them the members of each group that a rule names; and each address
    that a rule names.
    """
    rows = [scope.row for scope in scopes(found) if scope.row is not None]
    groups = _named(rows, "SentToMemberOf")
    addresses = _named(rows, "SentTo")
    made: list[RecipientClass] = []
    for domain in domains:
        made.append(RecipientClass(title=f"recipients of {domain}", recipient=Recipient(domain=domain)))
        for group in groups:
            recipient = Recipient(domain=domain, groups=frozenset({group}))
            made.append(RecipientClass(title=f"recipients of {domain} in {group}", recipient=recipient))
        for address in addresses:
            if address.rpartition("@")[2] == domain.lower():
                recipient = Recipient(domain=domain, address=address)
                made.append(RecipientClass(title=address, recipient=recipient))
    return tuple(made)


def _named(rows: Iterable[Row], condition: str) -> list[str]:
    found: dict[str, None] = {}
    for row in rows:
        for name in (condition, f"ExceptIf{condition}"):
            found |= dict.fromkeys(str(item).strip().lower() for item in row.get(name) or ())
    return list(found)


def read_roster(path: Path) -> Roster:
    """Read a list of recipients: CSV with the columns ``address`` and ``groups`` (addresses, set apart by blanks).

    A group in brackets, such as ``(staff@example.com)``, is one whose members could not be listed: whether the
    recipient is in it is then unknown. Raises InventoryError, naming the line, for anything else.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            if reader.fieldnames is None or "address" not in [name.strip().lower() for name in reader.fieldnames]:
                raise InventoryError(f"{path} has no column named address.", _EXAMPLE)
            reader.fieldnames = [name.strip().lower() for name in reader.fieldnames]
            recipients = [_recipient(path, reader.line_num, row) for row in reader]
    except OSError as error:
        raise InventoryError(f"The list of recipients {path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InventoryError(f"The list of recipients {path} is not CSV: {error}.", _EXAMPLE) from error
    return Roster(recipients=tuple(recipients), source=path.name)


_EXAMPLE = "The file looks like this:\n\n    address,groups\n    ann@example.com,executives@example.com\n"


def _recipient(path: Path, line: int, row: dict[str, str | None]) -> Recipient:
    address = (row.get("address") or "").strip().lower()
    name, _, domain = address.rpartition("@")
    if not name or not domain or " " in address:
        raise InventoryError(f"{path}, line {line}: {address!r} is no address.", _EXAMPLE)
    listed = (row.get("groups") or "").lower().split()
    known = frozenset(item for item in listed if not item.startswith("("))
    unlisted = frozenset(item.strip("()") for item in listed if item.startswith("("))
    return Recipient(domain=domain, address=address, groups=known, open_groups=unlisted)
