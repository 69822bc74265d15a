"""Load once, before any process is forked, everything that a run on a tenant needs and that no tenant changes.

A forked child finds it ready and shares its memory. Nothing of a tenant is loaded here: no credential, no connection.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import sys
from collections.abc import Iterator

from runbook import library, simulated


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


@functools.cache
def _libraries() -> None:
    with _without_grammars():
        importlib.import_module("jsonschema")
    import msal  # noqa: F401
    import papermill.execute  # noqa: F401
    import requests  # noqa: F401

    import runbook.engine.bookkeeping
    import runbook.engine.files
    import runbook.walkthrough  # noqa: F401
    import tenantapi.cloudflare
    import tenantapi.exchange
    import tenantapi.graph
    import tenantapi.tokens  # noqa: F401
    from runbook.engine import worker

    simulated.load()
    worker.rehearse(worker.make_shell())


@contextlib.contextmanager
def _without_grammars() -> Iterator[None]:
    """Keep jsonschema from compiling 38 grammars of RFC 3987, which takes two seconds of every process.

    It has them only to check the formats ``iri`` and ``iri-reference``, does without where the package is missing, and
    nobody here has it check formats. A name that is None in `sys.modules` is a package that is missing [importlib].
    """
    name = "rfc3987_syntax"
    if name in sys.modules or "jsonschema" in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


def _worked_out(tutorial: str) -> None:
    """Compile the text and make its notebooks."""
    from runbook import notebooks

    document = library.load(tutorial)
    notebooks.generate(document)
    document.all_fields()


@functools.cache
def _templates() -> None:
    """Compile the record's templates, and the check of the notebooks' format."""
    import nbformat

    from runbook.record.exporter import exporter

    exporter().compile_all()
    nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("")]))
