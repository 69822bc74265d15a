"""The state's own interface: creation, showing, changing by hand, the request log."""

from __future__ import annotations

import json
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from simtenant import profiles, state
from simtenant.request_log import LogRow
from simtenant.store import Snapshot, Store

NOON = datetime(2026, 5, 6, 12, 0, tzinfo=UTC)


def known(directory: Path) -> dict[str, Any]:
    return dict(json.loads((directory / "credentials.json").read_text(encoding="utf-8")))


def test_credentials_are_private_random_and_nowhere_else(tmp_path: Path) -> None:
    state.create(tmp_path / "a")
    state.create(tmp_path / "b")
    first, second = known(tmp_path / "a"), known(tmp_path / "b")
    assert stat.S_IMODE((tmp_path / "a" / "credentials.json").stat().st_mode) == 0o600
    assert set(first) == {
        "tenant_id",
        "client_id",
        "client_secret",
        "cloudflare_account_id",
        "cloudflare_api_token",
        "domains",
    }
    assert first["domains"] == ["example.com", "example.org"]
    assert len(first["cloudflare_account_id"]) == 32
    for name in set(first) - {"domains"}:
        assert first[name] != second[name]
    everything = b"".join(path.read_bytes() for path in (tmp_path / "a").glob("state.db*"))
    for name in ("client_secret", "cloudflare_api_token"):
        assert first[name].encode() not in everything
        assert first[name] not in json.dumps(state.objects(tmp_path / "a"))


def test_two_tenants_start_with_the_same_objects(tmp_path: Path) -> None:
    shown = []
    for name in ("a", "b"):
        state.create(tmp_path / name)
        objects = state.objects(tmp_path / name)
        shown.append({kind: rows for kind, rows in objects.items() if kind not in {"Application", "CloudflareToken"}})
    assert shown[0] == shown[1]
    assert list(shown[0]) == [
        "OrganizationConfig",
        "QuarantinePolicy",
        "HostedContentFilterPolicy",
        "HostedConnectionFilterPolicy",
        "TransportRule",
        "AcceptedDomain",
        "GraphDomain",
        "EmailSecurityDomain",
        "Person",
    ]


def test_create_leaves_what_is_there_alone_and_force_resets_it(tmp_path: Path) -> None:
    state.create(tmp_path)
    before = known(tmp_path)
    state.set_property(tmp_path, "EmailSecurityDomain", "example.com", "lookback_hops", 7)
    state.create(tmp_path, profile="busy")
    assert _hops(tmp_path) == 7
    assert len(state.objects(tmp_path)["TransportRule"]) == 3
    state.create(tmp_path, profile="busy", force=True)
    assert _hops(tmp_path) == 2
    assert len(state.objects(tmp_path)["TransportRule"]) == 100
    assert known(tmp_path) == before


def _hops(directory: Path) -> int:
    domains = state.objects(directory)["EmailSecurityDomain"]
    return int(next(domain for domain in domains if domain["domain"] == "example.com")["lookback_hops"])


