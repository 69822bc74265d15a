"""Many tenants in one process: each at its own address, with its own state and faults, and nearly free when at rest."""

from __future__ import annotations

import http.client
import json
import resource
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire.farmed import Client, farm

from simtenant import farm as farms
from simtenant import judge, many, state


@pytest.fixture
def directories(tmp_path: Path) -> list[Path]:
    made = [tmp_path / f"t{number}" for number in range(4)]
    many.create(made)
    return made


@pytest.fixture
def clients(directories: list[Path]) -> Iterator[list[Client]]:
    with farms.running(directories) as running:
        yield [Client(directory, server.url) for directory, server in running.servers.items()]


def test_each_tenant_answers_at_an_address_of_its_own(clients: list[Client]) -> None:
    assert len({client.url for client in clients}) == 4
    for client in clients:
        assert client.send("GET", "/_sim/health")[2]["tenant"] == client.known["tenant_id"]
        status, _, value = client.token()
        assert status == 200
        assert client.rules(value["access_token"])[0] == 200
        assert client.domains()[0] == 200
    for client in clients:
        assert [row["status"] for row in state.requests_log(client.directory)] == [200] * 3
        assert judge.judge(client.directory) == ()


def test_nothing_of_one_tenant_is_good_at_another(clients: list[Client]) -> None:
    first, second = clients[:2]
    bearer = first.token()[2]["access_token"]
    lost = Client(first.directory, second.url)
    assert lost.rules(bearer)[0] == 401
    assert lost.domains()[0] == 401
    assert lost.token()[2]["error_codes"] == [90002]
    assert {finding.rule for finding in judge.judge(second.directory)} == {judge.ANOTHER_TENANT}
    assert judge.judge(first.directory) == ()


def test_each_tenant_misbehaves_by_itself(clients: list[Client]) -> None:
    hung, throttled, refused, absent = clients
    hung.misbehave({"kind": "timeout-before", "seconds": 60, "times": None})
    throttled.misbehave({"kind": "throttle", "retry_after": 3, "at": 2})
    refused.misbehave({"kind": "wrong-secret", "match": {"path": "/oauth2/"}, "times": None})
    absent.misbehave({"kind": "refuse", "times": None})
    hanging = hung.connection()
    hanging.timeout = 0.3
    hanging.request("GET", "/v1.0/domains")
    with pytest.raises(TimeoutError):
        hanging.getresponse()
    hanging.close()
    assert throttled.domains()[0] == 200
    status, headers, _ = throttled.domains()
    assert (status, headers["Retry-After"]) == (429, "3")
    assert throttled.domains()[0] == 200
    assert [finding.rule for finding in judge.judge(throttled.directory)] == [judge.TOO_EARLY]
    assert refused.token()[2]["error_codes"] == [7000215]
    assert refused.domains()[0] == 200
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            absent.domains()
    assert [client.send("GET", "/_sim/faults")[2][0]["struck"] for client in clients] == [1, 1, 1, 2]


def test_a_share_of_each_tenants_calls_is_throttled_by_its_own_seed(clients: list[Client]) -> None:
    seen = []
    for seed in (1, 1, 2, 3):
        client = clients[len(seen)]
        client.misbehave({"kind": "throttle", "share": 0.4, "seed": seed, "retry_after": 1})
        seen.append([client.domains()[0] for _ in range(15)])
    assert seen[0] == seen[1]
    assert len({json.dumps(row) for row in seen}) == 3
    assert all({200, 429} == set(row) for row in seen)


def test_a_database_is_open_only_while_it_is_used(directories: list[Path]) -> None:
    with farms.running(directories, rest_seconds=0.2) as running:
        clients = [Client(directory, server.url) for directory, server in running.servers.items()]
        assert running.open_databases() == 0
        kept = clients[0].connection()
        for _ in range(3):
            kept.request("GET", "/_sim/health")
            assert json.loads(kept.getresponse().read())["ok"] is True
            assert running.open_databases() == 1
            _until(lambda: running.open_databases() == 0)
            assert not (directories[0] / "state.db-wal").exists()
        kept.close()


def _until(done: object, seconds: float = 10) -> None:
    assert callable(done)
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.02)


