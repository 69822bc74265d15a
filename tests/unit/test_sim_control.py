"""The control endpoints: a domain's verification comes to a result; order in the permission text is by chance."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from simtenant import quarantine, state, switches
from simtenant.app import App
from simtenant.store import Store
from simtenant.wire import Request

NOON = datetime(2026, 5, 6, 12, 0, tzinfo=UTC)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    state.create(tmp_path)
    return tmp_path


def tell(directory: Path, body: Any) -> tuple[int, Any]:
    app = App(Store(directory), clock=lambda: NOON)
    request = Request(method="POST", path="/_sim/verification", body=json.dumps(body).encode())
    answer = app.respond(request).answer
    app.close_thread()
    assert answer is not None
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize("status", ["ACTIVE", "FAILED", "TIMEOUT", "PENDING"])
def test_a_verification_comes_to_a_result(directory: Path, status: str) -> None:
    assert tell(directory, {"domain": "Example.org", "status": status}) == (200, {"done": status})
    stored = state.objects(directory)["EmailSecurityDomain"][1]
    assert (stored["domain"], stored["status"], stored["modified_at"]) == (
        "example.org",
        status,
        "2026-05-06T12:00:00Z",
    )
    assert state.requests_log(directory) == []


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"domain": "example.org", "status": "active"}, "PENDING, ACTIVE, FAILED, TIMEOUT"),
        ({"domain": "nobody.example", "status": "ACTIVE"}, "no domain"),
        ([], "object"),
    ],
)
def test_a_wrong_result_is_refused_in_words(directory: Path, body: Any, text: str) -> None:
    before = state.objects(directory)
    status, value = tell(directory, body)
    assert status == 400
    assert text in value["error"]
    assert state.objects(directory) == before


def test_shuffled_permissions_say_the_same_in_ever_other_orders(directory: Path) -> None:
    state.set_switch(directory, "permission_order", "shuffled")
    store = Store(directory)
    texts = []
    with store.transaction() as tx:
        record = next(record for record in tx.all(quarantine.KIND) if record.body["Name"] == "DefaultFullAccessPolicy")
        for _ in range(6):
            texts.append(quarantine.shown(record, tx)["EndUserQuarantinePermissions"])
    store.close()
    assert len(set(texts)) > 3
    assert len({tuple(sorted(text.strip("[]").split("\n"))) for text in texts}) == 1


@pytest.mark.parametrize("name", switches.SWITCHES)
def test_every_switch_turns_by_the_control_endpoint(directory: Path, name: str) -> None:
    switch = switches.SWITCHES[name]
    app = App(Store(directory))
    for value in list(switch.choices) or [switch.default_number + 1, 0]:
        body = json.dumps({name: value}).encode()
        turned = app.respond(Request(method="POST", path="/_sim/switches", body=body)).answer
        told = app.respond(Request(method="GET", path="/_sim/switches")).answer
        assert turned is not None
        assert told is not None
        assert (turned.status, json.loads(told.body)[name]["value"]) == (200, value)
    app.close_thread()
