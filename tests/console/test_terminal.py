"""On a terminal: tables that fit, colours that can be taken away, and a terminal that is whole afterwards."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Kit
from console.scenes import CASES, golden, still
from console.terminals import COLOUR, HIDDEN, SHOWN, Seen, at_a_terminal

from runbook import simulated

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="pseudo-terminals as Linux has them"),
    pytest.mark.timeout(400),
]
DEMO = ("--tenant", "demo")
FREE = ("record: ", "  .. manifest ", "    runbook ", "plan ")
"""Beginnings of lines that are to be copied whole; the terminal itself wraps them."""


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """A kit whose tenant was set up, and then changed by somebody else; nobody writes to it."""
    made = Kit(Path(tmp_path_factory.mktemp("drifted")))
    simulated.reset(made.state)
    assert made.apply().returncode == 0
    simulated.set_property(made.state, "HostedContentFilterPolicy", "Default", "SpamAction", "Quarantine")
    return made


def fits(seen: Seen, width: int) -> None:
    """Fail for a line that is too wide, but for those that are to be copied."""
    wide = [line for line in seen.lines if len(line) > width and not line.startswith(FREE)]
    assert not wide, "\n".join(wide)


def words_of(seen: Seen) -> str:
    """Everything on the screen without the places where it was broken."""
    return "".join(seen.text.split())


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_plan_is_a_table_in_which_nothing_is_cut_off(planned: Kit, width: int) -> None:
    seen = at_a_terminal(planned, "plan", *DEMO, width=width)
    assert seen.code == 3
    fits(seen, width)
    assert "~ Cloudflare domain example.com" in seen.text and "+ Transport rule Area 1" in seen.text
    assert ("property" in seen.text) == (width > 40), "columns, or one block a property where they would be too narrow"
    whole = words_of(seen)
    (change,) = planned.result("plan")["sections"][4]["plan"]["changes"]
    (addresses,) = [item["after"] for item in change["properties"] if item["name"] == "SenderIpRanges"]
    assert len(addresses) == 40
    missing = [address for address in addresses if address not in whole]
    assert not missing, f"a value that is to be approved is not shown: {missing}"
    assert "example-com.mail." in whole and "outlook.com" in whole
    assert "…" not in seen.text
    assert COLOUR.search(seen.sent)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("command", ["records list", "preflight --tenant demo", "tick --tenant demo --tutorial TEXT"])
def test_lists_are_tables_that_fit(drifted: Kit, command: str, width: int) -> None:
    words = command.replace("TEXT", str(CASES / "waits.md")).split()
    coloured = at_a_terminal(drifted, *words, width=width)
    bare = at_a_terminal(drifted, *words, width=width, NO_COLOR="1")
    assert coloured.code == bare.code == 0, coloured.text
    fits(coloured, width)
    assert COLOUR.search(coloured.sent) or command.startswith("tick")
    assert not COLOUR.search(bare.sent), "NO_COLOR"
    assert bare.lines == coloured.lines, "NO_COLOR takes away more than colours"
    said = {"records": "verify", "preflight": "Exchange.ManageAsApp", "tick": "Ask a colleague"}[words[0]]
    assert said in coloured.text or said == "verify"


@pytest.mark.parametrize(("width", "environment"), [(40, {}), (80, {"NO_COLOR": "1"}), (120, {})])
def test_drift_is_shown_property_by_property(drifted: Kit, width: int, environment: dict[str, str]) -> None:
    seen = at_a_terminal(drifted, "verify", *DEMO, width=width, **environment)
    assert seen.code == 3
    fits(seen, width)
    whole = " ".join(seen.text.split())
    assert "NOT as the tutorial asks" in whole
    for word in ("Not as it should be", "Anti-spam policy Default", "SpamAction", "MoveToJmf", "line 92"):
        assert word in whole, word
    assert bool(COLOUR.search(seen.sent)) == ("NO_COLOR" not in environment)


def test_progress_moves_and_is_gone_before_the_prompt(planned: Kit) -> None:
    seen = at_a_terminal(planned, "apply", *DEMO, width=100, types={"Type the tenant's name": "demo\n"})
    assert seen.code == 0, seen.text
    assert "reading the tenant" in seen.sent and "carrying out what was approved" in seen.sent
    assert "reading the tenant" not in seen.text, "progress was left standing"
    before, prompt, after = seen.sent.partition("Type the tenant's name")
    assert prompt and before.rfind(SHOWN) > before.rfind(HIDDEN), "the cursor is hidden while somebody types"
    answered = after[: after.index("\n")]
    assert "\x1b" not in answered, "something moves while somebody types"
    assert after.rfind(SHOWN) > after.rfind(HIDDEN)
    assert "verified, 9 of 9 properties" in seen.text
    assert len(planned.writes()) == 8


@pytest.fixture
def slow(planned: Kit) -> Iterator[Kit]:
    """A kit whose tenant answers slowly."""
    with simulated.serving(planned.state, latency_ms=400):
        yield planned


def test_ctrl_c_leaves_the_terminal_whole(slow: Kit) -> None:
    seen = at_a_terminal(slow, "plan", *DEMO, types={"reading the tenant": "\x03"})
    assert seen.code == 130, seen.text
    assert seen.sent.rfind(SHOWN) > seen.sent.rfind(HIDDEN), "the cursor is still hidden"
    assert "reading the tenant" not in seen.text, "progress was left standing"
    assert "record: " in seen.text and "Traceback" not in seen.text
    assert slow.result("plan")["status"] == "interrupted"


def test_an_error_leaves_the_terminal_whole(planned: Kit) -> None:
    simulated.set_property(planned.state, "HostedContentFilterPolicy", "Default", "BulkThreshold", 5)
    words = ("apply", *DEMO, "--approve", planned.result("plan")["plan_hash"])
    seen = at_a_terminal(planned, *words)
    assert seen.code == 4
    assert seen.sent.rfind(SHOWN) > seen.sent.rfind(HIDDEN)
    assert "BulkThreshold: was 7 when approved, now 5" in seen.text


@pytest.mark.parametrize("scene", ["records-list", "tick"])
def test_a_dumb_terminal_gets_the_plain_lines(drifted: Kit, scene: str) -> None:
    words = {"records-list": ("records", "list"), "tick": ("tick", *DEMO, "--tutorial", str(CASES / "waits.md"))}[scene]
    seen = at_a_terminal(drifted, *words, TERM="dumb")
    assert "\x1b" not in seen.sent
    assert seen.sent.replace("\r\n", "\n") == drifted(*words).stdout


def test_a_dumb_terminal_gets_a_line_a_section(drifted: Kit) -> None:
    seen = at_a_terminal(drifted, "verify", *DEMO, TERM="dumb")
    assert "\x1b" not in seen.sent
    expected = golden("verify-drift").read_text("utf-8").splitlines()
    said = still(seen.text, drifted).splitlines()
    told = [line for line in said if line.startswith("  .. ")]
    assert told == [line for line in expected if line.startswith("  .. ")]
    assert [line for line in said if line not in told][:7] == expected[1:8]


def test_a_pipe_gets_tables_only_when_it_asks_for_them(drifted: Kit) -> None:
    assert "\x1b" not in drifted("records", "list").stdout
    forced = drifted("records", "list", FORCE_COLOR="1", COLUMNS="100")
    assert COLOUR.search(forced.stdout) and "tenant" in forced.stdout
    both = drifted("records", "list", FORCE_COLOR="1", NO_COLOR="1", COLUMNS="100")
    assert not COLOUR.search(both.stdout) and "tenant" in both.stdout


def test_quiet_says_only_the_result(drifted: Kit) -> None:
    seen = at_a_terminal(drifted, "verify", "-q", *DEMO)
    assert HIDDEN not in seen.sent and "manifest" not in seen.text
    assert "NOT as the tutorial asks" in " ".join(seen.text.split())
    done = drifted("verify", "-q", "--tenant", "nobody")
    assert (done.returncode, done.stdout) == (2, "") and "nobody" in done.stderr


def test_columns_do_not_need_a_terminal_of_their_own(drifted: Kit) -> None:
    """A run's name stands on the screen in full, at any width, so that the next command can be given it."""
    names = [path.name for path in drifted.runs.iterdir() if path.name != "ticks"]
    for width in (40, 80):
        whole = words_of(at_a_terminal(drifted, "records", "list", width=width))
        for name in names:
            parts = name.partition("-demo-")
            assert parts[0] in whole and name.rpartition("-")[2] in whole, name


def test_the_standard_error_alone_may_be_a_terminal(planned: Kit, tmp_path: Path) -> None:
    """`runbook plan >FILE` writes plain lines into the file and shows a person how far it is."""
    file = tmp_path / "plan.txt"
    with file.open("w") as out:
        seen = at_a_terminal(planned, "plan", *DEMO, out=out)
    assert HIDDEN in seen.sent and "~ Cloudflare" not in seen.text
    lines = file.read_text("utf-8")
    assert "\x1b" not in lines
    expected = golden("plan-first").read_text("utf-8").partition("\n--- standard error")[0].partition("\n")[2]
    assert still(lines, planned) == expected
