"""Microsoft Graph: domains and the DNS records that Microsoft 365 expects for them.

Sources: types and names [GRAPHMETA, Graph reference]; error envelope and throttle headers [Graph reference];
codes of 401 and 403 [2nd].
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from simtenant import authz, switches
from simtenant.directory import stable_guid
from simtenant.store import Record, Transaction
from simtenant.wire import Answer, Handled, Headers, Request, json_answer, moment_text

DOMAIN = "GraphDomain"

_PATH = re.compile(r"/v1\.0/domains(?:/(?P<id>[^/]+)(?:/(?P<part>[^/]+))?)?/?", re.IGNORECASE)
_CONTENT_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


_TYPES: Mapping[str, str] = {
    "Mx": "domainDnsMxRecord",
    "Txt": "domainDnsTxtRecord",
    "CName": "domainDnsCnameRecord",
    "Srv": "domainDnsSrvRecord",
    "Unavailable": "domainDnsUnavailableRecord",
}


class _GraphError(Exception):
    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text


def handle(tx: Transaction, request: Request, now: datetime) -> Handled:
    """Answer a request below ``/v1.0``."""
    try:
        return Handled(answer=_route(tx, request, now))
    except _GraphError as error:
        return Handled(answer=_failure(request, error, now), write=request.method != "GET")


def unauthenticated(request: Request, reason: str, now: datetime) -> Answer:
    """Refuse a call without a usable token."""
    return _failure(request, _bad_token(reason), now)


def _bad_token(reason: object) -> _GraphError:
    return _GraphError(401, "InvalidAuthenticationToken", f"Access token is not usable: {reason}.")


def _route(tx: Transaction, request: Request, now: datetime) -> Answer:
    _authorise(tx, request, now)
    match = _PATH.fullmatch(request.path)
    if match is None:
        raise _GraphError(400, "BadRequest", f"Resource not found for the segment '{request.path}'.")
    if request.method != "GET":
        raise _GraphError(405, "Request_BadRequest", f"The method {request.method} is not served here.")
    if match["id"] is None:
        rows = [_domain(record) for record in tx.all(DOMAIN)]
        return _page(tx, request, "$metadata#domains", rows)
    record = _find(tx, match["id"])
    if match["part"] is None:
        context = f"{request.base_url}/v1.0/$metadata#domains/$entity"
        return _answer(request, {"@odata.context": context, **_domain(record)})
    if match["part"].lower() != "serviceconfigurationrecords":
        raise _GraphError(400, "BadRequest", f"Resource not found for the segment '{match['part']}'.")
    context = f"$metadata#domains('{record.body['id']}')/serviceConfigurationRecords"
    return _page(tx, request, context, _service_records(record))


def _authorise(tx: Transaction, request: Request, now: datetime) -> None:
    try:
        caller = authz.identify(tx, request, authz.GRAPH, now)
    except authz.Unauthenticated as refusal:
        raise _bad_token(refusal) from None
    if not caller.may_read_domains:
        raise _GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def _find(tx: Transaction, name: str) -> Record:
    for record in tx.all(DOMAIN):
        if str(record.body["id"]).casefold() == name.casefold():
            return record
    raise _GraphError(404, "Request_ResourceNotFound", f"Resource '{name}' does not exist in the tenant.")


def _domain(record: Record) -> dict[str, Any]:
    """Show a domain with the properties of the type microsoft.graph.domain."""
    return {
        "authenticationType": "Managed",
        "availabilityStatus": None,
        "id": record.body["id"],
        "isAdminManaged": True,
        "isDefault": record.body["isDefault"],
        "isInitial": record.body["isInitial"],
        "isRoot": True,
        "isVerified": record.body["isVerified"],
        "manufacturer": None,
        "model": None,
        "passwordNotificationWindowInDays": None,
        "passwordValidityPeriodInDays": None,
        "state": None,
        "supportedServices": record.body["supportedServices"],
    }


def _service_records(record: Record) -> list[dict[str, Any]]:
    """List the DNS records expected for a domain.

    None for the initial domain and for one that is not verified or not used for mail (open, see the table of
    assumptions); the mail exchange is data of the domain, never made from its name.
    """
    body = record.body
    if body["isInitial"] or not body["isVerified"] or "Email" not in body["supportedServices"]:
        return []
    name = str(body["id"])
    rows = [
        _mail_exchange(name, body["mailExchange"]),
        _record(name, "Txt", name, {"text": "v=spf1 include:spf.protection.outlook.com -all"}),
        _record(name, "CName", f"autodiscover.{name}", {"canonicalName": "autodiscover.outlook.com"}),
    ]
    if "OfficeCommunicationsOnline" in body["supportedServices"]:
        service = {
            "nameTarget": "sipfed.online.lync.com",
            "port": 5061,
            "priority": 100,
            "protocol": "_tcp",
            "service": "_sipfederationtls",
            "weight": 1,
        }
        rows.append(_record(name, "Srv", f"_sipfederationtls._tcp.{name}", service, "OfficeCommunicationsOnline"))
    return rows


def _mail_exchange(name: str, host: str | None) -> dict[str, Any]:
    """Give the MX record, or the row that stands for one that cannot be told [GRAPHMETA]."""
    if host is not None:
        return _record(name, "Mx", name, {"mailExchange": host, "preference": 0})
    return _record(name, "Unavailable", name, {"description": "The record can't be determined at this time."})


def _record(domain: str, kind: str, label: str, own: Mapping[str, Any], service: str = "Email") -> dict[str, Any]:
    return {
        "@odata.type": f"#microsoft.graph.{_TYPES[kind]}",
        "id": stable_guid("DnsRecord", domain, label, kind),
        "isOptional": False,
        "label": label,
        "recordType": None if kind == "Unavailable" else kind,
        "supportedService": service,
        "ttl": 3600,
        **own,
    }


def _page(tx: Transaction, request: Request, context: str, rows: list[dict[str, Any]]) -> Answer:
    limit = switches.number(tx, "graph_page_size")
    top = _whole_number(request, "$top", limit)
    start = _whole_number(request, "$skiptoken", 0)
    size = max(1, min(limit, top))
    value: dict[str, Any] = {"@odata.context": f"{request.base_url}/v1.0/{context}"}
    if start + size < len(rows):
        asked = request.value("$top")
        keep = f"%24top={asked}&" if asked is not None else ""
        value["@odata.nextLink"] = f"{request.base_url}{request.path}?{keep}%24skiptoken={start + size}"
    value["value"] = rows[start : start + size]
    return _answer(request, value)


def _whole_number(request: Request, name: str, default: int) -> int:
    text = request.value(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal()):
        raise _GraphError(400, "Request_BadRequest", f"Invalid value '{text}' specified for the option {name}.")
    return int(text)


def _answer(request: Request, value: Mapping[str, Any]) -> Answer:
    return json_answer(200, value, *_headers(request), content_type=_CONTENT_TYPE)


def _failure(request: Request, error: _GraphError, now: datetime) -> Answer:
    number = str(uuid4())
    inner = {
        "date": moment_text(now).rstrip("Z"),
        "request-id": number,
        "client-request-id": request.headers.get("client-request-id", number),
    }
    value = {"error": {"code": error.code, "message": error.text, "innerError": inner}}
    extra = (("WWW-Authenticate", 'Bearer realm="", error="invalid_token"'),) if error.status == 401 else ()
    return json_answer(error.status, value, *_headers(request, number), *extra)


def _headers(request: Request, number: str | None = None) -> Headers:
    number = number or str(uuid4())
    return (
        ("request-id", number),
        ("client-request-id", request.headers.get("client-request-id", number)),
        ("x-ms-resource-unit", "1"),
        ("OData-Version", "4.0"),
    )
