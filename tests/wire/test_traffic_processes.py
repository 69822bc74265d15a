"""Real processes on one folder and one server on loopback, whose own log is the judge of who called when."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sys
import time
import uuid
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

import tenantapi
from tenantapi import Secret, Tenant
from tenantapi.cells import FileCells
from tenantapi.errors import CircuitOpenError, ServiceError
from tenantapi.http import Http
from tenantapi.limits import Limit
from tenantapi.pacing import Patience
from tenantapi.sharedtraffic import Rules, SharedTraffic

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and flock")
FORK = multiprocessing.get_context("fork") if sys.platform != "win32" else None
UNLIMITED = Rules(budgets={}, hosts={})
WISH = 1.0


class Far(BaseHTTPRequestHandler):
    """Write down when each request came and when its answer went, and answer as the test has it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        came = time.time()
        who = parse_qs(urlsplit(self.path).query)["who"][0]
        with self.server.lock:
            status, wish = self.server.judge(came)
        # Before the answer goes, or the caller might look into the log too early.
        row = {"came": came, "went": time.time(), "who": who, "status": status}
        os.write(self.server.log, json.dumps(row).encode() + b"\n")
        body = b"{}"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if wish is not None:
            self.send_header("Retry-After", str(wish))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Throttle:
    """Turn calls away for WISH seconds, or for less, beginning with those whose number is listed."""

    def __init__(self, *numbers, lasting=WISH):
        self.numbers, self.lasting, self.count, self.until = set(numbers), lasting, 0, 0.0

    def __call__(self, came):
        self.count += 1
        if self.count in self.numbers:
            self.until = came + self.lasting
        return (429, int(WISH)) if came <= self.until else (200, None)


def down(came):
    return 503, None


