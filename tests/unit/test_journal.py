"""The journal: appended, chained, and never believed when a byte of it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook.journal import START, Journal, JournalError, read


def clock() -> str:
    return "2026-01-01T00:00:00.000Z"


def test_entries_are_chained_and_can_be_read_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path, clock=clock).append("one", b=2, a=1)
    Journal(path, clock=clock).append("two")
    entries = list(read(path))
    assert [entry["event"] for entry in entries] == ["one", "two"]
    assert entries[0]["prev"] == START
    assert entries[1]["prev"] == entries[0]["hash"]
    assert path.read_bytes().startswith(b'{"at":"2026-01-01T00:00:00.000Z","data":{"a":1,"b":2},"event":"one"')


def test_every_changed_byte_is_found(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, clock=clock)
    for number in range(3):
        journal.append("step", number=number)
    whole = path.read_bytes()
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(JournalError):
            list(read(path))


def test_a_torn_last_line_is_found_and_nothing_is_appended_to_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path, clock=clock).append("one")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(JournalError, match="line 1"):
        Journal(path, clock=clock)


def test_a_missing_middle_is_found(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, clock=clock)
    for number in range(3):
        journal.append("step", number=number)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(JournalError, match="line 2"):
        list(read(path))


def test_two_that_append_in_turn_keep_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    one, other = Journal(path, clock=clock), Journal(path, clock=clock)
    for journal in (one, other, one, one, other):
        journal.append("step", text="x" * 70000)
    assert [entry["n"] for entry in read(path)] == [0, 1, 2, 3, 4]


def test_nothing_is_appended_to_a_line_that_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, clock=clock)
    journal.append("one")
    whole = path.read_bytes()
    for broken in (whole[:-1], whole[:-3] + b"}\n", whole.replace(b"one", b"two")):
        path.write_bytes(broken)
        with pytest.raises(JournalError):
            journal.append("two")
        assert path.read_bytes() == broken
