"""Read cmdlet calls from a page's PowerShell: cmdlet, identity and parameters with literal values.

What is written as literals is read, after PowerShell's own rules for quotes, lists and hash tables. Anything that
would have to be run to be known (a variable, a pipe, an expression) makes its statement "not read", with the
reason; nothing is guessed. [Microsoft documentation, about_Parsing, about_Quoting_Rules, about_Hash_Tables]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Plain = str | bool | None
Op = Literal["set", "add", "remove"]

LANGUAGES = re.compile(r"(?:azure)?powershell(?:-interactive)?|pwsh|ps1|posh", re.IGNORECASE)
CMDLET = re.compile(r"[A-Z][A-Za-z]*-[A-Z][A-Za-z0-9]*", re.IGNORECASE)
PROMPT = re.compile(r"^[ \t]*(?:\[PS\]|PS)(?: ?[A-Za-z]:\\[^>\n]*)? ?>[ \t]?|^[ \t]*>>[ \t]", re.MULTILINE)
# Of use to whoever runs the call, and no part of what it sets [about_CommonParameters].
COMMON = frozenset(
    """
    confirm debug domaincontroller erroraction errorvariable force informationaction outbuffer outvariable
    progressaction verbose warningaction warningvariable
    """.split()
)
# PowerShell takes the typographic quotes for the plain ones.
_TOKEN = re.compile(
    r"""(?P<blank>[ \t\u00a0]+|`\n)
      | (?P<newline>\n)
      | (?P<comment>\#[^\n]*)
      | (?P<open><[^<>\n]{1,120}>)
      | (?P<single>['\u2018-\u201b](?:[^'\u2018-\u201b\n]|['\u2018-\u201b]{2})*['\u2018-\u201b])
      | (?P<double>["\u201c-\u201e](?:[^"\u201c-\u201e`$\n]|`["`$]|\$(?=[ \t])|["\u201c-\u201e]{2})*["\u201c-\u201e])
      | (?P<name>-[A-Za-z][A-Za-z0-9]*:?)
      | (?P<constant>\$(?:true|false|null)\b)
      | (?P<dots>\.{3}|\u2026)
      | (?P<sign>@\(|@\{|[)},;=])
      | (?P<word>[^\s,;|&(){}<>`"'$\#@=\[\u2018-\u201e][^\s,;|&(){}<>`"'$=\u2018-\u201e]*)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"<[^<>]+>|\[[A-Z][A-Z_ ]+\]|YOUR_[A-Z_]+|\.{3}$|\u2026$")
_ODD = {
    "|": "a pipe", "$": "a variable or an expression", "(": "an expression", "{": "a script block",
    "[": "a syntax line, not a call", "`": "a back-tick that continues no line", "@": "values from a variable",
    "&": "a call of something else", "<": "a redirection", ">": "a redirection",
    '"': "a text that is not closed, or that PowerShell would fill in", "'": "a text that is not closed",
}  # fmt: skip
_QUOTES = ("'\u2018\u2019\u201a\u201b", '"\u201c\u201d\u201e')
_HERE = re.compile(r"@['\"]\s*$")
_TURNS = re.compile(r"[{}()\n]")
_SHOWN = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One value of a parameter; a hash table such as `@{Add="a"}` gives one for each of its keys."""

    value: Plain | tuple[str, ...]
    op: Op = "set"
    open: bool = False
    """Whether a placeholder or dots stand where a value would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a call, by its name as written, and the line that it stands in."""

    name: str
    written: tuple[Written, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A cmdlet call that was read whole. `identity` is None if the call names no object."""

    verb: str
    noun: str
    identity: Written | None
    parameters: tuple[Parameter, ...]
    line: int
    text: str

    @property
    def cmdlet(self) -> str:
        """The cmdlet's name as the page writes it."""
        return f"{self.verb}-{self.noun}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A statement that was not read, and why."""

    line: int
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


class _Odd(Exception):
    """Why a statement is not read; never leaves this module."""


def read_calls(lines: Sequence[str], first: int) -> Iterator[Call | Unread]:
    """Read the statements of a code block whose first line is line `first`, in their order."""
    text = PROMPT.sub(lambda match: "", "\n".join(lines))
    rows = text.split("\n")
    for tokens, why in _statements(text, first):
        begin, end = tokens[0].line, tokens[-1].line
        shown = " ".join(row.strip() for row in rows[begin - first : end - first + 1])
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
        try:
            if why:
                raise _Odd(why)
            yield _Reader(tokens).call(shown)
        except _Odd as reason:
            yield Unread(line=begin, text=shown, why=str(reason))


def _statements(text: str, first: int) -> Iterator[tuple[list[_Token], str]]:
    """Split into statements; one that holds anything but literals comes with the reason why it is not read."""
    at, line, depth = 0, first, 0
    tokens: list[_Token] = []
    why = ""
    while at < len(text):
        if text.startswith("<#", at):
            end = text.find("#>", at)
            stop = end + 2 if end >= 0 else len(text)
            line += text.count("\n", at, stop)
            at = stop
            continue
        match = _TOKEN.match(text, at)
        if match is None:  # the rest of the line cannot be told apart
            why = why or _ODD.get(text[at], "something that is no literal")
            tokens.append(_Token("odd", text[at], line))
            stop = _end_of_odd(text, at)
            line += text.count("\n", at, stop)
            at, depth = stop, 0
            tokens.append(_Token("odd", "", line))
            continue
        kind, word = str(match.lastgroup), match.group()
        at = match.end()
        if kind == "newline" or (word == ";" and not depth):
            ends = not depth and not (tokens and tokens[-1].text == ",")
            line += kind == "newline"
            if ends and tokens:
                yield tokens, why
                tokens, why = [], ""
            continue
        line += word == "`\n"
        if kind in ("blank", "comment"):
            continue
        depth += (word in ("@(", "@{")) - (word in (")", "}") and depth > 0)
        tokens.append(_Token(kind, word, line))
    if tokens:
        yield tokens, why


def _end_of_odd(text: str, at: int) -> int:
    """Find where a statement that is not read ends: what a block, a pipe or a text spans is no call of its own."""
    line_end = text.find("\n", at)
    line = text[at : line_end if line_end >= 0 else len(text)]
    if _HERE.search(line) or any(sum(map(line.count, marks)) % 2 for marks in _QUOTES):
        return len(text)  # a text over several lines: where it ends is not told for certain
    depth = 0
    for match in _TURNS.finditer(text, at):
        if match.group() == "\n":
            if depth <= 0 and text[match.start() - 1] not in "`|,":
                return match.start()
        else:
            depth += 1 if match.group() in "{(" else -1
    return len(text)


class _Reader:
    """Reads the tokens of one statement from left to right."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self.tokens = tokens
        self.at = 0

    def call(self, text: str) -> Call:
        first = self._take()
        if first.kind != "word" or not CMDLET.fullmatch(first.text):
            raise _Odd("no call of a cmdlet")
        verb, _, noun = first.text.partition("-")
        identity: Written | None = None
        found: dict[str, Parameter] = {}
        while (token := self._peek()) is not None:
            if token.kind != "name":
                if identity is not None or found:
                    raise _Odd(f"a value that belongs to no parameter: {token.text}")
                identity = self._single()  # of these cmdlets, Name or Identity is the first by position
                continue
            self.at += 1
            name = token.text.strip("-:")
            written = self._values() if self._value_follows() else (Written(value=True),)
            if name.casefold() in found:
                raise _Odd(f"-{name} twice")
            found[name.casefold()] = Parameter(name=name, written=written, line=token.line)
        if "whatif" in found:
            raise _Odd("it only shows what it would do")
        by_name = found.pop("identity", None) or (found.pop("name", None) if verb.casefold() == "new" else None)
        if by_name:
            if identity is not None or len(by_name.written) != 1:
                raise _Odd("it names two objects")
            identity = by_name.written[0]
        kept = tuple(item for key, item in found.items() if key not in COMMON)
        return Call(verb=verb, noun=noun, identity=identity, parameters=kept, line=first.line, text=text)

    def _peek(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _take(self) -> _Token:
        token = self._peek()
        if token is None:
            raise _Odd("it ends before it is whole")
        self.at += 1
        return token

    def _accept(self, sign: str) -> bool:
        token = self._peek()
        found = token is not None and token.kind == "sign" and token.text == sign
        self.at += found
        return found

    def _value_follows(self) -> bool:
        token = self._peek()
        return token is not None and token.kind != "name"

    def _values(self) -> tuple[Written, ...]:
        return self._table() if self._accept("@{") else (self._single(),)

    def _single(self) -> Written:
        if self._accept("@("):
            found, left_open = self._list(closing=")")
            return Written(value=_texts(found), open=left_open)
        found, left_open = self._list(closing="")
        return Written(value=found[0] if len(found) == 1 else _texts(found), open=left_open)

    def _table(self) -> tuple[Written, ...]:
        """Read `@{Add="a","b"; Remove="c"}`; no other key means anything here [DOCS, multivalued properties]."""
        found: dict[str, Written] = {}
        while not self._accept("}"):
            if self._accept(";"):
                continue
            key = self._take().text.strip("'\"").casefold()
            if key not in ("add", "remove") or key in found or not self._accept("="):
                raise _Odd("a hash table of something else than Add and Remove")
            inner = self._single()
            value = inner.value if isinstance(inner.value, tuple) else _texts([inner.value])
            found[key] = Written(value=value, op="add" if key == "add" else "remove", open=inner.open)
        return tuple(found.values())

    def _list(self, closing: str) -> tuple[list[Plain], bool]:
        found: list[Plain] = []
        left_open = False
        while not (closing and self._accept(closing)):
            token = self._take()
            if token.kind in ("open", "dots"):
                left_open = True
                found += [token.text] if token.kind == "open" else []
            else:
                value = _plain(token)
                left_open |= isinstance(value, str) and bool(_PLACEHOLDER.search(value))
                found.append(value)
            following = self._peek()
            if following is not None and following.kind == "dots":
                self.at, left_open = self.at + 1, True
            if not self._accept(",") and not (closing and self._accept(";")) and not closing:
                break
        return found, left_open


def _plain(token: _Token) -> Plain:
    text = token.text
    if token.kind == "constant":
        return {"true": True, "false": False}.get(text[1:].casefold())
    if token.kind == "single":
        return re.sub(r"(['\u2018-\u201b])['\u2018-\u201b]", r"\1", text[1:-1])
    if token.kind == "double":
        return re.sub(r'`(["`$])|(["\u201c-\u201e])["\u201c-\u201e]', r"\1\2", text[1:-1])
    if token.kind != "word":
        raise _Odd(f"a value that is no literal: {text}")
    return text


def _texts(found: Sequence[Plain]) -> tuple[str, ...]:
    if not all(isinstance(item, str) for item in found):
        raise _Odd("a list of something else than texts")
    return tuple(str(item) for item in found)
