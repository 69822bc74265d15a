"""What a person saw of real messages: read from a file, checked, and shown beside the prediction in the same table.

Nothing is sent to a real tenant, so where mail lands there is known only from what somebody looks up: a message trace,
or the list of quarantined messages.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from runbook.errors import UsageError

EXAMPLE = """
    disposition,place,quarantine_policy,user_may,recipients,by,at,reference
    SPAM,quarantine,UserNotifyUserRelease,see preview delete release,example.com,Ann Admin,2026-11-25T09:30:00Z,4711
"""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid")
    disposition: Literal["MALICIOUS", "SUSPICIOUS", "SPAM", "SPOOF", "BULK", "none"]
    case: Literal["gateway", "outside", "phishing"] = "gateway"
    place: Literal[
        "gateway-quarantine", "inbox", "junk", "quarantine", "deleted", "redirected", "rejected", "elsewhere"
    ]
    quarantine_policy: str = ""
    user_may: tuple[Literal["see", "preview", "delete", "release", "request"], ...] | None = None
    recipients: str = ""
    """A domain; empty for the recipients of all of them."""
    by: str = Field(min_length=1)
    at: AwareDatetime
    reference: str = ""
    """Where it can be looked up again, such as the number of a message trace."""

    @field_validator("user_may", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        return tuple(value.split()) if isinstance(value, str) else value


def read_evidence(path: Path) -> list[dict[str, Any]]:
    """Return what a CSV file says of messages that were seen, in the form of the outlook's sights.

    Raises UsageError naming the line and the column of the first thing that cannot be used.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, skipinitialspace=True)
            return [_sight(path, reader.line_num, row) for row in reader]
    except OSError as error:
        raise UsageError(f"The evidence {path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"The evidence {path} is not CSV: {error}.", f"It looks like this:\n{EXAMPLE}") from error


def _sight(path: Path, line: int, row: Mapping[Any, Any]) -> dict[str, Any]:
    given = {str(name).strip(): value for name, value in row.items() if value not in (None, "") or name is None}
    try:
        found = _Row.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"][:1]) or "the line"
        raise UsageError(
            f"{path}, line {line}, {where}: {first['msg'].rstrip('.')}.", f"It looks like this:\n{EXAMPLE}"
        ) from None
    source = f"{found.by}, {found.reference}" if found.reference else found.by
    return {
        "disposition": found.disposition,
        "case": found.case,
        "recipients": f"recipients of {found.recipients.lower()}" if found.recipients else "",
        "place": found.place,
        "quarantine_policy": found.quarantine_policy,
        "user_may": None if found.user_may is None else sorted(found.user_may),
        "notified": None,
        "policy": "",
        "by": source,
        "at": _text(found.at),
    }


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
