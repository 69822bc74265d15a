"""What an include says: which file it names and what it gives to it, and how those values are put into its lines.

Two site generators are known. Hugo's `{{<render file="…" withParameters="a;;b">}}` gives values by position, which
the file calls `$1`, `$2`; Astro's `<Render file="…" product="…" params={{ one: "a" }} />` gives them by name, which
the file calls `{props.one}`. [Hugo documentation, Shortcodes; Astro documentation, MDX; Cloudflare documentation,
layouts/shortcodes/render.html and src/components/Render.astro, as its pages use them]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from runbook.tutorial.markdown import tree_of

BETWEEN = ";;"
"""What stands between Hugo's parameters, and between the names that a file declares."""
_SHORTCODE = re.compile(r"\{\{(?:<\s*render\s+(?P<angle>[^\n]*?)\s*>|%\s*render\s+(?P<percent>[^\n]*?)\s*%)\}\}")
_ATTRIBUTE = re.compile(r'(?P<name>\w+)="(?P<value>[^"\\]*)"(?:\s+|$)')
_ELEMENT = re.compile(r"<Render\s+(?P<inside>.*?)\s*(?:/>|>\s*</Render>)", re.DOTALL)
_PROPERTY = re.compile(
    r"""(?P<name>\w+)\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|\{\{(?P<params>.*?)\}\})\s*""", re.DOTALL
)
_MEMBER = re.compile(
    r"""\s*(?:(?P<name>[A-Za-z_]\w*)|"(?P<quoted>\w+)")\s*:\s*"""
    r"""(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|`(?P<back>(?:[^`\\$]|\\.)*)`)\s*(?:,|\Z)\s*""",
    re.DOTALL,
)
_POSITION = re.compile(r"\$(\d+)")
_COMMENT = re.compile(r"\{/\*.*?\*/\}")
PROPS = re.compile(r"\{props\.(?P<name>\w+)\}")
_WHOLE = re.compile(r"""<Markdown\s+text=\{props\.(?P<name>\w+)\}\s*(?:inline=\{\w+\}\s*)?/>""")


class NotUnderstood(Exception):
    """Why an include cannot be read or filled in; the text ends the sentence "cannot be taken in: …"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An include: the names under which its file may be found, the first one best, and the values that it gives."""

    names: tuple[str, ...]
    given: Sequence[str] | Mapping[str, str]
    """Hugo's values in order, or MDX's by name."""

    @property
    def by_name(self) -> bool:
        """Tell whether values are given by name."""
        return isinstance(self.given, Mapping)


def call_of(source: str) -> Callable[[], Call] | None:
    """Tell whether a block of text is nothing but an include; give what reads it.

    The reader raises NotUnderstood if the include holds anything that is not known.
    """
    match = _SHORTCODE.fullmatch(source.strip())
    if match:
        inside = match["angle"] or match["percent"]
        return lambda: _hugo(inside)
    element = _ELEMENT.fullmatch(source.strip())
    if element:
        jsx = element["inside"]
        return lambda: _mdx(jsx)
    return None


def _hugo(inside: str) -> Call:
    found = {match["name"]: match["value"] for match in _ATTRIBUTE.finditer(inside)}
    rest = _ATTRIBUTE.sub("", inside).strip()
    name = found.pop("file", "")
    given = found.pop("withParameters", None)
    if rest or found or not name:
        raise NotUnderstood(f"{rest or ', '.join(found) or inside!r} is not understood in an include")
    return Call(names=(name,), given=given.split(BETWEEN) if given is not None else ())


