"""The patterns of phrases.yaml as regular expressions; one is compiled only for a sentence that could match it."""

from __future__ import annotations

import re
from functools import cache

from runbook.compile.phrase import SLOT

_ESCAPED = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\{[^}]*\}", re.DOTALL)
_OPENS = "\0"


def whole(pattern: str, masked: str) -> re.Match[str] | None:
    """Match a whole sentence. Looks first for the words that every match has, which is many times quicker."""
    lowered = masked.lower()
    if any(words not in lowered for words in literals(pattern)):
        return None
    return compiled(pattern).fullmatch(masked)


@cache
def literals(pattern: str) -> tuple[str, ...]:
    """Give words, in lower case, that each match of a pattern must have: those outside of groups and not optional."""
    plain = _ESCAPED.sub(_OPENS, pattern)
    depth, outside = 0, ""
    for char in plain:
        depth += char == "("
        outside += (_OPENS if char in "()" else char) if depth == 0 or char in "()" else ""
        depth -= char == ")"
    if "|" in outside:
        return ()
    runs = re.split(rf".[?*]|[{_OPENS}.^$+]", outside)
    return tuple(run.lower() for run in runs if run.strip() and run.isascii())


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of phrases.yaml, in which `{name}` stands for slots."""
    several = rf"{SLOT}(?:(?:, and |, or |, | and | or ){SLOT})*"
    two = rf"{SLOT}(?:(?:, and |, | and ){SLOT})+"
    # What turns a sentence round, or makes it hang on something, is no part of "any words"; nor is another clause.
    turning = (
        r"not|never|no|don['’]?t|only|if|unless|except|but|without|instead|skip|optional|optionally|example|test"
        r"|when|where|while|once"
    )
    words = rf"(?:(?!\b(?:{turning})\b)[^.,:;!?])+?"
    kinds = {"": SLOT, "&": two, "*": rf"{SLOT}(?: > {SLOT})*", "+": several, "~": words}

    def group(match: re.Match[str]) -> str:
        name, kind = match.groups()
        return f"(?P<{name}>{'.+?' if name == 'rest' and kind == '~' else kinds[kind]})"

    # Letter case beyond ASCII matters only where a pattern takes any word; without it patterns compile twice as fast.
    flags = re.IGNORECASE if re.search(r"\\[wW]", pattern) else re.IGNORECASE | re.ASCII
    return re.compile(re.sub(r"\{([a-z]\w*)([*+&~]?)\}", group, pattern), flags)
