"""A notebook that was just made runs as papermill would run it from a file, and its own file is true meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import Kit

from runbook import library, notebooks
from runbook.engine.early import EarlyText, settled

# In a process of its own: forking wants a single-threaded parent, which a test runner's worker is not.
BOTH = """
import json, sys
from pathlib import Path
import papermill
from papermill.engines import papermill_engines
from runbook.engine import RunbookEngine, Worker
from runbook.engine.execution import execute

papermill_engines.register("runbook", RunbookEngine)
source, values = Path(sys.argv[1]), json.loads(sys.argv[2])
for way in sys.argv[3:]:
    output = source.with_name(f"{way}.ipynb")
    try:
        with Worker() as worker:
            if way == "straight":
                execute(source.read_text(), values, source=source, output=output, worker=worker, timeout_seconds=5)
            else:
                papermill.execute_notebook(
                    str(source), str(output), values, engine_name="runbook", kernel_name="python3", progress_bar=False,
                    execution_timeout=5, worker=worker,
                )
        print("no failure")
    except papermill.PapermillExecutionError as error:
        print("failure", error.ename)
"""
VALUES = {"text": 'it\'s \\ "so"\n', "number": 3, "many": ["a", None, True], "nested": {"a": 1.5}}
CASES = {
    "everything": [
        "many; text, number, nested",
        "import sys\nprint('out')\nprint('err', file=sys.stderr)\nprint('more')",
        "from IPython.display import HTML, display\ndisplay(HTML('<b>bold</b>\\n'))",
        "handle = display('first', display_id='one')",
        "handle.update('second')",
        "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('kept')",
        "print('a' * 70000)",
        "",
    ],
    "a failure": ["1", "1 / 0", "2"],
    "leaves by sys.exit": ["1", "import sys\nsys.exit(0)", "2"],
    "a process that ends": ["1", "import os\nos._exit(3)", "2"],
    "a syntax error": ["def ("],
    "a credential": ["1"],
}


def run(kit: Kit, cells: list[Any], values: dict[str, Any], *ways: str) -> list[tuple[Any, str]]:
    """Run cells below a parameters cell; return for each way the notebook's file and how it went."""
    first = nbformat.v4.new_code_cell("number = 1", metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(
        cells=[first, nbformat.v4.new_markdown_cell("words")],
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
    )
    for cell in cells:
        source, metadata = cell if isinstance(cell, tuple) else (cell, {})
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata=metadata))
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    source = kit.folder / "in.ipynb"
    nbformat.write(notebook, source)
    done = kit.python("-c", BOTH, str(source), json.dumps(values), *ways)
    assert done.returncode == 0, done.stderr
    said = done.stdout.strip().splitlines()
    return [(json.loads((kit.folder / f"{way}.ipynb").read_text()), line) for way, line in zip(ways, said, strict=True)]


@pytest.mark.parametrize("case", CASES)
def test_it_is_what_papermill_makes_of_the_same_file(kit: Kit, case: str) -> None:
    values = {**VALUES, "approve": "ghp_" + "a1B2" * 9} if case == "a credential" else VALUES
    (ours, went), (theirs, they_went) = run(kit, CASES[case], values, "straight", "papermill")
    nbformat.validate(nbformat.from_dict(ours))
    assert went == they_went
    assert timeless(ours) == timeless(theirs)


def timeless(notebook: Any) -> Any:
    """Return a notebook without moments, random ids, where it went, and cuts between pieces of a stream."""
    for said in (
        notebook["metadata"]["papermill"],
        *(cell["metadata"]["papermill"] for cell in notebook["cells"] if "papermill" in cell["metadata"]),
    ):
        for name in ("start_time", "end_time", "duration", "output_path"):
            said.pop(name, None)
    for cell in notebook["cells"]:
        if not cell["id"].startswith("cell-"):
            del cell["id"]  # that of a cell which papermill adds is random
        streams: dict[str, str] = {}
        kept = []
        for output in cell.get("outputs", []):
            if output["output_type"] == "stream":
                streams[output["name"]] = streams.get(output["name"], "") + "".join(output["text"])
            else:
                kept.append(output)
        if "outputs" in cell:
            cell["outputs"] = [*kept, streams]
    return notebook


LOOK = """
import json, time
from pathlib import Path
time.sleep({seconds})
cells = json.loads(Path("{path}").read_text())["cells"]
print([cell["metadata"].get("runbook", {{}}).get("status") for cell in cells if cell["cell_type"] == "code"][2:])
"""


def test_the_file_is_never_more_than_a_moment_behind(kit: Kit) -> None:
    look = LOOK.format(seconds=0.4, path=kit.folder / "straight.ipynb")
    [(found, _)] = run(kit, ["1", look, "2"], VALUES, "straight")
    assert printed(found) == "[None, 'started', 'not-run']"


def test_the_file_says_that_the_tenant_may_have_been_written_to_before_it_is(kit: Kit) -> None:
    look = LOOK.format(seconds=0, path=kit.folder / "straight.ipynb")
    [(found, _)] = run(kit, ["1", (look, {"runbook": {"part": "apply"}}), "2"], VALUES, "straight")
    assert printed(found) == "[None, 'started', 'not-run']"


def printed(notebook: Any) -> str:
    return "".join(
        "".join(output["text"])
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if output["output_type"] == "stream"
    ).strip()


@pytest.mark.parametrize("tutorial", ["junk-and-user-quarantine"])
def test_its_text_is_nbformats_byte_for_byte(tutorial: str) -> None:
    document = library.load(tutorial)
    for section in document.sections:
        notebook = nbformat.reads(notebooks.text(document, section), as_version=4)
        notebook.cells[-1].outputs = [
            nbformat.v4.new_output("stream", text="a\nb\r\nc\x0bd"),
            nbformat.v4.new_output(
                "display_data", {"text/html": "<b>\n</b>", "application/json": {"z": [1.0, 1e20], "a": "x\ny"}}
            ),
            nbformat.v4.new_output("execute_result", {"text/plain": "ü\n\u2028"}, execution_count=1),
        ]
        assert settled(notebook) == nbformat.writes(notebook), section.id


def test_a_cell_is_spelled_anew_when_it_is_said_to_have_changed(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("one"), nbformat.v4.new_code_cell("two")])
    early = EarlyText()
    assert json.loads(early.text(notebook)) == notebook
    notebook.cells[1].source = "three"
    assert json.loads(early.text(notebook)) != notebook
    early.changed(notebook.cells[1])
    assert json.loads(early.text(notebook)) == notebook
    notebook.cells[0].source = "four"
    early.all_changed()
    assert json.loads(early.text(notebook)) == notebook
