"""Turn the failures of the layers below, and the statuses of the services, into this library's own errors.

This is the one place where that happens. The cause is kept for a debugger, but the request it points at is
taken off first, because the request carries the token in its header.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import requests.exceptions as low
import urllib3.exceptions as lower

from tenantapi.calls import Answer, Fault, Order
from tenantapi.errors import (
    ApiError,
    ApiTimeoutError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    MalformedAnswerError,
    NotFoundError,
    Service,
    ServiceError,
    ThrottledError,
    UnauthorizedError,
    UnconfirmedServiceError,
    UnreachableError,
)
from tenantapi.tenant import Tenant, concealed

_LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    error: type[ApiError]
    words: str
    remedy: str
    unsent: bool = False
    """True when the call cannot have reached the service."""


_NETWORK = "Check the network, the proxy and the name resolution of this machine."
_LOST = _Meaning(error=UnreachableError, words="the connection was lost", remedy=_NETWORK)
_SLOW = _Meaning(error=ApiTimeoutError, words="no answer came in time", remedy="Repeat later, or allow more time.")
_UNFIT = _Meaning(
    error=InvalidRequestError,
    words="the call could not be put on the wire",
    remedy="Nothing was sent. Check the tenant's ids and names for stray characters.",
    unsent=True,
)
_GARBLED = _Meaning(error=MalformedAnswerError, words="the answer could not be read", remedy="Repeat later.")
_PROXY = _Meaning(
    error=UnreachableError,
    words="the proxy did not let the call through",
    remedy="Check HTTPS_PROXY and NO_PROXY.",
    unsent=True,
)
_TLS = _Meaning(
    error=UnreachableError,
    words="no trustworthy encrypted connection",
    remedy="Check the clock of this machine, and REQUESTS_CA_BUNDLE if a proxy re-signs traffic.",
)

MEANINGS: dict[type[BaseException], _Meaning] = {
    low.RequestException: _LOST,
    low.ConnectionError: _LOST,
    low.ChunkedEncodingError: _LOST,
    low.RetryError: _LOST,
    low.ProxyError: _PROXY,
    low.InvalidProxyURL: _PROXY,
    low.SSLError: _TLS,
    low.Timeout: _SLOW,
    low.ReadTimeout: _SLOW,
    low.ConnectTimeout: _Meaning(
        error=ApiTimeoutError, words="no connection was made in time", remedy=_NETWORK, unsent=True
    ),
    low.URLRequired: _UNFIT,
    low.MissingSchema: _UNFIT,
    low.InvalidSchema: _UNFIT,
    low.InvalidURL: _UNFIT,
    low.InvalidHeader: _UNFIT,
    low.InvalidJSONError: _UNFIT,
    low.UnrewindableBodyError: _UNFIT,
    low.JSONDecodeError: _GARBLED,
    low.HTTPError: _GARBLED,
    low.TooManyRedirects: _GARBLED,
    low.ContentDecodingError: _GARBLED,
    low.StreamConsumedError: _GARBLED,
    # The body is read from urllib3 directly, so its own errors arrive as well.
    lower.HTTPError: _LOST,
    lower.TimeoutError: _SLOW,
    lower.DecodeError: _GARBLED,
    lower.InvalidHeader: _GARBLED,
    lower.SSLError: _TLS,
    # A missing certificate bundle and the bare socket.
    OSError: _LOST,
}
"""What each exception of the lower libraries means; the nearest ancestor counts for those not listed."""

_STATUSES: dict[int, type[ApiError]] = {
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    408: ApiTimeoutError,
    409: ConflictError,
    429: ThrottledError,
}
_ADVICE: dict[type[ApiError], str] = {
    UnauthorizedError: "Check that the credential is current and belongs to this tenant and account.",
    ForbiddenError: "Grant this identity what the call needs; a new grant may take minutes to show.",
    NotFoundError: "Check the name; the object may have been removed.",
    ApiTimeoutError: "Repeat later.",
    ConflictError: "Read the object again and make a new plan.",
    ThrottledError: "Repeat later, with fewer calls at the same time.",
    ServiceError: "Repeat later; if it stays so, look at the service's status page.",
    InvalidRequestError: "Correct what the message names; repeating the same call does not help.",
}
REREAD = "The change may have been made: read the object again before repeating it."


def require_confirmed(tenant: Tenant, service: Service) -> None:
    """Refuse a service that nobody is known to have reached in the tenant's cloud, unless the tenant allows it."""
    if service not in tenant.hosts.unconfirmed or tenant.allow_unconfirmed:
        return
    raise UnconfirmedServiceError(
        f"Tenant {tenant.name} is in the cloud {tenant.cloud!r}, where no source confirms that {service} answers "
        "at the address used here. Nothing was sent.",
        remedy="Make these settings with the vendor's PowerShell module, or set allow_unconfirmed for this tenant "
        "to try it.",
        service=service,
    )


