"""One folder, many connections: whoever was told to wait holds the others too. Clock and sleep are made up."""

import io
import json
import secrets
import uuid
from dataclasses import replace

import pytest
import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

import tenantapi
from tenantapi import Secret, Tenant
from tenantapi.calls import Answer, Headers, Order
from tenantapi.cells import MemoryCells
from tenantapi.errors import (
    ApiTimeoutError,
    CircuitOpenError,
    MalformedAnswerError,
    ServiceError,
    ThrottledError,
    UnreachableError,
)
from tenantapi.limits import Limit
from tenantapi.sharedtraffic import Rules, SharedTraffic
from tenantapi.traffic import Traffic

NOW = 1_780_000_000.0
HOSTS = {
    "Exchange Online": "outlook.office365.com",
    "Microsoft Graph": "graph.microsoft.com",
    "Entra ID": "login.microsoftonline.com",
    "Cloudflare": "api.cloudflare.com",
}
UNLIMITED = Rules(budgets={}, hosts={})


def described(name="contoso", **parts):
    known = {
        "tenant_id": str(uuid.uuid4()),
        "client_id": "app",
        "client_secret": Secret(secrets.token_urlsafe(24)),
        "cloudflare_account_id": secrets.token_hex(16),
        "cloudflare_api_token": Secret(secrets.token_urlsafe(24)),
    }
    return Tenant(name=name, **known | parts)


def order(service="Exchange Online", host=None, **parts):
    known = {"tenant": "contoso", "method": "GET", "operation": "GET x", "safe": True}
    return Order(service=service, url=f"https://{host or HOSTS[service]}/x", **known | parts)


def answer(to, status=200, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=Headers(named), body=b"", order=to)


class Clock:
    """A time of our own, which sleeping moves on."""

    def __init__(self):
        self.now, self.sleeps = NOW, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.sleeps.append(round(seconds, 3))
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def join(tmp_path, clock):
    """Make the traffic rules of one more process."""

    def join(tenant=None, rules=UNLIMITED, **options) -> Traffic:
        return SharedTraffic(tmp_path / "traffic", tenant or described(), rules=rules, clock=clock, **options)

    return join


def wait(traffic, to=None, patience=120.0):
    return traffic.wait(to or order(), patience=patience)


def test_a_wish_holds_every_process_that_draws_on_the_same_budget(join, clock):
    tenant = described()
    one, other = join(tenant), join(replace(tenant, name="the same"))
    one.answered(answer(order(), 429, Retry_After="30"))
    assert (wait(one), wait(other)) == (30.0, 30.0)
    clock.now += 29.5
    assert wait(other) == 0.5
    clock.now += 0.5
    assert wait(other) == 0.0


@pytest.mark.parametrize("status", [429, 503, 403])
def test_a_wish_counts_with_whatever_refusal_it_comes(join, status):
    traffic = join()
    traffic.answered(answer(order(), status, Retry_After="7"))
    assert wait(traffic) == 7.0


def test_a_wish_with_a_success_is_no_refusal(join):
    traffic = join()
    traffic.answered(answer(order(), 202, Retry_After="7"))
    assert wait(traffic) == 0.0


def test_a_shorter_wish_never_lifts_a_longer_one(join):
    tenant = described()
    one, other = join(tenant), join(tenant)
    one.answered(answer(order(), 429, Retry_After="30"))
    other.answered(answer(order(), 429, Retry_After="5"))
    other.answered(answer(order(), 200, Ratelimit='"default";r=50;t=30'))
    assert wait(one) == 30.0


SAME, OTHER = "same", "other"
TENANT, TOKEN = str(uuid.uuid4()), Secret(secrets.token_urlsafe(24))


