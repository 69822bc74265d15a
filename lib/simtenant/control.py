"""The simulator's own endpoints, outside every vendor's paths: health, request log, faults, switches."""

from __future__ import annotations

from simtenant import faults, switches
from simtenant.faults import Faults
from simtenant.store import Store
from simtenant.wire import Answer, Request, json_answer

PREFIX = "/_sim/"


def handle(store: Store, in_force: Faults, request: Request) -> Answer:
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
    except ValueError as error:
        return json_answer(400, {"error": str(error)})
    return json_answer(404, {"error": f"no control endpoint {request.method} {request.path}"})


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
