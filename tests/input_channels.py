"""Every way in which a value reaches an input: by the kit's own readers, by papermill's, through a notebook's cells.

Each way starts from a text as somebody writes it and ends with what is in effect and where it is said to come from.
Papermill's part is done by papermill: its command line writes the notebook, and the cells of that are run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
import yaml
from click.testing import CliRunner
from papermill.cli import papermill
from papermill.execute import execute_notebook

from runbook import library
from runbook.cli import parameters
from runbook.errors import RunbookError
from runbook.inputchecks import check_text, choice_check
from runbook.inputs import RUN_FIELDS, Field, as_given, effective
from runbook.section.given import given_inputs
from runbook.tenants import load

NOTE = Field(name="note", annotation="str", default="", help="A text", check=check_text)
NEEDED = Field(name="needed", annotation="str", default=None, help="A text", check=check_text)
WORDS = ("On", "Off", "007", "1e3")
WORD = Field(name="word", annotation="str", default="On", help="A word", check=choice_check(WORDS), choices=WORDS)
"""Sorts of input that a text may have, though the kit's own edition of the tutorial has none of them now."""

Outcome = tuple[Any, str]
"""The value in effect and its source; or the message of a refusal, and "refused"."""


def fields() -> tuple[Field, ...]:
    """All inputs of the kit's own edition that are about the tenant, and those three."""
    own = tuple(field for field in library.load().all_fields() if field.name not in RUN_FIELDS)
    return (*own, NOTE, NEEDED, WORD)


class Ways:
    """The ways in, each with its files in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fields = fields()
        self._runner = CliRunner()
        lines = [f"{field.name}: {field.annotation} = {field.default!r}  # {field.help}" for field in self.fields]
        self.cell = "\n".join(lines)
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(self.cell)])
        notebook.cells[0].metadata["tags"] = ["parameters"]
        notebook.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
        nbformat.write(notebook, folder / "in.ipynb")

    def every(self, name: str, text: str, plain: bool = True) -> dict[str, Outcome]:
        """Take a text in by each way; those without quotation marks only where that can be done."""
        ways: dict[str, Callable[[str, str], Outcome]] = {
            "runbook -p": self.command_line,
            "runbook -f, quoted": lambda n, t: self.file(n, _quoted(t)),
            "tenants.yaml, quoted": lambda n, t: self.tenants(n, _quoted(t)),
            "parameters cell": self.parameters_cell,
            "papermill -r": lambda n, t: self.papermill("-r", n, t),
            "papermill -p": lambda n, t: self.papermill("-p", n, t),
            "papermill -f, quoted": lambda n, t: self.papermill_file(n, _quoted(t)),
        }
        if plain:
            ways["runbook -f, plain"] = self.file
            ways["tenants.yaml, plain"] = self.tenants
            ways["papermill -f, plain"] = self.papermill_file
        return {way: take(name, text) for way, take in ways.items()}

    def command_line(self, name: str, text: str) -> Outcome:
        return self._own(name, [], [f"{name}={text}"])

    def file(self, name: str, written: str) -> Outcome:
        path = self._written("inputs.yaml", f"{name}: {written}\n")
        return self._own(name, [path], [])

    def _own(self, name: str, files: Sequence[Path], pairs: Sequence[str]) -> Outcome:
        """What the command line reads, and the same after papermill has put it into a notebook."""
        try:
            given = parameters.read(files, pairs)
        except RunbookError as error:
            return str(error), "refused"
        first = self._in_effect(name, given.values, given.sources)
        if first[1] == "refused":
            return first
        found = effective(self.fields, given.values, {}, sources=given.sources)
        values = as_given(item for item in found if item.field.name in given.values)
        stored = json.loads(json.dumps(values))  # as a stored plan has them
        notebook = execute_notebook(str(self.folder / "in.ipynb"), None, stored, prepare_only=True, progress_bar=False)
        again = self._run([cell.source for cell in notebook.cells], name)
        assert again == (first[0], "papermill"), f"in the notebook it is {again}"
        return first

    def tenants(self, name: str, written: str) -> Outcome:
        text = f"tenants:\n  mine:\n    simulated: {{}}\n    inputs:\n      {name}: {written}\n"
        try:
            entry = load(self._written("tenants.yaml", text))["mine"]
        except RunbookError as error:
            return str(error), "refused"
        return self._in_effect(name, {}, {}, entry.inputs)

    def parameters_cell(self, name: str, text: str) -> Outcome:
        return self.python(name, text)

    def python(self, name: str, value: Any) -> Outcome:
        """Write a value into the cell of parameters as Python writes it."""
        return self._run([f"{self.cell}\n{name} = {value!r}"], name)

    def papermill(self, option: str, name: str, text: str) -> Outcome:
        return self._papermill(name, option, name, text)

    def papermill_file(self, name: str, written: str) -> Outcome:
        return self._papermill(name, "-f", str(self._written("inputs.yaml", f"{name}: {written}\n")))

    def _papermill(self, name: str, *options: str) -> Outcome:
        source, target = self.folder / "in.ipynb", self.folder / "out.ipynb"
        target.unlink(missing_ok=True)
        done = self._runner.invoke(
            papermill,
            [str(source), str(target), "--prepare-only", "--no-progress-bar", "--log-level", "ERROR", *options],
        )
        if done.exception is not None:
            return f"papermill: {done.exception!r}", "refused"
        return self._run([cell.source for cell in nbformat.read(target, 4).cells], name)

    def _run(self, cells: Sequence[str], name: str) -> Outcome:
        """Run the cells as a kernel does, and take the inputs from the variables."""
        names: dict[str, Any] = {"In": ["", *cells]}
        for cell in cells:
            exec(cell, names)
        given, sources = given_inputs(self.fields, names)
        return self._in_effect(name, given, sources)

    def _in_effect(
        self, name: str, given: Mapping[str, Any], sources: Mapping[str, str], tenant: Mapping[str, Any] | None = None
    ) -> Outcome:
        try:
            found = effective(self.fields, given, tenant or {}, sources=sources)
        except RunbookError as error:
            return str(error), "refused"
        return next((item.value, item.source) for item in found if item.field.name == name)

    def _written(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8", newline="\n")
        return path


def _quoted(text: str) -> str:
    """Write a text in double quotation marks, with escapes where YAML asks for them."""
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=1_000_000).strip()


def is_plain(text: str) -> bool:
    """Whether YAML reads a text without quotation marks as one value, and that this text."""
    try:
        node = yaml.compose(f"x: {text}\n", Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return False
    if not isinstance(node, yaml.MappingNode) or len(node.value) != 1:
        return False
    value = node.value[0][1]
    return isinstance(value, yaml.ScalarNode) and value.style is None and value.value == text.strip()
