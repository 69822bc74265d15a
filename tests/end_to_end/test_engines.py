"""The kit's engine and papermill's own give the same notebooks, results and writes, for every notebook."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import Kit

from runbook import simulated

VOLATILE = re.compile(
    r"[0-9a-f]{64}|[0-9a-f]{12}(?![0-9a-f])|\d{8}T\d{6}Z-[\w-]+|\d{4}-\d\d-\d\dT[\d:.]+Z|\d\d:\d\d UTC"
    r"|/runs/\S+|127\.0\.0\.1:\d+"
)


def cells(kit: Kit, folder: Path) -> list[Any]:
    found = []
    for path in sorted((folder / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text())["cells"]:
            if cell["cell_type"] == "code":
                outputs = [
                    {k: v for k, v in output.items() if k in ("output_type", "data", "text", "ename", "evalue")}
                    for output in cell["outputs"]
                ]
                text = json.dumps(outputs, sort_keys=True).replace(str(kit.folder), "")
                found.append((path.name, cell["execution_count"], VOLATILE.sub("*", text)))
    return found


def sections(result: dict[str, Any]) -> list[Any]:
    return [
        (item["section"], item["status"], item["changes"], item["verification"] and item["verification"]["checks"])
        for item in result["sections"]
    ]


@pytest.fixture
def other(tmp_path: Path) -> Kit:
    made = Kit(tmp_path / "other")
    made.folder.mkdir()
    simulated.reset(made.state)
    return made


def test_both_engines_do_the_same(kit: Kit, other: Kit) -> None:
    seen = []
    for one, engine in ((kit, "runbook"), (other, "nbclient")):
        # The same made-up tenant for both, so that ids agree.
        assert one("plan", "--tenant", "demo", "--engine", engine).returncode == 3
        plan_hash = one.result("plan")["plan_hash"]
        done = one("apply", "--tenant", "demo", "--approve", plan_hash, "--engine", engine)
        assert done.returncode == 0, done.stderr
        seen.append(
            (
                sections(one.result("apply")),
                [(row["method"], row["cmdlet"]) for row in one.writes()],
                cells(one, one.newest("apply")),
            )
        )
    ours, theirs = seen
    assert ours[0] == theirs[0]
    assert ours[1] == theirs[1]
    for mine, yours in zip(ours[2], theirs[2], strict=True):
        assert mine == yours
