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
import socket
import socketserver
import struct
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

from simtenant import faults, profiles, state, switches, transcript
from simtenant.app import App, Reply
from simtenant.faults import Fault
from simtenant.store import Store
from simtenant.wire import Answer, Clock, Request, split_target, text_answer, utc_now

ADDRESS_NAME = "address.json"
LOOPBACK = "127.0.0.1"

_LARGEST_BODY = 16 * 1024 * 1024


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Serves an App on loopback, one thread per connection."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, app: App, *, port: int = 0) -> None:
        self.app = app
        self.stopping = threading.Event()
        super().__init__((LOOPBACK, port), _Handler)

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


class _Handler(BaseHTTPRequestHandler):
    """Turns a connection's bytes into requests and replies into bytes."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server
    _no_body: ClassVar[frozenset[int]] = frozenset({204, 304})

    def _serve(self) -> None:
        try:
            body = self._read_body()
        except ConnectionAbortedError:  # whoever sent it has died in the middle; half a request is none [RFC 9112, 8]
            self.close_connection = True
            return
        if body is None:
            self._send(text_answer(413, "The body is too large or its length is not given"))
            self.close_connection = True
            return
        path, query = split_target(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(method=self.command, path=path, query=query, headers=headers, body=body)
        try:
            reply = self.server.app.respond(request)
        except Exception:
            traceback.print_exc(file=sys.stderr)
            reply = Reply(answer=text_answer(500, "The simulated tenant failed; this is a fault in the kit"))
        if reply.answer is not None:
            self._send(reply.answer)
            return
        self.server.stopping.wait(reply.hold_seconds)
        if reply.reset:
            # Lingering for no time at all makes the close a reset: the nearest a listening server gets to refusing.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.close(self.connection.detach())
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 - names of the base class

    def finish(self) -> None:
        """Close the connection and what its thread holds of the database."""
        super().finish()
        self.server.app.close_thread()

    def log_message(self, format: str, *args: Any) -> None:
        """Write no access log; the request log in the state is the record."""

    def _read_body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._read_chunks()
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdecimal()) or int(length) > _LARGEST_BODY:
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionAbortedError
        return body

    def _read_chunks(self) -> bytes | None:
        body = b""
        while True:
            size = int(self.rfile.readline(64).split(b";", 1)[0].strip() or b"0", 16)
            if len(body) + size > _LARGEST_BODY:
                return None
            body += self.rfile.read(size)
            self.rfile.readline(4)
            if size == 0:
                return body

    def _send(self, answer: Answer) -> None:
        phrase = self.responses.get(answer.status, ("",))[0]
        lines = [f"HTTP/1.1 {answer.status} {phrase}", f"Date: {self.date_time_string()}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        body = b"" if answer.status in self._no_body else answer.body
        lines += [f"Content-Length: {len(body)}", "", ""]
        head = "\r\n".join(lines).encode("latin-1", "replace")
        # One write, so that head and body leave in one packet.
        self.wfile.write(head if self.command == "HEAD" else head + body)


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
            threading.Thread(target=_stop_with_stdin, args=(server,), daemon=True).start()
        address = {"url": server.url, "pid": os.getpid()}
        _write_address(directory, address)
        print(f"listening on {server.url}", flush=True)
        try:
            server.serve_forever(poll_interval=0.1)
        finally:
            _remove_address(directory, address)
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


def _stop_with_stdin(server: Server) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    server.stop()


def _write_address(directory: Path, address: dict[str, Any]) -> None:
    temporary = directory / f"{ADDRESS_NAME}.{os.getpid()}"
    temporary.write_text(json.dumps(address), encoding="utf-8")
    os.replace(temporary, directory / ADDRESS_NAME)


def _remove_address(directory: Path, address: dict[str, Any]) -> None:
    path = directory / ADDRESS_NAME
    try:
        if json.loads(path.read_text(encoding="utf-8")) == address:
            path.unlink()
    except (OSError, ValueError):
        pass


if __name__ == "__main__":
    sys.exit(main())
