"""Many simulated tenants in one process, each at an address of its own.

    python -m simtenant.farm (--dir DIR | --below DIR)... [--profile new] [--latency-ms 0] [--exit-with-stdin]

One loop accepts for all of them, and each connection has a thread. A tenant's database is open while it is called
and a moment longer, so that a tenant nobody calls costs one listening socket. Faults and all else are told to each
tenant at its own control endpoint, as with ``simtenant.server``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from simtenant import address_file, many, profiles, transcript
from simtenant.app import App
from simtenant.server import Server, stop_with_stdin
from simtenant.shared_store import LazyStore
from simtenant.store import DATABASE_NAME
from simtenant.transcript import Transcript

_REST_SECONDS = 2.0
"""How long a database stays open after its last use: from one call of a run to the next it should."""


class Farm:
    """The servers of many tenants, with one loop for all; close it when it has stopped."""

    def __init__(
        self,
        directories: Iterable[Path],
        *,
        latency_seconds: float = 0.0,
        transcript: Transcript | None = None,
        rest_seconds: float = _REST_SECONDS,
    ) -> None:
        self.servers: dict[Path, Server] = {}
        """The server of each tenant by its directory."""
        self._stores: list[LazyStore] = []
        self._rest_seconds = rest_seconds
        self._stopping = threading.Event()
        self._ears, self._mouth = socket.socketpair()
        try:
            for directory in directories:
                store = LazyStore(directory)
                self._stores.append(store)
                self.servers[directory] = Server(App(store, latency_seconds=latency_seconds, transcript=transcript))
        except BaseException:
            self.close()
            raise

    def serve(self) -> None:
        """Accept connections until ``stop``."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._ears, selectors.EVENT_READ)
            for server in self.servers.values():
                server.socket.setblocking(False)
                selector.register(server.socket, selectors.EVENT_READ, server)
            swept = time.monotonic()
            while not self._stopping.is_set():
                for key, _ in selector.select(self._rest_seconds):
                    if key.data is not None:
                        _accept(key.data)
                if time.monotonic() - swept >= self._rest_seconds:
                    for store in self._stores:
                        store.rest(self._rest_seconds)
                    swept = time.monotonic()

    def stop(self) -> None:
        """Stop serving; may be called from any thread and from a signal's handler, also more than once."""
        if self._stopping.is_set():  # a second signal must not wait for a lock that the first one holds
            return
        self._stopping.set()
        for server in self.servers.values():
            server.stopping.set()
        with contextlib.suppress(OSError):  # closed already
            self._mouth.send(b"!")

    def open_databases(self) -> int:
        """Count the tenants whose database is open."""
        return sum(store.is_open for store in self._stores)

    def close(self) -> None:
        """Give back every socket and database."""
        for server in self.servers.values():
            server.server_close()
        for store in self._stores:
            store.end()
        self._ears.close()
        self._mouth.close()


def _accept(server: Server) -> None:
    try:
        connection, address = server.get_request()
    except OSError:  # the caller has gone away again, or there are no more files to be had at this moment
        time.sleep(0.005)
        return
    connection.setblocking(True)
    server.process_request(connection, address)


@contextlib.contextmanager
def running(
    directories: Sequence[Path], *, latency_seconds: float = 0.0, rest_seconds: float = _REST_SECONDS
) -> Iterator[Farm]:
    """Serve tenants that exist from a thread of this process, for as long as the block lasts."""
    farm = Farm(directories, latency_seconds=latency_seconds, rest_seconds=rest_seconds)
    thread = threading.Thread(target=farm.serve, daemon=True)
    thread.start()
    try:
        yield farm
    finally:
        farm.stop()
        thread.join()
        farm.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Create the tenants that are missing, serve all until told to stop, and give the exit code."""
    options = _options(argv)
    directories = _directories(options)
    _allow_many_files()
    many.create(directories, profile=options.profile)
    farm = Farm(directories, latency_seconds=options.latency_ms / 1000, transcript=transcript.wanted(None, os.environ))
    with contextlib.ExitStack() as undo:
        undo.callback(farm.close)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: farm.stop())
        if options.exit_with_stdin:
            threading.Thread(target=stop_with_stdin, args=(farm.stop,), daemon=True).start()
        for directory, server in farm.servers.items():
            undo.callback(address_file.remove, directory, server.url)
            address_file.write(directory, server.url)
        print(f"listening for {len(farm.servers)} tenants", flush=True)
        farm.serve()
    return 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simtenant.farm", description="Serve many simulated tenants on loopback.")
    parser.add_argument("--dir", type=Path, action="append", default=[], help="directory of a tenant's state; repeat")
    parser.add_argument(
        "--below", type=Path, action="append", default=[], help="serve every tenant that there is in this folder"
    )
    parser.add_argument("--profile", choices=tuple(profiles.PROFILES), default="new", help="start state of new ones")
    parser.add_argument("--latency-ms", type=float, default=0, help="milliseconds every vendor call takes longer")
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop when standard input ends")
    options = parser.parse_args(argv)
    if not _directories(options):
        parser.error("there is no tenant to serve: name directories, or a folder with tenants in it")
    return options


def _directories(options: argparse.Namespace) -> list[Path]:
    below = [path.parent for folder in options.below for path in sorted(folder.glob(f"*/{DATABASE_NAME}"))]
    return list(dict.fromkeys([*options.dir, *below]))


def _allow_many_files() -> None:
    """Raise the soft limit of open files to the hard one: a tenant takes one, and up to three more while called."""
    if sys.platform == "win32":  # it has no such limit
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
