"""Connect to a tenant; serve a simulated one for the time, and ask it afterwards what it was asked."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from runbook import simulated
from runbook.errors import InventoryError
from runbook.inputchecks import check_domains
from runbook.outcome.message import Recipient
from runbook.outcome.recipients import Roster, read_roster
from runbook.secretlike import kind_of_secret
from runbook.tenants.budgets import rules_in
from runbook.tenants.credentials import check_references, describe
from runbook.tenants.file import TenantEntry
from tenantapi import Services, connect
from tenantapi.calls import Call
from tenantapi.pacing import Patience
from tenantapi.sharedtraffic import SharedTraffic
from tenantapi.tenant import Tenant


class Connection:
    """A connected tenant; closing it stops the simulated tenant if it was started for it."""

    def __init__(
        self,
        tenant: Tenant,
        services: Services,
        server: simulated.Server | None,
        recipients: Path | None = None,
        people: dict[str, Roster] | None = None,
    ) -> None:
        self.tenant, self.services, self._server, self._recipients = tenant, services, server, recipients
        self._people = {} if people is None else people

    def roster(self) -> Roster | None:
        """Return everybody who receives mail, as listed for this tenant; None where nobody listed them.

        Raises InventoryError for a list that cannot be used. The simulated tenant knows its own people.
        """
        if self._recipients is not None:
            return read_roster(self._recipients)
        if self._server is None:
            return None
        if (url := self._server.url) not in self._people:
            self._people[url] = people_of(simulated.recipients(url))
        return self._people[url]

    def deliver(self, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Hand test messages to the simulated tenant and return where each landed; nothing for a real tenant.

        Nothing is ever sent to a real tenant.
        """
        return [] if self._server is None else simulated.deliver(self._server.url, messages)

    def close(self) -> None:
        self.services.close()
        if self._server is not None:
            self._server.stop()


def serve(name: str, item: TenantEntry) -> simulated.Server:
    """Return a server for a simulated tenant: the one named in tenants.yaml, one that runs, or a new one."""
    assert item.simulated is not None
    if item.simulated.address is not None:
        return simulated.Server(item.simulated.address)
    return simulated.start(item.state_directory(name), profile=item.simulated.profile)


def sign_in_file(name: str) -> Path:
    """Return the file that keeps a person's sign-in to this tenant, and no other (RUNBOOK_STATE, else user state)."""
    base = os.environ.get("RUNBOOK_STATE")
    return (Path(base) if base else platformdirs.user_state_path("runbook")) / "sign-ins" / f"{name}.json"


def open_connection(
    name: str,
    item: TenantEntry,
    *,
    on_call: Callable[[Call], None] | None = None,
    prompt: Callable[[str], None] | None = None,
    kept: MutableMapping[str, Any] | None = None,
) -> Connection:
    """Connect to a tenant; a simulated one is started if nobody serves it. Nothing is sent yet.

    `kept` is what a process that is this tenant's alone keeps from one section to the next: if the tenant is described
    in just the same way, credentials included, its session and its sign-in are used again. So is a simulated tenant's
    server, and what it said of its people: whoever runs all sections has it served all the while.

    `prompt` shows a person the code to sign in with; without one nobody is asked, and a kept sign-in must do.
    Where RUNBOOK_TRAFFIC names a folder, calls keep to the budgets that all processes share which name it (`budgets`).
    """
    known = kept.get(_KEPT) if kept is not None else None
    known = known if isinstance(known, _Kept) and known.item == item else None
    server = known.server if known is not None else None
    if item.simulated is not None and (server is None or server.started_here):
        server = serve(name, item)
    tenant = describe(name, item, server.url if server else None)
    if known is None or known.services.tenant != tenant:
        cache = sign_in_file(name) if item.sign_in == "device-code" else None
        listener = _Listener()
        services = connect(
            tenant, on_call=listener, prompt=prompt, token_cache=cache, patience=_patience(), traffic=_traffic(tenant)
        )
        known = _Kept(item, server, services, listener)
        if kept is not None:
            kept[_KEPT] = known
    known.listener.told = on_call
    return Connection(tenant, known.services, server, item.recipients, known.people)


_KEPT = "connection"


class _Listener:
    """Tells of every call whoever wants to know of it now: each section has a journal to write it to."""

    told: Callable[[Call], None] | None = None

    def __call__(self, call: Call) -> None:
        if self.told is not None:
            self.told(call)


@dataclass(frozen=True, slots=True)
class _Kept:
    item: TenantEntry
    server: simulated.Server | None
    services: Services
    listener: _Listener
    people: dict[str, Roster] = field(default_factory=dict)


def people_of(found: Mapping[str, Any]) -> Roster:
    """Return a simulated tenant's people as a roster; of groups that nobody can list, nobody's membership is known."""
    unlisted = frozenset(found["unexpandable_groups"])
    return Roster(
        recipients=tuple(
            Recipient(
                domain=row["address"].rpartition("@")[2],
                address=row["address"],
                groups=frozenset(row["groups"]),
                open_groups=unlisted,
            )
            for row in found["recipients"]
        ),
        source="the simulated tenant",
    )


def _patience() -> Patience:
    """How long an answer is waited for: RUNBOOK_TIMEOUT_SECONDS, else the client library's own minute."""
    seconds = os.environ.get("RUNBOOK_TIMEOUT_SECONDS", "")
    return Patience(read_timeout=float(seconds)) if re.fullmatch(r"\d+(\.\d+)?", seconds) else Patience()


def _traffic(tenant: Tenant) -> SharedTraffic | None:
    folder = os.environ.get("RUNBOOK_TRAFFIC")
    return SharedTraffic(Path(folder), tenant, rules=rules_in(Path(folder))) if folder else None


def domains_of(name: str, item: TenantEntry) -> tuple[str, ...]:
    """Return the domains that are named for this tenant (the simulated one brings its own).

    Raises InventoryError for a name that is no domain, or that is named twice.
    """
    if kind := kind_of_secret(item.domains):
        raise InventoryError(f"Tenant {name!r}: one of its domains looks like {kind}. It is not shown here.")
    try:
        named = check_domains(item.domains)
    except ValueError as error:
        raise InventoryError(f"Tenant {name!r}, domains: {error}.", "Mend it in tenants.yaml.") from error
    if named or item.simulated is None:
        return named
    directory = item.state_directory(name)
    if not (directory / "credentials.json").is_file():
        simulated.start(directory, profile=item.simulated.profile).stop()
    return tuple(simulated.credentials(directory)["domains"])


def check(name: str, item: TenantEntry) -> None:
    """See that a tenant can be used as described, without a call. Raises InventoryError naming what is wrong."""
    check_references(name, item)
    domains_of(name, item)
    if item.recipients is not None:
        read_roster(item.recipients)


def last_request(name: str, item: TenantEntry) -> int:
    """Return the number of the last request in a simulated tenant's own log (0 for a real tenant)."""
    if item.simulated is None or item.simulated.address is not None:
        return 0
    return simulated.last_request(item.state_directory(name))


def asked(name: str, item: TenantEntry, since: int) -> dict[str, Any]:
    """Return what a simulated tenant says it was asked since request `since`: counts, and what it assumed."""
    if item.simulated is None or item.simulated.address is not None:
        return {}
    directory = item.state_directory(name)
    rows = simulated.requests_log(directory, since)
    return {
        "total": len(rows),
        "writes": sum(1 for row in rows if row["write"]),
        "assumptions": simulated.assumptions(directory, rows, since),
    }
