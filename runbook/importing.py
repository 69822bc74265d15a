"""Import a library without what it can do without, where that costs more time than the rest of it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def without(*names: str) -> Iterator[None]:
    """Let packages be missing for the length of a ``with`` block; what is imported already stays as it is.

    A name that is None in `sys.modules` is a missing package [importlib]. After the block whoever imports one has it;
    the library that was imported inside does without for as long as this process lives.
    """
    missing = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(missing))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]
