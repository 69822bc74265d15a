"""The simulated tenant as a process: sockets, start and stop.

    python -m simtenant.server --dir DIR [--port 0] [--profile new] [--latency-ms 0] [--exit-with-stdin]
                               [--switch NAME=VALUE]... [--fault JSON]... [--transcript FILE] [--vendor-suite]

Standard library only: it starts in a blink, and it keeps connections open between calls, which the
development server of werkzeug refuses to do.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socketserver
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simtenant import address_file, faults, profiles, state, switches, transcript
from simtenant.app import App
from simtenant.faults import Fault
from simtenant.handler import Handler
from simtenant.store import Store
from simtenant.wire import Clock, utc_now

LOOPBACK = "127.0.0.1"


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Serves an App on loopback, one thread per connection."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, app: App, *, port: int = 0) -> None:
        self.app = app
        self.stopping = threading.Event()
        super().__init__((LOOPBACK, port), Handler)

    @property
    def url(self) -> str:
        """Give the address to reach the server at."""
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    def stop(self) -> None:
        """Stop serving; may be called from any thread, also more than once."""
        if not self.stopping.is_set():
            self.stopping.set()
            # shutdown() waits for the serving loop and so must not run in the thread that serves.
            threading.Thread(target=self.shutdown, daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about callers that went away in the middle of a call."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            traceback.print_exc(file=sys.stderr)


@contextmanager
def running(directory: Path, *, clock: Clock = utc_now, port: int = 0, record: Path | None = None) -> Iterator[Server]:
    """Serve a tenant that exists from a thread of this process, for as long as the block lasts.

    ``record`` is the file of a transcript; without it the environment may name one, as for a process.
    """
    store = Store(directory)
    app = App(store, clock=clock, transcript=transcript.wanted(record, os.environ))
    with store.held(), Server(app, port=port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stop()
            thread.join()


def main(argv: Sequence[str] | None = None) -> int:
    """Create the tenant if it is missing, serve it until told to stop, and give the exit code."""
    options = _options(argv)
    directory: Path = options.dir
    state.create(directory, profile=options.profile)
    store = Store(directory)
    app = App(
        store,
        latency_seconds=options.latency_ms / 1000,
        transcript=transcript.wanted(options.transcript, os.environ),
        lenient=options.vendor_suite,
    )
    app.faults.set(options.fault)
    with store.transaction() as tx:
        for name, value in options.switch:
            switches.turn(tx, name, value)
    with store.held(), Server(app, port=options.port) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: server.stop())
        if options.exit_with_stdin:
            threading.Thread(target=stop_with_stdin, args=(server.stop,), daemon=True).start()
        address_file.write(directory, server.url)
        print(f"listening on {server.url}", flush=True)
        try:
            server.serve_forever(poll_interval=0.1)
        finally:
            address_file.remove(directory, server.url)
    return 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simtenant.server", description="Serve a simulated tenant on loopback.")
    parser.add_argument("--dir", type=Path, required=True, help="directory of the tenant's state")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--profile", choices=tuple(profiles.PROFILES), default="new", help="start state if it is new")
    parser.add_argument("--latency-ms", type=float, default=0, help="milliseconds every vendor call takes longer")
    parser.add_argument(
        "--switch",
        type=_switch,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="turn a switch before serving; may repeat",
    )
    parser.add_argument(
        "--fault",
        type=_fault,
        action="extend",
        default=[],
        metavar="JSON",
        help='a fault in force from the first call on, such as \'{"kind": "status", "at": 3}\'; may repeat',
    )
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop when standard input ends")
    parser.add_argument(
        "--transcript", type=Path, help=f"file to append every vendor call to; else {transcript.VARIABLE} names one"
    )
    parser.add_argument(
        "--vendor-suite",
        action="store_true",
        help="grant the leniencies that the test suite of the cloudflare package needs "
        "(they are listed in simtenant.vendor_suite)",
    )
    return parser.parse_args(argv)


def _switch(text: str) -> tuple[str, str | int]:
    name, _, value = text.partition("=")
    if name not in switches.SWITCHES:
        raise argparse.ArgumentTypeError(f"no switch {name!r}; there are {', '.join(switches.SWITCHES)}")
    known = switches.SWITCHES[name]
    try:
        return name, known.check(value if known.choices or not value.isdecimal() else int(value))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _fault(text: str) -> tuple[Fault, ...]:
    try:
        return faults.parse([json.loads(text)])
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def stop_with_stdin(stop: Callable[[], None]) -> None:
    """Call ``stop`` when standard input ends; for a thread of its own."""
    while sys.stdin.buffer.read(4096):
        pass
    stop()


if __name__ == "__main__":
    sys.exit(main())
