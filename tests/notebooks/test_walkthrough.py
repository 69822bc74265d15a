"""A person in front of the notebook: forms appear, the button wants the tenant's name, nothing happens twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import Kit
from faults.far_end import FarEnd
from jupyter_client.manager import KernelManager

from runbook import journal, simulated

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "02-create-quarantine-policies.ipynb"
ANTISPAM = NOTEBOOK.with_name("04-configure-anti-spam-policies.ipynb")


class Person:
    """Runs cells in a real kernel as JupyterLab does: with a front end that could answer a question."""

    def __init__(self, client: Any, manager: Any) -> None:
        self._client, self._manager = client, manager

    def end(self) -> None:
        self._manager.shutdown_kernel(now=True)

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
        yield Person(client, manager)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def data(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [message["content"]["data"] for message in messages if message["msg_type"] == "execute_result"]


def text(messages: list[dict[str, Any]]) -> str:
    """What a front end without widgets shows, and errors as a person reads them."""
    shown = [item["text/plain"] for item in data(messages)]
    errors = ["\n".join(m["content"]["traceback"]) for m in messages if m["msg_type"] == "error"]
    return "\n".join([*shown, *errors])


def press(person: Person, name: str) -> None:
    """Press a button as the front end does: by a message to the kernel, whatever the button looks like now."""
    person.run(f"section._panels.{name}.widget.click()")


def approve(person: Person, tenant: str) -> str:
    person.run(f"section._panels.name.value = {tenant!r}")
    press(person, "approving")
    return text(person.run("section.gate()"))


def test_run_all_shows_panels_and_changes_nothing(kit: Kit, person: Person) -> None:
    messages = person.run_all(ANTISPAM)
    widgets = [item for item in data(messages) if "application/vnd.jupyter.widget-view+json" in item]
    assert len(widgets) == 6, text(messages)
    assert "Retention days: 15\n" in text(messages) and "In the tenant now: 15" in text(messages)
    assert "Not run: there is no approved plan" in text(messages)
    assert kit.writes() == []
    assert list((kit.folder / "runs").glob("*/record.html")) == [], "nothing was done that a record could be about"


def test_the_wrong_name_is_refused_and_the_right_one_applies_once(kit: Kit, person: Person) -> None:
    person.run_all(NOTEBOOK)
    assert "is not the name of this tenant" in approve(person, "dmeo")
    assert "Not run" in text(person.run("section.apply()"))
    assert kit.writes() == []
    assert "Approved: plan" in approve(person, "demo")
    press(person, "applying")
    press(person, "applying")
    assert "Applied: 2 change(s)" in text(person.run("section.apply()"))
    assert len(kit.writes()) == 2
    assert "4 of 4 properties are as the tutorial asks" in text(person.run("section.verify()"))
    assert "changed, 2 change(s) made, verified" in text(person.run("section.finish()"))


def test_two_presses_in_one_moment_are_one(kit: Kit, person: Person) -> None:
    person.run_all(NOTEBOOK)
    person.run("section._panels.name.value = 'demo'")
    for name in ("approving", "applying", "recording"):
        person.run(f"section._panels.{name}.widget.click(); section._panels.{name}.widget.click()")
    assert len(kit.writes()) == 2
    (path,) = (kit.folder / "runs").glob("*/journal.jsonl")
    events = [entry["event"] for entry in journal.read(path)]
    assert [events.count(name) for name in ("approved", "before-first-write", "run-finished")] == [1, 1, 1]


def test_an_edit_voids_the_plan(kit: Kit, person: Person) -> None:
    person.run_all(ANTISPAM)
    approve(person, "demo")
    person.run("section.edit({'retention_days': '20'})")
    assert "the plan is void" in text(person.run("section.gate()"))
    assert "the plan is void" in text(person.run("section.apply()"))
    press(person, "applying")
    assert "from 1 to 30" in text(person.run("section.edit({'retention_days': 99})"))
    assert kit.writes() == []


def test_cells_can_be_run_in_any_order(kit: Kit, person: Person) -> None:
    for source in person.cells(NOTEBOOK)[:2]:
        person.run(source)
    for call in ("section.verify()", "section.apply()", "section.gate()", "section.finish()", "section.plan()"):
        assert "Traceback" not in text(person.run(call)), call
    assert "2 to create" in text(person.run("section.plan()"))
    assert kit.writes() == []


def test_an_edit_is_remembered_when_the_section_is_opened_again_until_its_parameter_changes(person: Person) -> None:
    person.run_all(ANTISPAM)
    value = "next(i.value for i in section.effective if i.field.name == 'retention_days')"
    person.run("section.edit({'retention_days': '20'})")
    person.run_all(ANTISPAM)
    assert text(person.run(value)) == "20"
    for source in person.cells(ANTISPAM):
        person.run(source.replace("retention_days: int = 15", "retention_days: int = 25"))
    assert text(person.run(value)) == "25"


def test_drift_is_seen_by_verifying_again(kit: Kit, person: Person) -> None:
    person.run_all(NOTEBOOK)
    approve(person, "demo")
    press(person, "applying")
    person.run("section.verify()")
    kit("sim", "set", "QuarantinePolicy", "UserNotifyAdminRelease", "ESNEnabled", "false")
    shown = text(person.run("section.verify()"))
    assert "3 of 4 properties" in shown and "ESNEnabled" in shown and "line 64" in shown, shown


def test_a_record_is_sealed_and_what_follows_is_a_run_of_its_own(kit: Kit, person: Person) -> None:
    person.run_all(NOTEBOOK)
    approve(person, "demo")
    press(person, "applying")
    person.run("section.verify()")
    person.run("section.finish()")
    (record,) = (kit.folder / "runs").glob("*/record.html")
    assert kit("records", "check", str(record.parent)).returncode == 0
    assert "0 to create, 0 to update, 2 as wanted" in text(person.run("section.plan()"))
    assert "as the tutorial asks" in text(person.run("section.verify()"))
    person.run("section.finish()")
    assert kit("records", "check", str(record.parent)).returncode == 0
    statuses = [json.loads(p.read_text())["status"] for p in sorted((kit.folder / "runs").glob("*/result.json"))]
    assert sorted(statuses) == ["changed", "unchanged"]


def test_what_was_written_is_verified_before_it_is_recorded(kit: Kit, person: Person) -> None:
    person.run_all(NOTEBOOK)
    approve(person, "demo")
    press(person, "applying")
    person.run("section.finish()")
    (result,) = (kit.folder / "runs").glob("*/result.json")
    assert json.loads(result.read_text())["status"] == "changed"
    assert "1 of 1 sections verified" in result.with_name("record.html").read_text()


def test_nothing_is_written_after_the_record(kit: Kit, person: Person) -> None:
    person.run_all(NOTEBOOK)
    press(person, "recording")
    assert "Plan again to go on" in approve(person, "demo")
    press(person, "applying")
    assert "has been recorded" in text(person.run("section.section.approve('demo')"))
    assert kit.writes() == []
    (record,) = (kit.folder / "runs").glob("*/record.html")
    assert kit("records", "check", str(record.parent)).returncode == 0


def test_a_form_that_is_shown_again_reads_nothing_into_a_sealed_run(kit: Kit, person: Person) -> None:
    person.run_all(ANTISPAM)
    press(person, "recording")
    assert "could not be read. This run has been recorded" in text(person.run("section.inputs()"))
    (record,) = (kit.folder / "runs").glob("*/record.html")
    assert kit("records", "check", str(record.parent)).returncode == 0


def test_only_the_plan_that_was_shown_can_be_approved(kit: Kit, person: Person) -> None:
    person.run_all(ANTISPAM)
    shown = text(person.run("section.section.current.hash")).strip("'")
    person.run("section.edit({'retention_days': '20'})")
    person.run("section.plan()")
    assert "made anew meanwhile" in text(person.run(f"section.approve('demo', {shown!r}); section.gate()"))
    assert kit.writes() == []
    person.run("section._panels.name.value = 'demo'")
    person.run("section.plan()")
    assert text(person.run("section._panels.name.value")) == "''", "a name is typed for one plan"


def test_panels_of_a_section_that_was_opened_anew_do_nothing(kit: Kit, person: Person) -> None:
    person.run_all(NOTEBOOK)
    approve(person, "demo")
    person.run("old = section")
    for source in person.cells(NOTEBOOK)[:2]:
        person.run(source)
    assert "opened anew" in text(person.run("old._panels.applying.enable(True); old.carry_out(); old.gate()"))
    assert kit.writes() == []


def test_a_refused_value_ends_no_run(kit: Kit, person: Person) -> None:
    person.run_all(NOTEBOOK)
    approve(person, "demo")
    press(person, "applying")
    assert "is not of the form OLD=NEW" in text(person.run("section.edit({'rename': 'nonsense'})"))
    assert "4 of 4 properties are as the tutorial asks" in text(person.run("section.verify()"))
    assert list((kit.folder / "runs").glob("*/record.html")) == []


def test_edits_that_need_each_other_go_on_into_the_next_run(kit: Kit, person: Person) -> None:
    person.run_all(NOTEBOOK)
    person.run("section.edit({'rename': 'UserNotifyUserRelease=Foo'})")
    person.run("section.edit({'adopt': 'Foo'})")
    person.run("section.plan()")
    press(person, "recording")
    assert "Quarantine policy Foo" in text(person.run("section.plan()"))


def test_a_verification_that_could_not_be_read_is_not_an_earlier_one(kit: Kit, person: Person) -> None:
    person.run_all(NOTEBOOK)
    approve(person, "demo")
    press(person, "applying")
    person.run("section.verify()")
    port = urlsplit(simulated.running(kit.state) or "").port or 0
    FarEnd(kit, port).fault(kind="status", status=403, match={"cmdlet": "Get-QuarantinePolicy"}, times=None)
    assert "The tenant could not be read" in text(person.run("section.verify()"))
    person.run("section.finish()")
    (result,) = (kit.folder / "runs").glob("*/result.json")
    content = json.loads(result.read_text())
    assert (content["status"], content["sections"][0]["verification"]) == ("unknown", None)
    assert "0 of 1 sections verified" in result.with_name("record.html").read_text()


def test_the_plan_is_also_a_frame(person: Person) -> None:
    person.run_all(NOTEBOOK)
    shown = text(person.run("section.frame().groupby('action').size().to_dict()"))
    assert "{'create': 4}" in shown


def test_the_first_page_says_how_each_section_stands_and_writes_nothing(kit: Kit, person: Person) -> None:
    shown = text(person.run_all(NOTEBOOK.with_name("00-start-here.ipynb")))
    assert "2. Create Quarantine Policies: ~ 2 change(s) pending" in shown
    assert "Cloudflare: a token of a user, active" in shown
    assert "No run on demo yet" in shown
    assert kit.writes() == []


def test_the_form_shows_what_the_tenant_has_and_what_graph_expects(person: Person) -> None:
    shown = text(person.run_all(NOTEBOOK.with_name("01-configure-domains.ipynb")))
    assert "In the tenant now: example.com: mail.example.com; example.org: not set" in shown
    assert "Expected, by Microsoft Graph: example.com: example-com.mail.protection.outlook.com" in shown
    person.run("section.edit({'forwarding_to': 'mx.example.net'})")
    again = text(person.run("section.inputs()"))
    assert "Forwarding to: mx.example.net" in again
    assert "Expected, by Microsoft Graph: example.com: example-com.mail.protection.outlook.com" in again


def test_a_walkthrough_that_was_left_has_a_record_and_is_no_whole_run(kit: Kit, person: Person) -> None:
    person.run_all(NOTEBOOK)
    approve(person, "demo")
    press(person, "applying")
    (folder,) = (kit.folder / "runs").iterdir()
    person.end()
    shown = kit("records", "show", folder.name)
    assert shown.returncode == 0, shown.stderr
    content = json.loads((folder / "result.json").read_text())
    assert (content["status"], len(content["sections"]), len(content["sections"][0]["made"])) == ("interrupted", 1, 2)


def test_a_part_of_the_text_says_nothing_of_the_tenant_as_a_whole(kit: Kit, person: Person) -> None:
    person.run_all(NOTEBOOK)
    approve(person, "demo")
    press(person, "applying")
    press(person, "recording")
    assert kit("records", "index").returncode == 0
    page = (kit.folder / "runs" / "index.html").read_text()
    assert "1 of 1 tenants: look at the newest run." in page and "walkthrough, in part" in page
