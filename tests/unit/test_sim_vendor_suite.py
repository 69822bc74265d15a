"""The leniencies for the vendor's own test suite: each is granted when asked for, and only then."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import pytest

from simtenant import state, vendor_suite
from simtenant.app import App
from simtenant.store import Store
from simtenant.wire import Request

DOMAINS = f"/accounts/{vendor_suite.ACCOUNT}/email-security/settings/domains"
STANDING = f"{DOMAINS}/{vendor_suite.DOMAIN_ID}"
NEW = {
    "domain": "domain",
    "allowed_delivery_modes": ["DIRECT"],
    "drop_dispositions": [],
    "ip_restrictions": [],
    "regions": ["GLOBAL"],
}
BATCH = {
    "deletes": [{"id": vendor_suite.DOMAIN_ID}],
    "patches": [{"id": vendor_suite.DOMAIN_ID}],
    "puts": [],
    "posts": [NEW],
}


def play(directory: Path, *calls: tuple[str, str, Any], lenient: bool) -> list[tuple[int, Any]]:
    app = App(Store(directory), lenient=lenient)
    headers = {"x-auth-email": "user@example.com", "x-auth-key": secrets.token_hex(16)}
    seen = []
    for method, path, body in calls:
        text = b"" if body is None else json.dumps(body).encode()
        answer = app.respond(Request(method=method, path=path, headers=headers, body=text)).answer
        assert answer is not None
        seen.append((answer.status, json.loads(answer.body)))
    app.close_thread()
    return seen


@pytest.mark.parametrize(
    "calls",
    [
        pytest.param([("GET", DOMAINS, None)], id="prefix, account, key and email"),
        pytest.param([("DELETE", STANDING, None), ("GET", STANDING, None)], id="standing domain"),
        pytest.param([("POST", DOMAINS, NEW), ("POST", DOMAINS, NEW)], id="create again, no dot"),
        pytest.param([("POST", f"{DOMAINS}/batch", BATCH)], id="batch deletes and patches one domain"),
        pytest.param([("DELETE", DOMAINS, None)], id="empty bulk delete"),
    ],
)
def test_a_leniency_is_granted_only_when_asked_for(tmp_path: Path, calls: list[tuple[str, str, Any]]) -> None:
    state.create(tmp_path)
    assert all(status < 300 for status, _ in play(tmp_path, *calls, lenient=True))
    strict = [(method, f"/client/v4{path}", body) for method, path, body in calls]
    assert all(status >= 400 for status, _ in play(tmp_path, *strict, lenient=False))


def test_an_empty_bulk_delete_deletes_nothing(tmp_path: Path) -> None:
    state.create(tmp_path)
    before = state.objects(tmp_path)["EmailSecurityDomain"]
    play(tmp_path, ("DELETE", DOMAINS, None), lenient=True)
    kept = state.objects(tmp_path)["EmailSecurityDomain"]
    assert [domain for domain in kept if domain["id"] != vendor_suite.DOMAIN_ID] == before


def test_what_is_no_leniency_stays_refused(tmp_path: Path) -> None:
    state.create(tmp_path)
    bad = {**NEW, "regions": ["MOON"]}
    seen = play(tmp_path, ("POST", DOMAINS, bad), ("PATCH", STANDING, {"lookback_hops": 0}), lenient=True)
    assert [status for status, _ in seen] == [400, 400]


def test_a_batch_names_the_standing_domain_among_its_deletes(tmp_path: Path) -> None:
    state.create(tmp_path)
    ((_, value),) = play(tmp_path, ("POST", f"{DOMAINS}/batch", BATCH), lenient=True)
    assert value["result"]["deletes"] == [{"id": vendor_suite.DOMAIN_ID}]
    assert value["result"]["posts"][0]["domain"] == "domain.example"
