"""A dask worker's side: the runner that it keeps for as long as it lives. Imported where dask is, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from distributed import Worker, WorkerPlugin, get_worker

from runbook.fleet.runnerprocess import Runner


class RunnerPlugin(WorkerPlugin):
    """Start a runner with the worker, and let it go with it."""

    name = "runbook-runner"
    runner: Runner

    def setup(self, worker: Worker) -> None:
        """Called on each worker, also on one that joins later."""
        self.runner = Runner()

    def teardown(self, worker: Worker) -> None:
        """Called when a worker closes; one that is killed closes the runner's input with its death."""
        self.runner.close()


def on_a_worker(values: Mapping[str, Any], tenant_seconds: float | None) -> dict[str, Any]:
    """Have the runner of this worker carry out an order, and return how that ended.

    This is what dask sends to a worker: by its name, so it must stand in a module that can be imported there.
    """
    plugin = get_worker().plugins[RunnerPlugin.name]
    assert isinstance(plugin, RunnerPlugin)
    return plugin.runner.carry_out(values, tenant_seconds)
