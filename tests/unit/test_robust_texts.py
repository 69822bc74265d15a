"""Texts that nobody would write: each ends with a clear error or a compile, in good time, and nothing is lost."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from runbook.compile import Compiled, compile_tutorial
from runbook.compile.text import render
from runbook.errors import RunbookError
from runbook.lexicon import load_lexicon
from runbook.tutorial import parse_tutorial

LEXICON = load_lexicon()
LONGEST_SECONDS = 10.0  # of work, whatever else the machine does
SIZE = 7_800
HEAD = """## A rule

1. Open the [Exchange admin center](https://admin.exchange.microsoft.com/).
2. Go to **Mail flow** > **Rules**.
3. Select **Add a Rule** > **Create a new rule**.
"""
HEAPS = (
    '" > a"', "**", "_ _", "select the ", "a ", "`", "](", "<", "> ", "- ", "(", "a, ", "1. ", '"a" ', "** a ", "&amp;",
    "<b>", "~~", "$1 ", "{{<render ", "<!--", "“", ". A", "\ue000", "**a** > ", "_a_ or _b_ ", "set the **a** to ",
    "in **a**, select ", "under **a**, choose ", "**Spam**: _Quarantine message_ ",
)  # fmt: skip


def compiled_in_time(data: str | bytes, fetch: Callable[[str], bytes | str] | None = None) -> Compiled | None:
    """Compile; None for a text that is refused. Fails if it takes too long, or loses a line."""
    begun = time.process_time()
    try:
        tutorial = parse_tutorial(data if isinstance(data, bytes) else data.encode(), fetch=fetch)
        compiled = compile_tutorial(tutorial, LEXICON)
        assert render(compiled)
        assert compiled.ledger["closed"]
        return compiled
    except RunbookError as error:
        assert error.remedy, "an error says what to do"
        return None
    finally:
        assert time.process_time() - begun < LONGEST_SECONDS, "it takes too long"


def heap(words: str, size: int = SIZE) -> str:
    return (words * (size // len(words) + 1))[:size]


@pytest.mark.parametrize("words", HEAPS)
def test_a_heap_of_one_thing_on_a_line(words: str) -> None:
    """As much of it as a line may have, in one item: no pattern may take its time over it, and nothing comes of it."""
    found = compiled_in_time(f"{HEAD}4. {heap(words)}")
    assert found is None or not found.resources


@pytest.mark.parametrize("words", HEAPS)
def test_a_heap_of_one_thing_on_many_lines(words: str) -> None:
    found = compiled_in_time(f"{HEAD}4. x\n" + f"{words}\n" * 4_000)
    assert found is None or not found.resources


@pytest.mark.parametrize(
    "words", ["**", "_ _", "select the ", "1. ", '" > a"', "\ue000", "**Spam**: _Quarantine message_ "]
)
@pytest.mark.parametrize("before", ["    - **Name**: ", "    - **Do the following**: ", "4. In ", "4. Set the ", "## "])
def test_a_heap_behind_the_beginning_of_a_form(words: str, before: str) -> None:
    """Where a sentence begins as a known form does, the rest of the pattern is tried, too."""
    found = compiled_in_time(f"{HEAD}4. Set the following rule conditions:\n{before}{heap(words, 7_000)}\n")
    assert found is None or not found.resources


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}4. x\n\n" + ">" * 5_000 + " a",
        f"{HEAD}4. x\n\n" + "- " * 5_000 + "a",
        f"{HEAD}4. x\n\n" + "1. " * 5_000 + "a",
        f"{HEAD}4. x\n" + "\n".join("  " * depth + "- a" for depth in range(800)),
        f"{HEAD}4. " + "[" * 5_000 + "a" + "](b)" * 5_000,
        f"{HEAD}4. " + "(" * 5_000 + "a" + ")" * 5_000,
        f"{HEAD}4. " + "<div>" * 5_000,
    ],
    ids=["quotes", "bullets on a line", "numbers on a line", "lists by indent", "links", "brackets", "tags"],
)
def test_deep_nesting(text: str) -> None:
    compiled_in_time(text)


def test_deep_emphasis() -> None:
    with pytest.raises(RunbookError, match="nested too deeply"):
        parse_tutorial((f"{HEAD}4. " + "*a " * 1_000 + "a" + "*" * 1_000).encode())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "4. " + heap("Set the words ", 400_000), "A line of the file has"),
        (HEAD + "4. Go.\n" * 6_000, "lines; no more than"),
        (HEAD + heap("Words of prose.\n", 10 * 2**20), "bytes; no more than"),
        (HEAD + heap("4. **a** > _b_\n", 10 * 2**20), "bytes; no more than"),
        ("\n".join("  " * depth + "- a" for depth in range(5_000)), "bytes; no more than"),
    ],
    ids=["a long line", "many lines", "10 MB of prose", "10 MB of items", "5,000 lists deep"],
)
def test_more_than_a_tutorial_is_refused(text: str, said: str) -> None:
    begun = time.process_time()
    with pytest.raises(RunbookError, match=said) as caught:
        parse_tutorial(text.encode())
    assert caught.value.remedy
    assert time.process_time() - begun < 1.0


def test_as_much_as_is_read_is_read_in_time() -> None:
    for words in (" ", "[", ".", "a ", "**a** "):
        compiled_in_time(HEAD + "4. Go.\n" + ("5. Set" + heap(words, 7_900) + "x\n") * 25)
    assert compiled_in_time(HEAD + heap("4. **a** > _b_ and words to make a line of it\n", 200_000)) is not None
    assert compiled_in_time(HEAD + "## A\n\n1. Go.\n\n" * 1_200) is not None


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes(seed: int) -> None:
    chance = random.Random(seed)
    assert compiled_in_time(chance.randbytes(100_000)) is None
    marks = [ord(char) for char in "\n\n  **__``>>--1.:[]()<>#\"'|~$&\\"]
    text = "".join(chr(chance.choice([*marks, chance.randrange(32, 0x2FFF)])) for _ in range(20_000))
    compiled_in_time("## A\n\n1. " + text)


# Included files


def include(name: str) -> str:
    return f'{{{{<render file="{name}">}}}}'


def fetch_from(files: dict[str, str]) -> Callable[[str], bytes | str]:
    return lambda name: files[name].encode() if name in files else f"there is no file {name}"


@pytest.mark.parametrize(
    ("top", "files", "taken", "said"),
    [
        (["a"], {"a": include("a")}, 1, "a includes itself"),
        (["a"], {"a": include("b"), "b": include("a")}, 2, "a includes itself"),
        (["a"] * 250, {"a": "Words."}, 200, "more than 200 files"),
        (["0"], {str(n): include(str(n + 1)) for n in range(50)}, 8, "more than 8 files deep"),
        (["0"], {str(n): "\n\n".join([include(str(n + 1))] * 3) for n in range(20)}, 200, "more than"),
        (["a", "b"], {"a": "x\n" * 4_900, "b": "x\n" * 4_900}, 1, "more than 8000 lines"),
    ],
    ids=["itself", "each other", "250 times", "50 deep", "ever more", "8,000 lines"],
)
def test_includes_come_to_an_end(top: list[str], files: dict[str, str], taken: int, said: str) -> None:
    text = "## A\n\n1. Go.\n\n" + "\n\n".join(include(name) for name in top)
    found = compiled_in_time(text, fetch_from(files))
    assert found is not None
    assert len(found.tutorial.files) - 1 == taken
    assert any(said in remark.text for remark in found.tutorial.remarks if remark.blocks)
    assert any(item.code == "unresolved-include" for item in found.diagnostics)
