"""Where the server of a state listens: a file beside the state, for as long as the server runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

ADDRESS_NAME = "address.json"


def write(directory: Path, url: str) -> None:
    """Say that this process serves the state of a directory at an address; the newest server is the one named."""
    temporary = directory / f"{ADDRESS_NAME}.{os.getpid()}"
    temporary.write_text(json.dumps(_address(url)), encoding="utf-8")
    os.replace(temporary, directory / ADDRESS_NAME)


def remove(directory: Path, url: str) -> None:
    """Take back what ``write`` said, unless another server says something else there by now."""
    path = directory / ADDRESS_NAME
    try:
        if json.loads(path.read_text(encoding="utf-8")) == _address(url):
            path.unlink()
    except (OSError, ValueError):
        pass


def _address(url: str) -> dict[str, object]:
    return {"url": url, "pid": os.getpid()}
