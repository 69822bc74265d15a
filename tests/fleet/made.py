"""Made-up fleets: results of runs with what a row is made of, and summaries of as many tenants as are wanted."""

from __future__ import annotations

import random
from typing import Any

from runbook.fleet import rows
from runbook.fleet.rows import Place, Row

TITLES = {
    "configure-domains": "Configure Domains",
    "create-quarantine-policies": "Create Quarantine Policies",
    "configure-quarantine-notifications": "Configure quarantine notifications",
    "configure-anti-spam-policies": "Configure anti-spam policies",
    "create-transport-rules": "Create transport rules",
}
_PLACES = ("alpine", "borealis", "castle", "dune", "ember", "fjord", "grove", "harbor", "island", "juniper", "krone")
_TRADES = ("bakery", "clinic", "dental", "freight", "law", "media", "metals", "optics", "schools", "tools", "travel")
DRIFT = {
    "type": "DriftFound",
    "summary": "The tenant is not as the tutorial asks",
    "detail": "  Anti-spam policy Default, SpamAction (line 92 of the tutorial): found Quarantine, wanted MoveToJmf",
    "remedy": "Plan and apply again, or ask who changed it.",
    "exit_code": 3,
}
UNREADABLE = {
    "type": "UnreadableState",
    "summary": "The tenant could not be read",
    "detail": "Sign-in was refused: AADSTS7000215: Invalid client secret provided. Trace ID: 8f1c0a7e.",
    "remedy": "Renew the secret that tenants.yaml names, or sign in with a certificate.",
    "exit_code": 5,
}


def section(name: str, kind: str, *, count: int = 3, **more: Any) -> dict[str, Any]:
    """A section of a result: good, changed, drift, pending, unknown, failed, open, left, manual or not run."""
    change: dict[str, Any] = {"kind": "HostedContentFilterPolicy", "identity": "Default", "action": "update"}
    parts = [{"name": f"P{number}", "changed": True} for number in range(count)]
    item: dict[str, Any] = {
        "section": name, "title": TITLES.get(name, name), "status": "unchanged", "made": [], "changes": [],
        "error": None, "verification": None, "plan": {"problems": [], "changes": []},
    }  # fmt: skip
    pending = {"problems": [], "changes": [{**change, "properties": parts, "observed": {}, "status": "not-run"}]}
    still = {**change, "action": "none", "properties": [{"name": "P", "changed": False}], "observed": {}}
    item["plan"]["changes"] = [still]
    if kind in ("good", "changed"):
        item["verification"] = {"ok": True, "checks": [{"ok": True}] * 4}
        if kind == "changed":
            item |= {"status": "changed", "plan": pending, "made": [change]}
    elif kind == "drift":
        checks = [{"ok": True}, *[{"ok": False}] * count]
        item |= {"status": "failed", "plan": pending, "error": DRIFT, "verification": {"ok": False, "checks": checks}}
    elif kind == "pending":
        item |= {"status": "not-run", "plan": pending}
    elif kind == "unknown":
        item |= {"status": "unknown", "plan": None, "error": UNREADABLE}
    elif kind == "not run":
        item |= {"status": "not-run", "plan": None}
    elif kind in ("open", "left"):
        presence = "left" if kind == "left" else "undecided"
        problem = {**change, "presence": presence, "reason": "two rules of this name exist. Choose one"}
        item |= {"status": "not-run", "plan": {"problems": [problem], "changes": []}}
    elif kind == "manual":
        item["plan"] = {"problems": [], "changes": [{**still, "properties": [], "observed": {"x": 1}}]}
    elif kind == "interrupted":
        open_one = {**change, "status": "unknown"}
        item |= {"status": "interrupted", "plan": pending, "changes": [open_one]}
    else:
        error = {**DRIFT, "type": "ApplyFailed", "summary": "A change could not be carried out", "exit_code": 1}
        item |= {"status": "failed", "plan": pending, "error": {**error, "detail": "HTTP 400: bad.", "remedy": ""}}
    return {**item, **more}


