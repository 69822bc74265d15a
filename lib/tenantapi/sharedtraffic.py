"""Keep to one budget in all processes of one machine: Retry-After, rates, and a circuit breaker for each host.

Whose budget a call draws on follows the vendors: Exchange Online counts concurrent calls per tenant [facts 1.6: EXOH,
SCUBA], Graph calls per application and tenant [facts 4, throttling-limits page], Cloudflare those of a user's or an
account's token [cloudflare.md 2, limit page of 2026-04-20]. For Entra ID no figure is at hand; it is taken like Graph.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from tenantapi.calls import Answer, Order
from tenantapi.cells import Cell, Cells, FileCells, cells_in
from tenantapi.errors import ApiError, ApiTimeoutError, CircuitOpenError, Service, UnreachableError
from tenantapi.limits import Circuit, Hold, Limit
from tenantapi.pacing import empty_for, retry_after
from tenantapi.tenant import Tenant

_ODD: Final = re.compile(r"[^a-z0-9.-]")
# The documented example is Tenant_Application/ReadWrite; that the limit of the application over all tenants is
# named like this follows from its form and was not seen.
_SCOPE_OF_ALL: Final = "application"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Say how many calls may be sent and when a whole host is left alone; all times are seconds."""

    budgets: Mapping[Service, Limit] = field(
        default_factory=lambda: MappingProxyType({"Cloudflare": Limit(calls=1200, seconds=300, at_once=200)})
    )
    """The limit of each budget: a Cloudflare token, a tenant in Exchange Online, an application in a tenant in Graph.

    Cloudflare's is documented [cloudflare.md 2] and may be less than this where others use the same token. There
    is no official number for Exchange Online; one call a second is what others guess [facts 1.7: G2O]."""
    hosts: Mapping[Service, Limit] = field(
        default_factory=lambda: MappingProxyType({"Cloudflare": Limit(calls=200, seconds=1, at_once=20)})
    )
    """The limit of this machine at one host; Cloudflare's is documented, per address of the caller."""
    crowd: int = 5
    """When so many budgets are turned away (429) by one host ``within`` so short a time, all leave the host alone.

    A guess, and so are ``within`` and ``pause``: no vendor says that a 429 concerns anybody but the budget it was
    sent to, and nobody has measured it. Where many tenants are throttled one by one, each within its own budget, all
    wait here without need; that costs time and never a call too early."""
    within: float = 10.0
    pause: float = 30.0
    """How long, if the host named no time itself; a guess."""
    failures: int = 5
    """After failures for so many different tenants in a row, without any success, a host is not called."""
    cool_down: float = 60.0
    """How long it is not called before one call may try."""

    def __post_init__(self) -> None:
        if min(self.crowd, self.failures) < 2:
            raise ValueError("crowd and failures are at least 2: one tenant alone says nothing about a host.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """Name what is kept about the host and about the budget of a call."""

    host: str
    budget: str


class SharedTraffic:
    """Be the traffic rules (:class:`~tenantapi.traffic.Traffic`) of one tenant among all that share a folder.

    What one process was told holds the others too: nobody calls on a budget before the end of its
    ``Retry-After``, or while its ``Ratelimit`` says that no calls are left. A call that another process has sent
    already when the answer arrives cannot be called back. Nothing in the folder is a credential: budgets are
    named by a hash. Simulated tenants are counted apart from real ones.

    Raises ``OSError`` when the folder cannot be used, before a call and never after one: what cannot be shared
    is not sent.
    """

    def __init__(
        self,
        folder: Path,
        tenant: Tenant,
        *,
        rules: Rules | None = None,
        clock: Callable[[], float] = time.time,
        cells: Cells | None = None,
    ) -> None:
        self._tenant = tenant
        self._who = tenant.tenant_id.lower()
        self._rules = rules or Rules()
        self._clock = clock
        self._cells = cells_in(folder) if cells is None else cells
        self._names: dict[tuple[str, str], _Names] = {}
        self._turn: tuple[Order, float] | None = None
        self._trouble: OSError | None = None

    @property
    def shared(self) -> bool:
        """Tell whether other processes keep to it as well; False where files cannot be locked."""
        return isinstance(self._cells, FileCells)

    def wait(self, order: Order, *, patience: float) -> float:
        """Return the seconds until this attempt may be sent; see :class:`~tenantapi.traffic.Traffic`."""
        if self._trouble is not None:
            raise self._trouble
        names, rules = self._named(order), self._rules
        host_limit, limit = rules.hosts.get(order.service), rules.budgets.get(order.service)
        with (
            self._cells.opened(names.host, make=host_limit is not None) as host,
            self._cells.opened(names.budget, make=limit is not None) as budget,
        ):
            # Read under the lock, so that times never run backwards from one process to the next.
            now = self._clock()
            self._refuse_if_open(order, host, now)
            held = max(_hold(host).wait(now), _hold(budget).wait(now))
            if held > 0:
                # Turns that pile up behind a hold would all come at its end; they are given anew.
                self._turn = None
                return held
            wait = self._wait_for_turn(order, [(host, host_limit), (budget, limit)], now, patience)
            if wait == 0 and (circuit := _circuit(host)).since is not None:
                host.put(circuit=circuit.tried(self._who, now).written())
            return wait

    def answered(self, answer: Answer) -> None:
        """Take note of an answer; a trouble with the folder is raised before the next call instead of now."""
        self._note(lambda: self._learn(answer))

    def failed(self, order: Order, error: ApiError) -> None:
        """Take note of an attempt without an answer."""
        if isinstance(error, (UnreachableError, ApiTimeoutError)):
            self._note(lambda: self._learn_failure(order, type(error).__name__))

    def _note(self, learn: Callable[[], None]) -> None:
        try:
            learn()
        except OSError as error:
            self._trouble = error

    def _wait_for_turn(
        self, order: Order, limits: list[tuple[Cell, Limit | None]], now: float, patience: float
    ) -> float:
        """Give the call its turn, in the order of asking, and return the seconds until then."""
        at = now
        if self._turn is not None and self._turn[0] is order:
            at = self._turn[1]
        else:
            given = []
            for cell, limit in limits:
                if limit is not None:
                    ahead = max(0.0, cell.number("at") - now)  # only after the clock was set back
                    turn, due = limit.turn(cell.number("due") - ahead, now)
                    at = max(at, turn)
                    given.append((cell, due))
            if at - now > patience:
                return at - now
            for cell, due in given:
                cell.put(due=due, at=now)
        self._turn = (order, at) if at > now else None
        return max(0.0, at - now)

    def _refuse_if_open(self, order: Order, host: Cell, now: float) -> None:
        circuit = _circuit(host)
        wait = circuit.wait(self._who, now, self._rules.cool_down)
        if circuit.since is None or wait == 0:
            return
        raise CircuitOpenError(
            f"{order.label}: {urlsplit(order.url).hostname} has not been called since {_time(circuit.since)}, because "
            f"it failed for {len(circuit.streak)} tenants in a row, the last time with {circuit.reason}. "
            "Nothing was sent.",
            remedy=f"Try again after {_time(now + wait)} (in {wait:.0f} seconds).",
            service=order.service,
            retry_after_seconds=wait,
        )

    def _learn(self, answer: Answer) -> None:
        names, status, now = self._named(answer.order), answer.status, self._clock()
        wish = retry_after(answer, now) if status >= 400 else None
        asked = max(wish or 0.0, empty_for(answer) or 0.0)
        if asked > 0:
            with self._cells.opened(names.budget, make=True) as budget:
                _prolong(budget, asked, self._clock())
        if status >= 500 or status == 408:
            self._learn_failure(answer.order, f"HTTP {status}")
            return
        with self._cells.opened(names.host, make=status == 429) as host:
            if _circuit(host) != Circuit():
                host.put(circuit=Circuit().written())
            if status == 429:
                self._turned_away(answer, host, names.budget, wish, self._clock())

    def _learn_failure(self, order: Order, reason: str) -> None:
        with self._cells.opened(self._named(order).host, make=True) as host:
            circuit, now = _circuit(host), self._clock()
            after = circuit.failed(self._who, reason, now, self._rules.failures)
            if after != circuit:
                host.put(circuit=after.written())

    def _turned_away(self, answer: Answer, host: Cell, budget: str, wish: float | None, now: float) -> None:
        """Hold the host for all if the answer says so, or if many budgets were turned away of late."""
        found = host.value.get("turned_away", {})
        recent = {name: at for name, at in found.items() if 0 <= now - at <= self._rules.within}
        recent[budget] = now
        scope = answer.headers.get("x-ms-throttle-scope", "").partition("/")[0].strip().lower()
        if scope == _SCOPE_OF_ALL or len(recent) >= self._rules.crowd:
            _prolong(host, self._rules.pause if wish is None else wish, now)
        host.put(turned_away=recent)

    def _named(self, order: Order) -> _Names:
        where = urlsplit(order.url).netloc.lower()
        key = (order.service, where)
        if key not in self._names:
            world = "simulated-" if self._tenant.gateway is not None else ""
            host = world + _ODD.sub("_", where)[:100]
            budget = blake2b(self._budget_of(order).encode(), digest_size=12, person=b"tenantapi").hexdigest()
            self._names[key] = _Names(host=f"{host}.json", budget=f"{host}+{budget}.json")
        return self._names[key]

    def _budget_of(self, order: Order) -> str:
        tenant = self._tenant
        if order.nearby:
            return "machine"
        if order.service == "Cloudflare":
            token = tenant.cloudflare_api_token
            return token.reveal() if token is not None else tenant.cloudflare_account_id
        if order.service == "Exchange Online":
            return self._who
        application = tenant.managed_identity_client_id if tenant.sign_in == "managed-identity" else tenant.client_id
        return f"{self._who} {(application or 'machine').lower()}"


def _hold(cell: Cell) -> Hold:
    return Hold(until=cell.number("until"), since=cell.number("since"))


def _prolong(cell: Cell, seconds: float, now: float) -> None:
    hold = _hold(cell).prolonged(seconds, now)
    cell.put(until=hold.until, since=hold.since)


def _circuit(cell: Cell) -> Circuit:
    found = cell.value.get("circuit")
    return Circuit.read(found) if found else Circuit()


def _time(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S} UTC"
