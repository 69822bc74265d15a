"""Find the wire constants of the client by the syntax tree, and change one of them.

A wire constant is a text (or a number of the wire) in a module that speaks to a service: a path, a parameter, a header
field, a JSON key, an enum spelling, a phrase that an answer is recognised by, a status or an error number. Texts for
people do not count; where those stand is listed here, so that nothing is left out in silence.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[3] / "lib" / "tenantapi"

# `errors` and `tokens` name no word of the wire, `__init__` only connects, `cachefile` and `cells` write files of our
# own. The few words of `isolation` and `sharedtraffic` are for calls that no client of ours makes and for a folder that
# no transcript has: tests/unit/test_api_isolation.py and test_api_shared_traffic.py name each of them.
WITHOUT_WIRE = {
    "__init__", "errors", "tokens", "signin/__init__", "signin/cachefile", "cells", "limits", "traffic",
    "isolation", "sharedtraffic",
}  # fmt: skip

# Calls whose texts are for people: the making of errors, and of what the journal is told.
FOR_PEOPLE = re.compile(r"\w*Error|malformed|not_possible|unfit|refused|_Meaning|TypeVar|ValueError|TypeError|Fault")
# Arguments that are for people wherever they stand.
ARGUMENTS_FOR_PEOPLE = {"remedy", "words", "operation", "why"}
# Module-level names that hold texts for people.
NAMES_FOR_PEOPLE = re.compile(
    r"_SERVICE|\w*REMED\w*|_BY_NAME|_ROLES|_GRANT|_HYDRATE|_ADVICE|REREAD|_AGAIN|_OTHERWISE|_MACHINE|"
    r"_MASK|_NETWORK|MEANINGS|_LONGEST_TEXT|WAYS|USER_AGENT|_HEADER_SAFE|_ACCOUNT|_PAGE_CAP|SignIn"
)
# Functions that only put together texts for people.
FUNCTIONS_FOR_PEOPLE = {
    "__repr__",
    "__reduce__",
    "__reduce_ex__",
    "_trace",
    "label",
    "refusal",
    "from_exception",
    "not_possible",
    "_named",
    "_check_gateway",
    "__post_init__",
    "_never_sent",
    "_root",
    "_plain",
}
# Where the name of the operation, as people read it, stands among the arguments.
OPERATIONS = {
    "cloudflare": {"_send": 2},
    "exchange": {"_send": 2},
    "graph": {"_get": 1, "_pages": 1},
    "signin/door": {"_send": 2},
}
# What is left: words for people that stand alone, names that Python, requests or this library itself understands, and
# the characters that an id of ours may have.
NOT_WIRE = {
    "no code", "no message", "no reason given", "no content type", "and no warning says why", "of this machine",
    "is locked, or its passphrase is wrong", "holds no private key", "managed identity", "application",
    "Give a PEM file with the private key (RSA) and the certificate that belongs to it.",
    "[0-9A-Za-z-]+",
    "_fields", "__text", "proxies", "verify", "cert", "tolerate", "utf-8-sig", "posix",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Constant:
    """One constant: where it stands and what it is."""

    module: str
    line: int
    column: int
    value: str | int

    @property
    def name(self) -> str:
        return f"{self.module}.py:{self.line}:{self.column} {self.value!r}"


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(LIBRARY.rglob("*.py")):
        name = path.relative_to(LIBRARY).with_suffix("").as_posix()
        if name not in WITHOUT_WIRE:
            yield name, path


def constants() -> list[Constant]:
    """List every wire constant of the client."""
    return [found for name, path in modules() for found in _of(name, ast.parse(path.read_text(encoding="utf-8")))]


def _of(module: str, tree: ast.AST) -> Iterator[Constant]:
    for node in _wire_nodes(tree, OPERATIONS.get(module, {})):
        if _counts(node.value):
            yield Constant(module=module, line=node.lineno, column=node.col_offset, value=node.value)


def _counts(value: object) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return value >= 100  # statuses and error numbers; smaller numbers count things of our own
    return isinstance(value, str) and value not in NOT_WIRE and re.search(r"[A-Za-z]{2}|[*@]", value) is not None


def _wire_nodes(node: ast.AST, operations: dict[str, int]) -> Iterator[ast.Constant]:
    if isinstance(node, ast.Constant):
        yield node
        return
    for child in _wire_children(node, operations):
        yield from _wire_nodes(child, operations)


def _wire_children(node: ast.AST, operations: dict[str, int]) -> Iterator[ast.AST]:
    """Give the parts of a node that may hold words of the wire."""
    if isinstance(node, (ast.Raise, ast.Expr)) and not _does_something(node):
        return
    if isinstance(node, ast.FunctionDef):
        yield from (
            ()
            if node.name in FUNCTIONS_FOR_PEOPLE
            else [*node.args.defaults, *filter(None, node.args.kw_defaults), *node.body]
        )
    elif isinstance(node, ast.ClassDef):
        yield from node.body
    elif isinstance(node, ast.AnnAssign):
        named = isinstance(node.target, ast.Name) and NAMES_FOR_PEOPLE.fullmatch(node.target.id)
        yield from _keys_only(node.value) if named else filter(None, [node.value])
    elif isinstance(node, ast.Assign):
        named = isinstance(node.targets[0], ast.Name) and NAMES_FOR_PEOPLE.fullmatch(node.targets[0].id)
        yield from _keys_only(node.value) if named else [node.value]
        yield from (target for target in node.targets if isinstance(target, ast.Subscript))
    elif isinstance(node, ast.Call):
        yield from _of_call(node, operations)
    else:
        yield from ast.iter_child_nodes(node)


def _keys_only(value: ast.AST | None) -> Iterator[ast.AST]:
    """Numbers and names that a table for people is read by are words of the wire all the same."""
    if isinstance(value, ast.Dict):
        yield from (key for key in value.keys if isinstance(key, ast.Constant))


def _does_something(node: ast.Raise | ast.Expr) -> bool:
    return isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)


def _of_call(node: ast.Call, operations: dict[str, int]) -> Iterator[ast.AST]:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if FOR_PEOPLE.fullmatch(called):
        return
    if called in ("cast", "TypeVar", "getattr"):
        return
    yield node.func
    skipped = operations.get(called)
    yield from (item for place, item in enumerate(node.args) if place != skipped)
    yield from (item.value for item in node.keywords if item.arg not in ARGUMENTS_FOR_PEOPLE)


def changed(value: str | int) -> str | int:
    """Change a constant a little: a letter more in its first word, or the next number."""
    if isinstance(value, int):
        return value + 1
    word = re.search(r"[A-Za-z]{2,}", value)
    if word is None:
        return value + "~"
    middle = word.start() + max(1, len(word[0]) // 2)
    return value[:middle] + ("x" if value[middle - 1].islower() else "X") + value[middle:]


def mutant(constant: Constant, *, really: bool = True) -> ast.Module:
    """Return the module's syntax tree with this one constant changed, or as it is when not ``really``."""
    path = LIBRARY / f"{constant.module}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    spots = [
        node
        for node in _wire_nodes(tree, OPERATIONS.get(constant.module, {}))
        if (node.lineno, node.col_offset, node.value) == (constant.line, constant.column, constant.value)
    ]
    spots[0].value = changed(constant.value) if really else constant.value
    return tree
