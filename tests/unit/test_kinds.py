"""Kinds of resources: what is made of the service's rows, and which calls carry out a change.

Cases: rows as the service returns them, the tutorial's wish, and the expected difference, calls and command lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from runbook.errors import ApplyFailed
from runbook.kinds import BY_TYPE, VALUE_TYPES
from runbook.plan import Attribute, Change, Resource, diff
from runbook.section.observing import read_for
from tenantapi.errors import InvalidRequestError

CASES = Path(__file__).parent.parent / "cases" / "kinds"


@dataclass
class Far:
    """Stands for the clients: answers reads from the case, remembers writes, and shows what they lead to."""

    rows: dict[str, list[dict[str, Any]]]
    after: list[dict[str, list[dict[str, Any]]]] = field(default_factory=list)
    calls: list[Any] = field(default_factory=list)
    refused: bool = False

    def rows_of(self, cmdlet: str) -> list[dict[str, Any]]:
        return self.rows.get(cmdlet, [])

    def invoke(self, cmdlet: str, parameters: dict[str, Any], *, write: bool, select: Any = ()) -> Any:
        if not write:
            return SimpleNamespace(rows=self.rows_of(cmdlet))
        self.calls.append({cmdlet: dict(parameters)})
        if self.after:
            self.rows = {**self.rows, **self.after.pop(0)}
        if self.refused:
            raise InvalidRequestError("it was refused")
        return None

    def domain(self, name: str) -> dict[str, Any] | None:
        return next((row for row in self.rows.get("domains", []) if row["domain"] == name), None)

    def edit_domain(self, domain_id: str, fields: dict[str, Any]) -> None:
        self.calls.append({f"PATCH {domain_id}": dict(fields)})


def far(case: dict[str, Any]) -> Any:
    whole = not case.get("as_they_are", False)
    after = [complete(rows) if whole else rows for rows in case.get("after", [])]
    rows = complete(case.get("rows", {}), case.get("leaves_out", ())) if whole else case.get("rows", {})
    made = Far(rows=rows, after=after, refused=case.get("refused", False))
    exchange = SimpleNamespace(rows=lambda cmdlet, **parameters: made.rows_of(cmdlet), invoke=made.invoke)
    return made, SimpleNamespace(exchange=exchange, cloudflare=made)


# What every row of the service has, so that a case only says what it is about.
ALWAYS = {
    "Get-TransportRule": tuple(VALUE_TYPES["TransportRule"].keys() - {"Enabled", "AlsoSet"}),
    "Get-HostedContentFilterPolicy": tuple(VALUE_TYPES["HostedContentFilterPolicy"]),
    "Get-HostedConnectionFilterPolicy": tuple(VALUE_TYPES["HostedConnectionFilterPolicy"]),
    "Get-InboundConnector": tuple(VALUE_TYPES["InboundConnector"].keys() - {"AlsoSet"}),
    "Get-OutboundConnector": tuple(VALUE_TYPES["OutboundConnector"].keys() - {"AlsoSet"}),
    "domains": ("allowed_delivery_modes", "ip_restrictions", "drop_dispositions"),
}


def complete(rows: dict[str, list[dict[str, Any]]], left_out: Sequence[str] = ()) -> dict[str, list[dict[str, Any]]]:
    names = {cmdlet: [name for name in ALWAYS.get(cmdlet, ()) if name not in left_out] for cmdlet in rows}
    return {cmdlet: [{**dict.fromkeys(names[cmdlet]), **row} for row in found] for cmdlet, found in rows.items()}


def load() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        for name, case in yaml.safe_load(path.read_text()).items():
            found.append(pytest.param(case, id=f"{path.stem}: {name}"))
    return found


def wait(what: str, visible: Any) -> None:
    if not visible():
        raise ApplyFailed(f"{what} could not be seen")


def after_of(change: Change, name: str) -> Any:
    return next(item.after for item in change.differences if item.attribute == name)


@pytest.mark.parametrize("case", load())
def test_case(case: dict[str, Any]) -> None:
    kind = BY_TYPE[case["kind"]]
    made, services = far(case)
    attributes = [Attribute(name=name, value=value, lines=(1,)) for name, value in case["want"].items()]
    for op in ("add", "remove"):
        attributes += [Attribute(name=name, value=value, op=op) for name, value in case.get(op, {}).items()]
    attributes += [item for item in kind.implied if item.name not in case["want"]]
    resource = Resource(
        kind=kind.type, identity=case["identity"], section="s", attributes=tuple(attributes), may_create=kind.creates
    )
    observed = read_for(services, [resource])
    plan = diff([resource], observed, section="s", scope={}, types=VALUE_TYPES)
    if "problem" in case:
        assert [item.presence for item in plan.problems] == [case["problem"]]
        assert case.get("reason", "") in plan.problems[0].reason
        return
    assert plan.problems == ()
    change = plan.changes[0]
    assert case.get("limited", "") in kind.limits(change)
    if "limited" in case:
        return
    assert kind.limits(change) == ""
    assert (change.action, sorted(item.attribute for item in change.changed)) == (
        case["action"],
        sorted(case.get("changed", [])),
    )
    assert {name: after_of(change, name) for name in case.get("whole", {})} == case.get("whole", {})
    if change.action == "none":
        return
    if "fails" in case:
        with pytest.raises((ApplyFailed, InvalidRequestError), match=case["fails"]):
            kind.write(services, change, observed[0], wait)
    else:
        kind.write(services, change, observed[0], wait)
    assert made.calls == case["calls"]
    if "fails" not in case:
        needed = {right.name for right in kind.needed_for(change) if right.writes}
        assert needed == {
            name.replace(name, "Cloud Email Security: Write") if name.startswith("PATCH") else name
            for call in made.calls
            for name in call
        }
        assert set(kind.needed_for(change)) <= set(kind.rights)
    if "by_hand" in case:
        assert list(kind.by_hand(change)) == case["by_hand"]
