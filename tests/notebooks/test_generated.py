"""The committed notebooks: fresh, thin, valid, and readable by papermill's own inspection."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

from runbook import library, notebooks

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
EVERY = sorted(path.name for path in FOLDER.glob("*.ipynb"))
NAMES = [name for name in EVERY if name != notebooks.START]


def read(name: str) -> Any:
    return nbformat.read(FOLDER / name, as_version=4)


def code(name: str) -> list[str]:
    return [cell.source for cell in read(name).cells if cell.cell_type == "code"]


def test_there_is_one_notebook_per_section_and_one_to_begin_with() -> None:
    assert EVERY == [
        "00-start-here.ipynb",
        "01-configure-domains.ipynb",
        "02-create-quarantine-policies.ipynb",
        "03-configure-quarantine-notifications.ipynb",
        "04-configure-anti-spam-policies.ipynb",
        "05-create-transport-rules.ipynb",
    ]


def test_they_are_what_the_tutorial_gives_byte_for_byte() -> None:
    generated = notebooks.generate(library.load())
    assert sorted(generated) == EVERY
    for name, text in generated.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, f"{name} is stale: run make regenerate"


@pytest.mark.parametrize("name", EVERY)
def test_valid_without_outputs_and_with_the_usual_kernel(name: str) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if "outputs" in cell)


@pytest.mark.parametrize("name", EVERY)
def test_cells_are_thin(name: str) -> None:
    for number, source in enumerate(code(name)):
        lines = [line for line in source.splitlines() if line.strip()]
        assert number == 0 or len(lines) <= 6, source
        banned = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Try, ast.If, ast.Lambda)
        assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, banned)], source
        assert not re.search(r"https?://", source), source


@pytest.mark.parametrize("name", EVERY)
def test_the_parameters_cell_holds_plain_literals(name: str) -> None:
    for node in ast.parse(code(name)[0]).body:
        assert isinstance(node, ast.AnnAssign)
        assert node.value is not None
        ast.literal_eval(node.value)


@pytest.mark.parametrize("name", NAMES)
def test_papermill_lists_every_input_with_type_and_help(name: str) -> None:
    section = json.loads((FOLDER / name).read_text())["metadata"]["runbook"]["section"]
    fields = library.load().fields(section)
    inspected = papermill.inspect_notebook(str(FOLDER / name))
    assert list(inspected) == [field.name for field in fields]
    for field in fields:
        found = inspected[field.name]
        assert found["inferred_type_name"] == field.annotation
        assert found["help"] == field.help
        assert ast.literal_eval(found["default"]) == field.default


@pytest.mark.parametrize("name", NAMES)
def test_every_step_of_the_tutorial_is_shown_with_its_line(name: str) -> None:
    document = library.load()
    section = document.section(read(name).metadata.runbook.section)
    shown = next(cell.source for cell in read(name).cells if cell.metadata.runbook.part == "steps")
    for step in section.steps:
        for item in step.walk():
            assert f"*(line {item.first})*" in shown


def test_the_first_page_leads_to_every_other_one() -> None:
    source = read(notebooks.START).cells[0].source
    assert re.findall(r"\]\(([^)]+)\)", source) == NAMES