def test_many_callers_of_many_tenants_lose_nothing(clients: list[Client]) -> None:
    def call(client: Client) -> None:
        bearer = client.token()[2]["access_token"]
        for _ in range(5):
            assert client.rules(bearer)[0] == 200

    threads = [threading.Thread(target=call, args=(client,)) for client in clients * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        rows = state.requests_log(client.directory)
        assert [row["n"] for row in rows] == list(range(1, 25))
        assert {row["status"] for row in rows} == {200}
        assert judge.judge(client.directory) == ()


def test_latency_of_one_call_holds_up_no_other(directories: list[Path]) -> None:
    with farms.running(directories, latency_seconds=0.5) as running:
        clients = [Client(directory, server.url) for directory, server in running.servers.items()] * 5
        threads = [threading.Thread(target=client.domains) for client in clients]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 0.5 <= time.monotonic() - began < 5
    assert sum(len(state.requests_log(directory)) for directory in directories) == 20


def test_stopping_lets_go_of_a_caller_that_hangs_and_of_every_file(directories: list[Path]) -> None:
    with farms.running(directories) as running:
        clients = [Client(directory, server.url) for directory, server in running.servers.items()]
        hanging = []
        for client in clients:
            client.misbehave({"kind": "timeout-before", "seconds": 60})
            hanging.append(client.connection())
            hanging[-1].request("GET", "/v1.0/domains")
        began = time.monotonic()
    for connection in hanging:
        with pytest.raises((http.client.HTTPException, OSError)):
            connection.getresponse()
        connection.close()
    assert time.monotonic() - began < 5
    for directory in directories:
        assert sorted(path.name for path in directory.iterdir()) == ["credentials.json", "state.db"]


def test_a_process_serves_those_named_and_those_below_and_tidies_up(tmp_path: Path) -> None:
    many.create([tmp_path / "below" / "a", tmp_path / "below" / "b"])
    (tmp_path / "below" / "no tenant").mkdir()
    new = tmp_path / "new"
    named = ["--dir", str(new), "--dir", str(new), "--below", str(tmp_path / "below"), "--profile", "busy"]
    with farm(*named, "--exit-with-stdin", files=64) as (process, line):
        assert line == "listening for 3 tenants"
        clients = [Client(directory) for directory in (new, tmp_path / "below" / "a", tmp_path / "below" / "b")]
        told = [client.send("GET", "/_sim/health")[2]["profile"] for client in clients]
        assert told == ["busy", "new", "new"]
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE) == (hard, hard)
        clients[0].misbehave({"kind": "timeout-before", "seconds": 60})
        hanging = clients[0].connection()
        hanging.request("GET", "/v1.0/domains")
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0
        with pytest.raises((http.client.HTTPException, OSError)):
            hanging.getresponse()
        hanging.close()
    for client in clients:
        left = sorted(path.name for path in client.directory.iterdir())
        assert left == ["credentials.json", "state.db"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(directories: list[Path], number: signal.Signals) -> None:
    with farm("--dir", str(directories[0])) as (process, _):
        process.send_signal(number)
        assert process.wait(10) == 0
    assert not (directories[0] / "address.json").exists()


def test_sudden_death_loses_no_call_that_was_answered(directories: list[Path]) -> None:
    with farm("--dir", str(directories[0])) as (process, _):
        client = Client(directories[0])
        answered = [client.domains()[0] for _ in range(20)]
        process.kill()
        process.wait()
    assert [row["status"] for row in state.requests_log(directories[0])] == answered == [200] * 20
    with farm("--dir", str(directories[0])):
        assert Client(directories[0]).domains()[0] == 200


def test_no_tenant_at_all_is_said_so(tmp_path: Path) -> None:
    with farm("--below", str(tmp_path)) as (process, line):
        assert (line, process.wait(10)) == ("", 2)


@pytest.mark.slow
def test_a_thousand_tenants_in_one_process(tmp_path: Path) -> None:
    directories = [tmp_path / f"t{number:04}" for number in range(1000)]
    began = time.process_time()
    many.create(directories)
    assert time.process_time() - began < 10, "they are made in two seconds, and in ten on a machine that is busy"
    with farm("--below", str(tmp_path), "--exit-with-stdin") as (process, line):
        assert line == "listening for 1000 tenants"
        clients = [Client(directory) for directory in directories]
        assert len({client.url for client in clients}) == 1000
        for client in clients:
            assert client.send("GET", "/_sim/health")[2]["tenant"] == client.known["tenant_id"]
        files = Path(f"/proc/{process.pid}/fd")
        if files.is_dir():
            _until(lambda: len(list(files.iterdir())) < 1020)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0
    assert not list(tmp_path.glob("*/address.json"))
