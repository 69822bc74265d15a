"""Read the envelopes of Exchange Online: rows, warnings, and what an error really says.

Shapes as captured from the service [G2O-FIX, CAP, CIPP-EXO; facts 1.4 and 1.6]. The letter case of the error
keys varies, so they are read without regard to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from tenantapi.calls import Answer, Fault
from tenantapi.errors import ApiError, ConflictError, MalformedAnswerError, NotFoundError

# "Ex6F9304|Some.Type|text"; the id may be empty, and then the first bar may be all that is left of it.
_PIPED: Final = re.compile(r"(?:Ex[0-9A-Fa-f]+)?\s*\|([\w.+`]+)\|(.*)", re.DOTALL)
_ID_ONLY: Final = re.compile(r"(?:Ex[0-9A-Fa-f]+)?\s*\|(.*)", re.DOTALL)
_MORE: Final = "there are more results available"
_STALE: Final = "expired or invalid pagination request"
_UNSUPPORTED_ROLE: Final = "isn't supported in this scenario"

_ROLES: Final = (
    "Give the application's service principal a directory role: Exchange Administrator for changes, Global "
    "Reader (or, for policies and rules alone, Security Reader) for reading. An unknown cmdlet is answered "
    "in the same way."
)
_GRANT: Final = (
    "Grant the application the app role Exchange.ManageAsApp with an administrator's consent, and give its "
    "service principal a directory role such as Exchange Administrator or Global Reader."
)
_HYDRATE: Final = "Run Enable-OrganizationCustomization once; it may take up to a day to show."


def rows(answer: Answer, *, write: bool) -> tuple[dict[str, Any], ...]:
    """Return the rows of a success, without the type annotations.

    A read without ``value`` is a ``MalformedAnswerError``: nothing was said about what exists. A write may
    answer with no value, or with no body at all.
    """
    if write and not answer.body:
        return ()
    body = answer.object()
    value = body.get("value")
    if value is None and write:
        return ()
    if value is None:
        told = "; ".join(warnings(answer)) or "and no warning says why"
        raise answer.malformed(f"it holds no rows, not even an empty list; {told}")
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise answer.malformed("its rows are not a list of objects")
    return tuple(_bare(row) for row in value)


def warnings(answer: Answer) -> tuple[str, ...]:
    """Return the warnings of a success."""
    if not answer.body:
        return ()
    found = _get(answer.object(), "@adminapi.warnings")
    return tuple(str(text) for text in found) if isinstance(found, list) else ()


def is_truncated(texts: tuple[str, ...]) -> bool:
    """Tell whether a warning says that rows were left out."""
    return any(_MORE in text.lower() for text in texts)


def is_stale_page(error: ApiError) -> bool:
    """Tell whether the service refused a link to a further page, as some tenants always do [G2O]."""
    return error.status == 400 and _STALE in error.detail.lower()


def embedded_fault(answer: Answer) -> Fault | None:
    """Return the failure that hides in an answer 200 [SCUBA], or None."""
    if not answer.body:
        return None
    body = answer.object()
    if _get(body, "error") or _get(body, "@odata.error") or _get(body, "odata.error") or _get(body, "@adminapi.errors"):
        return explain(answer)
    return None


def explain(answer: Answer) -> Fault:
    """Read what a failure says: its text, and the type of the exception behind it.

    Precedence of the text: the details, the internal exception, the inner error, the error [CIPP-EXO, G2O].
    """
    try:
        body = answer.object()
    except MalformedAnswerError:
        body = {}
    error = _first(body, "error", "@odata.error", "odata.error")
    error = error if isinstance(error, dict) else {"message": error or _listed(body)}
    inner = _dict(_get(error, "innererror"))
    internal = _dict(_get(inner, "internalexception"))
    details = [text for text in _messages(_get(error, "details"))]
    pieces = [_split(text) for text in details]
    text = " ".join(said for _, said in pieces if said)
    for level in (internal, inner, error):
        text = text or _split(_get(level, "message"))[1]
    kinds = (
        *(kind for kind, _ in pieces),
        _get(internal, "type"),
        answer.headers.get("x-exceptiontype"),
        _get(error, "code"),
    )
    kind = next((str(kind) for kind in kinds if kind), None)
    return Fault(text=text, kind=kind, error=_nearest(kind), remedy=_remedy(answer.status, kind or "", text))


def _nearest(kind: str | None) -> type[ApiError] | None:
    """Return the class for an exception type that says more than the status.

    Older captures show a missing object under 500. That a duplicate name is an "AlreadyExists" exception is
    the common custom of these cmdlets, but not confirmed for this service [exchange-cmdlets.json,
    duplicate-name].
    """
    name = (kind or "").rpartition(".")[2]
    if name == "ManagementObjectNotFoundException":
        return NotFoundError
    return ConflictError if name.endswith("ObjectAlreadyExistsException") else None


def _remedy(status: int, kind: str, text: str) -> str:
    if kind.endswith("DehydratedContextException"):
        return _HYDRATE
    if status == 403 or _UNSUPPORTED_ROLE in text:
        return _ROLES
    return _GRANT if status == 401 else ""


def _split(message: object) -> tuple[str | None, str]:
    """Cut a message into the type of its exception and its text."""
    text = message.strip() if isinstance(message, str) else ""
    if piped := _PIPED.fullmatch(text):
        return piped[1], piped[2].strip()
    if marked := _ID_ONLY.fullmatch(text):
        return None, marked[1].strip()
    return None, text


def _messages(details: object) -> Iterator[str]:
    for detail in details if isinstance(details, list) else ():
        text = _get(_dict(detail), "message")
        if isinstance(text, str) and text.strip():
            yield text


def _listed(body: dict[str, Any]) -> str:
    found = _get(body, "@adminapi.errors")
    return "; ".join(str(text) for text in found) if isinstance(found, list) else ""


def _bare(value: Any) -> Any:
    """Leave out annotations (``X@data.type``, ``X@odata.type``), also inside nested values."""
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if "@odata." not in key and "@data." not in key}
    return [_bare(item) for item in value] if isinstance(value, list) else value


def _get(mapping: dict[str, Any], name: str) -> Any:
    if name in mapping:
        return mapping[name]
    return next((value for key, value in mapping.items() if key.lower() == name), None)


def _first(mapping: dict[str, Any], *names: str) -> Any:
    return next((found for name in names if (found := _get(mapping, name))), None)


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
