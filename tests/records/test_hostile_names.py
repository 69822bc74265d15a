"""Names that mean harm are inert wherever they are shown: notebook, record, CSV, terminal.

The rules of the first run are made on the simulated tenant under such names; what the second run finds there was
put in by somebody else, line ends and terminal codes included.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, Kit
from markdown_it import MarkdownIt
from outlooks import Elements, picture_made_of

from runbook import simulated
from runbook.archive import spreadsheet
from runbook.notebooks import without_html
from runbook.views import plain

NAMES: dict[str, str] = yaml.safe_load((ROOT / "tests" / "cases" / "records" / "names.yaml").read_text("utf-8"))
DIRECTION = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
FOUND = "a\x1b[2K\x1b]0;x\x07\r\n  = all as asked\u202e<script>x</script>"
"""What somebody else put into the tenant where the tutorial wants a policy's name."""

HEAD = """## Create transport rules

1. Open the [Exchange admin center](https://admin.exchange.microsoft.com/).
2. Go to **Mail flow** > **Rules**.
"""
RULE = """1. Start with **Add a Rule** > **Create a new rule**.
1. Fill in the rule:
    - **Name**: {name}
    - **Apply this rule if**: _The message headers_ > _includes any of these words_
        - **Enter text**: `X-Verdict` > **Save**
        - **Enter words**: `ODD` > **Add** > **Save**
    - **Do the following**: _Modify the message properties_ > _Set the Spam Confidence Level (SCL)_ > _5_
1. Continue with **Next**.
1. Read the summary, then finish with **Finish** > **Done**.
1. In the list, choose the rule **{name}** and then **Enable**.
"""


def text_of(names: list[str]) -> str:
    return HEAD + "".join(RULE.format(name=f"`{name}`") for name in names)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Plan, apply and verify a text whose rules have such names; then plan the kit's own on what somebody put in."""
    kit = Kit(tmp_path_factory.mktemp("hostile"))
    simulated.reset(kit.state)
    (kit.folder / "names.md").write_text(text_of(list(NAMES.values())), encoding="utf-8")
    (kit.folder / "tame.md").write_text(text_of([f"Rule {n}" for n in range(len(NAMES))]), encoding="utf-8")
    ran = {"tame": kit("plan", "--tenant", "demo", "--tutorial", "tame.md")}
    ran["script"] = kit("plan", "--tenant", "demo", "--tutorial", "names.md", "--as", "powershell")
    ran["plan"] = kit("plan", "--tenant", "demo", "--tutorial", "names.md")
    tame, first = sorted(kit.runs.glob("*-plan-*"), key=lambda path: path.stat().st_mtime_ns)[0::2]
    ran["diff"] = kit("records", "diff", str(tame), str(first))
    ran["diff csv"] = kit("records", "diff", str(tame), str(first), "--csv")
    approve = ("--approve", kit.result("plan")["plan_hash"])
    ran["apply"] = kit("apply", "--tenant", "demo", "--tutorial", "names.md", *approve)
    simulated.set_property(kit.state, "HostedContentFilterPolicy", "Default", "PhishQuarantineTag", FOUND)
    ran["found"] = kit("plan", "--tenant", "demo")
    folders = {"tame": tame, "plan": first, "apply": kit.newest("apply"), "found": kit.newest("plan")}
    return {"kit": kit, "ran": ran, "folders": folders}


def test_the_rules_are_made_under_their_names(hostile: dict[str, Any]) -> None:
    assert hostile["ran"]["apply"].returncode == 0, hostile["ran"]["apply"].stderr
    made = {item["Name"] for item in simulated.objects(hostile["kit"].state)["TransportRule"]}
    assert set(NAMES.values()) <= made


@pytest.mark.parametrize("step", ["plan", "apply", "found", "script", "diff", "diff csv"])
def test_a_terminal_is_told_nothing_but_text(hostile: dict[str, Any], step: str) -> None:
    done = hostile["ran"][step]
    shown = done.stdout + done.stderr
    assert "Traceback" not in shown
    assert [char for char in shown if not char.isprintable() and char not in "\r\n"] == []
    assert [char for char in shown if char in DIRECTION] == []
    if step in ("plan", "diff"):
        assert [name for name in NAMES.values() if plain(name) not in shown] == []
    if step == "found":
        assert "a\\x1b[2K" in shown
        assert not [line for line in shown.splitlines() if line.startswith("  = all as asked")]


def test_a_script_runs_no_line_with_hidden_marks(hostile: dict[str, Any]) -> None:
    lines = hostile["ran"]["script"].stdout.splitlines()
    hidden = [name for name in NAMES.values() if plain(name) != name]
    assert hidden
    for name in hidden:
        assert all(line.startswith("# not to be typed") for line in lines if plain(name) in line)
    assert 'New-TransportRule -Name \'=HYPERLINK("http://x.example/","open")\'' in "\n".join(lines)
    assert "New-TransportRule -Name '\"''><b onclick=x>’’‘‘'" in "\n".join(lines)


