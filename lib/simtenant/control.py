"""The simulator's own endpoints, outside every vendor's paths. None of their calls is logged, counted or struck.

GET    /_sim/health                     {ok, profile, tenant}: the tenant's directory id
GET    /_sim/log?since=N                the vendor calls after number N
GET    /_sim/assumptions?since=N        the unconfirmed behaviours that those calls relied on
GET    /_sim/objects?kind=K             canonical text of every object (of one kind), by kind/key
POST   /_sim/objects                    change a property by hand: {kind, identity, property, value}
GET    /_sim/switches                   every switch: its value, its choices, what it means
POST   /_sim/switches                   {name: value}; all of them or none
GET    /_sim/faults                     the faults in force, with the calls each counted and struck
POST   /_sim/faults                     a list of faults, which count from now on (``simtenant.faults``)
DELETE /_sim/faults                     behave again
POST   /_sim/snapshot                   keep what the tenant holds under a name: {name}
POST   /_sim/restore                    go back to it: {name}; ends all faults
POST   /_sim/device                     play the person at the browser: {user_code, action, user}
POST   /_sim/verification               let a domain's TXT check come to a result: {domain, status}
GET    /_sim/recipients                 the tenant's people, their groups, the groups nobody can expand
POST   /_sim/recipients                 replace them: {recipients: [{address, groups}], unexpandable_groups: [...]}
POST   /_sim/messages                   deliver a test message (``simtenant.mailflow.message``), tell where it went
POST   /_sim/mailbag                    deliver a list of them, all or none: where each went, in the same order
GET    /_sim/messages?since=N           the test messages after number N, each with its outcome
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

from simtenant import assumptions, cloudflare_domains, contents, device, faults, switches
from simtenant.faults import Faults
from simtenant.mailflow import post, recipients
from simtenant.store import Snapshot, Store
from simtenant.wire import Answer, Request, json_answer

PREFIX = "/_sim/"


class FarEnd(Protocol):
    """What the control endpoint needs of the application."""

    faults: Faults
    snapshots: dict[str, Snapshot]

    def snapshot(self) -> Snapshot: ...

    def restore(self, snapshot: Snapshot) -> None: ...

    def behave(self) -> None: ...


def handle(app: FarEnd, store: Store, request: Request, now: datetime) -> Answer:
    """Answer a request below ``/_sim/``: 400 says in words what is wrong with it."""
    serve = _ENDPOINTS.get((request.method, request.path.removeprefix(PREFIX).rstrip("/")))
    if serve is None:
        return json_answer(404, {"error": f"no control endpoint {request.method} {request.path}"})
    try:
        return json_answer(200, serve(app, store, request, now))
    except (ValueError, KeyError) as error:
        return json_answer(400, {"error": str(error.args[0]) if error.args else str(error)})


def _health(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    with store.transaction() as tx:
        return {"ok": True, "profile": tx.setting("profile"), "tenant": tx.setting("tenant_id")}


def _log(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    with store.transaction() as tx:
        return tx.log(int(request.value("since") or 0))


def _assumed(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    since = int(request.value("since") or 0)
    with store.transaction() as tx:
        turned, calls, mail = switches.turned(tx), tx.log(since), post.logged(tx, since)
    return [
        {
            "id": row.id,
            "statement": row.told(turned),
            "why": row.why,
            "switch": row.switch,
            "calls": [call["n"] for call in calls if row.concerns(call, turned)],
            "messages": [sent["message"] for sent in mail if row.concerns(sent, turned)],
        }
        for row in assumptions.used_by([*calls, *mail], turned)
    ]


def _objects(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    wanted = request.value("kind")
    with store.transaction() as tx:
        texts = contents.canonical(tx)
    return {name: text for name, text in texts.items() if wanted is None or name.startswith(f"{wanted}/")}


def _change(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    wanted = _object(request, "kind", "identity", "property", "value")
    with store.transaction() as tx:
        names = [str(wanted[key]) for key in ("kind", "identity", "property")]
        contents.set_property(tx, names[0], names[1], names[2], wanted["value"], now)
    return {"done": wanted["property"]}


def _switches(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    with store.transaction() as tx:
        return {
            name: {
                "value": switches.chosen(tx, name) if switch.choices else switches.number(tx, name),
                "choices": list(switch.choices),
                "meaning": switch.meaning,
            }
            for name, switch in switches.SWITCHES.items()
        }


def _turn(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    wanted = _object(request)
    with store.transaction() as tx:
        for name, value in wanted.items():
            switches.turn(tx, name, value)
    return wanted


def _faults(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    return app.faults.told()


def _misbehave(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    new = faults.parse(request.json())
    app.faults.set(new)
    return {"set": len(new)}


def _behave(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    app.behave()
    return {"set": 0}


def _snapshot(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    name = str(_object(request, "name")["name"])
    app.snapshots[name] = app.snapshot()
    return {"done": name}


def _restore(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    name = str(_object(request, "name")["name"])
    if name not in app.snapshots:
        raise ValueError(f"no snapshot {name!r}; there are {', '.join(app.snapshots) or 'none'}")
    app.restore(app.snapshots[name])
    return {"done": name}


def _play_person(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    wanted = _object(request)
    with store.transaction() as tx:
        device.decide(tx, wanted.get("user_code"), wanted.get("action"), wanted.get("user"))
    return {"done": wanted["action"]}


def _verify_domain(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    wanted = _object(request)
    with store.transaction() as tx:
        cloudflare_domains.conclude(tx, str(wanted.get("domain")), str(wanted.get("status")), now)
    return {"done": wanted["status"]}


def _people(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    with store.transaction() as tx:
        return recipients.told(tx)


def _replace_people(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    with store.transaction() as tx:
        return recipients.replace(tx, request.json())


def _mail(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    with store.transaction() as tx:
        return tx.messages(int(request.value("since") or 0))


def _deliver(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    with store.transaction() as tx:
        return post.send(tx, [request.json()], now)[0]


def _deliver_all(app: FarEnd, store: Store, request: Request, now: datetime) -> Any:
    bag = request.json()
    if not isinstance(bag, list):
        raise ValueError("the body is a list of messages")
    with store.transaction() as tx:
        return post.send(tx, bag, now)


def _object(request: Request, *names: str) -> dict[str, Any]:
    value = request.json()
    if not isinstance(value, dict):
        raise ValueError("the body is an object of names and values")
    missing = [name for name in names if name not in value]
    if missing:
        raise ValueError(f"the body lacks {', '.join(missing)}")
    return value


_Serve = Callable[[FarEnd, Store, Request, datetime], Any]
_ENDPOINTS: Mapping[tuple[str, str], _Serve] = MappingProxyType(
    {
        ("GET", "health"): _health,
        ("GET", "log"): _log,
        ("GET", "assumptions"): _assumed,
        ("GET", "objects"): _objects,
        ("POST", "objects"): _change,
        ("GET", "switches"): _switches,
        ("POST", "switches"): _turn,
        ("GET", "faults"): _faults,
        ("POST", "faults"): _misbehave,
        ("DELETE", "faults"): _behave,
        ("POST", "snapshot"): _snapshot,
        ("POST", "restore"): _restore,
        ("POST", "device"): _play_person,
        ("POST", "verification"): _verify_domain,
        ("GET", "recipients"): _people,
        ("POST", "recipients"): _replace_people,
        ("GET", "messages"): _mail,
        ("POST", "messages"): _deliver,
        ("POST", "mailbag"): _deliver_all,
    }
)