@pytest.mark.parametrize(
    ("service", "shared", "changes"),
    [
        ("Exchange Online", SAME, {"client_id": "another app", "cloudflare_api_token": TOKEN}),
        ("Exchange Online", SAME, {"tenant_id": TENANT.upper()}),
        ("Exchange Online", OTHER, {"tenant_id": str(uuid.uuid4())}),
        ("Microsoft Graph", SAME, {"cloudflare_api_token": TOKEN}),
        ("Microsoft Graph", OTHER, {"client_id": "another app"}),
        ("Microsoft Graph", OTHER, {"tenant_id": str(uuid.uuid4())}),
        ("Microsoft Graph", OTHER, {"sign_in": "managed-identity"}),
        ("Microsoft Graph", OTHER, {"sign_in": "managed-identity", "managed_identity_client_id": "mi-1"}),
        ("Entra ID", SAME, {"cloudflare_api_token": TOKEN}),
        ("Entra ID", OTHER, {"client_id": "another app"}),
        ("Entra ID", OTHER, {"tenant_id": str(uuid.uuid4())}),
        ("Cloudflare", SAME, {"tenant_id": str(uuid.uuid4()), "client_id": "x", "cloudflare_account_id": "a" * 32}),
        ("Cloudflare", OTHER, {"cloudflare_api_token": TOKEN}),
    ],
)
def test_whose_budget_a_call_draws_on(join, service, shared, changes):
    tenant = described(tenant_id=TENANT)
    one, other = join(tenant), join(replace(tenant, **changes))
    one.answered(answer(order(service), 429, Retry_After="30"))
    assert wait(other, order(service)) == (30.0 if shared == SAME else 0.0)


def test_services_and_hosts_have_budgets_of_their_own(join):
    traffic = join()
    traffic.answered(answer(order("Exchange Online"), 429, Retry_After="30"))
    assert [wait(traffic, order(service)) for service in HOSTS] == [30.0, 0.0, 0.0, 0.0]
    assert wait(traffic, order("Exchange Online", host="eur05.outlook.office365.com")) == 0.0


def test_tenants_that_sign_in_as_one_machine_share_what_its_service_says(join):
    near = order("Entra ID", host="169.254.169.254", nearby=True)
    join().answered(answer(near, 429, Retry_After="3"))
    assert wait(join(), near) == 3.0


def test_a_simulated_tenant_holds_no_real_one(join):
    tenant = described()
    join(replace(tenant, gateway="http://127.0.0.1:9")).answered(answer(order(), 429, Retry_After="30"))
    assert wait(join(tenant)) == 0.0
    assert wait(join(replace(tenant, gateway="http://127.0.0.1:10"))) == 30.0


def test_an_empty_budget_holds_every_process(join, clock):
    tenant = described()
    to = order("Cloudflare")
    join(tenant).answered(answer(to, 200, Ratelimit='"default";r=50;t=300, "burst";r=0;t=12'))
    assert wait(join(tenant), to) == 12.0
    clock.now += 12
    assert wait(join(tenant), to) == 0.0


def test_nothing_in_the_folder_is_a_credential(join, tmp_path):
    tenant = described()
    traffic = join(tenant, rules=Rules(crowd=2, failures=2))
    for service in HOSTS:
        assert wait(traffic, order(service, bearer=tenant.cloudflare_api_token)) == 0.0
        traffic.answered(answer(order(service), 429, Retry_After="30"))
        traffic.failed(order(service), UnreachableError("x"))
    files = [*(tmp_path / "traffic").iterdir()]
    assert len(files) == 8
    known = "".join(path.name + path.read_text() for path in files)
    assert not [secret for secret in tenant.secrets if secret.reveal() in known]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (tmp_path / "traffic").stat().st_mode & 0o777 == 0o700


def test_a_crowd_that_is_turned_away_holds_the_host_for_all(join, clock):
    rules = replace(UNLIMITED, crowd=3, within=10.0)
    crowd = [join(rules=rules) for _ in range(3)]
    for traffic in (crowd[0], *crowd[:2]):  # one of them twice
        traffic.answered(answer(order(), 429, Retry_After="20"))
        clock.now += 1
    assert wait(join(rules=rules)) == 0.0
    crowd[2].answered(answer(order(), 429, Retry_After="20"))
    assert wait(join(rules=rules)) == 20.0
    assert wait(join(rules=rules), order("Microsoft Graph")) == 0.0


