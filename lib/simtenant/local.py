"""A whole tenant in this process, without a socket, a file or a wait: for runs by the hundred.

tenant = LocalTenant(profile="busy")
start = tenant.snapshot()
for n in range(1, 40):
    tenant.restore(start)
    tenant.arm({"kind": "drop-after", "at": n, "match": {"write": True}})
    ...                                     # a client on ``simtenant.adapter.InProcessAdapter(tenant)``
    if not tenant.struck():
        break
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from simtenant import contents, faults, state, switches
from simtenant.app import App, Reply
from simtenant.mailflow import post, recipients
from simtenant.shared_store import MemoryStore
from simtenant.store import Body, Snapshot
from simtenant.wire import Clock, Request, utc_now


class LocalTenant:
    """One tenant in memory with everything that the control endpoint can do; safe to use from several threads.

    ``sleep`` is called for latency; by default nobody waits. Raises KeyError for an unknown profile.
    """

    def __init__(
        self, *, profile: str = "new", clock: Clock = utc_now, sleep: Callable[[float], None] = lambda _: None
    ) -> None:
        self.credentials: Mapping[str, Any] = state.new_credentials()
        self._store = MemoryStore()
        self._clock = clock
        self.app = App(self._store, clock=clock, sleep=sleep)
        with self._store.transaction() as tx:
            state.fill(tx, dict(self.credentials), profile, clock())

    def respond(self, request: Request) -> Reply:
        """Answer one request as a server would; ``reply.answer`` is None when the caller is left without one."""
        return self.app.respond(request)

    def arm(self, *wanted: Mapping[str, Any]) -> None:
        """Set faults, written as for the control endpoint; each counts from now on. Raises ValueError."""
        self.app.faults.set(faults.parse(list(wanted)))

    def struck(self) -> int:
        """Count the calls that the faults in force have struck so far."""
        return sum(row["struck"] for row in self.app.faults.told())

    def behave(self) -> None:
        """End every fault."""
        self.app.behave()

    def turn(self, name: str, value: str | int) -> None:
        """Turn a switch; raises KeyError or ValueError naming what there is."""
        with self._store.transaction() as tx:
            switches.turn(tx, name, value)

    def snapshot(self) -> Snapshot:
        """Copy what the tenant holds and how its switches stand."""
        return self.app.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot and end every fault; tokens issued since stay good, the log goes on."""
        self.app.restore(snapshot)

    def objects(self) -> dict[str, list[Body]]:
        """Show everything the tenant holds, by kind."""
        with self._store.transaction() as tx:
            return contents.objects(tx)

    def canonical(self) -> dict[str, str]:
        """Give the canonical text of every object by ``kind/key``."""
        with self._store.transaction() as tx:
            return contents.canonical(tx)

    def set_property(self, kind: str, identity: str, property: str, value: Any) -> None:
        """Change one property behind everybody's back; raises KeyError or ValueError."""
        with self._store.transaction() as tx:
            contents.set_property(tx, kind, identity, property, value, self._clock())

    def deliver(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Deliver a test message, written as for the control endpoint, and tell where it went; raises ValueError."""
        return self.deliver_all([message])[0]

    def deliver_all(self, messages: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Deliver messages to the tenant as it is now, reading it once; raises ValueError, and then keeps none."""
        with self._store.transaction() as tx:
            return post.send(tx, messages, self._clock())

    def messages(self, since: int = 0) -> list[Body]:
        """List the test messages after number ``since``, each with its outcome."""
        with self._store.transaction() as tx:
            return tx.messages(since)

    def recipients(self) -> dict[str, Any]:
        """Show the tenant's people, their groups, and the groups that nobody can expand."""
        with self._store.transaction() as tx:
            return recipients.told(tx)

    def set_recipients(self, value: Mapping[str, Any]) -> None:
        """Replace them, written as for the control endpoint; raises ValueError."""
        with self._store.transaction() as tx:
            recipients.replace(tx, value)

    def log(self, since: int = 0) -> list[Body]:
        """List the vendor calls after number ``since``."""
        with self._store.transaction() as tx:
            return tx.log(since)

    def forget_log(self) -> None:
        """Drop the request log; numbers go on from where they were."""
        with self._store.transaction() as tx:
            tx.forget_log()

    def close(self) -> None:
        """Give the memory back."""
        self._store.discard()
