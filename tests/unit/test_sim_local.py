"""A tenant in this process: its calls through ``requests``, its faults as errors, going back, and its pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from simtenant.adapter import InProcessAdapter
from simtenant.local import LocalTenant


class Client:
    """A session whose https ends in a tenant of this process, with a token for Exchange."""

    def __init__(self, tenant: LocalTenant) -> None:
        self.known = tenant.credentials
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("https://", InProcessAdapter(tenant))
        form = {
            "grant_type": "client_credentials",
            "client_id": self.known["client_id"],
            "client_secret": self.known["client_secret"],
            "scope": "https://outlook.office365.com/.default",
        }
        url = f"https://login.microsoftonline.com/{self.known['tenant_id']}/oauth2/v2.0/token"
        self.token = self.session.post(url, data=form).json()["access_token"]

    def invoke(self, cmdlet: str, **parameters: Any) -> requests.Response:
        return self.session.post(
            f"https://outlook.office365.com/adminapi/beta/{self.known['tenant_id']}/InvokeCommand",
            json={"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}},
            headers={"Authorization": f"Bearer {self.token}"},
        )

    def domains(self, **params: Any) -> Any:
        account = self.known["cloudflare_account_id"]
        answer = self.session.get(
            f"https://api.cloudflare.com/client/v4/accounts/{account}/email-security/settings/domains",
            params=params,
            headers={"Authorization": f"Bearer {self.known['cloudflare_api_token']}"},
        )
        return answer.json()


@pytest.fixture
def tenant() -> Iterator[LocalTenant]:
    made = LocalTenant(profile="busy")
    yield made
    made.close()


def test_every_service_answers_at_its_own_address(tenant: LocalTenant) -> None:
    client = Client(tenant)
    answer = client.invoke("Get-QuarantinePolicy")
    assert (answer.status_code, answer.headers["odata-version"], len(answer.json()["value"])) == (200, "4.0", 4)
    listed = client.domains(domain=["example.com", "example.org"], per_page=1)
    assert (listed["result_info"]["total_count"], len(listed["result"])) == (2, 1)
    assert client.session.get("https://graph.microsoft.com/v1.0/domains").status_code == 401
    assert {row["host"] for row in tenant.log()} == {
        "login.microsoftonline.com",
        "outlook.office365.com",
        "api.cloudflare.com",
        "graph.microsoft.com",
    }
    tenant.forget_log()
    assert tenant.log() == []


def test_the_403_can_be_read_undecoded_only(tenant: LocalTenant) -> None:
    client = Client(tenant)
    with pytest.raises(requests.exceptions.ContentDecodingError):
        client.invoke("Get-Mailbox")


@pytest.mark.parametrize(
    ("kind", "error", "kept"),
    [
        ("refuse", requests.ConnectionError, False),
        ("drop-before", requests.ConnectionError, False),
        ("drop-after", requests.ConnectionError, True),
        ("timeout-before", requests.ReadTimeout, False),
        ("timeout-after", requests.ReadTimeout, True),
    ],
)
def test_a_fault_is_the_error_of_a_socket_and_takes_no_time(
    tenant: LocalTenant, kind: str, error: type[Exception], kept: bool
) -> None:
    client = Client(tenant)
    tenant.arm({"kind": kind, "at": 2, "match": {"write": True}})
    began = time.monotonic()
    assert client.invoke("New-QuarantinePolicy", Name="One").status_code == 200
    assert tenant.struck() == 0
    with pytest.raises(error) as raised:
        client.invoke("New-QuarantinePolicy", Name="Two")
    assert type(raised.value) is error
    assert time.monotonic() - began < 5
    assert tenant.struck() == 1
    assert ("Two" in {policy["Name"] for policy in tenant.objects()["QuarantinePolicy"]}) is kept


def test_going_back_is_exact_and_keeps_tokens(tenant: LocalTenant) -> None:
    client = Client(tenant)
    start, before = tenant.snapshot(), tenant.canonical()
    tenant.turn("refusal_text", "bare")
    made = client.invoke("New-TransportRule", Name="One", Priority=0).json()["value"][0]
    tenant.set_property("EmailSecurityDomain", "example.com", "lookback_hops", 9)
    changed = tenant.canonical()
    shifted = [name for name in before if before[name] != changed[name]]
    # The rules behind the new one have another priority now; that is a change, and it shows.
    assert len(shifted) == 101
    assert set(changed) - set(before) == {f"TransportRule/{made['Guid']}"}
    tenant.arm({"kind": "status", "times": None})
    tenant.restore(start)
    assert tenant.canonical() == before
    assert client.invoke("New-TransportRule", Name="One", Priority=0).json()["value"][0]["Guid"] == made["Guid"]
    assert client.invoke("New-TransportRule", Name="One").json()["error"]["details"][0]["message"].count("already") == 1


def test_foreign_objects_stay_byte_for_byte(tenant: LocalTenant) -> None:
    client = Client(tenant)
    before = tenant.canonical()
    assert client.invoke("New-TransportRule", Name="Last").status_code == 200
    assert client.invoke("Set-HostedContentFilterPolicy", Identity="Default", BulkThreshold=3).status_code == 200
    after = tenant.canonical()
    assert [name.split("/")[0] for name in before if before[name] != after[name]] == ["HostedContentFilterPolicy"]
    text = next(text for name, text in before.items() if name.startswith("AcceptedDomain/"))
    assert not any('"_' in text for text in before.values())
    assert text.startswith('{"AddressBookEnabled":true,"AuthenticationType":"Managed","Default":true,')


def test_threads_take_turns(tenant: LocalTenant) -> None:
    client = Client(tenant)
    seen: list[int] = []

    def work(number: int) -> None:
        for part in range(5):
            seen.append(client.invoke("New-QuarantinePolicy", Name=f"{number}-{part}").status_code)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [200] * 20
    assert len(tenant.objects()["QuarantinePolicy"]) == 5 + 20


def test_a_fault_at_every_call_in_turn_is_cheap() -> None:
    """The goal is a hundred runs of a dozen calls a second; the bound leaves room for a busy machine."""
    tenant = LocalTenant()
    client = Client(tenant)
    start = tenant.snapshot()
    began = time.monotonic()
    for number in range(1, 31):
        tenant.restore(start)
        tenant.arm({"kind": "status-after", "at": number})
        answers = [
            client.invoke("New-QuarantinePolicy", Name="One").status_code,
            *(client.invoke("Get-TransportRule").status_code for _ in range(9)),
        ]
        assert answers.count(503) == tenant.struck() == (1 if number <= 10 else 0)
    assert time.monotonic() - began < 10
    tenant.close()
