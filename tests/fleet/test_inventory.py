"""An inventory in YAML or CSV: what is read of it, and one clear message for what cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook.errors import InventoryError
from runbook.fleet.inventory import Inventory, read_inventory
from runbook.tenants import TenantEntry

CASES = Path(__file__).resolve().parent.parent / "cases" / "inventory"
READ = yaml.safe_load((CASES / "read.yaml").read_text(encoding="utf-8"))
REFUSED = yaml.safe_load((CASES / "refused.yaml").read_text(encoding="utf-8"))
KNOWN = {
    "known": TenantEntry(tenant_id="99999999-2222-4333-8444-555555555555", inputs={"retention_days": "21"}),
}


def read(case: dict[str, Any], folder: Path) -> Inventory:
    path = folder / ("fleet.csv" if case.get("csv") else "fleet.yaml")
    path.write_text(case["text"], encoding="utf-8")
    return read_inventory(path, known=KNOWN)


@pytest.mark.parametrize("name", READ)
def test_read(name: str, tmp_path: Path) -> None:
    case = READ[name]
    inventory = read(case, tmp_path)
    assert [member.name for member in inventory.members] == list(case["members"]), name
    assert list(inventory.rings) == case["rings"], name
    for member in inventory.members:
        wanted = dict(case["members"][member.name])
        assert member.group == wanted.pop("group"), (name, member.name)
        assert member.parameters == wanted.pop("parameters"), (name, member.name)
        if "sources" in wanted:
            assert member.sources == wanted.pop("sources"), (name, member.name)
        described = member.entry.model_dump(mode="json")
        assert {field: described[field] for field in wanted} == wanted, (name, member.name)
        assert not member.entry.inputs, (name, member.name)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    case = REFUSED[name]
    with pytest.raises(InventoryError) as caught:
        read(case, tmp_path)
    for words in case["says"]:
        assert words in str(caught.value), (name, str(caught.value))
    for words in case.get("never", ()):
        assert words not in str(caught.value), name


def test_paths_are_relative_to_the_inventory_and_those_of_tenants_yaml_to_the_present_folder(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    text = "tenants: {known: {recipients: people.csv}, b: {simulated: {state: far/b}, client_secret: {file: key.txt}}}"
    path.write_text(text, encoding="utf-8")
    here = {"known": TenantEntry(tenant_id="x", certificate="cert.pem", simulated={"state": "far/known"})}
    known, other = (member.entry for member in read_inventory(path, known=here).members)
    assert known.recipients == tmp_path / "people.csv"
    assert known.certificate == str(Path.cwd() / "cert.pem")
    assert known.simulated is not None and known.simulated.state == Path.cwd() / "far" / "known"
    assert other.simulated is not None and other.simulated.state == tmp_path / "far" / "b"
    assert other.model_dump(mode="json")["client_secret"] == {"file": str(tmp_path / "key.txt")}


def test_a_tutorial_beside_the_inventory_is_found_and_a_name_stays_a_name(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    (tmp_path / "mine.md").write_text("# Mine\n", encoding="utf-8")
    for named, found in (("mine.md", str(tmp_path / "mine.md")), ("some-name", "some-name")):
        path.write_text(f"tutorial: {named}\ntenants: {{known: {{}}}}\n", encoding="utf-8")
        assert read_inventory(path, known=KNOWN).tutorial == found
    assert read_inventory(path, known=KNOWN, tutorial="other").tutorial == "other"


def test_only_keeps_the_rings_that_somebody_is_left_in(tmp_path: Path) -> None:
    inventory = read(READ["rings in the order that is written"], tmp_path).only(["a"])
    assert [member.name for member in inventory.members] == ["a"]
    assert inventory.rings == ("first",)


def test_lines_of_commas_are_passed_over(tmp_path: Path) -> None:
    case = {"csv": True, "text": "tenant,group\nknown,one\n,\n ,\n"}
    assert [member.name for member in read(case, tmp_path).members] == ["known"]


def test_a_part_of_an_inventory_says_so(tmp_path: Path) -> None:
    whole = read(READ["rings in the order that is written"], tmp_path)
    assert not whole.part and not whole.only(["a", "b"]).part
    assert whole.only(["a"]).part
    assert whole.path == str((tmp_path / "fleet.yaml").resolve())
