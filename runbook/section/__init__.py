"""One section of a tutorial on one tenant, inside the kernel: what a notebook's cells call.

`opening` finds out what is meant (inputs, tenant, run folder), `observing` reads and plans, `approving`
decides whether a plan may be applied, `applying` carries it out, `verifying` reads again; `section` is the
object that the cells hold.
"""

from __future__ import annotations

from runbook.section.opening import open_section
from runbook.section.section import Section

__all__ = ["Section", "open_section"]
