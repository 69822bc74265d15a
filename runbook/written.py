"""YAML in which a scalar is the text that somebody wrote: ``00123``, ``no``, ``1:30`` and ``2026-11-28`` stay so.

YAML 1.1, which PyYAML reads, makes 83, False, 90 and a date of these, and what was written is lost before anything
of ours sees it. Here the one who uses a value decides what its text means.
"""

from __future__ import annotations

from typing import Any

import yaml
from yaml.constructor import ConstructorError

_LARGEST = 100_000
"""Values in one file, those that an alias repeats counted each time."""
_CORE = "tag:yaml.org,2002:"
_SCALARS = frozenset(_CORE + name for name in ("str", "int", "float", "bool", "timestamp", "value", "null", "merge"))


def read_yaml(text: str) -> Any:
    """Return what a YAML text holds: mappings, lists, and texts as they are written. Raises yaml.YAMLError.

    Only no value at all (nothing, ``~``, ``null`` without quotation marks) is None. A name that stands twice in one
    mapping is an error, as YAML itself has it.
    """
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        return None if node is None else _Reading(loader).value(node)
    except RecursionError:
        raise ConstructorError(None, None, "it is nested too deeply", None) from None
    finally:
        loader.dispose()


def where_in_yaml(error: Exception) -> str:
    """Say what is wrong and in which line, without quoting the line: it may hold what should not be printed."""
    mark = getattr(error, "problem_mark", None)
    place = f", line {mark.line + 1}" if mark is not None else ""
    return f"{getattr(error, 'problem', None) or 'it cannot be read as text'}{place}"


class _Reading:
    """One text on its way from YAML's nodes to values."""

    def __init__(self, loader: yaml.SafeLoader) -> None:
        self._loader = loader
        self._inside: set[int] = set()
        self._count = 0

    def value(self, node: yaml.Node) -> Any:
        self._count += 1
        if self._count > _LARGEST:
            raise _wrong("it holds too many values", node)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._inside:
            raise _wrong("a value holds itself", node)
        self._inside.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode) and node.tag == f"{_CORE}seq":
                return [self.value(item) for item in node.value]
            if isinstance(node, yaml.MappingNode) and node.tag == f"{_CORE}map":
                return self._mapping(node)
        finally:
            self._inside.discard(id(node))
        raise _wrong("the tag of this value is not known", node)

    def _scalar(self, node: yaml.ScalarNode) -> str | None:
        if node.tag not in _SCALARS:
            raise _wrong("the tag of this value is not known", node)
        return None if node.tag == f"{_CORE}null" else str(node.value)

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        """Read one mapping; its own names win over those that ``<<`` merges into it."""
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, item in node.value:
            if key.tag == f"{_CORE}merge":
                for found in self._merged(item):
                    merged = {**found, **merged}
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise _wrong("a name is a list or a mapping", key)
            if key.value in own:
                raise _wrong("a name stands twice", key)
            own[str(key.value)] = self.value(item)
        return {**merged, **own}

    def _merged(self, node: yaml.Node) -> list[dict[str, Any]]:
        found = self.value(node)
        parts = found if isinstance(found, list) else [found]
        if not all(isinstance(part, dict) for part in parts):
            raise _wrong("only mappings can be merged", node)
        return parts


def _wrong(problem: str, node: yaml.Node) -> ConstructorError:
    return ConstructorError(None, None, problem, node.start_mark)
