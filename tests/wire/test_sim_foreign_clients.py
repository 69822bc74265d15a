"""Clients that others wrote, run against the simulated tenant: the vendor's SDK for Cloudflare, msal, msgraph-sdk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from wire.carried import Tenant, carried, running

from simtenant import state


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture
def session(tenant: Tenant) -> Iterator[requests.Session]:
    with carried(tenant) as opened:
        yield opened


def application(tenant: Tenant, session: requests.Session, **changed: Any) -> Any:
    msal = pytest.importorskip("msal")
    wanted = {
        "client_id": tenant.known["client_id"],
        "client_credential": tenant.known["client_secret"],
        "authority": f"https://login.microsoftonline.com/{tenant.known['tenant_id']}",
        **changed,
    }
    return msal.ConfidentialClientApplication(http_client=session, **wanted)


def test_msal_gets_a_token_that_exchange_accepts(tenant: Tenant, session: requests.Session) -> None:
    app = application(tenant, session)
    got = app.acquire_token_for_client(["https://outlook.office365.com/.default"])
    assert got["token_type"] == "Bearer"
    answer = session.post(
        f"https://outlook.office365.com/adminapi/beta/{tenant.known['tenant_id']}/InvokeCommand",
        json={"CmdletInput": {"CmdletName": "Get-AcceptedDomain", "Parameters": {}}},
        headers={"Authorization": f"Bearer {got['access_token']}"},
    )
    assert answer.status_code == 200
    assert answer.json()["value"][0]["DomainName"] == "example.com"
    before = len(state.requests_log(tenant.directory))
    assert app.acquire_token_for_client(["https://outlook.office365.com/.default"])["access_token"]
    assert len(state.requests_log(tenant.directory)) == before, "the second token must come from msal's cache"


def test_msal_works_with_a_host_that_needs_instance_discovery(tenant: Tenant, session: requests.Session) -> None:
    authority = f"https://login.example.test/{tenant.known['tenant_id']}"
    app = application(tenant, session, authority=authority)
    assert "access_token" in app.acquire_token_for_client(["https://graph.microsoft.com/.default"])


def test_msal_reports_a_refusal_as_codes(tenant: Tenant, session: requests.Session) -> None:
    app = application(tenant, session, client_credential="wrong")
    got = app.acquire_token_for_client(["https://graph.microsoft.com/.default"])
    assert got["error_codes"] == [7000215]
    assert got["error_description"].startswith("AADSTS7000215")


def test_requests_chokes_on_the_body_of_a_403(tenant: Tenant, session: requests.Session) -> None:
    """The service's odd 403 must be as hard to read here as it is there [proved with requests 2.34]."""
    state.set_property(tenant.directory, "Application", tenant.known["client_id"], "directory_roles", [])
    got = application(tenant, session).acquire_token_for_client(["https://outlook.office365.com/.default"])
    with pytest.raises(requests.exceptions.ContentDecodingError):
        session.post(
            f"https://outlook.office365.com/adminapi/beta/{tenant.known['tenant_id']}/InvokeCommand",
            json={"CmdletInput": {"CmdletName": "Get-AcceptedDomain", "Parameters": {}}},
            headers={"Authorization": f"Bearer {got['access_token']}"},
        )


@pytest.fixture
def sdk(tenant: Tenant) -> Iterator[Any]:
    cloudflare = pytest.importorskip("cloudflare")
    token = tenant.known["cloudflare_api_token"]
    with cloudflare.Cloudflare(base_url=f"{tenant.url}/client/v4", api_token=token, max_retries=0) as client:
        # The SDK takes these from the environment of whoever runs the test, and then drops the token silently.
        client.api_email = client.api_key = client.user_service_key = None
        yield client


def test_sdk_lists_and_stops_at_the_empty_page(tenant: Tenant, sdk: Any) -> None:
    account = tenant.known["cloudflare_account_id"]
    domains = list(sdk.email_security.settings.domains.list(account_id=account, per_page=2))
    assert [domain.domain for domain in domains] == ["example.com", "example.org", "example.net"]
    found = list(sdk.email_security.settings.domains.list(account_id=account, domain=["example.org", "x.example"]))
    assert [domain.domain for domain in found] == ["example.org"]
    assert len(state.requests_log(tenant.directory)) == 5


