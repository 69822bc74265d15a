"""Load once, before any process is forked, everything that a run on a tenant needs and that no tenant changes.

A forked child finds it ready and shares its memory. Nothing of a tenant is loaded here: no credential, no connection.
"""

from __future__ import annotations

import contextlib
import functools
import gc

from runbook import library, notebooks, simulated
from runbook.errors import RunbookError
from runbook.importing import without
from runbook.library import Document
from runbook.tutorial import Section


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
"""Papermill imports whatever it can read from and write to: 0.4 s by ``-X importtime``. A run has files only.

Whoever calls papermill with such an address in the same process has to import papermill before this."""


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


def notebook(document: Document, section: Section) -> str:
    """Return the text of a section's notebook, which does not depend on a tenant."""
    with contextlib.suppress(RunbookError):
        known, texts = _worked_out(document.name)
        if known is document:
            return texts[section.id]
    return notebooks.text(document, section)


@functools.cache
def _worked_out(tutorial: str) -> tuple[Document, dict[str, str]]:
    """Compile the text and make its notebooks."""
    document = library.load(tutorial)
    document.all_fields()
    return document, {section.id: notebooks.text(document, section) for section in document.sections}


@functools.cache
def _templates() -> None:
    """Compile the record's templates, and the check of the notebooks' format."""
    from runbook.notebookformat import nbformat, new_code_cell, new_notebook
    from runbook.record.exporter import exporter

    exporter().compile_all()
    nbformat.writes(new_notebook(cells=[new_code_cell("")]))
