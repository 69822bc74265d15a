"""Entra ID's sign-in endpoints: discovery documents and tokens for applications.

Sources: scopes and codes [CIPP-EXO, SCUBA, section 1.11 of the facts]; what msal asks for was measured with
msal 1.39. Codes 7000222, 700016 and 90002 are second-hand; statuses follow OAuth (401 for a refused client).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from simtenant import authz
from simtenant.store import Transaction
from simtenant.wire import Answer, Handled, Request, json_answer, moment_text, parse_moment

_CONFIGURATION = re.compile(r"/(?P<tenant>[^/]+)/v2\.0/\.well-known/openid-configuration", re.IGNORECASE)
_TOKEN = re.compile(r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token", re.IGNORECASE)
_DISCOVERY = re.compile(r"/(?:common|[^/]+)/discovery/instance", re.IGNORECASE)

_AUDIENCE_HOSTS: Mapping[str, str] = MappingProxyType(
    {
        "outlook.office365.com": authz.EXCHANGE,
        "outlook.office365.us": authz.EXCHANGE,
        "outlook-dod.office365.us": authz.EXCHANGE,
        "outlook.office365.cn": authz.EXCHANGE,
        "graph.microsoft.com": authz.GRAPH,
        "graph.microsoft.us": authz.GRAPH,
        "dod-graph.microsoft.us": authz.GRAPH,
        "microsoftgraph.chinacloudapi.cn": authz.GRAPH,
    }
)


class _RefusedError(Exception):
    """A sign-in that fails; becomes the JSON that msal turns into a dict."""

    def __init__(self, number: int, error: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.number = number
        self.error = error
        self.text = text
        self.status = status


def serves(path: str) -> bool:
    """Tell whether a path belongs to the sign-in service."""
    return any(pattern.fullmatch(path) for pattern in (_CONFIGURATION, _TOKEN, _DISCOVERY))


def handle(tx: Transaction, request: Request, now: datetime) -> Handled:
    """Answer a request to the sign-in service."""
    configuration = _CONFIGURATION.fullmatch(request.path)
    token = _TOKEN.fullmatch(request.path)
    try:
        if configuration is not None:
            _check_tenant(tx, configuration["tenant"])
            answer = json_answer(200, _document(tx, request, configuration["tenant"]))
            return Handled(answer=answer, tenant=configuration["tenant"])
        if token is not None and request.method == "POST":
            _check_tenant(tx, token["tenant"])
            return Handled(answer=_token(tx, request, now), tenant=token["tenant"])
        if token is not None:
            return Handled(answer=Answer(status=405, headers=(("Allow", "POST"),)), tenant=token["tenant"])
        return Handled(answer=json_answer(200, _instances(request)))
    except _RefusedError as refusal:
        named = configuration or token
        return Handled(answer=_refusal(refusal, now), tenant=named["tenant"] if named else None)


def _document(tx: Transaction, request: Request, tenant: str) -> dict[str, object]:
    base = f"{request.base_url}/{tenant}"
    return {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "issuer": f"{request.base_url}/{tx.setting('tenant_id')}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": request.host or "localhost",
    }


def _instances(request: Request) -> dict[str, object]:
    asked = urlsplit(request.value("authorization_endpoint") or "")
    host = asked.hostname or request.host.partition(":")[0]
    tenant = asked.path.strip("/").partition("/")[0] or "common"
    return {
        "tenant_discovery_endpoint": f"{request.base_url}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }


def _check_tenant(tx: Transaction, tenant: str) -> None:
    known = {str(tx.setting("tenant_id"))} | {str(record.body["DomainName"]) for record in tx.all("AcceptedDomain")}
    if tenant.casefold() not in {name.casefold() for name in known}:
        raise _RefusedError(
            90002, "invalid_request", f"Tenant '{tenant}' not found. Check that the identifier is right."
        )


def _token(tx: Transaction, request: Request, now: datetime) -> Answer:
    form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    if form.get("grant_type") != "client_credentials":
        raise _RefusedError(70003, "unsupported_grant_type", "This sign-in service only knows client_credentials.")
    client_id = form.get("client_id", "")
    record = tx.get(authz.APPLICATION, client_id.lower())
    if record is None:
        raise _RefusedError(
            700016,
            "unauthorized_client",
            f"Application with identifier '{client_id}' was not found in the directory.",
        )
    _check_secret(tx, form, str(record.body["client_id"]), now)
    audience = _audience(form.get("scope", ""))
    token, lifetime = authz.issue(tx, record.body, audience, str(tx.setting("tenant_id")), now)
    value = {
        "token_type": "Bearer",
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": token,
    }
    return json_answer(200, value, ("Cache-Control", "no-store, no-cache"), ("Pragma", "no-cache"))


def _check_secret(tx: Transaction, form: Mapping[str, str], client_id: str, now: datetime) -> None:
    if "client_assertion" in form:
        raise _RefusedError(700027, "invalid_client", "The certificate of the client assertion is not registered.", 401)
    secret = form.get("client_secret")
    if not secret:
        raise _RefusedError(
            7000218, "invalid_client", "The request must contain client_assertion or client_secret.", 401
        )
    known = tx.secret("client-secret", authz.digest(secret))
    if known is None or known["client_id"] != client_id:
        raise _RefusedError(
            7000215,
            "invalid_client",
            f"Invalid client secret provided for the application '{client_id}'.",
            401,
        )
    record = tx.get(authz.APPLICATION, client_id)
    expires = record.body.get("secret_expires") if record is not None else None
    if expires and parse_moment(expires) <= now:
        raise _RefusedError(
            7000222,
            "invalid_client",
            f"The client secret keys of the application '{client_id}' are expired.",
            401,
        )


def _audience(scope: str) -> str:
    if not scope.endswith("/.default"):
        raise _RefusedError(1002012, "invalid_scope", f"The scope '{scope}' is not valid: it must end in /.default.")
    audience = _AUDIENCE_HOSTS.get(urlsplit(scope).hostname or "")
    if audience is None:
        raise _RefusedError(
            500011, "invalid_resource", f"The resource of the scope '{scope}' was not found in the tenant."
        )
    return audience


def _refusal(refusal: _RefusedError, now: datetime) -> Answer:
    trace, correlation = str(uuid4()), str(uuid4())
    moment = moment_text(now)
    value = {
        "error": refusal.error,
        "error_description": f"AADSTS{refusal.number}: {refusal.text} Trace ID: {trace} "
        f"Correlation ID: {correlation} Timestamp: {moment}",
        "error_codes": [refusal.number],
        "timestamp": moment,
        "trace_id": trace,
        "correlation_id": correlation,
    }
    return json_answer(refusal.status, value)
