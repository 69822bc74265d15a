"""Is there a person in front of this kernel? Only a hint, and it only decides whether a widget is shown."""

from __future__ import annotations


def has_frontend() -> bool:
    """Return whether the front end that runs this cell could answer a question.

    JupyterLab and VS Code let a kernel ask; papermill and nbclient do not, and neither does the kit's engine.
    """
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return False
    kernel = getattr(get_ipython(), "kernel", None)
    return bool(getattr(kernel, "_allow_stdin", False))
