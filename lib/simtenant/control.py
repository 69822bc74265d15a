"""The simulator's own endpoints, outside every vendor's paths: health, request log, faults, switches."""

from __future__ import annotations

from datetime import datetime

from simtenant import cloudflare_domains, device, faults, switches
from simtenant.faults import Faults
from simtenant.store import Store
from simtenant.wire import Answer, Request, json_answer

PREFIX = "/_sim/"


def handle(store: Store, in_force: Faults, request: Request, now: datetime) -> Answer:
    """Answer a request below ``/_sim/``; none of these is logged or counted."""
    endpoint = (request.method, request.path.removeprefix(PREFIX).rstrip("/"))
    try:
        if endpoint == ("GET", "health"):
            with store.transaction() as tx:
                return json_answer(200, {"ok": True, "profile": tx.setting("profile")})
        if endpoint == ("GET", "log"):
            with store.transaction() as tx:
                return json_answer(200, tx.log(int(request.value("since") or 0)))
        if endpoint == ("POST", "faults"):
            new = faults.parse(request.json())
            in_force.set(new)
            return json_answer(200, {"set": len(new)})
        if endpoint == ("DELETE", "faults"):
            in_force.clear()
            return json_answer(200, {"set": 0})
        if endpoint == ("POST", "switches"):
            return _turn(store, request)
        if endpoint == ("POST", "device"):
            return _play_person(store, request)
        if endpoint == ("POST", "verification"):
            return _verify_domain(store, request, now)
    except ValueError as error:
        return json_answer(400, {"error": str(error)})
    return json_answer(404, {"error": f"no control endpoint {request.method} {request.path}"})


def _play_person(store: Store, request: Request) -> Answer:
    """Let the person at the browser approve or decline a device code: {user_code, action, user}."""
    wanted = request.json()
    if not isinstance(wanted, dict):
        raise ValueError("the body is an object with user_code, action and user")
    with store.transaction() as tx:
        device.decide(tx, wanted.get("user_code"), wanted.get("action"), wanted.get("user"))
    return json_answer(200, {"done": wanted["action"]})


def _verify_domain(store: Store, request: Request, now: datetime) -> Answer:
    """Let the gateway look for a domain's TXT record and come to a result: {domain, status}."""
    wanted = request.json()
    if not isinstance(wanted, dict):
        raise ValueError("the body is an object with domain and status")
    with store.transaction() as tx:
        cloudflare_domains.conclude(tx, str(wanted.get("domain")), str(wanted.get("status")), now)
    return json_answer(200, {"done": wanted["status"]})


def _turn(store: Store, request: Request) -> Answer:
    """Set switches from an object of names and values; all of them or none."""
    wanted = request.json()
    if not isinstance(wanted, dict):
        raise ValueError("switches are an object of names and values")
    with store.transaction() as tx:
        for name, value in wanted.items():
            try:
                switches.turn(tx, name, value)
            except KeyError as error:
                raise ValueError(str(error.args[0])) from None
    return json_answer(200, wanted)
