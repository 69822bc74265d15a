"""Start and stop the simulated tenant. The only door between the kit and `simtenant`.

The server is a process of its own, so that the process that runs notebooks stays single-threaded. Its state
lives on disk; a server that somebody else runs on the same state (``runbook sim serve``) is used as it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import platformdirs

from runbook.errors import UnreadableState


@dataclass(slots=True)
class Server:
    """A running simulated tenant; `stop` ends it if it was started here."""

    url: str
    _process: subprocess.Popen[str] | None = None

    @property
    def started_here(self) -> bool:
        """Whether it ends when it is stopped."""
        return self._process is not None

    def stop(self) -> None:
        if self._process is None:
            return
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is not None:
            stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if stdout is not None:
            stdout.close()
        self._process = None


@dataclass(slots=True)
class Servers:
    """Running simulated tenants; `stop` ends those that were started here, which are one process."""

    urls: Mapping[Path, str]
    """The address of each tenant by its directory."""
    _farm: Server | None = None

    def stop(self) -> None:
        if self._farm is not None:
            self._farm.stop()


def load() -> None:
    """Import what a run asks a simulated tenant's files with, so that a forked child need not."""
    import simtenant.state  # noqa: F401
    from simtenant.assumptions import ASSUMPTIONS

    for assumption in ASSUMPTIONS:
        assumption.compiled()


def state_directory(name: str) -> Path:
    """Return where a simulated tenant keeps its state (RUNBOOK_STATE, else the user's state folder)."""
    base = os.environ.get("RUNBOOK_STATE")
    return (Path(base) if base else platformdirs.user_state_path("runbook")) / "simulated" / name


def read_address(directory: Path) -> dict[str, Any]:
    """Return where a server of this state says it listens, and its process id; OSError if none says so."""
    loaded: dict[str, Any] = json.loads((directory / "address.json").read_text())
    return loaded


def running(directory: Path) -> str | None:
    """Return the address of a server that answers for this state, else None.

    A server that died leaves its address behind, and another tenant's may have got it since: who answers must be
    the tenant whose credentials are here.
    """
    try:
        url = str(read_address(directory)["url"])
        with urllib.request.urlopen(f"{url}/_sim/health", timeout=2) as answer:
            told = json.load(answer)
        return url if told.get("ok") and told["tenant"] == credentials(directory)["tenant_id"] else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, UnreadableState):
        return None


def start(directory: Path, *, profile: str = "new", latency_ms: float = 0) -> Server:
    """Return a server for this state: the one that runs, or a new one that ends with this process."""
    url = running(directory)
    if url is not None:
        return Server(url)
    directory.mkdir(parents=True, exist_ok=True)
    arguments = ["--dir", str(directory), "--profile", profile, "--latency-ms", str(latency_ms)]
    process, line = _started("simtenant.server", arguments)
    return Server(line.removeprefix("listening on "), process)


def start_many(directories: Sequence[Path], *, profile: str = "new", latency_ms: float = 0) -> Servers:
    """Return servers for these states: those that run, and one new process for all others.

    It ends with this process. Tenants that do not exist yet are made.
    """
    found = {directory: running(directory) for directory in directories}
    missing = [str(directory) for directory, url in found.items() if url is None]
    farm = None
    if missing:
        arguments = [text for directory in missing for text in ("--dir", directory)]
        process, _ = _started("simtenant.farm", [*arguments, "--profile", profile, "--latency-ms", str(latency_ms)])
        farm = Server("", process)
    return Servers({directory: url or str(read_address(directory)["url"]) for directory, url in found.items()}, farm)


