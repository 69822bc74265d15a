"""The Email Security domains of an account: what each operation does to them.

Sources: operations, fields, filters and paging [PY, SPEC, RUN]. PATCH merges, PUT replaces and is the only
way to set some fields back to null [PY, TS]. Statuses of unknown and duplicate domains are assumptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from simtenant import cloudflare_fields, switches
from simtenant.cloudflare_envelope import CloudflareError, read_body, refuse, success
from simtenant.cloudflare_fields import Problem
from simtenant.directory import stable_guid
from simtenant.store import Body, Record, Transaction
from simtenant.wire import Answer, Request, moment_text

DOMAIN = "EmailSecurityDomain"

_ORDERS = ("domain", "created_at")
_STATUSES = ("PENDING", "ACTIVE", "FAILED", "TIMEOUT")
_FILTERS: Mapping[str, tuple[str, ...]] = {
    "allowed_delivery_mode": cloudflare_fields.DELIVERY_MODES,
    "active_delivery_mode": cloudflare_fields.DELIVERY_MODES,
    "status": _STATUSES,
}
_MOST_PER_PAGE = 1000


def list_(tx: Transaction, request: Request) -> Answer:
    page = _number(request, "page", 1, None)
    per_page = _number(request, "per_page", switches.number(tx, "cloudflare_page_size"), _MOST_PER_PAGE)
    for name, allowed in _FILTERS.items():
        _choice(request, name, allowed, "")
    found = [record for record in tx.all(DOMAIN) if _matches(record.body, request)]
    order = _choice(request, "order", _ORDERS, "created_at")
    direction = _choice(request, "direction", ("asc", "desc"), "asc")
    found.sort(key=lambda record: str(record.body[order]), reverse=direction == "desc")
    # A list that never ends is what a client must not trust to end [cloudflare-python 2584].
    start = 0 if switches.chosen(tx, "cloudflare_paging") == "repeats" else (page - 1) * per_page
    rows = [shown(tx, record) for record in found[start : start + per_page]]
    info = {
        "page": page,
        "per_page": per_page,
        "count": len(rows),
        "total_count": len(found),
        "total_pages": -(-len(found) // per_page),
    }
    return success(rows, result_info=info)


def _matches(body: Body, request: Request) -> bool:
    names = request.values("domain")
    if names and body["domain"].casefold() not in {name.casefold() for name in names}:
        return False
    search = request.value("search")
    if search and search.casefold() not in body["domain"].casefold():
        return False
    for key in ("allowed_delivery_mode", "active_delivery_mode"):
        mode = request.value(key)
        if mode and mode not in body["allowed_delivery_modes"]:
            return False
    integration, status = request.value("integration_id"), request.value("status")
    if integration and integration != body.get("integration_id"):
        return False
    return not status or status.casefold() == str(body.get("status")).casefold()


def create(tx: Transaction, body: Any, now: datetime, *, at: str = "") -> Body:
    refuse(cloudflare_fields.check("create", body, at=at))
    name = str(body["domain"]).lower()
    if any(record.body["domain"] == name for record in tx.all(DOMAIN)):
        raise CloudflareError(409, "duplicate", f"The domain {name} already exists")
    moment = moment_text(now)
    blank = dict.fromkeys(cloudflare_fields.NULLABLE)
    domain_id = stable_guid(DOMAIN, name, str(tx.next_serial()))
    own = {"id": domain_id, "domain": name, "status": "PENDING", "created_at": moment, "modified_at": moment}
    stored = {**blank, **body, **own}
    tx.put(DOMAIN, domain_id, stored)
    return shown(tx, find(tx, domain_id))


def patch(tx: Transaction, domain_id: str, body: Any, now: datetime, *, at: str = "") -> Body:
    record = find(tx, domain_id)
    refuse(cloudflare_fields.check("patch", body, at=at))
    return _store(tx, record, {**record.body, **body}, now)


def replace(tx: Transaction, domain_id: str, body: Any, now: datetime, *, at: str = "") -> Body:
    record = find(tx, domain_id)
    refuse(cloudflare_fields.check("replace", body, at=at))
    return _store(tx, record, {**record.body, **dict.fromkeys(cloudflare_fields.NULLABLE), **body}, now)


def _store(tx: Transaction, record: Record, body: Body, now: datetime) -> Body:
    tx.put(DOMAIN, record.key, {**body, "modified_at": moment_text(now)})
    return shown(tx, find(tx, record.key))


def delete(tx: Transaction, domain_id: str) -> Body:
    record = find(tx, domain_id)
    tx.delete(DOMAIN, record.key)
    return {"id": record.key}


def bulk_delete(tx: Transaction, request: Request) -> Answer:
    """Delete the domains listed in the body; an empty body is refused, for it could mean everything [RUN]."""
    body = read_body(request) if request.body.strip() else None
    if not isinstance(body, list) or not body:
        raise CloudflareError(400, "validation", "The body must list the ids of the domains to delete")
    return success([delete(tx, _item_id(item)) for item in body])


def batch(tx: Transaction, body: Any, now: datetime) -> Body:
    """Run deletes, patches, puts, posts in this order [PY]; whether it is atomic is a switch."""
    parts = ("deletes", "patches", "puts", "posts")
    if not isinstance(body, Mapping) or any(not isinstance(body.get(part), list) for part in parts):
        raise CloudflareError(400, "validation", "deletes, patches, puts and posts are required and must be lists")
    done: dict[str, list[Body]] = {part: [] for part in parts}
    for part in parts:
        for place, item in enumerate(body[part]):
            try:
                done[part].append(_operation(tx, part, item, now, f"/{part}/{place}"))
            except CloudflareError:
                if switches.chosen(tx, "cloudflare_batch") == "atomic":
                    raise
                return dict(done)
    return dict(done)


def _operation(tx: Transaction, part: str, item: Any, now: datetime, at: str) -> Body:
    if part == "posts":
        return create(tx, item, now, at=at)
    domain_id = _item_id(item)
    if part == "deletes":
        return delete(tx, domain_id)
    fields = {name: value for name, value in item.items() if name != "id"}
    change = patch if part == "patches" else replace
    return change(tx, domain_id, fields, now, at=at)


def _item_id(item: Any) -> str:
    if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
        raise CloudflareError(400, "validation", "Each item must have an id")
    return str(item["id"])


def find(tx: Transaction, domain_id: str) -> Record:
    record = tx.get(DOMAIN, domain_id.lower())
    if record is None:
        raise CloudflareError(404, "unknown-domain", "Domain not found")
    return record


def shown(tx: Transaction, record: Record) -> Body:
    """Show a domain; transport and lookback_hops are left out while they have no value [TS: not nullable]."""
    body = record.body
    names = (
        "id", "domain", "allowed_delivery_modes", "drop_dispositions", "ip_restrictions", "regions",
        "lookback_hops", "transport", "folder", "integration_id", "inbox_provider", "o365_tenant_id",
        "require_tls_inbound", "require_tls_outbound", "status", "spf_status", "dmarc_status",
        "authorization", "emails_processed", "created_at", "modified_at",
    )  # fmt: skip
    not_null = {"lookback_hops", "transport"}
    row = {name: body.get(name) for name in names if body.get(name) is not None or name not in not_null}
    if switches.chosen(tx, "cloudflare_last_modified") == "present":
        row["last_modified"] = body["modified_at"]
    return {**row, "status": _status(tx, record)}


def _status(tx: Transaction, record: Record) -> str | None:
    status = record.body.get("status")
    if status is None or switches.chosen(tx, "cloudflare_status_case") == "upper":
        return status
    return str(status).lower()


def verification(tx: Transaction, record: Record) -> Body:
    """Show the TXT challenge by which a new domain is proved [SPEC]."""
    name = record.body["domain"]
    return {
        "status": _status(tx, record),
        "txt_record_name": f"_cf-email-sec-challenge.{name}",
        "txt_record_value": stable_guid("challenge", name, record.key),
        "last_checked_at": record.body.get("_last_checked_at"),
    }


def conclude(tx: Transaction, name: str, status: str, now: datetime) -> None:
    """Let the check of a domain's TXT record come to a result; raises ValueError naming what is wrong."""
    if status not in _STATUSES:
        raise ValueError(f"status is one of {', '.join(_STATUSES)}, not {status!r}")
    for record in tx.all(DOMAIN):
        if record.body["domain"] == name.lower():
            changes = {"status": status, "_last_checked_at": moment_text(now), "modified_at": moment_text(now)}
            tx.put(DOMAIN, record.key, {**record.body, **changes})
            return
    raise ValueError(f"no domain {name!r}")


def _number(request: Request, name: str, default: int, most: int | None) -> int:
    text = request.value(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal()) or int(text) < 1 or (most is not None and int(text) > most):
        limit = "" if most is None else f" and at most {most}"
        refuse((Problem(pointer=f"/{name}", text=f"must be a number of at least 1{limit}"),))
    return int(text)


def _choice(request: Request, name: str, allowed: tuple[str, ...], default: str) -> str:
    text = request.value(name) or default
    if text and text not in allowed:
        refuse((Problem(pointer=f"/{name}", text=f"must be one of {', '.join(allowed)}"),))
    return text
