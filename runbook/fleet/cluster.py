"""Carry a fleet out on a dask cluster: every worker has a runner of one thread beside it, which forks.

Dask gives a task that was running on a worker that died to another one, and sometimes also tasks that had ended there
(measured with distributed 2026.8: one to three for each worker that was killed). That is harmless: a tenant that is
finished gives its row, and nothing more. All workers must reach the folder of runs by the same path.
"""

from __future__ import annotations

from runbook.errors import UnreadableState, UsageError
from runbook.fleet.executors import ExecutorCrew

_RETRIES = 2
_CONNECT_SECONDS = 20


def cluster_crew(address: str, *, tenant_seconds: float | None) -> ExecutorCrew:
    """Return a crew of a cluster's workers. Raises UsageError without dask, UnreadableState where nobody answers."""
    try:
        from distributed import Client

        from runbook.fleet.worker import RunnerPlugin, on_a_worker
    except ImportError:
        raise UsageError("--scheduler needs dask.", "Install it:\n\n    pip install 'runbook-kit[cluster]'\n") from None
    try:
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise UnreadableState(
            f"No scheduler answers at {address}: {error}.", "Start one with: dask scheduler"
        ) from error
    client.register_plugin(RunnerPlugin())
    executor = client.get_executor(retries=_RETRIES, pure=False)
    return ExecutorCrew(
        executor, tenant_seconds=tenant_seconds, function=on_a_worker, after=client.close, cancels=False
    )