def test_a_crowd_that_comes_slowly_is_none(join, clock):
    rules = replace(UNLIMITED, crowd=3, within=10.0)
    for _ in range(6):
        join(rules=rules).answered(answer(order(), 429, Retry_After="20"))
        clock.now += 5.1
    assert wait(join(rules=rules)) == 0.0


def test_a_crowd_without_a_named_time_makes_a_pause(join):
    rules = replace(UNLIMITED, crowd=2, pause=17.0)
    for _ in range(2):
        join(rules=rules).answered(answer(order(), 429))
    assert wait(join(rules=rules)) == 17.0


@pytest.mark.parametrize(
    ("scope", "held"),
    [
        ("Application", 20.0),
        ("Application/ReadWrite/x", 20.0),
        ("Tenant_Application/ReadWrite", 0.0),
        ("Tenant", 0.0),
        ("", 0.0),
    ],
)
def test_a_service_may_say_that_all_tenants_are_meant(join, scope, held):
    to = order("Microsoft Graph")
    join().answered(answer(to, 429, Retry_After="20", x_ms_throttle_scope=scope))
    assert wait(join(), to) == held


def limited(**parts):
    return Rules(budgets={"Exchange Online": Limit(**parts)}, hosts={})


def test_turns_are_given_in_the_order_of_asking_over_all_processes(join, clock):
    tenant = described()
    rules = limited(calls=2, seconds=10.0)
    interval = rules.budgets["Exchange Online"].interval
    first, second, third = (join(tenant, rules) for _ in range(3))
    orders = [order() for _ in range(3)]
    assert wait(first, orders[0]) == 0.0
    assert wait(second, orders[1]) == pytest.approx(interval)
    assert wait(third, orders[2]) == pytest.approx(2 * interval)
    clock.now += interval + 0.001
    assert wait(third, orders[2]) == pytest.approx(interval - 0.001)
    assert wait(second, orders[1]) == 0.0
    clock.now += interval
    assert wait(third, orders[2]) == 0.0


def test_a_wait_beyond_patience_takes_no_turn(join):
    tenant = described()
    rules = limited(calls=1, seconds=10.0)
    first, second, third = (join(tenant, rules) for _ in range(3))
    assert wait(first) == 0.0
    assert wait(second, patience=5.0) == pytest.approx(10.5)
    assert wait(third) == pytest.approx(10.5)


def test_an_abandoned_turn_serves_no_later_call(join, clock):
    """Or calls that came late, each with an old turn, would all go at once."""
    rules = limited(calls=1, seconds=10.0)
    traffic = join(described(), rules)
    assert wait(traffic) == 0.0
    assert wait(traffic) == pytest.approx(10.5)
    clock.now += 60
    assert wait(traffic) == 0.0
    assert wait(traffic) == pytest.approx(10.5)


def test_turns_that_wait_behind_a_hold_do_not_all_come_at_its_end(join, clock):
    tenant = described()
    rules = limited(calls=2, seconds=10.0)
    waiting = [(join(tenant, rules), order()) for _ in range(6)]
    assert sum(wait(traffic, to) == 0.0 for traffic, to in waiting) == 1
    waiting[0][0].answered(answer(waiting[0][1], 429, Retry_After="100"))
    clock.now += 50
    assert {wait(traffic, to) for traffic, to in waiting} == {50.0}
    clock.now += 50
    assert sum(wait(traffic, to) == 0.0 for traffic, to in waiting) == 1


def test_a_host_has_a_limit_over_all_its_budgets(join):
    rules = Rules(budgets={}, hosts={"Exchange Online": Limit(calls=2, seconds=10.0, at_once=2)})
    waits = [wait(join(rules=rules)) for _ in range(3)]
    assert waits == [0.0, 0.0, pytest.approx(rules.hosts["Exchange Online"].interval)]


