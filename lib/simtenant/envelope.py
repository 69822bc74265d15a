"""InvokeCommand's answers: the success envelope and the many shapes of failure.

Sources: keys and annotations [G2O-FIX, CAP; live]; error envelope and message forms [G2O; live, CIPP-QP];
403 as NUL bytes declared as gzip [G2O; live]. The human texts are our own wording around the phrases that
clients are known to look for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from simtenant.wire import Answer, Headers, Request, json_answer

_CONTENT_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
_TASKS = "Microsoft.Exchange.Management.Tasks"
_BINDING = "Microsoft.Exchange.AdminApi.CommandInvocation"
_SERVER = "SIM01A001DC01"


class CmdletError(Exception):
    """A failure that the service reports in its error envelope.

    ``where`` says which part of the envelope holds the text: ``details`` for what a cmdlet throws,
    ``internal`` for what parameter binding throws [G2O; live].
    """

    def __init__(
        self,
        text: str,
        *,
        exception: str,
        status: int = 400,
        code: str = "BadRequest",
        error_id: str = "",
        where: str = "details",
        seen: bool = False,
    ) -> None:
        super().__init__(text)
        self.text = text
        self.exception = exception
        self.status = status
        self.code = code
        self.error_id = error_id
        self.where = where
        self.seen = seen
        """Whether the form of this failure was captured from the live service."""

    def bare(self) -> CmdletError:
        """Give the same refusal without a word about its cause."""
        return CmdletError("Error executing cmdlet", exception="System.Exception", status=self.status, code=self.code)


def not_found(identity: str) -> CmdletError:
    """Report an identity that names nothing: 404 with id Ex6F9304 [G2O; live]."""
    return CmdletError(
        f"The operation couldn't be performed because object '{identity}' couldn't be found on '{_SERVER}'.",
        exception="Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException",
        status=404,
        code="NotFound",
        error_id="Ex6F9304",
        seen=True,
    )


def older_not_found(error: CmdletError) -> CmdletError:
    """Give an unknown identity the form of older captures [CIPP, SCUBA]."""
    return CmdletError(
        error.text,
        exception=error.exception,
        status=500,
        code="InternalServerError",
        error_id="Ex41BAF5",
        seen=True,
    )


def invalid(text: str) -> CmdletError:
    """Report a value that the cmdlet refuses; the id field stays empty, so the message begins with a pipe."""
    return CmdletError(text, exception=f"{_TASKS}.ValidationException")


def duplicate(kind: str, name: str) -> CmdletError:
    """Report a name that is taken; exact class and text are open (assumption ``duplicate-name``)."""
    return CmdletError(
        f"The {kind} '{name}' already exists. Choose another name.",
        exception="Microsoft.Exchange.Configuration.Tasks.ManagementObjectAlreadyExistsException",
    )


def dehydrated(cmdlet: str) -> CmdletError:
    """Report a write in an organisation that was never customised [2nd; class name from public reports]."""
    return CmdletError(
        f"{cmdlet} can't run in a dehydrated organization. Run Enable-OrganizationCustomization first.",
        exception="Microsoft.Exchange.Configuration.Tasks.CmdletInvalidOperationInDehydratedContextException",
    )


def unknown_parameter(name: str) -> CmdletError:
    """Report a parameter that the cmdlet does not have [G2O; live]."""
    return CmdletError(
        f"Parameter set cannot be resolved using the specified named parameters. Parameter name: {name}",
        exception=f"{_BINDING}.AmbiguousParameterSetException",
        where="internal",
        seen=True,
    )


def unfit(name: str, value: object, expected: str) -> CmdletError:
    """Report a value that cannot become the parameter's type [G2O; live for enums]."""
    return CmdletError(
        f"Cannot process argument transformation on parameter '{name}'. Cannot convert value \"{value}\" to {expected}",
        exception=f"{_BINDING}.ParameterTransformationException",
        where="internal",
        seen=True,
    )


def success(
    request: Request,
    tenant: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    warnings: Sequence[str] = (),
    confirmation: str | None = None,
    next_link: str | None = None,
) -> Answer:
    """Wrap rows; the warnings array is there even when it is empty [G2O-FIX, CAP; live]."""
    value: dict[str, Any] = {
        "@odata.context": f"{request.base_url}/adminapi/beta/{tenant}/$metadata#Collection(Exchange.GenericHashTable)",
        "adminapi.warnings@odata.type": "#Collection(String)",
        "@adminapi.warnings": list(warnings),
    }
    if confirmation is not None:
        value["@adminapi.confirmationmessage"] = confirmation
    if next_link is not None:
        value["@odata.nextLink"] = next_link
    value["value"] = list(rows)
    return json_answer(200, value, *service_headers(request), content_type=_CONTENT_TYPE)


def failure(request: Request, error: CmdletError, *, mixed_case: bool = False) -> Answer:
    """Wrap a failure; ``mixed_case`` spells the inner keys as some captures do."""
    inner_key, internal_key = ("InnerError", "internalException") if mixed_case else ("innererror", "internalexception")
    binding = error.where == "internal"
    details = [] if binding else [_detail(error)]
    internal = {"message": error.text, "type": error.exception, "stacktrace": ""}
    inner: dict[str, Any] = {
        "message": "Invalid Operation" if binding else "Error executing cmdlet",
        "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
        "stacktrace": "",
        internal_key: internal,
    }
    value = {
        "error": {"code": error.code, "message": inner["message"], "details": details, inner_key: inner},
        "adminapi.warnings@odata.type": "#Collection(String)",
        "@adminapi.warnings": [],
    }
    return json_answer(
        error.status,
        value,
        *service_headers(request),
        ("x-ExceptionType", error.exception.rsplit(".", 1)[-1]),
        content_type=_CONTENT_TYPE,
    )


def unauthenticated(request: Request, reason: str) -> Answer:
    """Refuse a call without a usable token: 401, the reason in the header, the body empty [G2O; live]."""
    resource = "00000002-0000-0ff1-ce00-000000000000"
    challenge = f'Bearer client_id="{resource}", error="invalid_token", error_description="{reason}"'
    return Answer(status=401, headers=(*service_headers(request), ("WWW-Authenticate", challenge)))


def forbidden(request: Request) -> Answer:
    """Refuse a known caller: 403 whose body is a run of NUL bytes declared as gzip [G2O; live].

    A client that lets its HTTP library decode the body fails on it; that is the point of sending it.
    """
    return Answer(
        status=403,
        headers=(
            ("Content-Type", "application/json; charset=utf-8"),
            ("Content-Encoding", "gzip"),
            *service_headers(request),
        ),
        body=b"\x00" * 64,
    )


def _detail(error: CmdletError) -> dict[str, str]:
    return {"code": "Client", "target": "", "message": f"{error.error_id}|{error.exception}|{error.text}"}


def service_headers(request: Request) -> Headers:
    """Give the headers that every answer carries [CAP, MOD]."""
    echoed = request.headers.get("client-request-id")
    headers: Headers = (
        ("request-id", str(uuid4())),
        ("OData-Version", "4.0"),
        ("X-FEServer", "SIM01A001CA0001"),
        ("Rate-Limit-Limit", "30000"),
        ("Rate-Limit-Remaining", "29999"),
        ("Rate-Limit-Reset", "300"),
    )
    if "prefer" in request.headers:
        headers = (*headers, ("Preference-Applied", request.headers["prefer"]))
    return headers if echoed is None else (*headers, ("client-request-id", echoed))
