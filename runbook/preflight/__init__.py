"""Can this identity do what the plan needs, and does it hold more than that? Nothing here writes.

`needs` says what each section asks for, `holding` asks the services what the identity holds, `findings` is the
pure comparison of the two, `report` puts it together for a tenant.
"""

from __future__ import annotations

from runbook.preflight.findings import Finding, judge, lacking
from runbook.preflight.holding import Holding, read_holding
from runbook.preflight.report import Report, examine

__all__ = ["Finding", "Holding", "Report", "examine", "judge", "lacking", "read_holding"]
