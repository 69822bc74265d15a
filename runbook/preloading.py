"""Load once, before any process is forked, everything that a run on a tenant needs and that no tenant changes.

A forked child finds it ready and shares its memory. Nothing of a tenant is loaded here: no credential, no connection.
"""

from __future__ import annotations

import functools
import gc

from runbook import library, simulated
from runbook.importing import without


def preload(tutorial: str = library.OWN) -> None:
    """Load the libraries, and all that is worked out of the tutorial alone; the second time costs nothing.

    What is loaded then counts as permanent for this process's garbage collector, so that no child copies its pages.
    Raises TutorialError if the tutorial cannot be read.
    """
    _preloaded(tutorial)


@functools.cache
def _preloaded(tutorial: str) -> None:
    _libraries()
    _templates()
    _worked_out(tutorial)
    gc.collect()
    gc.freeze()


_PAPERMILLS_STORES = ("adlfs", "azure", "boto3", "gcsfs", "github", "pyarrow")
"""Papermill imports whatever it can read from and write to, half a second of every run. A run has files only."""


@functools.cache
def _libraries() -> None:
    import runbook.notebookformat  # noqa: I001 - before papermill, which imports nbformat by itself
    import msal  # noqa: F401

    with without(*_PAPERMILLS_STORES):
        import papermill.execute  # noqa: F401
    import requests  # noqa: F401

    import runbook.engine.bookkeeping
    import runbook.engine.execution
    import runbook.engine.files
    import runbook.walkthrough  # noqa: F401
    import tenantapi.cloudflare
    import tenantapi.exchange
    import tenantapi.graph
    import tenantapi.tokens  # noqa: F401
    from runbook.engine import worker

    simulated.load()
    worker.rehearse(worker.make_shell())


def _worked_out(tutorial: str) -> None:
    """Compile the text and make its notebooks."""
    from runbook import notebooks

    document = library.load(tutorial)
    notebooks.generate(document)
    document.all_fields()


@functools.cache
def _templates() -> None:
    """Compile the record's templates, and the check of the notebooks' format."""
    from runbook.notebookformat import nbformat, new_code_cell, new_notebook
    from runbook.record.exporter import exporter

    exporter().compile_all()
    nbformat.writes(new_notebook(cells=[new_code_cell("")]))