@pytest.mark.parametrize("run", ["plan", "apply", "found"])
def test_a_record_makes_no_element_of_a_name(hostile: dict[str, Any], run: str) -> None:
    content = (hostile["folders"][run] / "record.html").read_text(encoding="utf-8")
    # The same page over tame names says which elements and attributes the page itself is made of.
    own = Elements((hostile["folders"]["tame"] / "record.html").read_text(encoding="utf-8")).made
    page = Elements(content)
    extra = {"tr class", "details", "p class", "small", "strong", "section aria-labelledby", "section"}
    assert page.made - own <= extra, page.made - own
    assert [char for char in content if char in DIRECTION or (ord(char) < 32 and char != "\n")] == []
    if run != "found":
        assert [name for name in NAMES.values() if plain(name) not in page.text] == []


@pytest.mark.parametrize("run", ["plan", "apply", "found"])
def test_a_notebook_makes_no_element_of_a_name(hostile: dict[str, Any], run: str) -> None:
    own = {"p", "br", "details", "summary", "pre", "table", "caption", "thead", "tr", "th", "th scope", "tbody", "td"}
    own |= picture_made_of()
    for path in sorted((hostile["folders"][run] / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                drawn = Elements(MarkdownIt("commonmark").render(source))
                assert not {"img", "script", "b", "table"} & drawn.made, source
                assert not [link for link in ("javascript:",) if f'href="{link}' in MarkdownIt().render(source)]
                assert [char for char in source if char in DIRECTION] == []
            for output in cell.get("outputs", []):
                shown = "".join(output.get("data", {}).get("text/html", ""))
                assert Elements(shown).made <= own, shown
                for text in (shown, "".join(output.get("data", {}).get("text/plain", ""))):
                    assert [char for char in text if char in DIRECTION or (ord(char) < 32 and char != "\n")] == []


def test_csv_is_read_back_whole_and_no_cell_is_a_formula(hostile: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(hostile["ran"]["diff csv"].stdout)))
    names = {row["identity"] for row in rows}
    assert [name for name in NAMES.values() if spreadsheet.cell(name) not in names] == []
    cells = [cell for row in rows for cell in row.values()]
    assert [cell for cell in cells if cell.startswith(tuple("=+-@\t\r＝＋－＠"))] == []


CELLS = {
    "=1": "'=1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\t=1": "'\\t=1", "\r=1": "'\\r=1", "\n=1": "'\\n=1",
    " =1": "' =1", "＝1": "'＝1", "a=1": "a=1", "": "", "a\u202eb": "a\\u202eb", "'=1": "'=1",
}  # fmt: skip


@pytest.mark.parametrize(("value", "shown"), CELLS.items(), ids=[repr(value) for value in CELLS])
def test_a_cell_is_only_ever_text(value: str, shown: str) -> None:
    assert spreadsheet.cell(value) == shown
    assert next(csv.reader(io.StringIO(spreadsheet.text(["x"], [[value, "y"]]).split("\r\n", 1)[1]))) == [shown, "y"]


@pytest.mark.parametrize("char", [*DIRECTION, "\x1b", "\x07", "\r", "\n", "\t", "\x9b", "\x00", "\u2028", "\ufeff"])
def test_a_mark_that_is_not_seen_is_spelt_out(char: str) -> None:
    shown = plain(f"a{char}b")
    assert char not in shown and shown.isprintable()
    assert shown.startswith("a\\") and shown.endswith("b")


MARKDOWN = {
    "a <b>x</b> `<i>` c": "a &lt;b>x&lt;/b> `<i>` c",
    "\\`<img src=x>\\`": "\\`&lt;img src=x>\\`",
    "`` a ` <i> ``  <script>": "`` a ` <i> ``  &lt;script>",
    "<div>\n\nx": "&lt;div>\n\nx",
    "`a <b>`": "`a <b>`",
    "<https://a.example>": "<https://a.example>",
}


@pytest.mark.parametrize("source", MARKDOWN)
def test_html_of_a_document_is_shown_as_it_is_written(source: str) -> None:
    assert without_html(source) == MARKDOWN[source]
    drawn = MarkdownIt("commonmark").render(without_html(source))
    assert not {"b", "i", "img", "script", "div"} & Elements(drawn).made


def test_a_name_with_backticks_and_markup_stays_in_its_code(kit: Kit) -> None:
    (kit.folder / "names.md").write_text(HEAD + RULE.format(name="`` `x` <img src=x> ``"), encoding="utf-8")
    done = kit("compile", "names.md", "-o", "out")
    assert done.returncode == 0, done.stderr
    for path in Path(kit.folder / "out").glob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                drawn = Elements(MarkdownIt("commonmark").render("".join(cell["source"])))
                assert "img" not in drawn.made
                assert (
                    cell["metadata"]["runbook"]["part"] != "title" or "Transport rule `x` <img src=x>: " in drawn.text
                ), drawn.text
