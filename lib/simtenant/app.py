"""Takes one request to the vendor it is meant for, writes it down, and misbehaves when told to.

Routing is by path alone, whatever the host. A call and its log row are one transaction; a refused call leaves
nothing behind but its log row.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from simtenant import (
    cloudflare,
    contents,
    control,
    entra,
    evidence,
    exchange,
    fault_answers,
    faults,
    graph,
    habits,
    switches,
    vendor_suite,
)
from simtenant.allowance import Allowance
from simtenant.cloudflare_envelope import throttled
from simtenant.faults import BEFORE, Fault, Faults
from simtenant.request_log import LogRow
from simtenant.staleness import Staleness, put_back
from simtenant.store import Snapshot, Store, Transaction
from simtenant.transcript import Transcript
from simtenant.wire import Answer, Clock, Handled, Request, json_answer, utc_now

_UNANSWERED = frozenset({"drop-before", "drop-after", "refuse", "timeout-before", "timeout-after"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the socket should do: send the answer, or (without one) wait and cut the connection."""

    answer: Answer | None
    hold_seconds: float = 0.0
    reset: bool = False
    """Whether the connection is reset as by a machine where nobody listens, not closed."""


class _Undo(Exception):
    """Takes back what a call did while keeping its answer."""

    def __init__(self, handled: Handled) -> None:
        super().__init__()
        self.handled = handled


class App:
    """All vendors' fronts over one store."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock = utc_now,
        latency_seconds: float = 0.0,
        sleep: Callable[[float], None] = time.sleep,
        ticks: Callable[[], float] = time.monotonic,
        transcript: Transcript | None = None,
        lenient: bool = False,
    ) -> None:
        self._store = store
        self._clock = clock
        self._latency = latency_seconds
        self._sleep = sleep
        self._ticks = ticks
        self._transcript = transcript
        self._lenient = lenient
        """Whether the leniencies of ``vendor_suite`` are granted."""
        self.faults = Faults()
        self.snapshots: dict[str, Snapshot] = {}
        """Snapshots by the name the control endpoint gave them."""
        self._allowance = Allowance()
        self._staleness = Staleness()

    def respond(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path.startswith(control.PREFIX):
            return Reply(answer=control.handle(self, self._store, request, self._clock()))
        if self._lenient:
            request = vendor_suite.prefixed(request)
        arrived = self._ticks()
        cmdlet = faults.peek_cmdlet(request)
        strike = self.faults.next(request, cmdlet)
        if self._latency + strike.delay_seconds:
            self._sleep(self._latency + strike.delay_seconds)
        fault, now = strike.fault, self._clock()
        with self._store.transaction() as tx:
            handled = self._handled(tx, request, now, fault, cmdlet)
            reply = _reply(handled, fault)
            tx.append_log(_log_row(tx, request, handled, reply, now, (arrived, self._ticks())))
            turned = switches.turned(tx) if self._transcript is not None else {}
        if self._transcript is not None:
            struck = None if fault is None else fault.kind
            self._transcript.add(request, reply.answer, fault=struck, lenient=self._lenient, turned=turned)
        return reply

    def snapshot(self) -> Snapshot:
        """Copy what the tenant holds and how its switches stand."""
        with self._store.transaction() as tx:
            return tx.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot, without any fault in force and with the whole of Cloudflare's allowance.

        Tokens that were issued since then stay good, and the log goes on.
        """
        self.faults.clear()
        self._staleness.forget()
        self._allowance = Allowance()
        with self._store.transaction() as tx:
            tx.restore(snapshot)

    def behave(self) -> None:
        """End every fault, and the consequences of those that last."""
        self.faults.clear()
        self._staleness.forget()

    def close_thread(self) -> None:
        """Give back what the calling thread holds."""
        self._store.close()

    def _handled(
        self, tx: Transaction, request: Request, now: datetime, fault: Fault | None, cmdlet: str | None
    ) -> Handled:
        """Carry a call out as far as its fault lets it, and give the answer before it is spoiled."""
        if fault is None:
            handled = self._carry_out(tx, request, now)
            return handled if handled.write else self._as_before(tx, request, now, handled)
        if fault.kind in BEFORE:
            return _untouched(request, fault, cmdlet, now)
        if fault.edit is not None:
            contents.set_property(tx, **fault.edit, now=now)
        if fault.kind == "partial":
            return self._carry_out(tx, fault_answers.part_of(request, fault.keep), now)
        if fault.kind != "stale-reads":
            return self._carry_out(tx, request, now, keep=fault.kind != "ignored")
        before = tx.snapshot().bodies()
        handled = self._carry_out(tx, request, now)
        self._staleness.remember(before, tx.snapshot().bodies(), fault.reads)
        return handled

    def _carry_out(self, tx: Transaction, request: Request, now: datetime, *, keep: bool = True) -> Handled:
        try:
            with tx.attempt():
                handled = self._route(tx, request, now)
                if handled.answer.status >= 400 or not keep:
                    raise _Undo(handled)
        except _Undo as undo:
            return undo.handled
        return handled

    def _as_before(self, tx: Transaction, request: Request, now: datetime, present: Handled) -> Handled:
        """Give a read the answer it would have got before a change that a fault hides, and count it."""
        bodies = self._staleness.bodies()
        if not bodies or entra.serves(request.path):
            return present
        try:
            with tx.attempt():
                put_back(tx, bodies)
                raise _Undo(self._vendor(tx, request, now))
        except _Undo as undo:
            past = undo.handled
        if (past.answer.status, past.answer.body) == (present.answer.status, present.answer.body):
            return present
        self._staleness.used()
        named = {name for name, _ in past.answer.headers}
        others = [header for header in present.answer.headers if header[0] not in named]
        return replace(past, answer=past.answer.with_headers(*others))

    def _route(self, tx: Transaction, request: Request, now: datetime) -> Handled:
        if not request.path.lower().startswith("/client/v4/"):
            return self._vendor(tx, request, now)
        standing = self._allowance.take(now, switches.number(tx, "cloudflare_limit"))
        if standing.allowed:
            handled = self._vendor(tx, request, now)
        else:
            handled = Handled(answer=throttled(standing.reset_seconds), write=request.method != "GET")
        return replace(handled, answer=handled.answer.with_headers(*standing.headers()))

    def _vendor(self, tx: Transaction, request: Request, now: datetime) -> Handled:
        path = request.path.lower()
        if path.startswith("/client/v4/"):
            serve = vendor_suite.handle if self._lenient else cloudflare.handle
            return serve(tx, request, now)
        if path.startswith("/adminapi/"):
            handled = exchange.handle(tx, request, now)
            return replace(handled, answer=habits.rated(tx, handled.answer))
        if path.startswith("/v1.0/"):
            return graph.handle(tx, request, now)
        if entra.serves(request.path):
            return entra.handle(tx, request, now)
        return Handled(answer=json_answer(404, {"error": "nothing is served at this path"}))


