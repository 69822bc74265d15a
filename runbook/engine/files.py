"""Have papermill write notebooks in one step: a run killed while it writes leaves the former file, not a half."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runbook.runs import write_text


def write_whole_below(folder: Path) -> None:
    """Let papermill, in this process, write every notebook below a folder whole or not at all."""
    from papermill.iorw import LocalHandler, papermill_io

    class WholeFiles(LocalHandler):  # type: ignore[misc]
        def write(self, buf: str, path: Any) -> str:
            write_text(Path(path), buf)
            return str(path)

    papermill_io.register(f"{folder}/", WholeFiles())