def test_creation_by_many_at_once_gives_one_tenant(tmp_path: Path) -> None:
    threads = [threading.Thread(target=state.create, args=(tmp_path,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    applications = state.objects(tmp_path)["Application"]
    assert [application["client_id"] for application in applications] == [known(tmp_path)["client_id"]]


def test_unknown_profile_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="new, dehydrated, presets, busy"):
        state.create(tmp_path, profile="old")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("profile", profiles.PROFILES)
def test_every_profile_keeps_foreign_objects(tmp_path: Path, profile: str) -> None:
    state.create(tmp_path, profile=profile)
    objects = state.objects(tmp_path)
    assert {"Company disclaimer", "Mark external senders"} <= {rule["Name"] for rule in objects["TransportRule"]}
    assert [rule["Priority"] for rule in objects["TransportRule"]] == list(range(len(objects["TransportRule"])))
    assert "example.net" in {domain["domain"] for domain in objects["EmailSecurityDomain"]}


def test_a_change_by_hand_moves_the_date_and_is_not_logged(tmp_path: Path) -> None:
    state.create(tmp_path)
    state.set_property(tmp_path, "HostedContentFilterPolicy", "default", "SpamAction", "Quarantine", clock=lambda: NOON)
    policy = state.objects(tmp_path)["HostedContentFilterPolicy"][0]
    assert policy["SpamAction"] == "Quarantine"
    assert policy["WhenChanged"] == "2026-05-06T12:00:00.0000000Z"
    assert state.requests_log(tmp_path) == []


@pytest.mark.parametrize(
    ("kind", "identity", "property", "value", "error", "text"),
    [
        ("Nonsense", "x", "y", 1, KeyError, "there are Application"),
        ("TransportRule", "Nobody", "State", "Enabled", KeyError, "Company disclaimer"),
        ("TransportRule", "Company disclaimer", "Enabled", True, KeyError, "it has"),
        ("EmailSecurityDomain", "example.com", "hops", 1, KeyError, "lookback_hops"),
        ("TransportRule", "Company disclaimer", "Comments", {1, 2}, ValueError, "JSON"),
        ("QuarantinePolicy", "00000000-0000-0000-0000-000000000000", "ESNEnabled", True, ValueError, "several"),
    ],
)
def test_a_wrong_change_by_hand_says_what_there_is(
    tmp_path: Path, kind: str, identity: str, property: str, value: Any, error: type[Exception], text: str
) -> None:
    state.create(tmp_path)
    before = state.objects(tmp_path)
    with pytest.raises(error, match=text):
        state.set_property(tmp_path, kind, identity, property, value)
    assert state.objects(tmp_path) == before


def test_a_property_that_was_never_set_can_be_set_by_hand(tmp_path: Path) -> None:
    state.create(tmp_path)
    state.set_property(tmp_path, "TransportRule", "Company disclaimer", "SetSCL", -1)
    assert state.objects(tmp_path)["TransportRule"][0]["SetSCL"] == -1


def test_switches_know_their_values(tmp_path: Path) -> None:
    state.create(tmp_path)
    state.set_switch(tmp_path, "scl_type", "text")
    with pytest.raises(ValueError, match="number, text"):
        state.set_switch(tmp_path, "scl_type", "roman")
    with pytest.raises(ValueError, match="whole number"):
        state.set_switch(tmp_path, "hydration_polls", "many")
    with pytest.raises(KeyError, match="remove_in_use"):
        state.set_switch(tmp_path, "nonsense", 1)


def test_no_tenant_is_said_so(tmp_path: Path) -> None:
    for read in (state.objects, state.requests_log, state.forget_log):
        with pytest.raises(FileNotFoundError, match="no simulated tenant"):
            read(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_log_counts_on_after_it_was_forgotten(tmp_path: Path) -> None:
    state.create(tmp_path)
    _log(tmp_path, 2)
    rows = state.requests_log(tmp_path)
    assert [row["n"] for row in rows] == [1, 2]
    asked = ["n", "at", "method", "host", "path", "cmdlet", "status", "write", "tenant"]
    assert list(rows[0]) == [*asked, "arrived", "answered", "retry_after", "token_of", "path_of", "anchor_of"]
    assert rows[0]["write"] is True
    assert [row["n"] for row in state.requests_log(tmp_path, since=1)] == [2]
    state.forget_log(tmp_path)
    assert state.requests_log(tmp_path) == []
    _log(tmp_path, 1)
    assert [row["n"] for row in state.requests_log(tmp_path)] == [3]


def _log(directory: Path, times: int) -> None:
    store = Store(directory)
    with store.transaction() as tx:
        for _ in range(times):
            tx.append_log(
                LogRow(
                    at="2026-05-06T12:00:00Z",
                    method="POST",
                    host="h",
                    path="/p",
                    cmdlet=None,
                    status=None,
                    write=True,
                    tenant="t",
                )
            )
    store.close()


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    state.create(tmp_path)
    before = state.objects(tmp_path)
    store = Store(tmp_path)
    with pytest.raises(RuntimeError, match="half-way"), store.transaction() as tx:
        tx.put("TransportRule", "x", {"Name": "x"})
        raise RuntimeError("half-way")
    store.close()
    assert state.objects(tmp_path) == before


def test_a_setting_is_what_it_was_last_set_to_whatever_was_undone(tmp_path: Path) -> None:
    state.create(tmp_path)
    store = Store(tmp_path)
    with store.transaction() as tx:
        before = tx.snapshot()
        assert tx.setting("pace", "none") == "none"
        tx.set_setting("pace", "slow")
        assert tx.setting("pace") == "slow"
        with pytest.raises(RuntimeError, match="half-way"), tx.attempt():
            tx.set_setting("pace", "fast")
            assert tx.setting("pace") == "fast"
            raise RuntimeError("half-way")
        assert tx.setting("pace") == "slow"
        tx.restore(before)
        assert tx.setting("pace", "none") == "none"
        tx.add(Snapshot(objects=(), settings=(("pace", '"even"'),)))
        assert tx.setting("pace") == "even"
        tx.build()
        assert tx.setting("pace", "none") == "none"
    store.close()
