"""Say what went wrong at a vendor's door, in one tree of errors.

    ApiError
    ├── UnreachableError        no connection, or the connection was lost
    ├── ApiTimeoutError         no answer in time (also HTTP 408)
    ├── SignInError             Entra ID gave no token, or no credential is configured
    ├── UnauthorizedError       401
    ├── ForbiddenError          403
    ├── NotFoundError           404, and the service's own "no such object"
    ├── ConflictError           409, and the service's own "exists already"
    ├── InvalidRequestError     every other 4xx, and failures hidden in an answer 200
    ├── ThrottledError          429
    ├── CircuitOpenError        the host failed for many tenants in a row; nothing was sent
    ├── ServiceError            5xx
    ├── MalformedAnswerError    not JSON, a needed key is missing, a list is incomplete
    ├── UnconfirmedServiceError this cloud is not known to have the service; nothing was sent
    └── TenantMismatchError     token, path and anchor do not name one tenant

Nothing else leaves this library on account of a network or a service. A ``ValueError`` or a ``TypeError``
means that the caller's own argument is wrong and that nothing was sent. Every class pickles; its cause does
not travel along.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, Literal

NOBODY_TO_ASK: Final = "interaction_required"
"""Kind of the ``SignInError`` of a sign-in that waits for a person where nobody is; OpenID Connect's name for it."""

Service = Literal["Cloudflare", "Microsoft Graph", "Exchange Online", "Entra ID"]


class ApiError(Exception):
    """Tell that a vendor's service did not do what it was asked.

    ``ambiguous`` is True when the call was a write that may have taken effect all the same: read the object
    again before repeating it. ``kind`` is the service's own name for the failure (an exception type, a Graph
    code) and ``codes`` are its numbers; both are for people and logs, since most of them are not documented.
    """

    summary: ClassVar[str] = "The service did not do what it was asked"

    def __init__(
        self,
        detail: str,
        *,
        remedy: str = "",
        service: Service | None = None,
        status: int | None = None,
        request_id: str | None = None,
        ambiguous: bool = False,
        kind: str | None = None,
        codes: tuple[int, ...] = (),
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy
        self.service = service
        self.status = status
        self.request_id = request_id
        self.ambiguous = ambiguous
        self.kind = kind
        self.codes = codes

    def __str__(self) -> str:
        return " ".join(part for part in (f"{self.summary}: {self.detail}", self.remedy) if part)

    def __reduce__(self) -> tuple[Any, ...]:
        # The default of Exception would call the class with the positional arguments only and lose the rest.
        named = dict(self.__dict__)
        return _rebuild, (type(self), named.pop("detail"), named)


def _rebuild(of: type[ApiError], detail: str, named: dict[str, Any]) -> ApiError:
    notes = named.pop("__notes__", ())
    error = of(detail, **named)
    for note in notes:
        error.add_note(note)
    return error


class UnreachableError(ApiError):
    """Tell that no connection was made, or that it was lost before the answer was complete."""

    summary = "The service could not be reached"


class ApiTimeoutError(ApiError):
    """Tell that no answer came in time."""

    summary = "The service did not answer in time"


class SignInError(ApiError):
    """Tell that no token could be had; ``codes`` are the AADSTS numbers of Entra ID."""

    summary = "Signing in failed"


class UnauthorizedError(ApiError):
    """Tell that the service does not accept the token (401)."""

    summary = "The service does not accept the sign-in"


class ForbiddenError(ApiError):
    """Tell that this identity may not do that (403)."""

    summary = "This identity is not allowed to do that"


class NotFoundError(ApiError):
    """Tell that the named object does not exist (404)."""

    summary = "The object was not found"


class ConflictError(ApiError):
    """Tell that the object exists already or has changed meanwhile (409)."""

    summary = "The object is in the way"


class InvalidRequestError(ApiError):
    """Tell that the service refused the call as it stands; repeating it does not help."""

    summary = "The service refused the request"


class ThrottledError(ApiError):
    """Tell that the service wants fewer calls (429); ``retry_after_seconds`` is its wish, if it named one."""

    summary = "The service asks to wait"

    def __init__(self, detail: str, *, retry_after_seconds: float | None = None, **named: Any) -> None:
        super().__init__(detail, **named)
        self.retry_after_seconds = retry_after_seconds


class CircuitOpenError(ApiError):
    """Tell that a host is not called for now, because it failed for several tenants in a row; nothing was sent.

    After ``retry_after_seconds`` one call may find out whether it works again.
    """

    summary = "The service is left alone for now"

    def __init__(self, detail: str, *, retry_after_seconds: float | None = None, **named: Any) -> None:
        super().__init__(detail, **named)
        self.retry_after_seconds = retry_after_seconds


class ServiceError(ApiError):
    """Tell that the service failed on its own side (5xx)."""

    summary = "The service failed"


class MalformedAnswerError(ApiError):
    """Tell that an answer cannot be relied on: not JSON, a key is missing, a list is incomplete.

    What the service holds is then unknown, which is not the same as absent.
    """

    summary = "The answer cannot be relied on"


class UnconfirmedServiceError(ApiError):
    """Tell that nobody is known to have reached the service in this tenant's cloud; nothing was sent."""

    summary = "The service is not confirmed in this cloud"


class TenantMismatchError(ApiError):
    """Tell that a call was about to mix two tenants; nothing was sent, or the answer was not followed."""

    summary = "The call would mix two tenants"
