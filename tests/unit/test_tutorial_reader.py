"""Markdown to sections and steps: lines, nesting, letters, and a class for every line."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.errors import TutorialError
from runbook.tutorial import Block, Tutorial, parse_tutorial, read_tutorial, slug
from runbook.tutorial.markdown import repair


def tutorial(text: str) -> Tutorial:
    return parse_tutorial(text.encode())


def test_nodes_know_their_lines() -> None:
    first = "# T\n\nHello.\n\n## A\n\n1. One\n   more\n    - child\n\n      ![p](x)\n\n2. Two\n"
    found = tutorial(first + "\n## B\n\n1. Three")
    assert [(s.id, s.first, s.last) for s in found.sections] == [("a", 5, 13), ("b", 15, 17)]
    one, two = found.sections[0].steps
    assert (one.number, one.first, one.last, one.text_last, one.text) == (1, 7, 11, 8, "One more")
    (child,) = one.children
    assert (child.number, child.first, child.last, child.text_last) == (None, 9, 11, 9)
    assert [(note.kind, note.first) for note in child.notes] == [("picture", 11)]
    assert (two.number, two.first) == (2, 13)
    assert found.ledger_counts == {"blank": 7, "continuation": 1, "heading": 3, "picture": 1, "prose": 1, "step": 4}


def test_numbers_are_those_that_the_reader_sees() -> None:
    found = tutorial("## A\n\n9. Nine\n10. Ten\n\nText.\n\n1. One\n")
    assert [step.number for step in found.sections[0].steps] == [9, 10, 1]


def test_sections_know_what_they_stand_under() -> None:
    found = tutorial("# T\n\n## A\n\n### B\n\n#### C\n\n1. x\n\n### D\n\n## E\n")
    assert [(s.heading, s.level, s.above) for s in found.sections] == [
        ("A", 2, ()), ("B", 3, ("A",)), ("C", 4, ("A", "B")), ("D", 3, ("A",)), ("E", 2, ()),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Configure Domains", "configure-domains"),
        ("2. Add it", "add-it"),
        ("6 Run `X-Y` (if so)", "run-x-y-if-so"),
        ("!", "section"),
    ],
)
def test_ids(heading: str, name: str) -> None:
    assert slug(heading) == name.replace("`", "")


def test_equal_headings_get_ids_of_their_own() -> None:
    found = tutorial("## Edit\n\n1. a\n\n## edit\n\n1. b\n")
    assert [section.id for section in found.sections] == ["edit", "edit-2"]


def test_steps_without_a_heading_are_a_section() -> None:
    found = tutorial("1. One\n2. Two\n")
    assert [(s.id, s.heading, s.first) for s in found.sections] == [("untitled", "", 1)]
    titled = tutorial("# Do it\n\nWhy.\n\n1. One\n")
    assert [(s.id, s.level, s.first) for s in titled.sections] == [("do-it", 1, 1)]
    assert [block.text for block in titled.preamble] == ["Why."]


def test_pieces_keep_markup_and_links() -> None:
    found = tutorial("## A\n\n1. In **the [Box](http://x/y)**, _pick_ `a > b` <br> now\n")
    pieces = found.sections[0].steps[0].pieces
    assert [(p.kind, p.text, p.href) for p in pieces] == [
        ("text", "In ", ""), ("strong", "the ", ""), ("strong", "Box", "http://x/y"), ("text", ", ", ""),
        ("emphasis", "pick", ""), ("text", " ", ""), ("code", "a > b", ""), ("text", " ", ""),
        ("html", "<br>", ""), ("text", " now", ""),
    ]  # fmt: skip
    assert found.sections[0].steps[0].text == "In the Box, pick a > b now"


def test_shortcode_around_words_leaves_the_words() -> None:
    found = tutorial('## A\n\n1. The {{<tip term="x">}}verdicts{{</tip>}} are\n')
    assert found.sections[0].steps[0].text == "The verdicts are"


def test_raw_text_is_kept_beside_the_pieces() -> None:
    step = tutorial("## A\n\n1. **L**: _ value_\n").sections[0].steps[0]
    assert step.raw == "1. **L**: _ value_"
    assert [piece.kind for piece in step.pieces] == ["strong", "text"], "a blank after the mark is no emphasis"


def test_titles_are_all_kept() -> None:
    found = tutorial("---\ntitle: One\nmeta:\n    title: Two\n---\n\n# Three\n\n## A\n\n1. x\n")
    assert [(t.where, t.text, t.line) for t in found.titles] == [
        ("front matter", "One", 2), ("front matter, meta", "Two", 4), ("heading", "Three", 7),
    ]  # fmt: skip
    assert found.title == "Three"


def test_blocks_by_kind() -> None:
    text = (
        "# T\n\n## A\n\nprose\n\n```txt\ncode\n\n```\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n> quote\n\n---\n\n"
        '<div>\n\n{{<render file="x">}}\n\n[l]: http://x/\n\n1. x [l]\n'
    )
    found = tutorial(text)
    kinds = [item.kind for item in found.sections[0].items if isinstance(item, Block)]
    assert kinds == ["prose", "code", "table", "quote", "rule", "wrapper", "include"]
    assert found.ledger_counts == {
        "blank": 10, "code": 4, "definition": 1, "heading": 2, "include": 1, "prose": 1, "quote": 1, "rule": 1,
        "step": 1, "table": 3, "wrapper": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "repaired"),
    [
        ("userâ€™s", "user’s"), ("â€œquotedâ€\x9d", "“quoted”"), ("Ã¼ber", "über"), ("naïve", "naïve"), ("€ 5", "€ 5"),
        ("’", "’"), ("日本", "日本"), ("plain", "plain"), ("Ã", "Ã"),
    ],
)  # fmt: skip
def test_repair_only_where_the_whole_run_is_utf8(raw: str, repaired: str) -> None:
    lines, repairs = repair([raw])
    assert lines == (repaired,)
    assert bool(repairs) == (raw != repaired)


@settings(deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40))
def test_what_was_encoded_twice_comes_back(text: str) -> None:
    try:
        twice = text.encode().decode("cp1252")
    except UnicodeDecodeError:
        return
    once, _ = repair([twice])
    assert once == (text,)


PARTS = st.sampled_from(
    ["# T", "## A", "1. one", "2. two", "- b", "    - c", "     - odd", "text", "", "```", "> q", "<div>", "</div>",
     "---", "| a |", "| - |", "![p](x)", "\tx", "{{<render f>}}", "import x from y", "    code", "[a]: b", "1.", "- "]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(PARTS, max_size=25), st.booleans())
def test_every_line_has_one_class(parts: list[str], newline: bool) -> None:
    text = "\n".join(["## Start", "", "1. first", "", *parts]) + ("\n" if newline else "")
    found = tutorial(text)
    lines = text.removesuffix("\n").split("\n")
    assert len(found.ledger) == len(lines) == sum(found.ledger_counts.values())
    assert all(found.ledger)
    blank_inside = {"code", "wrapper", "quote", "front matter", "include", "table", "prose", "continuation", "picture"}
    for kind, line in zip(found.ledger, lines, strict=True):
        assert line.strip() or kind in {"blank"} | blank_inside
        assert not line.strip() or kind != "blank"
    starts = [step.first for step in found.walk()]
    assert starts == sorted(starts) and all(found.ledger[first - 1] == "step" for first in starts)


def test_values_are_frozen() -> None:
    found = tutorial("## A\n\n1. x\n")
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.sections[0].steps[0].text = "y"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("t.py", b"# a comment\n\n1. x\n", "'.py' is not Markdown"),
        ("t.png", b"\x89PNG", "'.png' is not Markdown"),
        ("t.md", b"", "empty"),
        ("t.md", b"a\0b", "binary"),
        ("t.md", "ä".encode("latin-1"), "0xe4"),
        ("README.md", b"# Kit\n\n## Use\n\nRead.\n", "no numbered step"),
    ],
)
def test_what_is_no_tutorial(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(TutorialError, match=told) as caught:
        read_tutorial(path)
    assert caught.value.path == str(path) and caught.value.remedy


def test_missing_file_and_directory(tmp_path: Path) -> None:
    with pytest.raises(TutorialError, match="no such file"):
        read_tutorial(tmp_path / "t.md")
    with pytest.raises(TutorialError, match="directory"):
        read_tutorial(tmp_path)


def test_the_line_of_a_wrong_byte_is_named() -> None:
    with pytest.raises(TutorialError) as caught:
        parse_tutorial(b"## A\n\n1. x \xff\n", path="t.md")
    assert caught.value.line == 3
