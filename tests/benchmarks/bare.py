"""The same calls as a verification of one tenant, as somebody writes a script for it: msal, requests, pandas, one page.

    python bare.py TENANTS.json FOLDER [--at-once N]

No plan, no journal, no isolation, no undo: it reads what the kit reads, call by call, as the simulated tenant's log
has it (the benchmark holds both logs against each other), hands the same test messages over, and writes one HTML page
per tenant with a styled table. It is what the kit's cost is measured against.
"""

from __future__ import annotations

import argparse
import json
import os
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msal
import pandas
import requests
from requests.adapters import HTTPAdapter

EXCHANGE, GRAPH = "https://outlook.office365.com", "https://graph.microsoft.com"


class Gateway(HTTPAdapter):
    """Carry production addresses to loopback."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        request.headers["Host"] = parts.netloc
        request.url = self._address + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().send(request, *args, **kwargs)


class Reader:
    """One tenant, one session, one sign-in."""

    def __init__(self, tenant: dict[str, Any]) -> None:
        self.tenant = tenant
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("https://", Gateway(tenant["gateway"]))
        self.found: list[tuple[str, str]] = []

    def sign_in(self) -> None:
        self.application = msal.ConfidentialClientApplication(
            self.tenant["client_id"],
            client_credential=self.tenant["client_secret"],
            authority=f"https://login.microsoftonline.com/{self.tenant['tenant_id']}",
            http_client=self.session,
        )

    def token(self, host: str) -> str:
        return str(self.application.acquire_token_for_client([f"{host}/.default"])["access_token"])

    def graph(self) -> None:
        token = self.token(GRAPH)
        for domain in self.tenant["domains"]:
            address = f"{GRAPH}/v1.0/domains/{domain}/serviceConfigurationRecords"
            self._note(domain, self.session.get(address, headers={"Authorization": f"Bearer {token}"}).json())

    def cloudflare(self, count: int) -> None:
        address = (
            f"https://api.cloudflare.com/client/v4/accounts/{self.tenant['cloudflare_account_id']}"
            "/email-security/settings/domains"
        )
        headers = {"Authorization": f"Bearer {self.tenant['cloudflare_api_token']}"}
        for _ in range(count):
            self._note("domains", self.session.get(address, headers=headers).json())

    def exchange(self, *cmdlets: str) -> None:
        tenant = self.tenant["tenant_id"]
        headers = {
            "Authorization": f"Bearer {self.token(EXCHANGE)}",
            "X-AnchorMailbox": f"APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{tenant}",
            "X-ResponseFormat": "json",
            "connection-id": str(uuid.uuid4()),
        }
        for cmdlet in cmdlets:
            body = {"CmdletInput": {"CmdletName": cmdlet, "Parameters": {}}}
            address = f"{EXCHANGE}/adminapi/beta/{tenant}/InvokeCommand"
            answer = self.session.post(address, json=body, headers=headers)
            answer.raise_for_status()
            self._note(cmdlet, answer.json())

    def _note(self, name: str, answer: Any) -> None:
        self.found.append((name, json.dumps(answer)[:60]))

    def page(self, path: Path) -> None:
        table = pandas.DataFrame(self.found, columns=["what", "begins"])
        path.write_text(f"<!DOCTYPE html><title>{self.tenant['name']}</title>{table.style.hide().to_html()}")


POLICIES = ("Get-HostedContentFilterPolicy", "Get-HostedContentFilterRule", "Get-EOPProtectionPolicyRule")


def verify(tenant: dict[str, Any], folder: Path) -> None:
    """Read one tenant in the order in which the kit reads it, and write its page."""
    reader = Reader(tenant)
    reader.sign_in()
    reader.graph()
    reader.cloudflare(4)
    reader.graph()
    reader.exchange("Get-TransportRule", *POLICIES, "Get-QuarantinePolicy", "Get-HostedConnectionFilterPolicy",
                    "Get-InboundConnector")  # fmt: skip
    reader.graph()
    reader.cloudflare(2)
    for cmdlets in (("Get-QuarantinePolicy",) * 2, ("Get-QuarantinePolicy",) * 2, POLICIES * 2,
                    ("Get-TransportRule",) * 2):  # fmt: skip
        reader.exchange(*cmdlets)
    for messages in tenant["messages"]:
        requests.post(f"{tenant['gateway']}/_sim/mailbag", json=messages).raise_for_status()
    reader.page(folder / f"{tenant['name']}.html")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("tenants", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--at-once", type=int, default=1)
    given = parser.parse_args()
    tenants = json.loads(given.tenants.read_text())
    children = []
    for number in range(given.at_once):
        pid = os.fork() if given.at_once > 1 else 0
        if pid:
            children.append(pid)
            continue
        for tenant in tenants[number :: given.at_once]:
            verify(tenant, given.folder)
        if given.at_once > 1:
            os._exit(0)
    failed = [pid for pid in children if os.waitpid(pid, 0)[1]]
    if failed:
        raise SystemExit(f"{len(failed)} children failed")


if __name__ == "__main__":
    main()