def test_sdk_goes_through_the_life_of_a_domain(tenant: Tenant, sdk: Any) -> None:
    account = tenant.known["cloudflare_account_id"]
    domains = sdk.email_security.settings.domains
    wanted = {
        "allowed_delivery_modes": ["DIRECT"],
        "drop_dispositions": ["MALICIOUS"],
        "ip_restrictions": [],
        "regions": ["GLOBAL"],
    }
    made = domains.create(account_id=account, domain="new.example", lookback_hops=3, **wanted)
    assert (made.status, made.lookback_hops, made.domain) == ("PENDING", 3, "new.example")
    edited = domains.edit(made.id, account_id=account, require_tls_outbound=True)
    assert (edited.require_tls_outbound, edited.lookback_hops) == (True, 3)
    replaced = domains.update(made.id, account_id=account, **wanted)
    assert (replaced.require_tls_outbound, replaced.lookback_hops) == (None, None)
    assert domains.get(made.id, account_id=account).id == made.id
    assert domains.delete(made.id, account_id=account).id == made.id


def test_sdk_sees_typed_errors(tenant: Tenant, sdk: Any) -> None:
    import cloudflare

    account = tenant.known["cloudflare_account_id"]
    domains = sdk.email_security.settings.domains
    first = next(iter(domains.list(account_id=account)))
    with pytest.raises(cloudflare.BadRequestError) as refused:
        domains.edit(first.id, account_id=account, lookback_hops=99)
    assert refused.value.errors[0].message.startswith("/lookback_hops")
    with pytest.raises(cloudflare.NotFoundError):
        domains.get("11111111-2222-3333-4444-555555555555", account_id=account)
    with pytest.raises(cloudflare.PermissionDeniedError):
        domains.list(account_id="0" * 32)
    with pytest.raises(cloudflare.BadRequestError), pytest.deprecated_call():
        domains.bulk_delete(account_id=account)
    assert len(list(domains.list(account_id=account))) == 3


def test_sdk_batches_and_verifies_tokens(tenant: Tenant, sdk: Any) -> None:
    account = tenant.known["cloudflare_account_id"]
    domains = sdk.email_security.settings.domains
    ids = [domain.id for domain in domains.list(account_id=account)]
    done = domains.batch(
        account_id=account, deletes=[{"id": ids[0]}], patches=[{"id": ids[1], "lookback_hops": 4}], puts=[], posts=[]
    )
    assert (done.deletes[0].id, done.patches[0].lookback_hops) == (ids[0], 4)
    assert sdk.user.tokens.verify().status == "active"
    assert sdk.accounts.tokens.verify(account_id=account).status == "active"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the SDK against its own older parts
def test_graph_sdk_tells_record_types_apart(tenant: Tenant, session: requests.Session) -> None:
    pytest.importorskip("msgraph")
    import httpx
    from kiota_abstractions.authentication import AccessTokenProvider, AllowedHostsValidator
    from kiota_abstractions.authentication import BaseBearerTokenAuthenticationProvider as Bearer
    from msgraph import GraphRequestAdapter, GraphServiceClient
    from msgraph.generated.models.domain_dns_mx_record import DomainDnsMxRecord
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError

    got = application(tenant, session).acquire_token_for_client(["https://graph.microsoft.com/.default"])

    class Fixed(AccessTokenProvider):
        async def get_authorization_token(self, uri: str, additional: Any = None) -> str:
            return str(got["access_token"])

        def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
            return AllowedHostsValidator([])

    async def ask() -> None:
        async with httpx.AsyncClient(trust_env=False) as opened:
            await converse(GraphRequestAdapter(Bearer(Fixed()), client=opened))

    async def converse(adapter: GraphRequestAdapter) -> None:
        adapter.base_url = f"{tenant.url}/v1.0"
        client = GraphServiceClient(request_adapter=adapter)
        records = await client.domains.by_domain_id("example.org").service_configuration_records.get()
        exchanges = [row.mail_exchange for row in records.value if isinstance(row, DomainDnsMxRecord)]
        assert exchanges == ["example-org.k7-v1.mx.microsoft"]
        with pytest.raises(ODataError) as missing:
            await client.domains.by_domain_id("nobody.example").get()
        assert missing.value.error.code == "Request_ResourceNotFound"
        assert missing.value.response_status_code == 404

    asyncio.run(ask())


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Tenant]:
    with running(tmp_path, profile="busy") as found:
        yield found


def patient(tenant: Tenant) -> Any:
    """Give the vendor's SDK with its own retries switched on."""
    cloudflare = pytest.importorskip("cloudflare")
    token = tenant.known["cloudflare_api_token"]
    client = cloudflare.Cloudflare(base_url=f"{tenant.url}/client/v4", api_token=token)
    client.api_email = client.api_key = client.user_service_key = None
    return client