def test_a_limit_outlives_a_clock_that_was_set_back(join, clock):
    tenant = described()
    rules = limited(calls=1, seconds=10.0)
    assert wait(join(tenant, rules)) == 0.0
    clock.now -= 86_400
    assert wait(join(tenant, rules), patience=1.0) == pytest.approx(10.5)


def test_without_arguments_only_the_documented_limits_hold(join):
    rules = Rules()
    assert set(rules.budgets) == set(rules.hosts) == {"Cloudflare"}
    tenant = described()
    waits = {service: [wait(join(tenant, rules), order(service)) for _ in range(30)] for service in HOSTS}
    assert {service for service, found in waits.items() if max(found) > 0.001} == {"Cloudflare"}


REFUSALS = [500, 502, 503, 504, 408]


def fail(traffic, how="unreachable"):
    if how == "unreachable":
        traffic.failed(order(), UnreachableError("x"))
    elif how == "time-out":
        traffic.failed(order(), ApiTimeoutError("x"))
    else:
        traffic.answered(answer(order(), how))


@pytest.mark.parametrize("how", ["unreachable", "time-out", *REFUSALS])
def test_a_host_that_fails_for_tenant_after_tenant_is_left_alone(join, clock, how):
    rules = replace(UNLIMITED, failures=3, cool_down=60.0)
    for _ in range(2):
        fail(join(rules=rules), how)
    assert wait(join(rules=rules)) == 0.0
    fail(join(rules=rules), how)
    clock.now += 10
    with pytest.raises(CircuitOpenError) as caught:
        wait(join(rules=rules))
    error = caught.value
    reason = {"unreachable": "UnreachableError", "time-out": "ApiTimeoutError"}.get(how, f"HTTP {how}")
    assert error.detail == (
        "contoso, GET x: outlook.office365.com has not been called since 20:26:40 UTC, because it failed for 3 tenants "
        f"in a row, the last time with {reason}. Nothing was sent."
    )
    assert error.remedy == "Try again after 20:27:40 UTC (in 50 seconds)."
    assert (error.service, error.retry_after_seconds, error.ambiguous) == ("Exchange Online", 50.0, False)
    assert wait(join(rules=rules), order("Microsoft Graph")) == 0.0


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 429])
def test_any_answer_that_is_no_failure_of_the_host_ends_the_row(join, status):
    rules = replace(UNLIMITED, failures=3)
    for _ in range(2):
        fail(join(rules=rules))
    join(rules=rules).answered(answer(order(), status))
    for _ in range(2):
        fail(join(rules=rules))
    assert wait(join(rules=rules)) == 0.0


def test_one_tenant_alone_never_closes_a_host_to_the_others(join):
    rules = replace(UNLIMITED, failures=2)
    hung = join(rules=rules)
    for _ in range(50):
        fail(hung, "time-out")
    assert wait(join(rules=rules)) == 0.0


def test_what_failed_otherwise_says_nothing_about_the_host(join):
    rules = replace(UNLIMITED, failures=2)
    for _ in range(5):
        join(rules=rules).failed(order(), MalformedAnswerError("x"))
    assert wait(join(rules=rules)) == 0.0


@pytest.mark.parametrize("status", [200, 403, 503])
def test_after_the_cool_down_one_call_tries(join, clock, status):
    rules = replace(UNLIMITED, failures=2, cool_down=60.0)
    for _ in range(2):
        fail(join(rules=rules))
    clock.now += 60
    trying, other = join(rules=rules), join(rules=rules)
    to = order()
    assert wait(trying, to) == 0.0
    with pytest.raises(CircuitOpenError):
        wait(other)
    trying.answered(answer(to, status))
    if status == 503:
        with pytest.raises(CircuitOpenError, match=r"HTTP 503\..*in 60 seconds"):
            wait(other)
        clock.now += 60
    assert wait(other) == 0.0


