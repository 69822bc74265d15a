"""What a struck call is answered, and what becomes of the work it asked for, in each service's own form."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from simtenant import aadsts, cloudflare_envelope, envelope, graph, services
from simtenant.faults import Fault
from simtenant.wire import Answer, Headers, Request, json_answer, text_answer

_PAGE = "<!DOCTYPE html><html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
_NO_JSON = "The service is being updated. Please come back later."
_WARNING = "The settings may take some time to apply."
_UNMODIFIED = "The command completed successfully but no settings of '{name}' have been modified."


def part_of(request: Request, keep: str = "first") -> Request:
    """Cut a change down to one property; a request that is no change, or has one only, stays whole."""
    try:
        value = request.json()
        settings = value["CmdletInput"]["Parameters"] if "CmdletInput" in value else value
        name = str(value["CmdletInput"]["CmdletName"]) if "CmdletInput" in value else request.method
        named = [key for key in settings if key.lower() == "identity"]
        others = [key for key in settings if key not in named and "@" not in key]
    except (ValueError, KeyError, TypeError, AttributeError):
        return request
    if not (name == "PATCH" or name.lower().startswith("set-")) or len(others) < 2:
        return request
    kept = {key: settings[key] for key in (*named, others[-1 if keep == "last" else 0])}
    whole = {"CmdletInput": {**value["CmdletInput"], "Parameters": kept}} if "CmdletInput" in value else kept
    return replace(request, body=json.dumps(whole).encode())


def refusal(request: Request, fault: Fault, now: datetime) -> Answer:
    """Give the answer of a fault that strikes before the work."""
    if fault.kind == "html":
        return _page(fault)
    if fault.kind == "throttle":
        return _throttled(request, fault)
    if fault.kind == "embedded-error":
        return _embedded(request)
    if fault.kind == "expired-token":
        return _unauthenticated(request, now, 7000222, "The client secret keys are expired.", "the token has expired")
    if fault.kind == "wrong-secret":
        return _unauthenticated(
            request, now, 7000215, "Invalid client secret provided.", "the token was not issued here"
        )
    if fault.kind == "unmodified":
        return _unmodified(request)
    return Answer(status=fault.status, headers=_retry_headers(fault))


def spoiled(answer: Answer, fault: Fault) -> Answer:
    """Give what a fault that strikes after the work makes of its answer."""
    if fault.kind == "status-after" or (fault.kind == "partial" and fault.status != 200):
        return Answer(status=fault.status, headers=_retry_headers(fault))
    if fault.kind == "html-after":
        return _page(fault)
    spoil = _SPOILERS.get(fault.kind)
    return answer if spoil is None else spoil(answer)


def _page(fault: Fault) -> Answer:
    page = _PAGE.format(status=fault.status)
    return text_answer(fault.status, page, *_retry_headers(fault), content_type="text/html; charset=utf-8")


def _cut_short(answer: Answer) -> Answer:
    return replace(answer, body=answer.body[: max(1, len(answer.body) // 2)])


def _no_json(answer: Answer) -> Answer:
    return replace(answer, body=_NO_JSON.encode())


def _warning_only(answer: Answer) -> Answer:
    """Leave the rows out of a success; a warning can be the only payload [CIPP-EXO]."""
    value = _read(answer)
    if value is None or answer.status >= 400:
        return answer
    if "@adminapi.warnings" in value:
        value = {**value, "@adminapi.warnings": [_WARNING]}
        value.pop("value", None)
    elif "success" in value:
        value = {**value, "result": None, "messages": [{"code": 1000, "message": _WARNING}]}
    return replace(answer, body=json.dumps(value).encode())


def _emptied(answer: Answer) -> Answer:
    """Leave the rows out of a list and say that this is all."""
    value = _read(answer)
    if value is None:
        return answer
    if isinstance(value.get("value"), list):
        value = {**value, "value": []}
        value.pop("@odata.nextLink", None)
        if "@adminapi.warnings" in value:
            value["@adminapi.warnings"] = []
    elif isinstance(value.get("result"), list):
        info = {"page": 1, "per_page": 20, **value.get("result_info", {}), "count": 0, "total_count": 0}
        value = {**value, "result": [], "result_info": {**info, "total_pages": 0}}
    return replace(answer, body=json.dumps(value).encode())


_SPOILERS: Mapping[str, Callable[[Answer], Answer]] = MappingProxyType(
    {"malformed": _cut_short, "not-json": _no_json, "warning-only": _warning_only, "empty-list": _emptied}
)


def _read(answer: Answer) -> dict[str, Any] | None:
    try:
        value = json.loads(answer.body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _retry_headers(fault: Fault) -> Headers:
    return () if fault.retry_after is None else (("Retry-After", str(fault.retry_after)),)


def _throttled(request: Request, fault: Fault) -> Answer:
    """Refuse for too many calls; Exchange does so in plain text [EXOH, SCUBA]."""
    vendor = services.service_of(request.path)
    if vendor == services.CLOUDFLARE:
        return cloudflare_envelope.throttled(fault.retry_after)
    headers = _retry_headers(fault)
    if vendor == services.GRAPH:
        value = {"error": {"code": "TooManyRequests", "message": "Too many requests", "innerError": {}}}
        scope = ("x-ms-throttle-scope", "Tenant_Application/ReadWrite")
        return json_answer(429, value, *headers, scope, ("x-ms-throttle-information", "CPULimitExceeded"))
    return text_answer(429, "The maximum number of concurrent requests per tenant was exceeded.", *headers)


def _unauthenticated(request: Request, now: datetime, number: int, secret: str, token: str) -> Answer:
    """Refuse a token for a reason, or at the sign-in service a secret."""
    vendor = services.service_of(request.path)
    if vendor == services.CLOUDFLARE:
        return cloudflare_envelope.unauthorised()
    if vendor == services.GRAPH:
        return graph.unauthenticated(request, token, now)
    if vendor == services.SIGN_IN:
        return aadsts.answer(aadsts.bad_client(number, secret), now)
    return envelope.unauthenticated(request, token)


def _unmodified(request: Request) -> Answer:
    """Report success without work: the no-op warning of Exchange, for the others an answer without a result."""
    if services.service_of(request.path) != services.EXCHANGE:
        return cloudflare_envelope.success(None, messages=[{"code": 1000, "message": _UNMODIFIED.format(name="it")}])
    try:
        sent = request.json()["CmdletInput"]["Parameters"]
        name = next((value for key, value in sent.items() if key.lower() in {"identity", "name"}), "")
    except (ValueError, KeyError, TypeError, AttributeError):
        name = ""
    whole = envelope.success(request, request.path.split("/")[3], (), warnings=(_UNMODIFIED.format(name=name),))
    value = json.loads(whole.body)
    del value["value"]
    return replace(whole, body=json.dumps(value).encode())


def _embedded(request: Request) -> Answer:
    """Report a failure under status 200, as each service has been seen to do [SCUBA, RUN]."""
    if services.service_of(request.path) == services.CLOUDFLARE:
        errors = [{"code": 10000, "message": "Authentication error"}]
        return json_answer(200, {"success": False, "errors": errors, "messages": [], "result": None})
    error = {"code": "InternalServerError", "message": "Error executing cmdlet", "details": []}
    value = {"adminapi.warnings@odata.type": "#Collection(String)", "@adminapi.warnings": [], "error": error}
    return json_answer(200, value)