@dataclass
class Server:
    """The server, in a process of its own."""

    folder: Path
    started: list[multiprocessing.Process] = field(default_factory=list)
    port: int = 0

    def start(self, judge):
        ours, theirs = FORK.Pipe()

        def serve():
            server = ThreadingHTTPServer(("127.0.0.1", 0), Far)
            server.daemon_threads, server.judge, server.lock = True, judge, FORK.Lock()
            server.log = os.open(self.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            theirs.send(server.server_port)
            server.serve_forever()

        self.run(serve)
        self.port = ours.recv()

    def run(self, work):
        process = FORK.Process(target=work, daemon=True)
        process.start()
        self.started.append(process)
        return process

    def log(self):
        path = self.folder / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        return sorted((json.loads(line) for line in lines), key=lambda row: row["came"])

    def tenant(self, **parts):
        known = {
            "tenant_id": str(uuid.uuid4()),
            "client_id": "app",
            "client_secret": None,
            "cloudflare_account_id": "a" * 32,
            "cloudflare_api_token": Secret(uuid.uuid4().hex),
            "gateway": f"http://127.0.0.1:{self.port}",
        }
        return Tenant(name="simulated", **known | parts)

    def caller(self, tenant, rules=UNLIMITED, patience=None):
        """Make a way to send one call, over a connection that keeps to what is in the folder."""
        traffic = SharedTraffic(self.folder / "traffic", tenant, rules=rules)
        http = Http(tenant, traffic=traffic, patience=patience)

        def call(who):
            url = f"https://api.cloudflare.com/x?who={who}"
            return http.request("GET", url, service="Cloudflare", safe=True, bearer=tenant.cloudflare_api_token)

        return call


@pytest.fixture
def far(tmp_path):
    server = Server(tmp_path)
    yield server
    for process in server.started:
        process.kill()
        process.join()


def ended(processes):
    for process in processes:
        process.join(60)
    return [process.exitcode for process in processes]


def test_no_process_calls_before_the_end_of_what_one_was_told(far):
    far.start(Throttle(1))
    tenant = far.tenant()
    told = FORK.Event()

    def first():
        call = far.caller(tenant, patience=Patience(longest_wish=0.5))
        with pytest.raises(tenantapi.errors.ThrottledError):
            call("first")
        told.set()

    def other(who):
        told.wait(30)
        # Half of them with a connection that was made for the name of another tenant with the same token.
        call = far.caller(tenant if who % 2 else replace(tenant, name="other", tenant_id=str(uuid.uuid4())))
        for _ in range(3):
            call(who)

    processes = [far.run(first), *(far.run(lambda who=who: other(who)) for who in range(6))]
    assert ended(processes) == [0] * 7
    (turned_away, *others) = far.log()
    assert (turned_away["status"], turned_away["who"], len(others)) == (429, "first", 18)
    assert {row["status"] for row in others} == {200}
    assert others[0]["came"] - turned_away["went"] >= WISH
    assert others[0]["came"] - turned_away["went"] < WISH + 2.0


def test_many_at_once_are_turned_away_again_and_again(far):
    far.start(Throttle(5, 40, 77))
    tenant = far.tenant()
    call = far.caller(tenant)  # made before the fork

    def work(who):
        for _ in range(25):
            call(who)

    assert ended([far.run(lambda who=who: work(who)) for who in range(5)]) == [0] * 5
    log = far.log()
    assert sum(1 for row in log if row["status"] == 200) == 125
    refused = [row for row in log if row["status"] == 429]
    assert len(refused) >= 3
    for row in refused:
        early = [other for other in log if row["went"] < other["came"] < row["went"] + WISH]
        # Nothing can be done about a call that was on its way when this answer was; each process has one at most.
        assert len({other["who"] for other in early}) == len(early)
        assert row["who"] not in {other["who"] for other in early}
        assert all(other["came"] < row["went"] + 0.5 for other in early)


def test_a_budget_of_another_token_is_not_held(far):
    far.start(Throttle(1, lasting=0.0))
    tenant = far.tenant()
    hurried = Patience(longest_wish=0.5)
    with pytest.raises(tenantapi.errors.ThrottledError, match="HTTP 429"):
        far.caller(tenant, patience=hurried)("first")
    own = replace(tenant, cloudflare_api_token=Secret(uuid.uuid4().hex))
    assert ended([far.run(lambda: far.caller(own, patience=hurried)("second"))]) == [0]
    with pytest.raises(tenantapi.errors.ThrottledError, match=r"Nothing was sent\."):
        far.caller(tenant, patience=hurried)("third")
    assert [row["who"] for row in far.log()] == ["first", "second"]


def test_all_processes_together_keep_to_a_rate(far):
    far.start(Throttle())
    tenant = far.tenant()
    limit = Limit(calls=40, seconds=1.0, at_once=1)
    rules = Rules(budgets={"Cloudflare": limit}, hosts={})

    def work(who):
        call = far.caller(tenant, rules)
        for _ in range(10):
            call(who)

    start = time.time()
    assert ended([far.run(lambda who=who: work(who)) for who in range(5)]) == [0] * 5
    came = [row["came"] for row in far.log()]
    assert len(came) == 50
    early = [number for number, moment in enumerate(came) if moment < start + number * limit.interval]
    assert early == []


def test_a_host_that_fails_for_all_is_called_no_more_than_it_must(far):
    far.start(down)
    rules = replace(UNLIMITED, failures=4, cool_down=1.0)

    def work(expected):
        call = far.caller(far.tenant(), rules, Patience(tries=1))
        with pytest.raises(expected, match=r"Nothing was sent\." if expected is CircuitOpenError else "HTTP 503"):
            call("x")

    def after_each_other(*expected):
        return [ended([far.run(lambda kind=kind: work(kind))]) for kind in expected]

    assert after_each_other(*[ServiceError] * 4, *[CircuitOpenError] * 3) == [[0]] * 7
    assert len(far.log()) == 4
    time.sleep(1.0)
    assert after_each_other(ServiceError, CircuitOpenError) == [[0]] * 2
    assert len(far.log()) == 5


def test_no_change_of_a_value_is_lost(far, tmp_path):
    def count():
        cells = FileCells(tmp_path / "counted")
        for _ in range(300):
            with cells.opened("x", make=True) as cell:
                seen = cell.number("n")
                time.sleep(0)  # let another process have a try
                cell.put(n=seen + 1)

    assert ended([far.run(count) for _ in range(4)]) == [0] * 4
    with FileCells(tmp_path / "counted").opened("x", make=False) as cell:
        assert cell.number("n") == 1200


def test_a_process_killed_at_any_moment_leaves_the_folder_usable(far, tmp_path):
    chance = random.Random(1)
    tenant = far.tenant(gateway=None)
    rules = Rules(
        budgets={"Cloudflare": Limit(calls=10**6, seconds=1.0, at_once=1)},
        hosts={"Cloudflare": Limit(calls=10**6, seconds=1.0, at_once=1)},
        crowd=50,
    )
    order = tenantapi.calls.Order(
        tenant="x", method="GET", url="https://api.cloudflare.com/", service="Cloudflare", operation="x", safe=True
    )
    away = tenantapi.calls.Answer(status=429, headers=tenantapi.calls.Headers({}), body=b"", order=order)

    def hammer():
        traffic = SharedTraffic(tmp_path / "traffic", tenant, rules=rules)
        while True:
            traffic.wait(order, patience=100.0)
            traffic.answered(away)
            traffic.failed(order, tenantapi.errors.UnreachableError("x"))

    for _ in range(25):
        pair = [far.run(hammer), far.run(hammer)]
        time.sleep(chance.uniform(0.005, 0.03))
        for process in pair:
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        for path in (tmp_path / "traffic").iterdir():
            assert path.stat().st_size == 0 or isinstance(json.loads(path.read_bytes()), dict), path
    other = SharedTraffic(tmp_path / "traffic", far.tenant(gateway=None), rules=rules)
    assert other.wait(order, patience=100.0) >= 0.0
    assert len([*(tmp_path / "traffic").iterdir()]) == 3
