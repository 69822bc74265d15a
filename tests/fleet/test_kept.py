"""What is kept of a fleet run: found again after odd moments, and kept from a second supervisor."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import inherited
from fleet.crews import Notes, Said

from runbook import library, tenants
from runbook.cli.fleet import resume
from runbook.errors import PlanRefused, UsageError
from runbook.fleet import approvals
from runbook.fleet.asking import Wish, begin
from runbook.fleet.carrying import carry_out, whole_paths
from runbook.fleet.conduct import Stop
from runbook.fleet.fleet import Outcome, go_on
from runbook.fleet.folder import FleetFolder
from runbook.fleet.inventory import read_inventory
from runbook.fleet.order import Order
from runbook.fleet.stopping import Switch
from runbook.journal import Journal
from runbook.runs import RunFolder, read_json
from runbook.tenants import TenantEntry


@pytest.fixture
def folder(tmp_path: Path) -> FleetFolder:
    """A fleet run over two tenants that has just begun."""
    path = tmp_path / "fleet.yaml"
    path.write_text("tenants: {a: {tenant_id: x}, b: {tenant_id: y}}\n", encoding="utf-8")
    inventory = read_inventory(path, known={})
    wish = Wish(mode="verify", inventory=inventory)
    return begin(wish, library.load(inventory.tutorial), tmp_path / "runs")


def going_on(folder: FleetFolder, crew: Callable[[], Said], watch: Notes | None = None) -> Outcome:
    return go_on(folder, crew, watch or Notes(), asked_to_stop=Switch(folder.stop).asked)


class Unsure(FleetFolder):
    """A folder of which nobody can say that it is held: two asked in the same moment, or the system cannot tell."""

    def is_held(self) -> bool:
        return False


def test_of_two_supervisors_that_ask_in_the_same_moment_one_goes_on(folder: FleetFolder) -> None:
    unsure, second = Unsure(folder.path), Said({})

    def crew() -> Said:
        with pytest.raises(UsageError, match="has not ended"):
            going_on(unsure, lambda: second)
        return Said({})

    assert going_on(unsure, crew).exit_code == 0
    assert second.begun == []


def test_who_may_not_go_on_takes_back_nobodys_stop(folder: FleetFolder) -> None:
    folder.stop.touch()
    with folder.hold():
        done = CliRunner().invoke(resume, [str(folder.path), "-q"])
    assert isinstance(done.exception, UsageError)
    assert "has not ended" in str(done.exception)
    assert folder.stop.exists()


def test_who_goes_on_takes_the_stop_back(folder: FleetFolder) -> None:
    folder.stop.touch()
    crew = Said({})
    assert going_on(folder, lambda: crew).exit_code == 0
    assert crew.begun == ["a", "b"]


class Deaf(Notes):
    """A terminal that was closed."""

    def ended(self, row: object) -> None:
        raise BrokenPipeError

    def tick(self) -> None:
        raise BrokenPipeError


def test_a_terminal_that_is_gone_stops_no_tenant(folder: FleetFolder) -> None:
    crew = Said({})
    outcome = going_on(folder, lambda: crew, Deaf())
    assert crew.begun == ["a", "b"]
    assert crew.killed == 0
    assert outcome.exit_code == 0


def test_a_row_that_is_not_whole_is_no_end(folder: FleetFolder) -> None:
    """As a machine leaves it that lost its power: the tenant's run is there, and its row is made again."""
    folder.done("a").write_text("", encoding="utf-8")
    assert folder.row("a") is None
    crew = Said({})
    assert going_on(folder, lambda: crew).exit_code == 0
    assert crew.begun == ["a", "b"]


@pytest.mark.parametrize("left", ["", '{"n": 0, "ev'])
def test_a_run_that_was_killed_over_its_first_entry_is_none(folder: FleetFolder, left: str) -> None:
    run = RunFolder.create("a", "verify", folder.runs, lambda path: folder.announce("a", path))
    run.journal.write_text(left, encoding="utf-8")
    asked = read_json(folder.asked)["rings"][0]["orders"][0]
    row = carry_out(Order(**{**asked, "close": True, "why": "It was killed"}))
    assert row["status"] == "killed", row["reason"]


def test_a_stop_while_nothing_runs_leaves_everything_to_be_gone_on_with(folder: FleetFolder) -> None:
    stopped = go_on(folder, lambda: Said({}), Notes(), asked_to_stop=lambda: Stop(reason="enough"))
    assert stopped.summary["counts"] == {"not started": 2}
    assert going_on(folder, lambda: Said({})).summary["counts"] == {"changed": 2}


def test_paths_in_the_environment_are_those_of_the_supervisors_folder() -> None:
    """Above all the locks' folder: in one of its own, a tenant would be locked for nobody."""
    found = whole_paths({"RUNBOOK_STATE": "state", "RUNBOOK_INCLUDES": "/a:b", "PATH": "bin"}, Path("/here"))
    assert found == {"RUNBOOK_STATE": "/here/state", "RUNBOOK_INCLUDES": "/a:/here/b"}
    assert whole_paths({"RUNBOOK_STATE": "/x", "SSL_CERT_FILE": ""}, Path("/here")) == {"RUNBOOK_STATE": "/x"}


