"""What can be seen beforehand is seen before anything begins, and before any simulated tenant is served."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from runbook import library
from runbook.cli.fleet import plan, resume, verify
from runbook.errors import InventoryError
from runbook.fleet.asking import Wish, begin
from runbook.fleet.checking import check_members
from runbook.fleet.folder import FleetFolder
from runbook.fleet.inventory import read_inventory

REAL = "{tenant_id: 11111111-2222-4333-8444-555555555555, client_id: x, client_secret: {env: NOBODY_SET_THIS}}"
MIXED = f"tenants: {{sim: {{simulated: {{state: far/sim}}}}, real: {REAL}}}\n"


def written(text: str, folder: Path) -> Path:
    path = folder / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_simulated_tenant_is_made_or_served_while_a_credential_is_missing(tmp_path: Path) -> None:
    inventory = written(MIXED, tmp_path)
    for command in (plan, verify):
        done = CliRunner().invoke(command, [str(inventory), "-q"], env={"RUNBOOK_RUNS": str(tmp_path / "runs")})
        assert isinstance(done.exception, InventoryError), command.name
        assert "NOBODY_SET_THIS" in str(done.exception), command.name
        assert [path.name for path in tmp_path.iterdir()] == ["fleet.yaml"], command.name


def test_a_check_makes_the_simulated_tenants_and_serves_none(tmp_path: Path) -> None:
    text = "tenants: {a: {simulated: {state: far/a}}, b: {simulated: {state: far/b}}}\n"
    check_members(read_inventory(written(text, tmp_path), known={}))
    made = {name: {path.name for path in (tmp_path / "far" / name).iterdir()} for name in "ab"}
    assert all("credentials.json" in names and "address.json" not in names for names in made.values()), made


@pytest.mark.parametrize(
    "text, says",
    [
        ("tenants: {a: {simulated: {state: far/a}}, b: {simulated: {state: far/a}}}", "one and the same"),
        ("tenants: {a: {simulated: {state: far/a, profile: odd}}}", "no profile 'odd'"),
        ("tenants: {a: {simulated: {state: fleet.yaml/a}}}", "cannot be made"),
        ("tenants: {a: {simulated: {state: far/a}, domains: [no domain]}}", "no domain"),
    ],
)
def test_what_a_check_finds_of_simulated_tenants(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match=says):
        check_members(read_inventory(written(text, tmp_path), known={}))


@pytest.fixture
def cut_short(tmp_path: Path) -> FleetFolder:
    """A fleet run over a simulated and a real tenant that was killed before it did anything."""
    inventory = read_inventory(written(MIXED, tmp_path), known={})
    return begin(Wish(mode="verify", inventory=inventory), library.load(inventory.tutorial), tmp_path / "runs")


def test_a_run_that_is_resumed_is_checked_as_at_its_beginning(cut_short: FleetFolder, tmp_path: Path) -> None:
    before = cut_short.journal.read_bytes()
    done = CliRunner().invoke(resume, [str(cut_short.path), "-q"])
    assert isinstance(done.exception, InventoryError), done.output
    assert "1 of 2 tenants cannot be used" in str(done.exception)
    assert "NOBODY_SET_THIS" in str(done.exception)
    assert not (tmp_path / "far").exists()
    assert cut_short.journal.read_bytes() == before


def test_who_has_ended_is_not_checked_again(cut_short: FleetFolder) -> None:
    cut_short.finish({"tenant": "real", "status": "unchanged", "exit_code": 0})
    cut_short.tenants_file("sim").write_text("tenants: {sim: {tenant_id: {env: NOR_THIS}}}\n", encoding="utf-8")
    done = CliRunner().invoke(resume, [str(cut_short.path), "-q"])
    assert "1 of 1 tenants cannot be used" in str(done.exception)
    assert "NOR_THIS" in str(done.exception)


def test_inputs_of_a_run_that_is_resumed_are_checked(tmp_path: Path) -> None:
    """The kit may be another one by now, with other limits."""
    text = "inputs: {colour: red}\ntenants: {sim: {simulated: {state: far/sim}}}\n"
    inventory = read_inventory(written(text, tmp_path), known={})
    folder = begin(Wish(mode="verify", inventory=inventory), library.load(inventory.tutorial), tmp_path / "runs")
    done = CliRunner().invoke(resume, [str(folder.path), "-q"])
    assert isinstance(done.exception, InventoryError) and "colour" in str(done.exception)
    assert not (tmp_path / "far").exists()
