"""The engine: every cell's status is true, whatever the notebook does, and equal to papermill's own engine."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from conftest import Kit

# In a process of its own: forking wants a single-threaded parent, which a test runner's worker is not.
SCRIPT = """
import json, os, sys
import papermill
from papermill.engines import papermill_engines
from runbook.engine import RunbookEngine, can_fork

assert can_fork()
papermill_engines.register("runbook", RunbookEngine)
before = dict(os.environ), os.getcwd()
options = json.loads(sys.argv[4])
try:
    papermill.execute_notebook(sys.argv[1], sys.argv[2], engine_name=sys.argv[3], progress_bar=False, **options)
    print("no failure")
except papermill.PapermillExecutionError as error:
    print("failure", error.ename)
except Exception as error:
    print("failure", type(error).__name__)
assert (dict(os.environ), os.getcwd()) == before
"""


def run(kit: Kit, cells: list[str], engine: str = "runbook", **options: Any) -> tuple[Any, str]:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells],
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
    )
    source, output = kit.folder / "in.ipynb", kit.folder / f"out-{engine}.ipynb"
    nbformat.write(notebook, source)
    done = kit.python("-c", SCRIPT, str(source), str(output), engine, json.dumps(options))
    assert done.returncode == 0, done.stderr
    return [cell for cell in nbformat.read(output, 4).cells if cell.cell_type == "code"], done.stdout.strip()


def statuses(cells: Any) -> list[str]:
    return [cell.metadata.papermill.status for cell in cells]


@pytest.mark.parametrize("fork", [True, False], ids=["forked", "kernel"])
@pytest.mark.parametrize(
    ("bad", "name"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import time\ntime.sleep(30)", "CellTimeoutError"),
        ("import os\nos._exit(3)", "DeadKernelError"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "DeadKernelError"),
        ("import sys\nsys.exit(0)", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("def (", "SyntaxError"),
    ],
)
def test_a_cell_that_never_ran_is_never_called_completed(kit: Kit, bad: str, name: str, fork: bool) -> None:
    cells, failure = run(kit, ["print('before')", bad, "print('after')"], execution_timeout=1, fork=fork)
    assert statuses(cells)[0] == "completed"
    assert statuses(cells)[1] != "completed"
    assert statuses(cells)[2] == "pending"
    assert cells[0].outputs[0].text == "before\n"
    seen = [output.ename for output in cells[1].outputs if output.output_type == "error"]
    assert name in [*seen, failure.removeprefix("failure ")]
    if fork:
        assert statuses(cells)[1] == "failed"
        assert name in seen
    assert cells[2].metadata.runbook.status == "not-run"
    assert cells[2].execution_count is None


def test_a_cell_that_ignores_the_interrupt_is_killed(kit: Kit) -> None:
    stubborn = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(30)"
    cells, failure = run(kit, [stubborn], execution_timeout=0.5)
    assert statuses(cells) == ["failed"]
    assert failure == "failure CellTimeoutError"


SAME = [
    "import sys\nprint('out')\nprint('err', file=sys.stderr)\nprint('more')",
    "x = 20\nx + 1",
    "from IPython.display import HTML, display\ndisplay(HTML('<b>bold</b>'))",
    "handle = display('first', display_id=True)",
    "handle.update('second')",
    "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('kept')",
    "import os\n_ = os.system('echo from a subprocess')",
    "print('a' * 70000)",
    "import asyncio\nawait asyncio.sleep(0)\n'awaited'",
    "x; None",
]


def test_outputs_are_those_of_papermills_own_engine(kit: Kit) -> None:
    ours, failure = run(kit, SAME)
    theirs, _ = run(kit, SAME, engine="nbclient")
    assert failure == "no failure"
    for mine, other, source in zip(ours, theirs, SAME, strict=True):
        assert mine.execution_count == other.execution_count
        assert normal(mine) == normal(other), source


def normal(cell: Any) -> list[Any]:
    """Outputs without what may differ: display ids, and how one stream was cut into pieces."""
    found: list[Any] = []
    streams: dict[str, str] = {}
    for output in cell.outputs:
        if output.output_type == "stream":
            streams[output.name] = streams.get(output.name, "") + output.text
        else:
            found.append({k: v for k, v in output.items() if k != "transient"})
    return [*found, streams]


def test_the_parent_keeps_its_own_environment(kit: Kit) -> None:
    cells, failure = run(kit, ["import os\nos.environ['LEAKED'] = '1'\nos.chdir('/')\nos.getcwd()"])
    assert failure == "no failure"
    assert cells[0].outputs[0].data["text/plain"] == "'/'"


TWO = """
import sys
from runbook.engine import Worker

seen = []
with Worker() as worker:
    worker.run_cell("left_behind = 1", seen.append, 5)
    worker.new_notebook()
    done = worker.run_cell("'left_behind' in globals()", seen.append, 5)
print([message["data"]["text/plain"] for message in seen if message["type"] == "execute_result"], done["count"])
"""


def test_each_notebook_of_a_worker_begins_with_an_empty_namespace(kit: Kit) -> None:
    done = kit.python("-c", TWO)
    assert done.stdout.strip() == "['False'] 1", done.stderr


LATE = """
from runbook.engine.process import Late, Worker

def fails():
    raise OSError("the disk is full")

seen = []
with Worker() as worker:
    done = worker.run_cell("import time; time.sleep(0.3); print('whole')", seen.append, 5, Late(0.05, fails))
    print(done["ok"], done["count"], "".join(message["text"] for message in seen if message["type"] == "stream"))
    del seen[:]

    def broken(message):
        raise ValueError("an output that cannot be taken")

    try:
        worker.run_cell("print('first'); time.sleep(60)", broken, 30)
    except ValueError as error:
        print(error)
    done = worker.run_cell("print('second'); 1 / 0", seen.append, 5)
    print(done["ok"], "".join(message["text"] for message in seen if message["type"] == "stream"))
"""


def test_a_file_that_cannot_be_written_leaves_no_cell_running_and_no_answer_behind(kit: Kit) -> None:
    done = kit.python("-c", LATE)
    assert done.stdout.split("\n") == ["True 1 whole", "", "an output that cannot be taken", "False second", "", ""], (
        done.stdout, done.stderr,
    )  # fmt: skip
