"""How many calls may go out, where somebody wants fewer, or more, than the client library's own limits.

All that share a folder of traffic (RUNBOOK_TRAFFIC) keep to the ``budgets.json`` in it: a list of texts as they are
typed. ``exchange=10/1`` means ten calls a second from this machine to Exchange Online, ``exchange-per-tenant=60/60``
means sixty a minute for each tenant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from runbook.errors import InventoryError, UsageError
from runbook.runs import read_json, write_json
from tenantapi.errors import Service
from tenantapi.limits import Limit
from tenantapi.pacing import Patience
from tenantapi.sharedtraffic import Rules

FILE: Final = "budgets.json"
_SERVICES: Final[Mapping[str, Service]] = {
    "exchange": "Exchange Online",
    "graph": "Microsoft Graph",
    "entra": "Entra ID",
    "cloudflare": "Cloudflare",
}
_PER_TENANT: Final = "-per-tenant"
_TEXT = re.compile(rf"({'|'.join(_SERVICES)})({_PER_TENANT})?=(\d{{1,6}})/(\d{{1,6}}(?:\.\d{{1,3}})?)")
_AT_ONCE_SHARE: Final = 10
"""One in so many calls of a limit may go out without a pause; the others are spread over the time."""
_HOW = "Write SERVICE=N/SECONDS, such as exchange=10/1 or graph-per-tenant=100/10; services are " + ", ".join(_SERVICES)


def rules_of(texts: Sequence[str]) -> Rules:
    """Return the rules with these limits in place of the client library's own. Raises UsageError."""
    default = Rules()
    hosts, budgets = dict(default.hosts), dict(default.budgets)
    for service, per_tenant, limit in _limits(texts):
        (budgets if per_tenant else hosts)[service] = limit
    return Rules(hosts=hosts, budgets=budgets)


def check_budgets(texts: Sequence[str], in_flight: int) -> None:
    """See that no call of so many tenants at once would wait longer than it may. Raises UsageError."""
    longest = Patience().longest_wish
    for text, (service, per_tenant, limit) in zip(texts, _limits(texts), strict=True):
        # A tenant sends one call after the other; Cloudflare's token may be that of all of them.
        callers = in_flight if not per_tenant or service == "Cloudflare" else 1
        if limit.interval * callers > longest:
            raise UsageError(
                f"With --budget {text} and {callers} at a time, calls would wait longer than the {longest:.0f} seconds "
                "after which they are given up.",
                f"Allow more, or lower --in-flight to {max(1, int(longest / limit.interval))} or less.",
            )


def write_budgets(folder: Path, texts: Sequence[str]) -> None:
    """Have everybody who shares a folder keep to these; with none, to the client library's own."""
    if texts:
        write_json(folder / FILE, list(texts))
    else:
        (folder / FILE).unlink(missing_ok=True)


def rules_in(folder: Path) -> Rules:
    """Return the rules that hold for all who share a folder. Raises InventoryError where that cannot be read."""
    try:
        texts = read_json(folder / FILE)
        if not isinstance(texts, list):
            raise TypeError("it is no list")
        return rules_of(texts)
    except FileNotFoundError:
        return Rules()
    except (OSError, ValueError, TypeError, UsageError) as error:
        raise InventoryError(
            f"{folder / FILE} does not say how many calls may be sent, so none is.", f"Mend it or delete it. {_HOW}."
        ) from error


def _limits(texts: Sequence[str]) -> Iterator[tuple[Service, bool, Limit]]:
    seen = set()
    for text in texts:
        found = _TEXT.fullmatch(text)
        if found is None:
            raise UsageError(f"{text!r} is no budget of calls.", f"{_HOW}.")
        calls, seconds = int(found[3]), float(found[4])
        if not calls or not seconds:
            raise UsageError(f"{text!r} allows nothing, or in no time.", f"{_HOW}.")
        key = (_SERVICES[found[1]], bool(found[2]))
        if key in seen:
            raise UsageError(f"There are two budgets for {found[1]}{found[2] or ''}.", "Give one.")
        seen.add(key)
        yield *key, Limit(calls=calls, seconds=seconds, at_once=max(1, calls // _AT_ONCE_SHARE))
