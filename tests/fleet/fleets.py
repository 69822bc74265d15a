"""A small fleet of simulated tenants in a folder of its own, and the command line on it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import inherited

from runbook import simulated
from runbook.archive.manifest import MANIFEST
from runbook.fleet.folder import FleetFolder, find_fleet, fleets
from runbook.runs import read_json
from simtenant import state

PATIENCE_SECONDS = 100


@dataclass(frozen=True)
class Fleet:
    """Tenants of one inventory, each with a state folder below ``far``."""

    folder: Path
    names: Sequence[str]

    @property
    def inventory(self) -> Path:
        return self.folder / "fleet.yaml"

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def far(self, tenant: str) -> Path:
        return self.folder / "far" / tenant

    def make(self, canaries: int = 1, **more: str) -> None:
        """Make the tenants, and the inventory: the first of them are canaries."""
        lines = ["rings: [canary, rest]" if 0 < canaries < len(self.names) else "", "tenants:"]
        simulated.make_many([self.far(name) for name in self.names])
        for number, name in enumerate(self.names):
            group = "canary" if number < canaries else "rest"
            said = f", {more[name]}" if name in more else ""
            lines.append(f"  {name}: {{group: {group}, simulated: {{state: far/{name}}}{said}}}")
        self.inventory.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def environment(self, **more: str) -> dict[str, str]:
        own = {"RUNBOOK_STATE": str(self.folder / "state"), "RUNBOOK_RUNS": str(self.runs)}
        return {**inherited(), **own, **more}

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a fleet command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "runbook", "fleet", *arguments],
            cwd=self.folder,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(
        self, *arguments: str, patience: float = PATIENCE_SECONDS, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=patience)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def newest(self) -> FleetFolder:
        return next(fleets(self.runs))

    def find(self, name: str) -> FleetFolder:
        return find_fleet(name, self.runs)

    def rows(self, folder: FleetFolder | None = None) -> dict[str, dict[str, Any]]:
        """Return the rows of a fleet run's summary by tenant; of the newest, if none is given."""
        summary = read_json((folder or self.newest()).summary)
        return {row["tenant"]: row for row in summary["tenants"]}

    def plans_hash(self) -> str:
        return str(read_json(self.newest().summary)["plans_hash"])

    def writes(self, tenant: str) -> list[tuple[str, str]]:
        """Return what a tenant was asked to write, by its own log."""
        rows = simulated.requests_log(self.far(tenant))
        return [(row["method"], row["cmdlet"] or row["path"]) for row in rows if row["write"]]

    def holds(self, tenant: str) -> str:
        """Return all that a tenant holds, but for times and identifiers that are drawn anew."""
        found = {kind: rows for kind, rows in simulated.objects(self.far(tenant)).items() if kind not in _CREDENTIALS}
        return json.dumps(_without_drawn(found), sort_keys=True, default=str)

    def whole_runs(self, tenant: str, mode: str) -> list[dict[str, Any]]:
        """Return the results of a tenant's runs that are sealed and were not cut short."""
        found = []
        for folder in sorted(self.runs.glob(f"*-{tenant}-{mode}-*")):
            if (folder / MANIFEST).is_file():
                result = read_json(folder / "result.json")
                if result["exit_code"] != 130:
                    found.append(result)
        return found

    def forget_logs(self) -> None:
        for name in self.names:
            state.forget_log(self.far(name))

    def copy_to(self, folder: Path) -> Fleet:
        """Return the same fleet, as it is now, in another folder."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Fleet(folder, self.names)


def order_faults(url: str, *faults: dict[str, Any]) -> None:
    """Have a simulated tenant that is served at an address misbehave from now on."""
    request = urllib.request.Request(f"{url}/_sim/faults", data=json.dumps(faults).encode(), method="POST")
    urllib.request.urlopen(request, timeout=5).close()


_CREDENTIALS = frozenset({"Application", "CloudflareToken"})
_DRAWN = frozenset({"Guid", "Identity", "WhenCreated", "WhenChanged", "created_at", "modified_at", "id"})


def _without_drawn(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_drawn(item) for key, item in value.items() if key not in _DRAWN}
    if isinstance(value, list):
        return [_without_drawn(item) for item in value]
    return value
