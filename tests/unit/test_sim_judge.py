"""The judge reads a tenant's log: what came before its time, and what was meant for another tenant."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from simtenant import evidence, faults, judge, state
from simtenant.app import App
from simtenant.store import Store
from simtenant.wire import Answer, Request

GRAPH, EXCHANGE = "/v1.0/domains", "/adminapi/beta/{tenant_id}/InvokeCommand"
CLOUDFLARE = "/client/v4/accounts/{cloudflare_account_id}/email-security/settings/domains"
SIGN_IN = "/{tenant_id}/oauth2/v2.0/token"


class Stage:
    """Two tenants, a client's calls to the first, and a clock of the machine that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.directory = folder / "own"
        for name in ("own", "other"):
            state.create(folder / name)
        self.own, self.other = (
            json.loads((folder / name / "credentials.json").read_text(encoding="utf-8")) for name in ("own", "other")
        )
        self.now = 1000.0
        self.app = App(Store(self.directory), latency_seconds=0.3, sleep=self.pass_time, ticks=lambda: self.now)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def call(self, path: str, known: dict[str, Any] | None = None, **headers: str) -> int | None:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        answer = self.app.respond(Request(method="GET", path=path.format(**(known or self.own)), headers=named)).answer
        return None if answer is None else answer.status

    def judged(self) -> list[tuple[int, str]]:
        return [(finding.number, finding.rule) for finding in judge.judge(self.directory)]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.app.close_thread()


def token_of(known: dict[str, Any]) -> str:
    """A token as Entra ID makes them, but for its signature."""
    parts = [{"typ": "JWT"}, {"tid": known["tenant_id"]}]
    return ".".join(
        [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts] + ["x"]
    )


@pytest.mark.parametrize("path", [GRAPH, EXCHANGE, CLOUDFLARE, SIGN_IN])
@pytest.mark.parametrize(("waited", "early"), [(0.0, True), (1.999, True), (2.0, False), (60.0, False)])
def test_a_request_before_its_time_is_found(stage: Stage, path: str, waited: float, early: bool) -> None:
    stage.app.faults.set(faults.parse([{"kind": "throttle", "retry_after": 2}]))
    assert stage.call(path) == 429
    stage.pass_time(waited)
    stage.call(path)
    found = judge.judge(stage.directory)
    assert [(finding.number, finding.rule) for finding in found] == ([(2, judge.TOO_EARLY)] if early else [])
    if early:
        assert f"{2 - waited:.3f} seconds before the 2 seconds were over that request 1" in found[0].told


def test_the_time_of_arrival_counts_and_not_the_time_of_the_answer(stage: Stage) -> None:
    """A server that is slow to answer must not make an early request look late."""
    stage.app.faults.set(
        faults.parse([{"kind": "throttle", "retry_after": 1}, {"kind": "slow", "at": 2, "seconds": 9}])
    )
    stage.call(GRAPH)
    stage.pass_time(0.5)
    stage.call(GRAPH)
    assert stage.judged() == [(2, judge.TOO_EARLY)]
    row = state.requests_log(stage.directory)[1]
    assert row["answered"] - row["arrived"] == pytest.approx(9.3)


def test_another_service_need_not_wait(stage: Stage) -> None:
    stage.app.faults.set(faults.parse([{"kind": "throttle", "retry_after": 60}]))
    assert stage.call(GRAPH) == 429
    for path in (EXCHANGE, CLOUDFLARE, SIGN_IN):
        stage.call(path)
    assert stage.judged() == []


def test_a_request_under_way_when_the_answer_was_given_is_no_fault() -> None:
    row = {"n": 1, "method": "GET", "cmdlet": None, "path": GRAPH, "status": 429, "retry_after": 5}
    first = {**row, "arrived": 1.0, "answered": 2.0}
    for arrived, found in ((1.5, 0), (2.0, 1), (6.9, 1), (7.0, 0)):
        later = {**row, "n": 2, "status": 200, "retry_after": None, "arrived": arrived, "answered": arrived}
        assert len(judge.too_early([first, later])) == found, arrived