def result(tenant: str, mode: str, status: str, code: int, kinds: list[str], **more: Any) -> dict[str, Any]:
    """A run's result with sections of these kinds, in the tutorial's order."""
    stamp = "20261127T223000Z"
    sections = [section(name, kind) for name, kind in zip(TITLES, kinds, strict=False)]
    return {
        "run": f"{stamp}-{tenant}-{mode}-{random.Random(tenant).randrange(16**6):06x}",
        "tenant": {"name": tenant}, "mode": mode, "status": status, "exit_code": code, "takes_back": None,
        "outlook": None, "sections": sections, **more,
    }  # fmt: skip


def outlook(kept: int, broken: int = 0, unknown: int = 0) -> dict[str, Any]:
    """An outlook with so many promises, by prediction."""
    values = [True] * kept + [False] * broken + [None] * unknown
    rows = [
        {"disposition": f"D{number}", "promised": [{}], "kept": value, "observed": None}
        for number, value in enumerate(values)
    ]
    return {"rows": rows}


def summary(
    count: int, *, mode: str = "verify", seed: int = 1, worse: float = 0.12, night: int = 27, part: str = ""
) -> dict[str, Any]:
    """A night's summary over so many tenants: most are well, some drift, a few of every other end."""
    chance = random.Random(seed)
    names = [f"{one}-{two}{number or ''}" for number in range(12) for one in _PLACES for two in _TRADES][:count]
    chance_of = random.Random(seed + night)
    chance.shuffle(names)
    made = [_row(chance_of, name, position / max(1, count), mode, worse) for position, name in enumerate(names)]
    return rows.summary(
        made, fleet=f"202611{night}T223000Z-{mode}-{seed:06x}", mode=mode, inventory="customers.yaml",
        tutorial="junk-and-user-quarantine", started=f"2026-11-{night}T22:30:00.000Z",
        ended=f"2026-11-{night}T22:41:12.500Z", why=part,
    )  # fmt: skip


def _row(chance: random.Random, tenant: str, position: float, mode: str, worse: float) -> Row:
    ring = "canary" if position < 0.05 else "first ring" if position < 0.3 else "everybody"
    group = ring if chance.random() < 0.7 else "schools"
    place = Place(tenant=tenant, group=group, ring=ring, seconds=round(chance.uniform(2, 9), 3), attempts=1)
    promised = {"outlook": outlook(4)}
    if chance.random() >= worse:
        return rows.finished(place, result(tenant, mode, "unchanged", 0, ["good"] * 5, **promised))
    end = chance.choice(["drift"] * 6 + ["unknown", "refused", "killed", "failed", "left", "not started", "hung"])
    if end == "drift":
        kinds = ["good"] * 5
        for _ in range(chance.choice((1, 1, 2))):
            kinds[chance.randrange(5)] = "drift"
        return rows.finished(place, result(tenant, mode, "drift", 3, kinds, outlook=outlook(3, 1)))
    if end == "unknown":
        return rows.finished(place, result(tenant, mode, "unknown", 5, ["unknown"] + ["not run"] * 4))
    if end == "refused":
        return rows.finished(place, result(tenant, mode, "refused", 4, ["good", "open", "good", "good", "good"]))
    if end == "left":
        return rows.finished(place, result(tenant, mode, "left to a person", 3, ["good"] * 4 + ["left"], **promised))
    if end == "failed":
        return rows.finished(place, result(tenant, mode, "failed", 1, ["good", "failed"] + ["not run"] * 3))
    if end == "killed":
        content = result(tenant, mode, "interrupted", 130, ["good", "interrupted"] + ["not run"] * 3)
        return rows.killed(place, "signal 9, twice", content)
    if end == "hung":
        return rows.killed(place, "no sign of life for 900 seconds")
    return rows.not_started(place, "the ring before it had 3 failures, and --max-failures is 2")
