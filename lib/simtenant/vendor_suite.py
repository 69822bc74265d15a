"""Leniencies under which the vendor's own test suite for Email Security domains can run; off by default.

The suite in the source distribution of the ``cloudflare`` package was written for a server without memory
[RUN]: it names one account and one domain, creates and deletes the same things again and again, and signs in
with a made-up key. What is forgiven for it, and nowhere else:

* ``prefix``: a path without ``/client/v4`` is taken as if it had it;
* ``key-and-email``: any X-Auth-Email with X-Auth-Key counts as the tenant's token;
* ``account``: the suite's account is taken as the tenant's;
* ``standing-domain``: the suite's domain exists before every call, and within a batch also after its delete;
* ``create-again``: creating a domain that is there already replaces it, and its name needs no dot;
* ``empty-bulk-delete``: a bulk delete without a body is answered with an empty list and deletes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from simtenant import authz, cloudflare, cloudflare_domains
from simtenant.cloudflare_envelope import success
from simtenant.store import Transaction
from simtenant.wire import Answer, Handled, Request, moment_text

ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
DOMAIN_ID = "f174e90a-fafe-4643-bbbc-4a0ed4fc8415"

_PREFIX = "/client/v4"
_COLLECTION = "/email-security/settings/domains"


def prefixed(request: Request) -> Request:
    """Put the prefix before a path that lacks it (leniency ``prefix``)."""
    if request.path.startswith("/accounts/"):
        return replace(request, path=_PREFIX + request.path)
    return request


def handle(tx: Transaction, request: Request, now: datetime) -> Handled:
    """Answer as Cloudflare does, with every leniency of this module."""
    token = tx.all(cloudflare.TOKEN)[0]
    request = _signed_in(tx, request, token.key)
    request = replace(request, path=request.path.replace(ACCOUNT, str(token.body["account_id"])))
    _let_stand(tx, now)
    path = request.path.rstrip("/")
    if path.endswith(_COLLECTION) and request.method == "DELETE" and not request.body.strip():
        return Handled(answer=success([]), write=True)
    if path.endswith(_COLLECTION) and request.method == "POST":
        return cloudflare.handle(tx, _creating(tx, request), now)
    if path.endswith(f"{_COLLECTION}/batch") and request.method == "POST":
        return _batch(tx, request, now)
    return cloudflare.handle(tx, request, now)


def _signed_in(tx: Transaction, request: Request, token_id: str) -> Request:
    key = request.headers.get("x-auth-key")
    if "authorization" in request.headers or not key or "x-auth-email" not in request.headers:
        return request
    tx.put_secret("cloudflare-token", authz.digest(key), {"id": token_id})
    return replace(request, headers={**request.headers, "authorization": f"Bearer {key}"})


def _let_stand(tx: Transaction, now: datetime) -> None:
    if tx.get(cloudflare_domains.DOMAIN, DOMAIN_ID) is None:
        moment = moment_text(now)
        body = {
            "id": DOMAIN_ID,
            "domain": "standing.example",
            "allowed_delivery_modes": ["DIRECT"],
            "drop_dispositions": [],
            "ip_restrictions": [],
            "regions": ["GLOBAL"],
            "status": "ACTIVE",
            "created_at": moment,
            "modified_at": moment,
        }
        tx.put(cloudflare_domains.DOMAIN, DOMAIN_ID, body)


def _creating(tx: Transaction, request: Request) -> Request:
    body = _object(request)
    return replace(request, body=json.dumps(_fresh(tx, body)).encode()) if body else request


def _fresh(tx: Transaction, body: Mapping[str, Any]) -> dict[str, Any]:
    """Give a domain to create a name with a dot that nobody has."""
    name = str(body.get("domain", ""))
    name = name if "." in name else f"{name}.example"
    for record in tx.all(cloudflare_domains.DOMAIN):
        if record.body["domain"] == name.lower():
            tx.delete(cloudflare_domains.DOMAIN, record.key)
    return {**body, "domain": name}


def _batch(tx: Transaction, request: Request, now: datetime) -> Handled:
    """Leave deletes of the standing domain out of the work and put them back into the answer."""
    body = _object(request)
    parts = [body.get(part) for part in ("deletes", "posts")]
    if not all(isinstance(part, list) and all(isinstance(item, dict) for item in part) for part in parts):
        return cloudflare.handle(tx, request, now)
    standing = [item for item in body["deletes"] if item == {"id": DOMAIN_ID}]
    work = {
        **body,
        "deletes": [item for item in body["deletes"] if item != {"id": DOMAIN_ID}],
        "posts": [_fresh(tx, item) for item in body["posts"]],
    }
    handled = cloudflare.handle(tx, replace(request, body=json.dumps(work).encode()), now)
    if handled.answer.status != 200:
        return handled
    value = json.loads(handled.answer.body)
    value["result"]["deletes"] += standing
    answer = Answer(status=200, headers=handled.answer.headers, body=json.dumps(value).encode())
    return replace(handled, answer=answer)


def _object(request: Request) -> dict[str, Any]:
    try:
        value = request.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