def _untouched(request: Request, fault: Fault, cmdlet: str | None, now: datetime) -> Handled:
    """Describe a call that a fault kept from being carried out."""
    answer = fault_answers.refusal(request, fault, now)
    write, tenant = faults.writes(request, cmdlet), exchange.tenant_in(request.path)
    return Handled(answer=answer, cmdlet=cmdlet, write=write, tenant=tenant)


def _reply(handled: Handled, fault: Fault | None) -> Reply:
    if fault is None or fault.kind in BEFORE.keys() - _UNANSWERED:
        return Reply(answer=handled.answer)
    if fault.kind in _UNANSWERED:
        hold = fault.seconds if fault.kind.startswith("timeout-") else 0.0
        return Reply(answer=None, hold_seconds=hold, reset=fault.kind == "refuse")
    return Reply(answer=fault_answers.spoiled(handled.answer, fault))


def _log_row(
    tx: Transaction, request: Request, handled: Handled, reply: Reply, now: datetime, ticks: tuple[float, float]
) -> LogRow:
    named = evidence.named(tx, request)
    return LogRow(
        at=now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        method=request.method,
        host=request.host,
        path=request.path,
        cmdlet=handled.cmdlet,
        status=None if reply.answer is None else reply.answer.status,
        write=handled.write,
        tenant=handled.tenant or str(tx.setting("tenant_id")),
        arrived=ticks[0],
        answered=ticks[1],
        retry_after=evidence.wait_of(reply.answer),
        token_of=named.token_of,
        path_of=named.path_of,
        anchor_of=named.anchor_of,
    )
