"""Pages of InvokeCommand: how many rows an answer holds and how the next ones are reached.

Sources disagree [CIPP-EXO, CIPP-BULK, EXOH against G2O]: a replayed link works, or always fails because its
token names a backend server; ``ResultSize`` counts, or is ignored. Both are switches.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from simtenant import switches
from simtenant.directory import Call
from simtenant.envelope import CmdletError
from simtenant.store import Body, Record
from simtenant.wire import Request, moment_text, parse_moment

MORE_RESULTS = "There are more results available than are currently displayed. To view them, increase ResultSize."

_MAX_PAGE = re.compile(r"odata\.maxpagesize\s*=\s*(\d+)", re.IGNORECASE)
_NO_LIMIT = 1_000_000
_LINK_LIFETIME = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The part of a result that one answer shows."""

    records: tuple[Record, ...]
    next_link: str | None = None
    truncated: bool = False
    """True when there is more; the service then adds a warning [live]."""


def cut(call: Call, request: Request, tenant: str, records: Sequence[Record]) -> Page:
    """Cut a result to the page that was asked for; raises CmdletError for a link that has expired."""
    limit = call.arguments.get("ResultSize")
    truncated = limit is not None and limit < len(records)
    records = tuple(records[:limit]) if truncated else tuple(records)
    start = _start(call, request)
    end = start + _page_size(call, request)
    if end >= len(records):
        return Page(records=records[start:], truncated=truncated)
    link = _next_link(request, tenant, f"{end};{moment_text(call.now)}")
    return Page(records=records[start:end], next_link=link, truncated=True)


def selected(request: Request, row: Body) -> Body:
    """Keep the properties named by ``$select``, with their annotations."""
    wanted = request.value("$select")
    if wanted is None:
        return row
    names = {name.strip().casefold() for name in wanted.split(",")}
    return {key: value for key, value in row.items() if key.split("@", 1)[0].casefold() in names}


def _page_size(call: Call, request: Request) -> int:
    limit = switches.number(call.tx, "exchange_page_size")
    unlimited = "ResultSize" in call.arguments and call.arguments["ResultSize"] is None
    if unlimited and switches.chosen(call.tx, "result_size") == "honoured":
        return _NO_LIMIT
    asked = _MAX_PAGE.search(request.headers.get("prefer", ""))
    return max(1, min(limit, int(asked[1]))) if asked else max(1, limit)


def _start(call: Call, request: Request) -> int:
    token = request.value("$skiptoken")
    if token is None:
        return 0
    expired = CmdletError(
        "Expired or Invalid pagination request. Start again without the link.",
        exception="Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
    )
    if switches.chosen(call.tx, "next_link") == "expires":
        raise expired
    try:
        offset, _, made = base64.urlsafe_b64decode(token.encode()).decode().partition(";")
        if call.now - parse_moment(made) <= _LINK_LIFETIME:
            return int(offset)
    except (ValueError, binascii.Error):
        pass
    raise expired


def _next_link(request: Request, tenant: str, place: str) -> str:
    token = base64.urlsafe_b64encode(place.encode()).decode()
    query = f"%24skiptoken={quote(token)}"
    asked = request.value("$select")
    if asked is not None:
        query += f"&%24select={quote(asked)}"
    return f"{request.base_url}/adminapi/beta/{tenant}/InvokeCommand?{query}"