def _started(module: str, arguments: list[str]) -> tuple[subprocess.Popen[str], str]:
    """Start a server that ends with this process, and return it with what it said when it listened."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments, "--exit-with-stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the run; the far end must outlive it until the record is written
    )
    return process, _first_line(process)


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None and process.stderr is not None
    line = process.stdout.readline()
    if line.startswith("listening "):
        process.stderr.close()
        return line.strip()
    message = _rest(process.stderr)
    process.wait()
    raise UnreadableState(
        f"The simulated tenant did not start: {message or 'it ended without a word'}",
        "Run it by itself to see why:\n\n    runbook sim serve\n",
    )


def _rest(stream: IO[str]) -> str:
    lines = stream.read().strip().splitlines()
    stream.close()
    return lines[-1] if lines else ""


@contextlib.contextmanager
def serving(directory: Path, *, profile: str = "new", latency_ms: float = 0) -> Iterator[str]:
    """Serve this state for the length of a ``with`` block and yield the address."""
    server = start(directory, profile=profile, latency_ms=latency_ms)
    try:
        yield server.url
    finally:
        server.stop()


@contextlib.contextmanager
def serving_many(
    directories: Sequence[Path], *, profile: str = "new", latency_ms: float = 0
) -> Iterator[Mapping[Path, str]]:
    """Serve these states for the length of a ``with`` block and yield their addresses by directory."""
    servers = start_many(directories, profile=profile, latency_ms=latency_ms)
    try:
        yield servers.urls
    finally:
        servers.stop()


def credentials(directory: Path) -> dict[str, Any]:
    """Return the made-up credentials of the simulated tenant (they were drawn when its state was created)."""
    try:
        loaded: dict[str, Any] = json.loads((directory / "credentials.json").read_text())
    except (OSError, ValueError) as error:
        raise UnreadableState(
            f"The simulated tenant in {directory} has lost its credentials.", "Begin anew:\n\n    runbook sim reset\n"
        ) from error
    return loaded


def certificate(directory: Path) -> str:
    """Return the path of the simulated application's key and certificate; the first call makes them."""
    from simtenant import state

    return str(state.certificate(directory))


def reset(directory: Path, *, profile: str = "new") -> None:
    """Put the simulated tenant back to how a tenant of this profile begins."""
    from simtenant import state

    state.create(directory, profile=profile, force=True)


def make_many(directories: Sequence[Path], *, profile: str = "new") -> None:
    """Make a simulated tenant in each of these directories that has none. Raises KeyError for an unknown profile."""
    from simtenant import many

    many.create(directories, profile=profile)


def objects(directory: Path) -> dict[str, list[dict[str, Any]]]:
    """Return everything that the simulated tenant holds, by kind."""
    from simtenant import state

    return state.objects(directory)


def set_property(directory: Path, kind: str, identity: str, name: str, value: object) -> None:
    """Change one property behind everybody's back, as another administrator would."""
    from simtenant import state

    state.set_property(directory, kind, identity, name, value)


def requests_log(directory: Path, since: int = 0) -> list[dict[str, Any]]:
    """Return what the simulated tenant was asked, from its own log."""
    from simtenant import state

    return state.requests_log(directory, since)


def judged(directory: Path, since: int = 0) -> list[str]:
    """Return, as sentences, what the simulated tenant's own log says that nobody should have asked of it.

    That is a request before its Retry-After was over, and one with a token, path or anchor of another tenant.
    """
    from simtenant import judge

    return [finding.told for finding in judge.judge(directory, since)]


def last_request(directory: Path) -> int:
    """Return the number of the last call in the simulated tenant's own log, 0 where none is."""
    from simtenant import state

    return state.last_request(directory)


def recipients(url: str) -> dict[str, Any]:
    """Return who receives mail at a simulated tenant: addresses with their groups, and groups nobody can list."""
    found: dict[str, Any] = _asked(urllib.request.Request(f"{url}/_sim/recipients"))
    return found


def deliver(url: str, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Hand test messages to a simulated tenant, all or none; return where each landed and by which steps."""
    body = json.dumps(list(messages)).encode()
    headers = {"Content-Type": "application/json"}
    found: list[dict[str, Any]] = _asked(urllib.request.Request(f"{url}/_sim/mailbag", data=body, headers=headers))
    return found


def _asked(request: urllib.request.Request) -> Any:
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except (OSError, ValueError) as error:
        raise UnreadableState(f"The simulated tenant did not answer {request.full_url}: {error}.") from error


def assumptions(directory: Path, rows: list[dict[str, Any]], since: int = 0) -> list[str]:
    """Return, as sentences, what the simulated tenant assumed in answering these requests, and in delivering messages.

    `since` is the number of the last request before them.
    """
    from simtenant import state
    from simtenant.assumptions import used_by

    turned = state.turned_switches(directory)
    used = used_by([*rows, *state.messages_log(directory, since)], turned)
    return [f"Simulated tenant: {item.told(turned)} Not confirmed: {item.why}" for item in used]
