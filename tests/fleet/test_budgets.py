"""How many calls a fleet may send: what can be typed, where it is kept, and that it holds over all its processes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from fleet.crews import Notes, Said
from fleet.fleets import Fleet

from runbook import library, simulated
from runbook.errors import InventoryError, UsageError
from runbook.fleet.asking import Wish, begin
from runbook.fleet.fleet import go_on
from runbook.fleet.inventory import read_inventory
from runbook.runs import read_json
from runbook.tenants.budgets import FILE, check_budgets, rules_in, rules_of, write_budgets
from tenantapi.limits import Limit

CASES = yaml.safe_load(
    (Path(__file__).resolve().parent.parent / "cases" / "fleet" / "budgets.yaml").read_text(encoding="utf-8")
)


def limits(case: dict[str, list[float]]) -> dict[str, Limit]:
    return {name: Limit(calls=int(n), seconds=float(s), at_once=int(once)) for name, (n, s, once) in case.items()}


@pytest.mark.parametrize("name", CASES)
def test_what_is_typed_and_kept_in_a_folder_is_what_holds(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    write_budgets(tmp_path, case["typed"])
    for rules in (rules_of(case["typed"]), rules_in(tmp_path)):
        assert rules.hosts == limits(case["hosts"]), name
        assert rules.budgets == limits(case["budgets"]), name


@pytest.mark.parametrize(
    "typed, says",
    [(["exchange"], "'exchange' is no budget"), (["teams=1/1"], "no budget"), (["exchange=0/1"], "allows nothing"),
     (["exchange=1/0"], "in no time"), (["exchange=1"], "no budget"), (["exchange=-1/1"], "no budget"),
     (["exchange-per-host=1/1"], "no budget"), (["graph=1/1", "graph=2/1"], "two budgets for graph"),
     (["graph-per-tenant=1/1", "graph=2/1", "graph-per-tenant=1/1"], "two budgets for graph-per-tenant")],
)  # fmt: skip
def test_what_cannot_be_meant(typed: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        check_budgets(typed, 1)


@pytest.mark.parametrize(
    "typed, in_flight, fits",
    [("exchange=1/10", 10, True), ("exchange=1/10", 20, False), ("exchange-per-tenant=1/10", 20, True),
     ("exchange-per-tenant=1/130", 1, False), ("cloudflare-per-tenant=1/10", 20, False)],
)  # fmt: skip
def test_a_call_that_would_be_given_up_before_its_turn_is_told_before(typed: str, in_flight: int, fits: bool) -> None:
    if fits:
        check_budgets([typed], in_flight)
        return
    with pytest.raises(UsageError, match="wait longer than the 120 seconds"):
        check_budgets([typed], in_flight)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '["exchange=1"]', "3"])
def test_a_folder_that_does_not_say_what_holds_lets_nothing_out(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(InventoryError, match="so none is"):
        rules_in(tmp_path)


def test_a_run_that_is_gone_on_with_keeps_its_budgets(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text("tenants: {a: {tenant_id: x}}\n", encoding="utf-8")
    inventory = read_inventory(path, known={})
    document = library.load(inventory.tutorial)
    folder = begin(Wish(mode="verify", inventory=inventory, budgets=["exchange=7/1"]), document, tmp_path / "runs")
    assert read_json(folder.asked)["budgets"] == ["exchange=7/1"]
    for left in ('["exchange=9/1"]', None):
        (folder.traffic / FILE).unlink(missing_ok=True)
        if left is not None:
            (folder.traffic / FILE).write_text(left, encoding="utf-8")
        go_on(folder, lambda: Said({"a": 130}), Notes(), asked_to_stop=lambda: None)
        assert read_json(folder.traffic / FILE) == ["exchange=7/1"], left
    with pytest.raises(UsageError):
        begin(Wish(mode="verify", inventory=inventory, budgets=["exchange"]), document, tmp_path / "runs")


def test_a_fleet_keeps_to_its_budgets_in_all_its_processes(tmp_path: Path) -> None:
    """The simulated tenants' own logs are the judge."""
    fleet = Fleet(tmp_path, ("a", "b"))
    fleet.make(canaries=0)
    done = fleet("verify", "fleet.yaml", "--in-flight", "2", "--budget", "exchange=10/2")
    assert done.returncode == 3, done.stderr + done.stdout
    logged = [row for name in "ab" for row in simulated.requests_log(fleet.far(name))]
    arrived = sorted(row["arrived"] for row in logged if row["host"] == "outlook.office365.com")
    assert len(arrived) > 20, len(arrived)
    for first, eleventh in zip(arrived, arrived[10:], strict=False):
        assert eleventh - first > 1.5, (first, eleventh)  # a call may be longer on its way than the next one
