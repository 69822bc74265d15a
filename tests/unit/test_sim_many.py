"""Many tenants at once are the same as tenants made one by one, and have nothing of each other's."""

from __future__ import annotations

import json
import sqlite3
import stat
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from simtenant import many, profiles, state

NOON = datetime(2026, 5, 6, 12, 0, tzinfo=UTC)


def known(directory: Path) -> dict[str, Any]:
    return dict(json.loads((directory / "credentials.json").read_text(encoding="utf-8")))


def tables(directory: Path) -> dict[str, Any]:
    """Everything in a database, with a tenant's own identifiers, secrets' digests among them, put out of sight."""
    own = known(directory)
    hidden = {own["tenant_id"], own["client_id"], own["cloudflare_account_id"]}
    with closing(sqlite3.connect(directory / "state.db")) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        held: dict[str, Any] = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}
        hidden |= {digest for _, digest, _ in held["secret"]} | {digest[:32] for _, digest, _ in held["secret"]}
        held["form"] = connection.execute("SELECT sql FROM sqlite_master").fetchall()
        held["pragmas"] = [connection.execute(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "user_version")]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    held["secret"] = sorted((purpose, body) for purpose, _, body in held["secret"])
    text = json.dumps(held)
    for name in sorted(hidden, key=len, reverse=True):
        text = text.replace(name, "…")
    return dict(json.loads(text))


@pytest.mark.parametrize("profile", profiles.PROFILES)
def test_a_tenant_is_made_as_if_it_were_alone(tmp_path: Path, profile: str) -> None:
    many.create([tmp_path / "a", tmp_path / "b"], profile=profile, clock=lambda: NOON)
    state.create(tmp_path / "alone", profile=profile, clock=lambda: NOON)
    expected = tables(tmp_path / "alone")
    for name in ("a", "b"):
        assert tables(tmp_path / name) == expected
        assert sorted(path.name for path in (tmp_path / name).iterdir()) == ["credentials.json", "state.db"]
        assert stat.S_IMODE((tmp_path / name / "credentials.json").stat().st_mode) == 0o600


def test_no_two_have_an_identifier_or_a_secret_in_common(tmp_path: Path) -> None:
    directories = [tmp_path / f"t{number}" for number in range(30)]
    many.create(directories)
    for name in ("tenant_id", "client_id", "client_secret", "cloudflare_account_id", "cloudflare_api_token"):
        assert len({known(directory)[name] for directory in directories}) == 30, name
    first, second = known(directories[0]), directories[1] / "state.db"
    for name in ("tenant_id", "client_id", "cloudflare_account_id"):
        assert first[name].encode() not in second.read_bytes(), name


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    state.create(tmp_path / "a")
    state.set_property(tmp_path / "a", "EmailSecurityDomain", "example.com", "lookback_hops", 7)
    before = known(tmp_path / "a")
    many.create([tmp_path / "a", tmp_path / "b"], profile="busy")
    assert known(tmp_path / "a") == before
    hops = {row["domain"]: row["lookback_hops"] for row in state.objects(tmp_path / "a")["EmailSecurityDomain"]}
    assert hops["example.com"] == 7
    assert len(state.objects(tmp_path / "b")["TransportRule"]) == 100


def test_a_tenant_that_lost_its_database_keeps_its_credentials(tmp_path: Path) -> None:
    many.create([tmp_path / "a"])
    before = known(tmp_path / "a")
    (tmp_path / "a" / "state.db").unlink()
    many.create([tmp_path / "a"])
    assert known(tmp_path / "a") == before
    assert state.objects(tmp_path / "a")["Application"][0]["client_id"] == before["client_id"]


def test_making_by_many_at_once_gives_one_tenant_each(tmp_path: Path) -> None:
    directories = [tmp_path / f"t{number}" for number in range(20)]
    makers = [lambda: many.create(directories) for _ in range(3)]
    makers += [lambda: [state.create(directory) for directory in reversed(directories)]]  # type: ignore[list-item]
    threads = [threading.Thread(target=maker) for maker in makers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for directory in directories:
        applications = state.objects(directory)["Application"]
        assert [row["client_id"] for row in applications] == [known(directory)["client_id"]]
        assert not list(directory.glob("*.json.*")) + list(directory.glob("state.db.*"))


def test_unknown_profile_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="new, dehydrated, presets, busy"):
        many.create([tmp_path / "a"], profile="old")
    assert not list(tmp_path.iterdir())
