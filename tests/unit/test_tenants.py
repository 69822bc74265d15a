"""``tenants.yaml``: every way of signing in is described by references, and bad entries get one clear message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook import tenants
from runbook.errors import InventoryError
from runbook.tenants import TenantEntry, describe

REFUSED = yaml.safe_load((Path(__file__).parent.parent / "cases" / "tenants" / "refused.yaml").read_text())
GUID = "11111111-2222-4333-8444-555555555555"
IDS = {"tenant_id": GUID, "client_id": GUID, "cloudflare_account_id": "a" * 32}


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "canary-token")


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path, secrets: None) -> None:
    case = REFUSED[name]
    path = tmp_path / "tenants.yaml"
    path.write_text(yaml.safe_dump({"tenants": {"mine": {**IDS, **case["entry"]}}}))
    if "cloud" in case["entry"]:
        case["entry"]["client_secret"] = {"env": "CLOUDFLARE_API_TOKEN"}
        path.write_text(yaml.safe_dump({"tenants": {"mine": {**IDS, **case["entry"]}}}))
    with pytest.raises(InventoryError) as caught:
        tenants.check("mine", tenants.entry("mine", path))
    for words in case["says"]:
        assert words in str(caught.value), caught.value
    for words in case.get("never", []):
        assert words not in str(caught.value)


WAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "secret": ({"client_secret": {"env": "SECRET"}}, {"certificate": None}),
    "certificate": (
        {"certificate": "/keys/one.pem", "certificate_passphrase": {"env": "SECRET"}},
        {"client_secret": None},
    ),
    "device-code": ({}, {"client_secret": None, "certificate": None}),
    "managed-identity": ({"managed_identity_client_id": GUID}, {"managed_identity_client_id": GUID, "client_id": ""}),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_way_looks_up_what_it_needs_and_nothing_else(
    way: str, secrets: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "canary-secret")
    fields, expected = WAYS[way]
    tenant = describe("mine", TenantEntry(**{**IDS, "sign_in": way, **fields}))
    assert tenant.sign_in == way
    for name, value in expected.items():
        assert getattr(tenant, name) == value, name
    if way == "certificate":
        assert tenant.certificate is not None and tenant.certificate.passphrase is not None
        assert str(tenant.certificate.path) == "/keys/one.pem"
    assert "canary" not in repr(tenant)


def test_a_service_that_nobody_has_reached_there_has_to_be_allowed(secrets: None) -> None:
    plain = TenantEntry(**IDS, cloud="china", sign_in="device-code")
    allowed = TenantEntry(**IDS, cloud="china", sign_in="device-code", allow_unconfirmed=True)
    assert not describe("mine", plain).allow_unconfirmed
    assert describe("mine", allowed).allow_unconfirmed


def test_each_tenant_keeps_its_sign_in_in_a_file_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from runbook.tenants.connection import sign_in_file

    monkeypatch.setenv("RUNBOOK_STATE", str(tmp_path))
    assert sign_in_file("one") != sign_in_file("two")
    assert sign_in_file("one").is_relative_to(tmp_path)


def test_a_process_that_is_one_tenants_signs_in_once(tmp_path: Path) -> None:
    """What is kept goes to the next section, with that section's listener; never to a tenant described otherwise."""
    token = tmp_path / "token"
    token.write_text("canary-one")
    secret = tmp_path / "secret"
    secret.write_text("canary-secret")
    entry = TenantEntry(**IDS, client_secret={"file": secret}, cloudflare_api_token={"file": token})
    kept: dict[str, Any] = {}
    first = tenants.open_connection("mine", entry, kept=kept)
    assert tenants.open_connection("mine", entry, kept=kept).services is first.services
    assert tenants.open_connection("mine", entry).services is not first.services
    for other in (("yours", entry), ("mine", entry.model_copy(update={"tenant_id": GUID[:-1] + "6"}))):
        assert tenants.open_connection(*other, kept=kept).services is not first.services, other
    again = tenants.open_connection("mine", entry, kept=kept)
    token.write_text("canary-two")
    assert tenants.open_connection("mine", entry, kept=kept).services is not again.services
