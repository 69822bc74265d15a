"""The managed identity endpoints of a machine in Azure: IMDS, and the one of App Service.

Forms of request and answer are what msal 1.39 sends and reads. The machine's identity is the application
whose property ``managed_identity`` is ``system``; null takes the identity from the machine. Error texts are our
own (assumption ``managed-identity``).
"""

from __future__ import annotations

from datetime import datetime

from simtenant import access_tokens, authz
from simtenant.store import Record, Transaction
from simtenant.wire import Answer, Request, json_answer

IMDS_PATH = "/metadata/identity/oauth2/token"
APP_SERVICE_PATH = "/msi/token"

_IMDS_VERSION = "2018-02-01"
_APP_SERVICE_VERSION = "2019-08-01"


def serves(path: str) -> bool:
    """Tell whether a path belongs to a managed identity endpoint."""
    return path in {IMDS_PATH, APP_SERVICE_PATH}


def handle(tx: Transaction, request: Request, now: datetime) -> Answer:
    """Give a token of the machine's identity, or say why not."""
    app_service = request.path == APP_SERVICE_PATH
    complaint = _complaint(tx, request, app_service)
    record = _identity(tx, request)
    audience = authz.audience(request.value("resource") or "")
    if complaint is None and record is None:
        complaint = ("invalid_request", "Identity not found")
    if complaint is None and audience is None:
        complaint = ("invalid_resource", "AADSTS500011: The resource was not found in the tenant.")
    if complaint is not None or record is None or audience is None:
        error, text = complaint or ("", "")
        if app_service:
            return json_answer(400, {"statusCode": 400, "message": text})
        return json_answer(400, {"error": error, "error_description": text})
    token, lifetime = access_tokens.for_application(tx, record.body, audience, now)
    value = {
        "access_token": token,
        "client_id": record.body["client_id"],
        "expires_in": str(lifetime),
        "expires_on": str(int(now.timestamp()) + lifetime),
        "not_before": str(int(now.timestamp())),
        "resource": request.value("resource"),
        "token_type": "Bearer",
    }
    return json_answer(200, value)


def _complaint(tx: Transaction, request: Request, app_service: bool) -> tuple[str, str] | None:
    version = request.value("api-version")
    if version != (_APP_SERVICE_VERSION if app_service else _IMDS_VERSION):
        return "bad_request_102", "The api-version is missing or not served"
    if app_service:
        header = request.headers.get("x-identity-header", "")
        known = tx.secret("identity-header", authz.digest(header))
        return None if known is not None else ("unauthorized", "The X-IDENTITY-HEADER is not the one of this machine")
    if request.headers.get("metadata", "").lower() != "true":
        return "bad_request_102", "Required metadata header not specified"
    return None


def _identity(tx: Transaction, request: Request) -> Record | None:
    """Find the machine's identity; one that is named must be it."""
    named = request.value("client_id")
    for record in tx.all(authz.APPLICATION):
        if record.body.get("managed_identity") == "system" and named in {None, record.body["client_id"]}:
            return record
    return None
