"""(b): papermill's own API in one process for one tenant after another, and one nbconvert exporter for all pages.

python api.py NAMES.json FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import papermill
from nbconvert import HTMLExporter

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("0[1-9]-*.ipynb"))


def main() -> None:
    names, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    exporter = HTMLExporter()
    for name in names:
        run_dir = folder / name
        run_dir.mkdir(parents=True)
        for notebook in NOTEBOOKS:
            output = run_dir / notebook.name
            given = {"tenant": name, "mode": "verify", "run_dir": str(run_dir)}
            papermill.execute_notebook(str(notebook), str(output), given, progress_bar=False)
            output.with_suffix(".html").write_text(exporter.from_filename(str(output))[0])


if __name__ == "__main__":
    main()
