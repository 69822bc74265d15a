"""The papermill engine ``runbook``: cells run in a forked child, the parent keeps the notebook.

`worker` is the child's side (a plain IPython shell that sends its outputs over a pipe), `process` the
parent's side of that pipe (time limits, a child that dies), `outputs` turns messages into notebook outputs,
and `manager` is what papermill calls.
"""

from __future__ import annotations

from runbook.engine.manager import RunbookEngine
from runbook.engine.process import Worker, can_fork

__all__ = ["RunbookEngine", "Worker", "can_fork"]
