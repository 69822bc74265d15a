"""Parameters from ``-f params.yaml`` and ``-p name=value``; the later wins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from runbook.errors import UsageError
from runbook.tenants import where_in_yaml


def read(files: Sequence[Path], pairs: Sequence[str]) -> dict[str, Any]:
    """Return the given parameters by name. Raises UsageError for a file or a pair that cannot be read."""
    found: dict[str, Any] = {}
    for path in files:
        found.update(_file(path))
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name.strip():
            raise UsageError(f"{pair!r} is not of the form name=value.", "For example: -p retention_days=30")
        found[name.strip()] = value.strip()
    return found


def _file(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not YAML: {where_in_yaml(error)}.") from None
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise UsageError(f"{path} does not hold names and values.", "Write one 'name: value' a line.")
    return content
