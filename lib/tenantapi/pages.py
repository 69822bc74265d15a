"""Read Cloudflare's envelope: the pages of a list, one result, and what an error says [SPEC; cloudflare.md 2]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tenantapi.calls import Answer, Fault
from tenantapi.errors import MalformedAnswerError

_CREDENTIAL_CODES: Final = {6003, 6103, 6111, 9106}
_CREDENTIAL_REMEDY: Final = "Check the Cloudflare API token: it must be a token, sent whole, not a global API key."
_PERMISSION_REMEDY: Final = (
    "Give the token the permission 'Cloud Email Security: Read', and for changes "
    "'Cloud Email Security: Write', on this account, and check that the account has the product."
)


class Listing:
    """Gather the pages of one list, and refuse whatever contradicts itself.

    The service's own SDK reads until a page is empty and never leaves a server that repeats page 1
    [cloudflare-python 2584]; here the announced numbers and the ids themselves must agree.
    """

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self._announced: int | None = None

    def ends_with(self, answer: Answer, number: int) -> bool:
        """Take in page ``number`` and tell whether it was the last one."""
        page = members(answer)
        for row in page:
            if str(row["id"]) in self.rows:
                raise answer.malformed(f"page {number} repeats domain {row['domain']}")
            self.rows[str(row["id"])] = row
        info = _page_info(answer)
        if info.get("page", number) != number:
            raise answer.malformed(f"page {number} was asked for and page {info['page']} came")
        announced = info.get("total_count", self._announced)
        if self._announced is not None and announced != self._announced:
            raise answer.malformed("the number of domains changed while they were read")
        self._announced = announced
        pages = info.get("total_pages")
        if page and (pages is None or number < pages):
            return False
        if pages is not None and number < pages:
            raise answer.malformed(f"page {number} of {pages} is empty")
        if announced is not None and announced != len(self.rows):
            raise answer.malformed(f"{announced} domains were announced and {len(self.rows)} came")
        return True


def members(answer: Answer) -> list[dict[str, Any]]:
    """Return the domains of one page; raise ``MalformedAnswerError`` for any other result."""
    found = answer.object().get("result")
    if not isinstance(found, list) or not all(is_domain(row) for row in found):
        raise answer.malformed("the result is not a list of domains with id and name")
    return found


def member(answer: Answer) -> dict[str, Any]:
    """Return the one object that is the result; raise ``MalformedAnswerError`` for any other."""
    found = answer.object().get("result")
    if not isinstance(found, dict):
        raise answer.malformed("the result is not an object")
    return found


def is_domain(row: object) -> bool:
    """Tell whether a row is a domain that can be addressed and compared."""
    # Ids were integers until version 5 of the SDK [PYn].
    return isinstance(row, dict) and isinstance(row.get("id"), (str, int)) and isinstance(row.get("domain"), str)


def _page_info(answer: Answer) -> dict[str, int]:
    """Return the numbers of ``result_info``; those that are missing or null are left out."""
    info = answer.object().get("result_info")
    names = ("page", "total_count", "total_pages")
    found = {name: info[name] for name in names if info.get(name) is not None} if isinstance(info, dict) else {}
    if not all(isinstance(value, int) for value in found.values()):
        raise answer.malformed("the page numbers are not numbers")
    return found


def explain(answer: Answer) -> Fault:
    """Read code, message, pointer and ``error_chain`` of every error [SPEC; ISS for the chain]."""
    try:
        listed = answer.object().get("errors")
    except MalformedAnswerError:
        listed = None
    errors = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    chains = [link for entry in errors for link in _chain(entry)]
    codes = tuple(entry["code"] for entry in (*errors, *chains) if isinstance(entry.get("code"), int))
    if _CREDENTIAL_CODES & set(codes):
        remedy = _CREDENTIAL_REMEDY
    else:
        remedy = _PERMISSION_REMEDY if answer.status == 403 else ""
    return Fault(text="; ".join(_sentence(entry) for entry in errors), codes=codes, remedy=remedy)


def _chain(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = entry.get("error_chain")
    return [link for link in found if isinstance(link, dict)] if isinstance(found, list) else []


def _sentence(entry: Mapping[str, Any]) -> str:
    source = entry.get("source")
    pointer = source.get("pointer") if isinstance(source, dict) else None
    causes = [_sentence(link) for link in _chain(entry)]
    where = f" at {pointer}" if pointer else ""
    because = f" (because: {'; '.join(causes)})" if causes else ""
    return f"{entry.get('code', 'no code')} {entry.get('message', 'no message')}{where}{because}"
