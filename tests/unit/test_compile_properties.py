"""What holds for any text: nothing is lost, and taking words away never makes the compiler bolder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.compile import Compiled, compile_tutorial
from runbook.compile.text import render
from runbook.errors import TutorialError
from runbook.lexicon import load_lexicon
from runbook.tutorial import parse_tutorial

ROOT = Path(__file__).resolve().parents[2]
OWN = (ROOT / "runbook" / "tutorials" / "junk-and-user-quarantine.md").read_bytes().split(b"\n")
LEXICON = load_lexicon()
TELLING = [at for at, line in enumerate(OWN) if line.strip()[:1] in (b"-", b"#") or line[:1].isdigit()]
LINES = sorted({OWN[at].decode() for at in TELLING})
SCRAPS = [
    "    - **Spam**: _A_ or _B_", "3. If so, set the following options:", "* x", "\ue000", "`", "_ a_", "1. $1",
    "    - **Name**: `<X>`", "2. Optional: select **Add a Rule** > **Create a new rule**.", "", "> q", "```",
]  # fmt: skip


def compiled(lines: list[bytes]) -> Compiled:
    return compile_tutorial(parse_tutorial(b"\n".join(lines)), LEXICON)


WHOLE = compiled(OWN)
VALUES = {draft.key: {item.parameter: item.value for item in draft.settings} for draft in WHOLE.resources}


@given(st.lists(st.sampled_from([*LINES, *SCRAPS]), max_size=30))
@settings(deadline=None, max_examples=60)
def test_any_heap_of_lines_is_accounted_for(lines: list[str]) -> None:
    found = compile_tutorial(parse_tutorial("\n".join(["## Start", "", "1. Go.", *lines]).encode()), LEXICON)
    assert found.ledger["closed"]
    read = [reading.first for reading in found.readings]
    assert len(read) == len(set(read)) and {step.first for step in found.tutorial.walk()} <= set(read)
    assert all((draft.identity is None) != (draft.for_each is None) for draft in found.resources)
    used = {item.name for item in (*found.inputs, *found.references)}
    for draft in found.resources:
        named = {getattr(item.value, "name", None) for item in draft.settings} | {draft.for_each}
        assert named - {None} <= used, "what a setting needs is asked for"
    assert render(found)


@pytest.mark.parametrize("gone", TELLING, ids=lambda at: f"line-{at + 1}")
def test_a_missing_line_makes_nothing_new(gone: int) -> None:
    """Without any one line, a resource either keeps its values, loses some, or is blocked."""
    try:
        found = compiled([line for at, line in enumerate(OWN) if at != gone])
    except TutorialError:
        return  # the front matter cannot be read without one of its lines
    for draft in found.resources:
        if draft.blocked_by:
            continue
        assert draft.key in VALUES
        for item in draft.settings:
            before = VALUES[draft.key].get(item.parameter)
            if isinstance(before, int) and isinstance(item.value, int) and not isinstance(before, bool):
                assert item.value & before == item.value, "fewer boxes are ticked"
            elif before is None:
                # The bullet below the missing verdict now stands below the verdict before it, as CommonMark says.
                codes = {note.code for note in found.diagnostics}
                assert "quarantine-policy-not-applicable" in codes
            else:
                assert item.value == before


def test_a_tutorial_that_is_cut_off_says_so() -> None:
    """Cut anywhere after the first heading, the compile still closes its ledger and keeps what was saved."""
    first_step = next(at for at, line in enumerate(OWN) if line.startswith(b"1. "))
    for end in range(first_step + 1, len(OWN), 3):
        found = compiled(OWN[:end])
        assert found.ledger["closed"]
        for draft in found.resources:
            whole = VALUES[draft.key]
            unsaved = draft.committed_at is None
            assert unsaved == any(
                note.code == "missing-commit" and note.lines == (draft.opened_at,) for note in found.diagnostics
            )
            assert all(setting.parameter in whole for setting in draft.settings)