def test_sdk_reads_three_pages(busy: Tenant) -> None:
    account = busy.known["cloudflare_account_id"]
    with patient(busy) as client:
        names = [domain.domain for domain in client.email_security.settings.domains.list(account_id=account)]
    assert len(names) == len(set(names)) == 43
    # Three pages with rows, and the empty one by which the SDK knows the end.
    assert [row["status"] for row in state.requests_log(busy.directory)] == [200] * 4


def test_sdk_patch_merges_and_put_replaces(tenant: Tenant, sdk: Any) -> None:
    account = tenant.known["cloudflare_account_id"]
    domains = sdk.email_security.settings.domains
    before = next(iter(domains.list(account_id=account))).to_dict()
    patched = domains.edit(before["id"], account_id=account, lookback_hops=7).to_dict()
    moved = {"lookback_hops", "modified_at"}
    assert {name: value for name, value in patched.items() if name not in moved} == {
        name: value for name, value in before.items() if name not in moved
    }
    assert patched["lookback_hops"] == 7
    whole = {"allowed_delivery_modes": ["BCC"], "drop_dispositions": [], "ip_restrictions": [], "regions": ["DE"]}
    put = domains.update(before["id"], account_id=account, **whole).to_dict()
    assert {name: put[name] for name in whole} == whole
    assert not put.keys() & {"lookback_hops", "transport"}, "what PUT leaves out is gone"
    assert (put["require_tls_outbound"], put["domain"]) == (None, before["domain"])
    with pytest.raises(Exception, match="/lookback_hops: must not be null"):
        domains.edit(before["id"], account_id=account, lookback_hops=None)


@pytest.mark.parametrize("retry_after", [0, None])
def test_sdk_repeats_a_throttled_call(tenant: Tenant, retry_after: int | None) -> None:
    fault = {"kind": "throttle", "retry_after": retry_after, "times": 1, "match": {"path": "email-security"}}
    assert requests.post(f"{tenant.url}/_sim/faults", json=[fault], timeout=5).status_code == 200
    with patient(tenant) as client:
        domains = client.email_security.settings.domains.list(account_id=tenant.known["cloudflare_account_id"])
        assert domains.result[0].domain == "example.com"
    assert [row["status"] for row in state.requests_log(tenant.directory)] == [429, 200]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the SDK against its own older parts
def test_graph_sdk_follows_pages_and_repeats_a_throttled_call(tenant: Tenant, session: requests.Session) -> None:
    pytest.importorskip("msgraph")
    import httpx
    from kiota_abstractions.authentication import AccessTokenProvider, AllowedHostsValidator
    from kiota_abstractions.authentication import BaseBearerTokenAuthenticationProvider as Bearer
    from msgraph import GraphRequestAdapter, GraphServiceClient
    from msgraph_core import GraphClientFactory

    got = application(tenant, session).acquire_token_for_client(["https://graph.microsoft.com/.default"])
    state.set_switch(tenant.directory, "graph_page_size", 1)
    fault = {"kind": "throttle", "retry_after": 1, "at": 2, "match": {"path": "/v1.0/domains"}}
    assert requests.post(f"{tenant.url}/_sim/faults", json=[fault], timeout=5).status_code == 200

    class Fixed(AccessTokenProvider):
        async def get_authorization_token(self, uri: str, additional: Any = None) -> str:
            return str(got["access_token"])

        def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
            return AllowedHostsValidator([])

    async def names() -> list[str]:
        # The SDK's middleware wraps the transport and forgets to close it.
        transport = httpx.AsyncHTTPTransport(trust_env=False)
        async with transport, httpx.AsyncClient(transport=transport, trust_env=False) as plain:
            adapter = GraphRequestAdapter(
                Bearer(Fixed()), client=GraphClientFactory.create_with_default_middleware(client=plain)
            )
            adapter.base_url = f"{tenant.url}/v1.0"
            domains = GraphServiceClient(request_adapter=adapter).domains
            page, found = await domains.get(), []
            while page is not None:
                found += [str(domain.id) for domain in page.value]
                page = await domains.with_url(page.odata_next_link).get() if page.odata_next_link else None
            return found

    assert asyncio.run(names()) == ["example.com", "example.org", "example.net", "simulated.onmicrosoft.com"]
    answered = [row["status"] for row in state.requests_log(tenant.directory) if row["path"] == "/v1.0/domains"]
    assert answered == [200, 429, 200, 200, 200]