def test_a_call_that_has_to_wait_first_is_not_the_one_that_tries(join, clock):
    rules = replace(UNLIMITED, failures=2, cool_down=60.0)
    for _ in range(2):
        fail(join(rules=rules))
    held = join(rules=rules)
    held.answered(answer(replace(order(), service="Exchange Online"), 429, Retry_After="100"))
    for _ in range(2):
        fail(join(rules=rules))
    clock.now += 60
    assert wait(held) == 40.0
    assert wait(join(rules=rules)) == 0.0


def test_a_call_that_waits_for_its_turn_is_not_the_one_that_tries(join, clock):
    rules = replace(limited(calls=1, seconds=1000.0), failures=2, cool_down=60.0)
    busy = join(rules=rules)
    assert wait(busy) == 0.0
    for _ in range(2):
        fail(join(rules=rules))
    clock.now += 60
    assert wait(busy, patience=2000.0) == pytest.approx(941.0)
    assert wait(join(rules=rules)) == 0.0


@pytest.mark.parametrize("wrong", [{"crowd": 1}, {"failures": 1}])
def test_rules_by_which_one_tenant_would_hold_all_are_refused(wrong):
    with pytest.raises(ValueError, match="one tenant alone"):
        Rules(**wrong)


@pytest.mark.parametrize(
    "left", [b"", b"   ", b"{", b"[1]", b'{"until": "x", "circuit": {}, "turned_away": {}}', b"\xff"]
)
def test_a_file_that_cannot_be_read_counts_as_empty(join, tmp_path, left):
    tenant = described()
    join(tenant).answered(answer(order(), 429, Retry_After="30"))
    for path in (tmp_path / "traffic").iterdir():
        path.write_bytes(left)
    traffic = join(tenant)
    assert wait(traffic) == 0.0
    traffic.answered(answer(order(), 429, Retry_After="30"))
    assert wait(join(tenant)) == 30.0


def test_a_file_is_whole_json_after_every_use(join, tmp_path, clock):
    rules = replace(UNLIMITED, crowd=9, failures=9)
    for count in range(9):
        traffic = join(rules=rules)
        traffic.answered(answer(order(), 429 if count % 3 else 200, Retry_After="1"))
        fail(traffic)
        clock.now += 4
        for path in (tmp_path / "traffic").iterdir():
            assert isinstance(json.loads(path.read_bytes()), dict)


def test_a_folder_that_is_lost_stops_the_next_call_and_not_the_answer(join, tmp_path):
    traffic = join()
    for path in (tmp_path / "traffic").iterdir():
        path.unlink()
    (tmp_path / "traffic").rmdir()
    (tmp_path / "traffic").write_text("a file")
    traffic.answered(answer(order(), 429, Retry_After="30"))
    with pytest.raises(NotADirectoryError):
        wait(traffic)


class Full(MemoryCells):
    """A folder on a disk that is full for the next few uses."""

    def __init__(self, times):
        super().__init__()
        self.times = times

    def opened(self, name, *, make):
        self.times -= 1
        if self.times >= 0:
            raise OSError(28, "No space left on device")
        return super().opened(name, make=make)


@pytest.mark.parametrize("how", ["unreachable", 429, 503, 200])
def test_a_process_that_could_not_tell_the_others_sends_nothing_more(join, how):
    traffic = join(cells=Full(1))
    fail(traffic, how)
    with pytest.raises(OSError, match="No space left"):
        wait(traffic)


def test_without_locks_each_connection_keeps_its_own_and_says_so(join):
    tenant = described()
    alone = join(tenant, cells=MemoryCells())
    assert (alone.shared, join(tenant).shared) == (False, True)
    alone.answered(answer(order(), 429, Retry_After="30"))
    assert (wait(alone), wait(join(tenant))) == (30.0, 0.0)


