"""The papermill engine ``runbook``: cells run in a forked child, the parent keeps the notebook.

`worker` is the child's side (a plain IPython shell that sends its outputs over a pipe), `process` the
parent's side of that pipe (time limits, a child that dies), `outputs` turns messages into notebook outputs, `early`
is the notebook's text meanwhile, `bookkeeping` says what became of each cell, and `manager` is what papermill calls;
`execution` does without papermill's reading and checking for notebooks that the kit has just made.
"""

from __future__ import annotations

from runbook.engine.manager import RunbookEngine
from runbook.engine.process import Worker, can_fork

__all__ = ["RunbookEngine", "Worker", "can_fork"]
