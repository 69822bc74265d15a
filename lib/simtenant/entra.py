"""Entra ID's sign-in endpoints: discovery documents, device codes and tokens.

Sources: scopes and codes [CIPP-EXO, SCUBA, section 1.11 of the facts]; what msal asks for was measured with
msal 1.39; statuses follow OAuth (401 for a refused client).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from simtenant import aadsts, access_tokens, assertion, authz, device, identity_endpoint, switches
from simtenant.aadsts import RefusedError, bad_client
from simtenant.store import Body, Transaction
from simtenant.wire import Answer, Handled, Request, json_answer, parse_moment

_CONFIGURATION = re.compile(r"/(?P<tenant>[^/]+)/v2\.0/\.well-known/openid-configuration", re.IGNORECASE)
_TOKEN = re.compile(r"/(?P<tenant>[^/]+)/oauth2/v2\.0/(?P<what>token|devicecode)", re.IGNORECASE)
_DISCOVERY = re.compile(r"/(?:common|[^/]+)/discovery/instance", re.IGNORECASE)

_SCOPES: Mapping[str, str] = {authz.EXCHANGE: authz.EXCHANGE_SCOPE, authz.GRAPH: authz.GRAPH_SCOPE}
_ABOUT_THE_PERSON = {"openid", "profile", "email", "offline_access"}


def serves(path: str) -> bool:
    """Tell whether a path belongs to the sign-in service."""
    patterns = (_CONFIGURATION, _TOKEN, _DISCOVERY)
    return any(pattern.fullmatch(path) for pattern in patterns) or identity_endpoint.serves(path)


def handle(tx: Transaction, request: Request, now: datetime) -> Handled:
    """Answer a request to the sign-in service."""
    if identity_endpoint.serves(request.path):
        return Handled(answer=identity_endpoint.handle(tx, request, now))
    configuration = _CONFIGURATION.fullmatch(request.path)
    token = _TOKEN.fullmatch(request.path)
    try:
        if configuration is not None:
            _check_tenant(tx, configuration["tenant"])
            answer = json_answer(200, _document(tx, request, configuration["tenant"]))
            return Handled(answer=answer, tenant=configuration["tenant"])
        if token is None:
            return Handled(answer=json_answer(200, _instances(request)))
        if request.method != "POST":
            return Handled(answer=Answer(status=405, headers=(("Allow", "POST"),)), tenant=token["tenant"])
        _check_tenant(tx, token["tenant"])
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        serve = _token if token["what"].lower() == "token" else _device_code
        return Handled(answer=serve(tx, request, form, now), tenant=token["tenant"])
    except RefusedError as refusal:
        named = configuration or token
        return Handled(answer=aadsts.answer(refusal, now), tenant=named["tenant"] if named else None)


def _document(tx: Transaction, request: Request, tenant: str) -> dict[str, object]:
    base = f"{request.base_url}/{tenant}"
    return {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
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
    if tenant.casefold() == str(tx.setting("tenant_id")).casefold():
        return
    if tenant.casefold() not in {str(record.body["DomainName"]).casefold() for record in tx.all("AcceptedDomain")}:
        raise RefusedError(
            90002, "invalid_request", f"Tenant '{tenant}' not found. Check that the identifier is right."
        )


def _device_code(tx: Transaction, request: Request, form: Mapping[str, str], now: datetime) -> Answer:
    scope = form.get("scope", "")
    _audience(scope)
    return _private(device.begin(tx, _application(tx, form), scope, now))


def _token(tx: Transaction, request: Request, form: Mapping[str, str], now: datetime) -> Answer:
    grant = form.get("grant_type")
    if grant not in {"client_credentials", "refresh_token", *device.GRANTS}:
        raise RefusedError(70003, "unsupported_grant_type", f"The grant type '{grant}' is not served.")
    application = _application(tx, form)
    if grant == "client_credentials" or not application["public_client"]:
        _check_credential(tx, request, form, application, now)
    blocked = switches.chosen(tx, "conditional_access")
    if blocked == "everyone" or (blocked == "people" and grant != "client_credentials"):
        raise RefusedError(53003, "invalid_grant", "Access has been blocked by Conditional Access policies.")
    if grant == "client_credentials":
        return _for_application(tx, form, application, now)
    client_id = str(application["client_id"])
    if grant == "refresh_token":
        upn, scope = device.refreshed(tx, form, client_id, now), form.get("scope", "")
    else:
        upn, scope = device.poll(tx, form, client_id, now)
    answer = _for_person(tx, application, upn, scope, now)
    device.close(tx, form)
    return answer


def _application(tx: Transaction, form: Mapping[str, str]) -> Body:
    client_id = form.get("client_id", "")
    record = tx.get(authz.APPLICATION, client_id.lower())
    if record is None:
        raise RefusedError(
            700016, "unauthorized_client", f"Application with identifier '{client_id}' was not found in the directory."
        )
    return record.body


def _check_credential(
    tx: Transaction, request: Request, form: Mapping[str, str], application: Body, now: datetime
) -> None:
    if "client_assertion" in form:
        assertion.check(tx, request, form, application, now)
        return
    client_id, secret = str(application["client_id"]), form.get("client_secret")
    if not secret:
        raise bad_client(7000218, "The request must contain client_assertion or client_secret.")
    known = tx.secret("client-secret", authz.digest(secret))
    if known is None or known["client_id"] != client_id:
        raise bad_client(7000215, f"Invalid client secret provided for the application '{client_id}'.")
    expires = application.get("secret_expires")
    if expires and parse_moment(expires) <= now:
        raise bad_client(7000222, f"The client secret keys of the application '{client_id}' are expired.")


def _for_application(tx: Transaction, form: Mapping[str, str], application: Body, now: datetime) -> Answer:
    scope = form.get("scope", "")
    if not scope.endswith("/.default"):
        raise RefusedError(1002012, "invalid_scope", f"The scope '{scope}' is not valid: it must end in /.default.")
    token, lifetime = access_tokens.for_application(tx, application, _audience(scope), now)
    return _private(_bearer(token, lifetime))


def _for_person(tx: Transaction, application: Body, upn: str, scope: str, now: datetime) -> Answer:
    person = tx.get(authz.PERSON, upn)
    if person is None or not person.body["enabled"]:
        raise RefusedError(50057, "invalid_grant", "The user account is disabled or gone.")
    audience = _audience(scope)
    right = _SCOPES[audience]
    asked = [part for part in scope.split() if part not in _ABOUT_THE_PERSON]
    strange = [part for part in asked if part.rsplit("/", 1)[-1] not in {".default", right}]
    if strange or right not in application["delegated_permissions"]:
        raise RefusedError(
            65001,
            "invalid_grant",
            f"The user or administrator has not consented to use the application '{application['client_id']}'.",
        )
    token, lifetime = access_tokens.for_person(tx, application, person.body, audience, [right], now)
    resource = asked[0].rpartition("/")[0]
    value = {
        **_bearer(token, lifetime),
        "scope": f"{resource}/{right} {resource}/.default",
        "refresh_token": device.refresh_token(tx, str(application["client_id"]), upn, now),
        "id_token": access_tokens.id_token(tx, application, person.body, now),
        "client_info": access_tokens.client_info(tx, person.body),
    }
    return _private(value)


def _audience(scope: str) -> str:
    """Find the one service that the resources of a scope name."""
    parts = [part for part in scope.split() if part not in _ABOUT_THE_PERSON]
    found = {authz.audience(part.rpartition("/")[0]) for part in parts}
    audience = found.pop() if len(found) == 1 else None
    if audience is None:
        raise RefusedError(
            500011, "invalid_resource", f"The resource of the scope '{scope}' was not found in the tenant."
        )
    return audience


def _bearer(token: str, lifetime: int) -> dict[str, Any]:
    return {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}


def _private(value: Mapping[str, Any]) -> Answer:
    return json_answer(200, value, ("Cache-Control", "no-store, no-cache"), ("Pragma", "no-cache"))
