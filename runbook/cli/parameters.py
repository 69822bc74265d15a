"""Parameters from ``-f params.yaml`` and ``-p name=value``; the later wins, and each is the text that was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from runbook.errors import UsageError
from runbook.written import read_yaml, where_in_yaml


@dataclass(frozen=True, slots=True)
class Given:
    """Parameters by name, and where each of them stood."""

    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def add(self, values: dict[str, Any], source: str) -> None:
        """Take parameters, in place of those of the same names."""
        self.values.update(values)
        self.sources.update(dict.fromkeys(values, source))


def read(files: Sequence[Path], pairs: Sequence[str]) -> Given:
    """Return the given parameters. Raises UsageError for a file or a pair that cannot be read."""
    found = Given()
    for path in files:
        found.add(_file(path), f"file {path.name}")
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name.strip():
            raise UsageError(f"{pair!r} is not of the form name=value.", "For example: -p retention_days=30")
        found.add({name.strip(): value.strip()}, "command line")
    return found


def _file(path: Path) -> dict[str, Any]:
    try:
        content = read_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not YAML: {where_in_yaml(error)}.") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"{path} does not hold names and values.", "Write one 'name: value' a line.")
    return content
