"""The kit's own client against a tenant in the same process: what a sweep over every call is made of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

import tenantapi
from simtenant.adapter import InProcessAdapter
from simtenant.local import LocalTenant
from tenantapi.errors import ApiTimeoutError, ForbiddenError, MalformedAnswerError, UnreachableError
from tenantapi.tenant import Secret


@pytest.fixture
def far() -> Iterator[LocalTenant]:
    tenant = LocalTenant()
    yield tenant
    tenant.close()


@pytest.fixture
def services(far: LocalTenant) -> Iterator[tenantapi.Services]:
    known = far.credentials
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", InProcessAdapter(far))
    tenant = tenantapi.Tenant(
        name="local",
        tenant_id=known["tenant_id"],
        client_id=known["client_id"],
        client_secret=Secret(known["client_secret"]),
        cloudflare_account_id=known["cloudflare_account_id"],
        cloudflare_api_token=Secret(known["cloudflare_api_token"]),
    )
    with tenantapi.connect(tenant, session=session, sleep=lambda _: None) as made:
        yield made


def test_every_service_is_reached_at_its_production_address(far: LocalTenant, services: tenantapi.Services) -> None:
    assert services.graph.expected_mx("example.com") == "example-com.mail.protection.outlook.com"
    assert len(services.cloudflare.domains()) == 3
    assert len(services.exchange.rows("Get-TransportRule")) == 3
    hosts = {row["host"] for row in far.log()}
    assert hosts == {
        "login.microsoftonline.com", "graph.microsoft.com", "api.cloudflare.com", "outlook.office365.com",
    }  # fmt: skip


def test_the_forbidden_answer_arrives_undecoded(far: LocalTenant, services: tenantapi.Services) -> None:
    far.set_property("Application", far.credentials["client_id"], "directory_roles", [])
    with pytest.raises(ForbiddenError):
        services.exchange.rows("Get-TransportRule")


@pytest.mark.parametrize(
    ("kind", "error", "kept"),
    [
        ("drop-before", UnreachableError, False),
        ("drop-after", UnreachableError, True),
        ("timeout-after", ApiTimeoutError, True),
        ("not-json", MalformedAnswerError, True),
    ],
)
def test_a_write_that_breaks_is_an_error_of_the_client(
    far: LocalTenant, services: tenantapi.Services, kind: str, error: type[Exception], kept: bool
) -> None:
    start = far.snapshot()
    services.exchange.rows("Get-QuarantinePolicy")
    for number in (1, 2):
        far.restore(start)
        far.arm({"kind": kind, "at": number, "match": {"write": True}})
        names = ("One", "Two")
        for name in names[: number - 1]:
            services.exchange.invoke("New-QuarantinePolicy", {"Name": name}, write=True)
        with pytest.raises(error):
            services.exchange.invoke("New-QuarantinePolicy", {"Name": names[number - 1]}, write=True)
        assert far.struck() == 1
        made = {policy["Name"] for policy in far.objects()["QuarantinePolicy"]} & set(names)
        assert made == set(names[: number if kept else number - 1])


def test_a_read_that_breaks_once_is_repeated(far: LocalTenant, services: tenantapi.Services) -> None:
    for kind in ("drop-before", "status", "throttle"):
        far.behave()
        far.arm({"kind": kind, "match": {"cmdlet": "Get-TransportRule"}})
        assert len(services.exchange.rows("Get-TransportRule")) == 3
        assert far.struck() == 1