@pytest.mark.parametrize(
    "plans, says",
    [("  a: {one}\n  a: {two}\n", "twice"), ("  00123: {one}\n", "'00123'"), ("  on: {one}\n", "'on'")],
)
def test_an_approval_file_is_read_as_it_is_written(plans: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "approval.yaml"
    text = "approver: Jane\nexpires: 2099-01-01T00:00:00Z\nplans:\n" + plans.format(one="1a" * 32, two="2b" * 32)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError if says == "twice" else PlanRefused, match=says):
        approvals.by_files([path], tmp_path / "runs")


def test_what_was_asked_and_is_not_whole_is_said(folder: FleetFolder) -> None:
    folder.asked.write_text(folder.asked.read_text(encoding="utf-8")[:50], encoding="utf-8")
    with pytest.raises(UsageError, match="not whole"):
        going_on(folder, lambda: Said({}))


@pytest.mark.parametrize("tenant", ["a", "b"])
def test_a_tenants_process_has_no_secret_of_another(tenant: str, tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    text = """tenants:
  a: {tenant_id: x, client_secret: {env: SECRET_A}, cloudflare_api_token: {env: SHARED}}
  b: {tenant_id: y, client_secret: {env: SECRET_B}, cloudflare_api_token: {env: SHARED}}
"""
    path.write_text(text, encoding="utf-8")
    inventory = read_inventory(path, known={})
    folder = begin(Wish(mode="verify", inventory=inventory), library.load(inventory.tutorial), tmp_path / "runs")
    orders = {item["tenant"]: item for item in read_json(folder.asked)["rings"][0]["orders"]}
    code = "import json, os, sys; from runbook.fleet.carrying import enter; from runbook.fleet.order import Order; "
    code += "enter(Order(**json.load(sys.stdin))); print(json.dumps(sorted(os.environ)))"
    environment = {**inherited(), "SECRET_A": "canary", "SECRET_B": "canary", "SHARED": "canary"}
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(orders[tenant]), env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = {name for name in json.loads(done.stdout) if name in ("SECRET_A", "SECRET_B", "SHARED")}
    assert found == {f"SECRET_{tenant.upper()}", "SHARED"}


CERTIFIED = """tenants:
  a: {tenant_id: 11111111-2222-4333-8444-555555555555, sign_in: certificate, certificate: {env: CERTIFICATE_A}}
"""
READ = """import json, os, sys
from runbook import tenants
from runbook.fleet.carrying import enter
from runbook.fleet.order import Order
if sys.argv[1:]:
    from pathlib import Path
    from runbook import library
    from runbook.fleet.asking import Wish, begin
    from runbook.fleet.inventory import read_inventory
    inventory = read_inventory(Path("fleet.yaml"), known={})
    folder = begin(Wish(mode="verify", inventory=inventory), library.load(inventory.tutorial), Path("runs"))
    print(folder.asked)
else:
    enter(Order(**json.load(sys.stdin)))
    print(tenants.describe("a", tenants.entry("a")).certificate.path)
"""


@pytest.mark.parametrize("where", ["beside", "whole"])
def test_a_certificate_that_a_variable_names_is_that_of_the_supervisors_folder(where: str, tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(CERTIFIED, encoding="utf-8")
    key = tmp_path / "keys" / "a.pem"
    key.parent.mkdir()
    key.touch()
    named = "keys/a.pem" if where == "beside" else str(key)
    others = {"AZURE_CLIENT_ID": "x", "CLOUDFLARE_ACCOUNT_ID": "x", "CLOUDFLARE_API_TOKEN": "x"}

    def said(text: str = "", *arguments: str) -> str:
        environment = {**inherited(), **others, "CERTIFICATE_A": named}
        command = [sys.executable, "-c", READ, *arguments]
        done = subprocess.run(
            command, input=text, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    asked = Path(said("", "begin"))
    assert said(json.dumps(read_json(asked)["rings"][0]["orders"][0])) == str(key)
    described = (asked.parent / "tenants" / "a.yaml").read_text(encoding="utf-8")
    assert ("CERTIFICATE_A" in described) is (where == "whole"), described


@pytest.mark.parametrize("value", ["", "no such file", "x" * 5000, "keys\0a.pem"])
def test_what_is_no_certificate_beside_the_supervisor_stays_a_reference(value: str, tmp_path: Path) -> None:
    entry = TenantEntry(certificate={"env": "CERTIFICATE_A"})  # type: ignore[arg-type]
    assert tenants.relative_certificate(entry, tmp_path, {"CERTIFICATE_A": value}) is None
    assert tenants.relative_certificate(TenantEntry(certificate="a.pem"), tmp_path, {"CERTIFICATE_A": value}) is None


def test_who_is_still_at_work_is_left_to_it(folder: FleetFolder, tmp_path: Path) -> None:
    """A cluster may take a worker for dead that lives."""
    run = RunFolder.create("a", "verify", folder.runs, lambda path: folder.announce("a", path))
    Journal(run.journal).append("run-started", tenant="a", mode="verify")
    asked = read_json(folder.asked)["rings"][0]["orders"][0]
    with run.hold():
        row = carry_out(Order(**asked), patience_seconds=0.2)
    assert (row["status"], row["exit_code"]) == ("interrupted", 130)
    assert "still at this tenant" in row["reason"]
    assert folder.row("a") is None
