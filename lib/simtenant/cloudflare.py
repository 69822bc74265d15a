"""Cloudflare's v4 API: routes, tokens and what a token may do.

Sources: paths [PY, SPEC]; header errors [ISS]; permission names [SPEC, PUL]. The HTTP statuses of refused
tokens are assumptions.
"""

from __future__ import annotations

import re
from datetime import datetime
from uuid import uuid4

from simtenant import authz, switches
from simtenant import cloudflare_domains as domains
from simtenant.cloudflare_envelope import CloudflareError, failure, read_body, success
from simtenant.store import Record, Transaction
from simtenant.wire import Answer, Handled, Request

TOKEN = "CloudflareToken"
READ = "Cloud Email Security: Read"
WRITE = "Cloud Email Security: Write"

_VERIFY = re.compile(r"/client/v4/(?:user|accounts/(?P<account>[^/]+))/tokens/verify/?")
_DOMAINS = re.compile(
    r"/client/v4/accounts/(?P<account>[^/]+)/email-security/settings/domains"
    r"(?:/(?P<id>[^/]+)(?:/(?P<part>verification))?)?/?"
)


def handle(tx: Transaction, request: Request, now: datetime) -> Handled:
    """Answer a request below ``/client/v4``."""
    write = request.method not in {"GET", "HEAD"}
    try:
        answer = _route(tx, request, now)
    except CloudflareError as error:
        answer = failure(error)
    return Handled(answer=answer.with_headers(("cf-ray", f"{uuid4().hex[:16]}-SIM")), write=write)


def _route(tx: Transaction, request: Request, now: datetime) -> Answer:
    verify = _VERIFY.fullmatch(request.path)
    if verify is not None and request.method == "GET":
        return _verify_token(tx, request, verify["account"])
    match = _DOMAINS.fullmatch(request.path)
    if match is None:
        raise CloudflareError(
            404, "not-a-route", "Could not route to the path, perhaps your object identifier is invalid?"
        )
    _authorise(tx, request, match["account"])
    return _domains(tx, request, now, match["id"], match["part"])


def _domains(tx: Transaction, request: Request, now: datetime, domain_id: str | None, part: str | None) -> Answer:
    method = request.method
    if domain_id is None:
        if method == "GET":
            return domains.list_(tx, request)
        if method == "POST":
            return success(domains.create(tx, read_body(request), now), status=201)
        if method == "DELETE":
            return domains.bulk_delete(tx, request)
    elif domain_id == "batch" and method == "POST":
        return success(domains.batch(tx, read_body(request), now))
    elif part is not None and method == "GET":
        return success(domains.verification(tx, domains.find(tx, domain_id)))
    elif part is None and method == "GET":
        return success(domains.shown(tx, domains.find(tx, domain_id)))
    elif part is None and method == "PATCH":
        return success(domains.patch(tx, domain_id, read_body(request), now))
    elif part is None and method == "PUT":
        return success(domains.replace(tx, domain_id, read_body(request), now))
    elif part is None and method == "DELETE":
        return success(domains.delete(tx, domain_id))
    raise CloudflareError(405, "method", f"Method {method} is not allowed for this path")


def _token(tx: Transaction, request: Request) -> Record | None:
    """Find the token that was sent; raises for headers that hold none."""
    header = request.headers.get("authorization")
    if header is None:
        if "x-auth-email" in request.headers or "x-auth-key" in request.headers:
            raise _bad_header(6103, "Invalid format for X-Auth-Key header")
        raise CloudflareError(400, "no-credentials", 'Missing "Authorization" header')
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise _bad_header(6111, "Invalid format for Authorization header")
    known = tx.secret("cloudflare-token", authz.digest(text.strip()))
    return None if known is None else tx.get(TOKEN, known["id"])


def _bad_header(code: int, text: str) -> CloudflareError:
    return CloudflareError(400, "malformed-header", "Invalid request headers", chain=({"code": code, "message": text},))


def _authorise(tx: Transaction, request: Request, account: str) -> None:
    token = _token(tx, request)
    if token is None or token.body["status"] != "active":
        raise CloudflareError(401, "unauthorised", "Authentication error")
    if account != token.body["account_id"]:
        raise CloudflareError(403, "wrong-account", "Unauthorized to access requested resource")
    if switches.chosen(tx, "cloudflare_add_on") == "absent":
        raise CloudflareError(403, "no-add-on", "Email Security is not enabled for this account")
    permissions = set(token.body["permissions"])
    needed = {READ, WRITE} if request.method == "GET" else {WRITE}
    if not permissions & needed:
        raise CloudflareError(403, "unauthorised", "Authentication error")


def _verify_token(tx: Transaction, request: Request, account: str | None) -> Answer:
    """Prove a token; user tokens and account tokens have a path each."""
    token = _token(tx, request)
    owner = "account" if account is not None else "user"
    if token is None or token.body["owner"] not in {owner, "either"} or account not in {None, token.body["account_id"]}:
        raise CloudflareError(401, "bad-token-at-verify", "Invalid API Token")
    result = {"id": token.body["id"], "status": token.body["status"]}
    for name in ("not_before", "expires_on"):
        if token.body.get(name):
            result[name] = token.body[name]
    message = {"code": 10000, "message": "This API Token is valid and active", "type": None}
    return success(result, messages=[message] if result["status"] == "active" else [])