def _mdx(inside: str) -> Call:
    found: dict[str, str] = {}
    at = 0
    while at < len(inside):
        match = _PROPERTY.match(inside, at)
        if match is None or match["name"] in found:
            raise NotUnderstood(f"{inside[at : at + 40]!r} is not understood in an include")
        found[match["name"]] = next(part for part in match.group("double", "single", "params") if part is not None)
        at = match.end()
    name, product, params = found.pop("file", ""), found.pop("product", ""), found.pop("params", "")
    if found or not name:
        raise NotUnderstood(f"{', '.join(found) or inside!r} is not understood in an include")
    paths = [f"{product}/{name}", name] if product else [name]
    return Call(names=tuple(f"{path}{suffix}" for path in paths for suffix in (".mdx", ".md", "")),
                given=_members(params))  # fmt: skip


def _members(source: str) -> dict[str, str]:
    """Read a JavaScript object whose values are plain texts; anything else in it is not understood."""
    found: dict[str, str] = {}
    at = 0
    while source[at:].strip():
        match = _MEMBER.match(source, at)
        if match is None:
            raise NotUnderstood(f"{source[at:].strip()[:40]!r} is not understood among an include's parameters")
        name = match["name"] or match["quoted"]
        if name in found:
            raise NotUnderstood(f"the parameter {name} is given twice")
        text = next(part for part in match.group("double", "single", "back") if part is not None)
        if "\n" in text or re.search(r"\\[^\"'`\\]", text):
            raise NotUnderstood(f"the value of the parameter {name} is more than one line of plain text")
        found[name] = re.sub(r"\\(.)", r"\1", text)
        at = match.end()
    return found


def filled(name: str, lines: Sequence[str], call: Call) -> tuple[list[str], str]:
    """Put the values of an include into its file's lines; give them, and a sentence on what was given in vain.

    Raises NotUnderstood if the file asks for a value that is not given.
    """
    head, declared = _head(lines, name)
    if isinstance(call.given, Mapping):
        body, said = _named(name, lines[head:], call.given)
    else:
        body, said = _positional(name, lines[head:], call.given, declared)
    return [*lines[:head], *body], said


def _positional(name: str, lines: Sequence[str], given: Sequence[str], declared: int) -> tuple[list[str], str]:
    wants = max([declared, *(int(number) for line in lines for number in _POSITION.findall(line))])
    if len(given) < wants:
        raise NotUnderstood(f"{name} takes {wants} parameters and is given {len(given)}")
    said = f"{name} takes {wants} parameters and is given {len(given)}." if len(given) > wants else ""

    def value(match: re.Match[str]) -> str:
        number = int(match[1])  # `$0` is none
        return given[number - 1] if 0 < number <= len(given) else match[0]

    return [_POSITION.sub(value, line) for line in lines], said


def _named(name: str, lines: Sequence[str], given: Mapping[str, str]) -> tuple[list[str], str]:
    shown = [_COMMENT.sub("", line) for line in lines]
    used = {match["name"]: None for line in shown for pattern in (PROPS, _WHOLE) for match in pattern.finditer(line)}
    lacking = [parameter for parameter in used if parameter not in given]
    if lacking:
        raise NotUnderstood(f"{name} takes the parameter {lacking[0]}, which is not given")
    idle = [parameter for parameter in given if not any(f"props.{parameter}" in line for line in lines)]
    said = f"{name} is given {', '.join(idle)} and does not use it." if idle else ""

    def value(match: re.Match[str]) -> str:
        return given.get(match["name"], match[0])

    return [PROPS.sub(value, _WHOLE.sub(value, line)) for line in lines], said


def _head(lines: Sequence[str], name: str) -> tuple[int, int]:
    """Give the number of lines of a file's front matter, and how many parameters it declares."""
    first = next(iter(tree_of("\n".join(lines) + "\n").children), None)
    if first is None or first.type != "front_matter" or first.map is None:
        return 0, 0
    try:
        loaded: Any = yaml.safe_load(first.content)
    except yaml.YAMLError:
        raise NotUnderstood(f"the front matter of {name} is not valid YAML") from None
    declared = loaded.get("inputParameters") if isinstance(loaded, dict) else None
    return first.map[1], len(str(declared).split(BETWEEN)) if declared else 0