def test_what_is_the_tenants_own_is_no_finding(stage: Stage) -> None:
    anchor = "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@"
    stage.call(EXCHANGE, authorization=f"Bearer {token_of(stage.own)}", x_anchormailbox=anchor + stage.own["tenant_id"])
    stage.call(EXCHANGE, authorization=f"Bearer {token_of(stage.own)}", x_anchormailbox="UPN:admin@Example.com")
    stage.call(GRAPH, authorization=f"Bearer {token_of(stage.own)}")
    stage.call(CLOUDFLARE, authorization=f"Bearer {stage.own['cloudflare_api_token']}")
    for path in (SIGN_IN, "/{tenant_id}/v2.0/.well-known/openid-configuration", "/common/discovery/instance"):
        stage.call(path)
    assert stage.judged() == []
    rows = state.requests_log(stage.directory)
    own, account = stage.own["tenant_id"], stage.own["cloudflare_account_id"]
    assert [(row["token_of"], row["path_of"], row["anchor_of"]) for row in rows] == [
        (own, own, own),
        (own, own, "Example.com"),
        (own, None, None),
        (account, account, None),
        (None, own, None),
        (None, own, None),
        (None, None, None),
    ]


@pytest.mark.parametrize("place", ["token", "path", "anchor", "account", "cloudflare token", "broken token", "sign-in"])
def test_what_is_another_tenants_is_found(stage: Stage, place: str) -> None:
    own, other = stage.own, stage.other
    sent = {
        "token": (EXCHANGE, own, {"authorization": f"Bearer {token_of(other)}"}, other["tenant_id"]),
        "path": (EXCHANGE, other, {}, other["tenant_id"]),
        "anchor": (EXCHANGE, own, {"x_anchormailbox": f"APP:a@{other['tenant_id']}"}, other["tenant_id"]),
        "account": (CLOUDFLARE, other, {}, other["cloudflare_account_id"]),
        "cloudflare token": (
            CLOUDFLARE,
            own,
            {"authorization": f"Bearer {other['cloudflare_api_token']}"},
            evidence.UNKNOWN,
        ),
        "broken token": (GRAPH, own, {"authorization": "Bearer a.b.c"}, evidence.UNKNOWN),
        "sign-in": (SIGN_IN, other, {}, other["tenant_id"]),
    }
    path, known, headers, named = sent[place]
    stage.call(path, known, **headers)
    found = judge.judge(stage.directory)
    assert [(finding.number, finding.rule) for finding in found] == [(1, judge.ANOTHER_TENANT)]
    assert found[0].told.endswith(f" is of {named}.")
    kept = b"".join(file.read_bytes() for file in stage.directory.glob("state.db*"))
    assert other["cloudflare_api_token"].encode() not in kept
    assert token_of(other).encode() not in kept


def test_a_request_that_a_fault_refused_is_judged_as_well(stage: Stage) -> None:
    stage.app.faults.set(faults.parse([{"kind": "drop-before"}]))
    assert stage.call(EXCHANGE, authorization=f"Bearer {token_of(stage.other)}") is None
    assert stage.judged() == [(1, judge.ANOTHER_TENANT)]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [((), None), ((("retry-after", "7"),), 7), ((("Retry-After", "Sat, 28 Nov 2026 12:00:00 GMT"),), None)],
)
def test_the_wait_is_that_of_the_answer(headers: tuple[tuple[str, str], ...], seconds: int | None) -> None:
    assert evidence.wait_of(Answer(status=429, headers=headers)) == seconds


def test_a_log_of_an_older_version_goes_on_and_is_passed_over(stage: Stage) -> None:
    stage.call(EXCHANGE, stage.other)
    stage.app.close_thread()
    with closing(sqlite3.connect(stage.directory / "state.db")) as older:
        for name in ("arrived", "answered", "retry_after", "token_of", "path_of", "anchor_of"):
            older.execute(f"ALTER TABLE request DROP COLUMN {name}")
        older.execute("PRAGMA user_version=0")
    stage.call(EXCHANGE, stage.other)
    rows = state.requests_log(stage.directory)
    assert [(row["n"], row["path_of"]) for row in rows] == [(1, None), (2, stage.other["tenant_id"])]
    assert stage.judged() == [(2, judge.ANOTHER_TENANT)]
