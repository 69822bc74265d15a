"""The forms without a run: what a terminal is, how texts are folded, and texts that would like to be more than text."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from console.terminals import COLOUR, HIDDEN, SHOWN
from hypothesis import given
from hypothesis import strategies as st
from outlooks import outlook

from runbook.cli.console import Console, json_text, make_console
from runbook.cli.tables import layout
from runbook.cli.tables.outlook import outlook_parts
from runbook.cli.tables.plan import plan_parts
from runbook.cli.tables.results import section_parts
from runbook.views import plain


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


NOT_SET: dict[str, str] = {}
CASES = [
    ("a terminal", Terminal(), {"TERM": "xterm"}, (True, True)),
    ("a terminal without a name", Terminal(), NOT_SET, (True, True)),
    ("a dumb terminal", Terminal(), {"TERM": "dumb"}, (False, True)),
    ("no colour", Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, (True, False)),
    ("an empty NO_COLOR says nothing", Terminal(), {"TERM": "xterm", "NO_COLOR": ""}, (True, True)),
    ("a pipe", io.StringIO(), {"TERM": "xterm"}, (False, True)),
    ("a pipe that wants colour", io.StringIO(), {"FORCE_COLOR": "1"}, (True, True)),
    ("a pipe, an empty FORCE_COLOR", io.StringIO(), {"FORCE_COLOR": ""}, (False, True)),
    ("both wishes", io.StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, (True, False)),
]


@pytest.mark.parametrize(("name", "out", "environ", "expected"), CASES, ids=[case[0] for case in CASES])
def test_how_a_command_speaks(name: str, out: io.StringIO, environ: dict[str, str], expected: Any) -> None:
    found = make_console(out=out, err=io.StringIO(), environ=environ)
    assert (found.tables, found.colour) == expected, name
    assert not found.live, "standard error is no terminal"
    assert not make_console(out=out, err=out, environ=environ, as_json=True).tables, "JSON is never a table"


def test_progress_looks_at_its_own_stream() -> None:
    found = make_console(out=io.StringIO(), err=Terminal(), environ={"TERM": "xterm"})
    assert (found.tables, found.live) == (False, True)
    assert not make_console(out=Terminal(), err=Terminal(), environ={"TERM": "dumb"}).live


def painted(parts: Any, width: int, *, colour: bool = True) -> str:
    """What a terminal of this width is sent."""
    out = io.StringIO()
    console = Console(out=out, err=io.StringIO(), tables=True, colour=colour, columns=width)
    console.show(*parts(console.width))
    return out.getvalue()


def bare(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@given(st.text(alphabet="ab XY.-_/,é漢\u0301", max_size=60), st.integers(min_value=2, max_value=30))
def test_folding_keeps_every_character(text: str, width: int) -> None:
    lines = layout.folded(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(layout.cell_len(line) <= width for line in lines)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("DefaultFullAccessPolicy", 18, ["DefaultFullAccess", "Policy"]),
        ("mail.example.com", 13, ["mail.example.", "com"]),
        ("two words", 6, ["two", "words"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("a  b", 9, ["a  b"]),
        ("", 5, [""]),
    ],
)
def test_words_are_broken_where_the_eye_expects_it(text: str, width: int, lines: list[str]) -> None:
    assert layout.folded(text, width) == lines


HOSTILE = (
    "[red]not red[/red] :warning: \x1b[31mred\x1b[0m \x9b31m \u202egnitirw\u202c \r\x1b[2K\x07 "
    "[link=https://x.example]here[/link]" + " and-on" * 40
)


def hostile_plan() -> Mapping[str, Any]:
    """A result whose tenant and text chose every word of it badly."""
    changed = {"name": "Name", "before": HOSTILE, "after": [HOSTILE], "changed": True, "op": "set", "entries": [],
               "lines": [3], "note": HOSTILE}  # fmt: skip
    changes = [
        {"action": action, "kind": "TransportRule", "identity": HOSTILE, "reason": HOSTILE, "notes": [HOSTILE],
         "properties": [changed]}
        for action in ("create", "update", "delete", "none")
    ]  # fmt: skip
    problem = {"kind": HOSTILE, "identity": HOSTILE, "reason": HOSTILE, "presence": "unknown"}
    check = {"kind": "TransportRule", "identity": HOSTILE, "name": "Name", "ok": False, "found_text": HOSTILE,
             "wanted": HOSTILE, "lines": [3]}  # fmt: skip
    section = {
        "title": HOSTILE, "plan": {"changes": changes, "problems": [problem]},
        "waits": [{"text": HOSTILE, "lines": [1]}],
        "made": [], "verification": {"ok": False, "checks": [check]}, "error": None, "status": HOSTILE,
        "left_to_person": [], "nothing_to_check": False,
    }  # fmt: skip
    return {"sections": [section], "outlook": None, "since": {"run": HOSTILE, "added": [HOSTILE], "removed": [],
            "renamed": []}}  # fmt: skip


FORMS = {
    "plan": lambda width: plan_parts(hostile_plan(), width),
    "results": lambda width: section_parts(hostile_plan(), width),
    "outlook": lambda width: outlook_parts(outlook("hostile"), width),
}


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("what", FORMS)
def test_a_text_is_shown_as_it_is_and_never_interpreted(what: str, width: int) -> None:
    sent = painted(FORMS[what], width, colour=False)
    assert not COLOUR.search(sent), "a text set a colour"
    shown = bare(sent)
    assert all(plain(char) == char for char in shown if char != "\n"), "a mark got through"
    wide = [line for line in shown.split("\n") if layout.cell_len(line) > width]
    assert not wide, wide
    whole = "".join(shown.split())
    parts = ["\\u202e", "\\x1b[2K"] if what == "outlook" else ["[red]notred[/red]", ":warning:", "\\x9b31m", "[link="]
    if width == 120:
        assert all(part in whole for part in parts), shown
    assert "…" not in shown


def test_hostile_names_are_whole_in_a_plan() -> None:
    """Every word of a name of hundreds of characters is there, once for each place that shows it."""
    shown = bare(painted(FORMS["plan"], 80))
    expected = plain(HOSTILE).count("and-on")
    assert shown.count("and-on") >= 4 * 2 * expected


def test_json_spells_out_what_nobody_can_see() -> None:
    text = json_text({"name": HOSTILE + "\U000e0001é"})
    assert json.loads(text) == {"name": HOSTILE + "\U000e0001é"}
    assert all(plain(char) == char for char in text if char != "\n")
    assert "é" in text and "\\udb40\\udc01" in text


def test_progress_interprets_nothing_and_ends_with_an_error() -> None:
    err, before = Terminal(), set(threading.enumerate())
    console = Console(out=io.StringIO(), err=err, live=True, columns=400)
    with pytest.raises(ZeroDivisionError), console.progress() as told:
        told.line(HOSTILE)
        told.part("plan")
        raise ZeroDivisionError
    sent = err.getvalue()
    assert "[red]not red[/red]" in sent and "\\u202e" in sent, "a heading is shown as it is"
    assert "\x1b[31mred" not in sent and "\x07" not in sent and not COLOUR.search(sent)
    assert sent.rfind(SHOWN) > sent.rfind(HIDDEN) >= 0, "the cursor is hidden when the error is told"
    assert set(threading.enumerate()) == before, "a thread goes on"


class Impatient(Terminal):
    """A terminal at which Ctrl-C is pressed once more when `armed`, at the next thing that is written."""

    armed = False

    def write(self, text: str) -> int:
        if self.armed and threading.current_thread() is threading.main_thread():
            self.armed = False
            raise KeyboardInterrupt
        return super().write(text)


def test_the_cursor_is_shown_though_ctrl_c_comes_twice() -> None:
    err = Impatient()
    with (
        pytest.raises(KeyboardInterrupt),
        Console(out=io.StringIO(), err=err, live=True, columns=80).progress() as told,
    ):
        told.line("Configure Domains")
        err.armed = True
    assert not err.armed, "nothing was written"
    assert err.getvalue().rfind(SHOWN) > err.getvalue().rfind(HIDDEN) >= 0


def test_progress_without_a_terminal_is_a_line_a_section() -> None:
    err = io.StringIO()
    with Console(out=io.StringIO(), err=err).progress() as told:
        told.line("Configure Domains")
        told.part("plan")
        told.line("record")
    assert err.getvalue() == "  .. Configure Domains\n  .. record\n"
    with Console(out=io.StringIO(), err=err, live=True, quiet=True).progress() as told:
        told.line("quiet")
    assert "quiet" not in err.getvalue()