class Script(BaseAdapter):
    """Answer what comes next in a list; a number is a status, with Retry-After after a blank."""

    def __init__(self, clock, *script):
        super().__init__()
        self.clock, self.script, self.sent_at = clock, list(script), []

    def close(self):
        pass

    def send(self, request, **_):
        self.sent_at.append(self.clock.now - NOW)
        step = self.script.pop(0) if self.script else "200"
        if step == "lost":
            raise requests.ConnectionError(ConnectionResetError(104, "reset"))
        status, _, wish = step.partition(" ")
        response = requests.Response()
        response.status_code, response.request, response.url = int(status), request, request.url
        response.headers.update({"Retry-After": wish} if wish else {})
        body = b'{"success": true, "result": {"id": "t", "status": "active"}}'
        response.raw = HTTPResponse(
            io.BytesIO(body), headers=response.headers, status=int(status), preload_content=False
        )
        return response


@pytest.fixture
def connect(join, clock):
    def connect(script, tenant=None, rules=UNLIMITED):
        session = requests.Session()
        session.mount("https://", script)
        tenant = tenant or described()
        seams = {"sleep": clock.sleep, "clock": clock, "jitter": lambda: 1.0}
        return tenantapi.connect(tenant, session=session, traffic=join(tenant, rules), **seams)

    return connect


def test_a_connection_waits_out_what_another_was_told(connect, clock):
    tenant = described()
    told = connect(Script(clock, "429 121"), tenant)
    with pytest.raises(ThrottledError, match="Repeat after 121 seconds"):
        told.cloudflare.verify_token()
    clock.now += 61
    far = Script(clock)
    connect(far, tenant).cloudflare.verify_token()
    assert (far.sent_at, clock.sleeps) == ([121.0], [60.0])


def test_a_wait_beyond_patience_is_told_with_its_time_and_nothing_is_sent(connect, clock):
    tenant = described()
    with pytest.raises(ThrottledError):
        connect(Script(clock, "429 300"), tenant).cloudflare.verify_token()
    far = Script(clock)
    with pytest.raises(ThrottledError, match=r"no calls left for the next 300 seconds. Nothing was sent") as caught:
        connect(far, tenant).cloudflare.verify_token()
    assert (caught.value.retry_after_seconds, far.sent_at, clock.sleeps) == (300.0, [], [])


def test_waits_that_follow_each_other_are_not_waited_for_beyond_patience_together(join, clock):
    tenant = described()
    traffic = join(tenant)
    other = join(tenant)
    far = Script(clock)
    session = requests.Session()
    session.mount("https://", far)
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        clock.sleep(seconds)
        other.answered(answer(order("Cloudflare"), 429, Retry_After="50"))

    other.answered(answer(order("Cloudflare"), 429, Retry_After="50"))
    services = tenantapi.connect(tenant, session=session, traffic=traffic, clock=clock, sleep=sleep)
    with pytest.raises(ThrottledError):
        services.cloudflare.verify_token()
    assert (slept, far.sent_at) == ([50.0, 50.0], [])


def test_tries_of_one_call_stop_when_the_host_is_given_up(connect, clock):
    rules = replace(UNLIMITED, failures=2)
    first, second = Script(clock, *["lost"] * 9), Script(clock, *["503"] * 9)
    with pytest.raises(UnreachableError):
        connect(first, rules=rules).cloudflare.verify_token()
    with pytest.raises(CircuitOpenError, match="HTTP 503"):
        connect(second, rules=rules).cloudflare.verify_token()
    assert (len(first.sent_at), len(second.sent_at)) == (4, 1)


def test_a_write_that_failed_is_told_as_such_though_it_closed_the_host(connect, clock):
    rules = replace(UNLIMITED, failures=2)
    with pytest.raises(UnreachableError):
        connect(Script(clock, *["lost"] * 9), rules=rules).cloudflare.verify_token()
    services = connect(Script(clock, "503"), rules=rules)
    with pytest.raises(ServiceError) as caught:
        services.cloudflare.edit_domain("d-1", {"transport": "x"})
    assert caught.value.ambiguous
    with pytest.raises(CircuitOpenError) as caught:
        services.cloudflare.edit_domain("d-1", {"transport": "x"})
    assert not caught.value.ambiguous
