"""A runner beside a process with threads: every order has its own answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fleet.crews import order, row

from runbook.fleet.folder import FleetFolder
from runbook.fleet.runnerprocess import Runner
from runbook.library import OWN
from runbook.runs import write_json


def test_a_tenant_that_is_asked_for_twice_at_once_is_answered_twice(tmp_path: Path) -> None:
    """A cluster that took a worker for dead may give it the same tenant again."""
    folder = FleetFolder.create("verify", tmp_path)
    folder.tenants_file("a").write_text("tenants: {a: {tenant_id: x}}\n", encoding="utf-8")
    write_json(folder.variables, [])
    folder.finish(row(order("a"), 0, "unchanged"))
    asked = {**order("a", mode="verify").as_json(), "folder": str(folder.path), "tutorial": OWN}
    runner = Runner()
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda _: runner.carry_out(asked, None), range(2)))
    runner.close()
    assert [answer["row"]["status"] for answer in answers] == ["unchanged", "unchanged"]
