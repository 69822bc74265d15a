"""The committed notebooks in other people's tools: git filters, text editors, other front ends."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpecManager
from markdown_it import MarkdownIt
from nbformat.sign import NotebookNotary

from runbook.notebooks import START

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NAMES = sorted(path.name for path in FOLDER.glob("*.ipynb"))
FORMATS = ("py:percent", "md", "md:myst")


def read(name: str) -> Any:
    return nbformat.read(FOLDER / name, as_version=nbformat.NO_CONVERT)


def tool(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, timeout=60)


def test_nbstripout_has_nothing_to_strip() -> None:
    done = tool("nbstripout", "--verify", *(str(FOLDER / name) for name in NAMES))
    assert done.returncode == 0, done.stdout


def test_nbstripout_takes_off_what_a_run_leaves(tmp_path: Path) -> None:
    """A notebook that somebody ran and is about to commit is the committed one again."""
    notebook = read(NAMES[0])
    for number, cell in enumerate(item for item in notebook.cells if item.cell_type == "code"):
        cell.execution_count = number + 1
        cell.outputs = [nbformat.v4.new_output("stream", text="seen")]
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    path = tmp_path / NAMES[0]
    nbformat.write(notebook, path)
    assert tool("nbstripout", "--verify", str(path)).returncode == 1
    assert tool("nbstripout", str(path)).returncode == 0
    assert path.read_text(encoding="utf-8") == (FOLDER / NAMES[0]).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_text_that_jupyter_itself_would_save(name: str) -> None:
    text = (FOLDER / name).read_bytes().decode("utf-8")
    notebook = read(name)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    identifiers = [cell.id for cell in notebook.cells]
    assert len(set(identifiers)) == len(identifiers)
    assert nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n" == text
    assert "\r" not in text


@pytest.mark.parametrize("name", NAMES)
def test_the_kernel_is_the_one_that_ipykernel_installs(name: str) -> None:
    """A front end that finds this kernel under this name asks nobody for one."""
    installed = KernelSpecManager().get_kernel_spec("python3")
    said = read(name).metadata
    assert said.kernelspec == {"name": "python3", "display_name": installed.display_name, "language": "python"}
    assert said.kernelspec.display_name == get_kernel_dict()["display_name"]
    assert installed.language == said.language_info.name == "python"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_it_asks_for_trust(name: str) -> None:
    notebook = read(name)
    assert NotebookNotary().check_cells(notebook), "JupyterLab would call it not trusted"
    assert set(notebook.metadata) == {"kernelspec", "language_info", "runbook"}
    for cell in notebook.cells:
        assert "attachments" not in cell
        assert set(cell.metadata) <= {"runbook", "tags"}
        if cell.cell_type == "markdown":
            tokens = [item for block in MarkdownIt().parse(cell.source) for item in (block, *(block.children or ()))]
            assert not {"html_block", "html_inline", "image"} & {item.type for item in tokens}, cell.source
            links = [str(item.attrs["href"]) for item in tokens if item.type == "link_open"]
            assert all(link in NAMES or re.match("https://", link) for link in links), links
        else:
            assert (cell.outputs, cell.execution_count) == ([], None)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", NAMES)
def test_a_text_of_it_and_back_keeps_cells_and_anchors(name: str, form: str) -> None:
    """Jupytext's texts have no ids of cells; all else that is in a cell comes back."""
    notebook = read(name)
    back = jupytext.reads(jupytext.writes(notebook, form), form)
    assert len(back.cells) == len(notebook.cells)
    for before, after in zip(notebook.cells, back.cells, strict=True):
        for part in ("cell_type", "source", "metadata"):
            assert after[part] == before[part], f"cell {before.id}: {part}"
    assert any("anchors" in cell.metadata.runbook for cell in back.cells) is (name != START)
    assert back.metadata.kernelspec == notebook.metadata.kernelspec


@pytest.mark.parametrize("form", FORMATS)
def test_jupytext_keeps_a_pair_in_step_with_ids_and_all(form: str, tmp_path: Path) -> None:
    """Somebody pairs a notebook and edits the text; the notebook gets that edit and nothing else."""
    path = tmp_path / NAMES[3]
    shutil.copy(FOLDER / NAMES[3], path)
    shutil.copy(FOLDER / "jupytext.toml", tmp_path)
    assert tool("jupytext", "--set-formats", f"ipynb,{form}", str(path)).returncode == 0
    text = path.with_suffix("." + form.split(":")[0])
    text.write_text(text.read_text(encoding="utf-8").replace("section.plan()", "section.plan()  # mine"), "utf-8")
    done = tool("jupytext", "--sync", str(path))
    assert done.returncode == 0, done.stderr
    before, after = read(NAMES[3]), nbformat.read(path, nbformat.NO_CONVERT)
    wanted = json.loads(json.dumps(before).replace("section.plan()", "section.plan()  # mine"))
    after.metadata.pop("jupytext")
    assert json.loads(json.dumps(after)) == wanted
