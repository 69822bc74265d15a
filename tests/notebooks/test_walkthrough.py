"""A person in front of the notebook: forms appear, the button wants the tenant's name, nothing happens twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Kit
from jupyter_client.manager import KernelManager

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "02-create-quarantine-policies.ipynb"
ANTISPAM = NOTEBOOK.with_name("04-configure-anti-spam-policies.ipynb")


class Person:
    """Runs cells in a real kernel as JupyterLab does: with a front end that could answer a question."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def run(self, code: str) -> list[dict[str, Any]]:
        seen: list[dict[str, Any]] = []
        self._client.execute_interactive(
            code, allow_stdin=True, output_hook=lambda message: seen.append(message), timeout=60
        )
        return seen

    def cells(self, path: Path) -> list[str]:
        notebook = json.loads(path.read_text())
        return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]

    def run_all(self, path: Path) -> list[dict[str, Any]]:
        return [message for source in self.cells(path) for message in self.run(source)]


@pytest.fixture
def person(kit: Kit) -> Iterator[Person]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=kit.environment(), cwd=str(kit.folder))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    try:
        yield Person(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def data(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [message["content"]["data"] for message in messages if "data" in message["content"]]


def text(messages: list[dict[str, Any]]) -> str:
    errors = [message["content"] for message in messages if message["msg_type"] == "error"]
    return json.dumps([data(messages), errors])


def test_run_all_shows_forms_and_changes_nothing(kit: Kit, person: Person) -> None:
    messages = person.run_all(ANTISPAM)
    widgets = [item for item in data(messages) if "application/vnd.jupyter.widget-view+json" in item]
    assert len(widgets) == 2, text(messages)
    assert "Not run: there is no approved plan" in text(messages)
    assert kit.writes() == []


def test_the_wrong_name_is_refused_and_the_right_one_applies_once(kit: Kit, person: Person) -> None:
    person.run_all(NOTEBOOK)
    assert "is not the name of this tenant" in text(person.run("section.approve('dmeo')"))
    assert "Not run" in text(person.run("section.apply()"))
    assert kit.writes() == []
    assert "Approved: plan" in text(person.run("section.approve('demo')"))
    assert "Applied: 2 change(s)" in text(person.run("section.apply()"))
    assert "Not run: there is no approved plan" in text(person.run("section.apply()"))
    assert len(kit.writes()) == 2
    assert "4 of 4 properties are as the tutorial asks" in text(person.run("section.verify()"))
    assert "changed, 2 change(s) made, verified" in text(person.run("section.finish()"))


def test_an_edit_voids_the_plan(kit: Kit, person: Person) -> None:
    person.run_all(ANTISPAM)
    person.run("section.approve('demo')")
    person.run("section.edit({'retention_days': 20})")
    assert "Not run" in text(person.run("section.apply()"))
    assert "from 1 to 30" in text(person.run("section.edit({'retention_days': 99})"))
    assert kit.writes() == []


def test_cells_can_be_run_in_any_order(kit: Kit, person: Person) -> None:
    for source in person.cells(NOTEBOOK)[:2]:
        person.run(source)
    for call in ("section.verify()", "section.apply()", "section.gate()", "section.finish()", "section.plan()"):
        assert "Traceback" not in text(person.run(call)), call
    assert "2 to create" in text(person.run("section.plan()"))
    assert kit.writes() == []


def test_the_plan_is_also_a_frame(person: Person) -> None:
    person.run_all(NOTEBOOK)
    shown = text(person.run("section.frame().groupby('action').size().to_dict()"))
    assert "{'create': 4}" in shown
