"""Make one self-contained HTML page from a run's files: no script, no outside reference, readable in ten years."""

from __future__ import annotations

from runbook.record.record import doubt, record_notebook, write_record

__all__ = ["doubt", "record_notebook", "write_record"]