def from_exception(cause: BaseException, order: Order) -> ApiError:
    """Make the error for an exception of requests, urllib3 or the socket.

    It is ambiguous for a write unless the exception proves that the call never left: a name that does not
    resolve, a refused connection, a certificate that was turned down, a proxy that said no.
    """
    root = _root(cause)
    # requests has one name for a field of ours that cannot be sent and for one of theirs that makes no sense.
    telling = root if isinstance(root, lower.InvalidHeader) else cause
    meaning = next(MEANINGS[kind] for kind in type(telling).__mro__ if kind in MEANINGS)
    ambiguous = not (order.safe or meaning.unsent or _never_sent(root))
    if isinstance(cause, low.RequestException):
        cause.request = cause.response = None
    return meaning.error(
        f"{order.label}: {meaning.words} ({type(root).__name__}).",
        remedy=REREAD if ambiguous else meaning.remedy,
        service=order.service,
        ambiguous=ambiguous,
    )


def from_status(
    answer: Answer,
    fault: Fault,
    *,
    tries: int = 1,
    retry_after: float | None = None,
) -> ApiError:
    """Make the error for an answer with a status from 400 up, in the service's own words."""
    write, status = not answer.order.safe, answer.status
    of = fault.error or _STATUSES.get(status) or (ServiceError if status >= 500 else InvalidRequestError)
    ambiguous = write and fault.error is None and (status >= 500 or status == 408)
    if ambiguous:
        fault = replace(fault, remedy=REREAD)
    elif retry_after is not None and of in (ThrottledError, ServiceError):
        fault = replace(fault, remedy=f"Repeat after {retry_after:.0f} seconds, with fewer calls at a time.")
    return refusal(of, answer, fault, ambiguous=ambiguous, tries=tries, retry_after=retry_after)


def refusal(
    of: type[ApiError],
    answer: Answer,
    fault: Fault,
    *,
    ambiguous: bool = False,
    tries: int = 1,
    retry_after: float | None = None,
) -> ApiError:
    """Make one error of the given class from an answer and the service's words about it."""
    request_id = answer.request_id
    known = answer.order.secrets
    said = concealed(" ".join(fault.text.split()), known)[:_LONGEST_TEXT] or "the service gave no reason"
    trace = f" Request id {request_id}." if request_id else ""
    often = f" after {tries} tries" if tries > 1 else ""
    detail = f"{answer.order.label}: HTTP {answer.status}{often}: {said.rstrip('.')}.{trace}"
    extra = {"retry_after_seconds": retry_after} if issubclass(of, ThrottledError) else {}
    return of(
        detail,
        remedy=fault.remedy or _ADVICE[of],
        service=answer.order.service,
        status=answer.status,
        request_id=request_id,
        ambiguous=ambiguous,
        kind=concealed(fault.kind, known) if fault.kind else None,
        codes=fault.codes,
        **extra,
    )


def _never_sent(root: BaseException) -> bool:
    if isinstance(root, (lower.NewConnectionError, lower.ConnectTimeoutError, lower.ProxyError)):
        return True
    return isinstance(root, (lower.SSLError, OSError)) and "CERTIFICATE_VERIFY_FAILED" in str(root)


def _root(cause: BaseException) -> BaseException:
    """Find what lies under the wrapping: the first argument, or the reason that urllib3 names."""
    found = cause
    while True:
        inner = found.reason if isinstance(found, lower.MaxRetryError) else next(iter(found.args), None)
        if not isinstance(inner, (lower.HTTPError, OSError)):
            return found
        found = inner
