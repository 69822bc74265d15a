"""Takes one request to the vendor it is meant for, writes it down, and misbehaves when told to.

Routing is by path alone, whatever the host. A call and its log row are one transaction; a refused call leaves
nothing behind but its log row.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from simtenant import cloudflare, control, entra, exchange, faults, graph, switches, vendor_suite
from simtenant.allowance import Allowance
from simtenant.cloudflare_envelope import throttled
from simtenant.faults import AFTER, Fault, Faults
from simtenant.store import LogRow, Store, Transaction
from simtenant.transcript import Transcript
from simtenant.wire import Answer, Clock, Handled, Request, json_answer, utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the socket should do: send the answer, or (without one) wait and cut the connection."""

    answer: Answer | None
    hold_seconds: float = 0.0


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
        transcript: Transcript | None = None,
        lenient: bool = False,
    ) -> None:
        self._store = store
        self._clock = clock
        self._latency = latency_seconds
        self._sleep = sleep
        self._transcript = transcript
        self._lenient = lenient
        """Whether the leniencies of ``vendor_suite`` are granted."""
        self._in_force = Faults()
        self._allowance = Allowance()

    def respond(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path.startswith(control.PREFIX):
            return Reply(answer=control.handle(self._store, self._in_force, request, self._clock()))
        if self._lenient:
            request = vendor_suite.prefixed(request)
        if self._latency:
            self._sleep(self._latency)
        cmdlet = faults.peek_cmdlet(request)
        fault = self._in_force.next(request.method, request.path, cmdlet)
        now = self._clock()
        with self._store.transaction() as tx:
            if fault is not None and fault.kind not in AFTER:
                handled = _untouched(request, fault, cmdlet)
            else:
                work = faults.part_of(request) if fault is not None and fault.kind == "partial" else request
                handled = self._carry_out(tx, work, now, keep=fault is None or fault.kind != "ignored")
            reply = _reply(handled, fault)
            tx.append_log(_log_row(tx, request, handled, reply, now))
        if self._transcript is not None:
            struck = None if fault is None else fault.kind
            self._transcript.add(request, reply.answer, fault=struck, lenient=self._lenient)
        return reply

    def close_thread(self) -> None:
        """Give back what the calling thread holds."""
        self._store.close()

    def _carry_out(self, tx: Transaction, request: Request, now: datetime, *, keep: bool) -> Handled:
        try:
            with tx.attempt():
                handled = self._route(tx, request, now)
                if handled.answer.status >= 400 or not keep:
                    raise _Undo(handled)
        except _Undo as undo:
            return undo.handled
        return handled

    def _route(self, tx: Transaction, request: Request, now: datetime) -> Handled:
        path = request.path.lower()
        if path.startswith("/client/v4/"):
            return self._cloudflare(tx, request, now)
        if path.startswith("/adminapi/"):
            return exchange.handle(tx, request, now)
        if path.startswith("/v1.0/"):
            return graph.handle(tx, request, now)
        if entra.serves(request.path):
            return entra.handle(tx, request, now)
        return Handled(answer=json_answer(404, {"error": "nothing is served at this path"}))

    def _cloudflare(self, tx: Transaction, request: Request, now: datetime) -> Handled:
        standing = self._allowance.take(now, switches.number(tx, "cloudflare_limit"))
        if standing.allowed:
            handled = (vendor_suite if self._lenient else cloudflare).handle(tx, request, now)
        else:
            handled = Handled(answer=throttled(standing.reset_seconds), write=request.method != "GET")
        answer = handled.answer.with_headers(*standing.headers())
        return Handled(answer=answer, cmdlet=handled.cmdlet, write=handled.write, tenant=handled.tenant)


def _untouched(request: Request, fault: Fault, cmdlet: str | None) -> Handled:
    """Describe a call that a fault kept from being carried out."""
    if cmdlet is not None:
        write = not cmdlet.lower().startswith("get-")
    else:
        write = request.method not in {"GET", "HEAD"} and not entra.serves(request.path)
    answer = faults.refusal(request, fault)
    return Handled(answer=answer, cmdlet=cmdlet, write=write, tenant=exchange.tenant_in(request.path))


def _reply(handled: Handled, fault: Fault | None) -> Reply:
    if fault is None:
        return Reply(answer=handled.answer)
    if fault.kind.startswith("drop-"):
        return Reply(answer=None)
    if fault.kind.startswith("timeout-"):
        return Reply(answer=None, hold_seconds=fault.seconds)
    if fault.kind == "malformed":
        return Reply(answer=faults.cut_short(handled.answer))
    if fault.kind == "status-after" or (fault.kind == "partial" and fault.status != 200):
        return Reply(answer=Answer(status=fault.status, headers=faults.retry_headers(fault)))
    return Reply(answer=handled.answer)


def _log_row(tx: Transaction, request: Request, handled: Handled, reply: Reply, now: datetime) -> LogRow:
    return LogRow(
        at=now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        method=request.method,
        host=request.host,
        path=request.path,
        cmdlet=handled.cmdlet,
        status=None if reply.answer is None else reply.answer.status,
        write=handled.write,
        tenant=handled.tenant or str(tx.setting("tenant_id")),
    )
