"""Import nbformat, and with it jsonschema, without the most costly part of both.

On being imported jsonschema compiles 38 grammars of RFC 3987, more than two seconds of every process. It has them
only to check the formats ``iri`` and ``iri-reference``, does without where the package is missing, and nobody here has
it check formats. Whatever of the kit needs nbformat takes it from here, and before papermill and nbconvert.
"""

from __future__ import annotations

from runbook.importing import without

with without("rfc3987_syntax"):
    import nbformat
    from nbformat import NotebookNode
    from nbformat.v4 import new_code_cell, new_notebook, new_output

__all__ = ["NotebookNode", "nbformat", "new_code_cell", "new_notebook", "new_output"]
