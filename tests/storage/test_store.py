"""A run is in the store whole or not at all, whoever writes, reads or is killed meanwhile; the same at every store."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from storage.conftest import SERVED
from storage.making import NAME, Cut, Watched, cut_before, sealed
from storage.servers import Server

from runbook.archive.check import check
from runbook.archive.manifest import MANIFEST
from runbook.archive.store import Store
from runbook.errors import NotStored, NotWhole, StoreUnusable, UsageError

FILES = 6
"""How many objects the run of `sealed` has: five files and the manifest."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return sealed(tmp_path / "runs")


@pytest.fixture
def store(server: Server, address: str) -> Store:
    return Store(address, server.open(address))


@pytest.fixture
def watched(server: Server, address: str) -> Callable[[Callable[[int, str], None]], tuple[Store, Watched]]:
    """Open the same address with something that happens before each object is made."""

    def opened(before: Callable[[int, str], None]) -> tuple[Store, Watched]:
        place = Watched(server.open(address), before)
        return Store(address, place), place

    return opened


def same(one: Path, other: Path) -> bool:
    def held(folder: Path) -> dict[str, bytes | None]:
        paths = sorted(folder.rglob("*"))
        return {path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in paths}

    return held(one) == held(other)


def test_a_run_comes_back_as_it_was(store: Store, folder: Path, tmp_path: Path) -> None:
    put = store.put(folder)
    assert (put.run, put.files, put.sent) == (NAME, FILES, FILES)
    assert put.size == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert store.runs() == [NAME]
    fetched = store.fetch(NAME, tmp_path / "audit")
    assert fetched == tmp_path / "audit" / NAME
    assert same(folder, fetched)
    assert check(fetched).findings == []
    assert [path.name for path in (tmp_path / "audit").iterdir()] == [NAME]
    assert store.fetch(NAME, tmp_path / "audit") == fetched, "what is here already is left as it is"


def test_s3_in_short(s3: Server, folder: Path, tmp_path: Path) -> None:
    address = f"{s3.root}/in-short"
    with pytest.raises(Cut):
        Store(address, Watched(s3.open(address), cut_before(3))).put(folder)
    store = Store(address, s3.open(address))
    assert store.runs() == []
    assert store.put(folder).sent == FILES - 3
    with pytest.raises(NotStored):
        store.put(sealed(tmp_path / "others", says="something else"))
    assert same(folder, store.fetch(NAME, tmp_path / "audit"))


def test_an_address_that_begins_like_another_is_another(
    server: Server, address: str, store: Store, folder: Path, tmp_path: Path
) -> None:
    if server.scheme == "file":
        Path(f"{address.removeprefix('file://')}-too").mkdir()
    other = Store(f"{address}-too", server.open(f"{address}-too"))
    other.put(folder)
    longer = sealed(tmp_path / "runs", f"{NAME}7")
    store.put(longer)
    assert store.runs() == [longer.name]
    assert store.put(sealed(tmp_path / "others")).sent == FILES
    assert store.runs() == [NAME, longer.name]
    assert other.runs() == [NAME]


def test_putting_it_again_sends_nothing_and_what_is_missing_is_sent(
    watched: Callable[..., tuple[Store, Watched]], folder: Path
) -> None:
    store, place = watched(lambda made, name: None)
    store.put(folder)
    assert place.made == FILES
    assert store.put(folder).sent == 0
    assert place.made == FILES


@pytest.mark.parametrize("number", range(FILES))
def test_an_upload_that_ends_anywhere_is_no_run_and_the_next_makes_it_whole(
    watched: Callable[..., tuple[Store, Watched]], store: Store, folder: Path, tmp_path: Path, number: int
) -> None:
    cut, _ = watched(cut_before(number))
    with pytest.raises(Cut):
        cut.put(folder)
    assert store.runs() == []
    with pytest.raises(UsageError, match="There is no run"):
        store.fetch(NAME, tmp_path / "audit")
    put = store.put(folder)
    assert put.sent == FILES - number, "what is there with the same content is not sent again"
    assert same(folder, store.fetch(NAME, tmp_path / "audit"))


def test_a_reader_who_looks_before_each_object_sees_no_run_until_the_last(
    watched: Callable[..., tuple[Store, Watched]], store: Store, folder: Path, tmp_path: Path
) -> None:
    names = []

    def look(made: int, name: str) -> None:
        names.append(name)
        assert store.runs() == []
        with pytest.raises(UsageError):
            store.fetch(NAME, tmp_path / "audit")

    watched(look)[0].put(folder)
    assert names[-1] == f"{NAME}/{MANIFEST}" and len(names) == FILES
    assert store.runs() == [NAME]
    assert not (tmp_path / "audit").exists() or list((tmp_path / "audit").iterdir()) == []


def test_a_run_of_the_same_name_is_refused_and_nothing_is_overwritten(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    store.put(folder)
    with pytest.raises(NotStored, match="another manifest"):
        store.put(sealed(tmp_path / "others", says="something else"))
    assert same(folder, store.fetch(NAME, tmp_path / "audit"))


@pytest.mark.parametrize("number", range(FILES))
def test_of_two_with_one_name_at_once_there_is_never_a_mixture(
    watched: Callable[..., tuple[Store, Watched]], store: Store, folder: Path, tmp_path: Path, number: int
) -> None:
    other = sealed(tmp_path / "others", says="something else")
    refused = []

    def meanwhile(made: int, name: str) -> None:
        if made == number:
            try:
                store.put(other)
            except NotStored:
                refused.append("other")

    first, _ = watched(meanwhile)
    try:
        first.put(folder)
    except NotStored:
        refused.append("first")
    assert refused in (["other"], ["first"], ["other", "first"])
    if store.runs():
        whole = store.fetch(NAME, tmp_path / "audit")
        assert same(whole, folder if refused == ["other"] else other)
    else:
        assert len(refused) == 2


def test_two_who_put_the_same_run_at_once_both_succeed(
    server: Server, address: str, folder: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(folder, tmp_path / "others" / NAME)
    start, ended = threading.Barrier(2), []

    def put(path: Path) -> None:
        own = Store(address, server.open(address, fresh=True))
        start.wait()
        ended.append(own.put(path).run)

    writers = [threading.Thread(target=put, args=(path,)) for path in (folder, copy)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert ended == [NAME, NAME]
    assert same(folder, Store(address, server.open(address)).fetch(NAME, tmp_path / "audit"))


# aiohttp warns that 9 MB in one piece may hold up its loop, on which nothing else waits here.
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
def test_a_large_run_with_earlier_attempts(store: Store, tmp_path: Path) -> None:
    files = {f"attempts/{n % 3 + 1}/notebooks/{n:03}-section.ipynb": b"%d" % n for n in range(60)}
    files["attempts/1/record.html"] = bytes(range(256)) * 36_000  # 9 MB
    folder = sealed(tmp_path / "runs", files=files)
    assert store.put(folder).files == FILES + 61
    assert same(folder, store.fetch(NAME, tmp_path / "audit"))
    assert store.put(folder).sent == 0


def test_a_run_that_is_not_whole_is_not_put(store: Store, folder: Path, tmp_path: Path) -> None:
    unfinished = tmp_path / "runs" / "20261128T210000Z-demo-apply-4d5e6f"
    shutil.copytree(folder, unfinished)
    (unfinished / MANIFEST).unlink()
    with pytest.raises(NotStored, match=r"manifest\.json is missing"):
        store.put(unfinished)
    (folder / "record.html").write_text("nicer")
    with pytest.raises(NotStored, match=r"record\.html was changed"):
        store.put(folder)
    assert store.runs() == []


def test_what_is_changed_there_is_found_and_nothing_of_it_is_kept(
    server: Server, address: str, store: Store, folder: Path, tmp_path: Path
) -> None:
    store.put(folder)
    place = server.open(address)
    before = place.read(f"{NAME}/record.html")
    for content, words in ((before[:-1] + b" ", r"record\.html was changed"), (b"", r"record\.html was changed")):
        place.replace(f"{NAME}/record.html", content)
        with pytest.raises(NotWhole, match=words):
            store.fetch(NAME, tmp_path / "audit")
    place.replace(f"{NAME}/record.html", before)
    place.make(f"{NAME}/more.html", b"more")
    with pytest.raises(NotWhole, match=r"more\.html was added"):
        store.fetch(NAME, tmp_path / "audit")
    with pytest.raises(NotStored, match=r"more\.html, which is not of this run"):
        store.put(folder)
    place.replace(f"{NAME}/{MANIFEST}", place.read(f"{NAME}/{MANIFEST}").replace(b'"demo"', b'"memo"'))
    with pytest.raises(NotWhole, match=r"manifest\.json was changed"):
        store.fetch(NAME, tmp_path / "audit")
    assert list((tmp_path / "audit").iterdir()) == []


def test_a_mark_is_there_in_one_step_and_the_newest_counts(server: Server, address: str, store: Store) -> None:
    assert store.marked("fleets/one/contoso") is None
    assert store.marks("fleets/one") == []
    store.mark("fleets/one/contoso", {"status": "failed"})
    store.mark("fleets/one/contoso", {"status": "changed"})
    store.mark("fleets/one/fabrikam", {"status": "unchanged"})
    store.mark("fleets/other/contoso", {})
    elsewhere = Store(address, server.open(address))
    assert elsewhere.marked("fleets/one/contoso") == {"status": "changed"}
    assert elsewhere.marks("fleets/one") == ["fleets/one/contoso", "fleets/one/fabrikam"]
    assert elsewhere.runs() == []
    server.open(address).replace("marks/fleets/one/contoso.json", b"{")
    with pytest.raises(NotWhole, match="no mark"):
        elsewhere.marked("fleets/one/contoso")


def test_a_mark_that_is_replaced_all_the_time_is_never_read_in_part(server: Server, address: str, store: Store) -> None:
    values = [[n] * 20_000 for n in range(12)]
    store.mark("key", values[0])
    writer = threading.Thread(target=lambda: [store.mark("key", value) for value in values * 2])
    writer.start()
    while writer.is_alive():
        assert store.marked("key") in values
    writer.join()
    assert store.marked("key") == values[-1]


@pytest.mark.parametrize("server", SERVED, indirect=True)
def test_a_bucket_that_is_not_there_is_no_empty_one(server: Server, folder: Path, tmp_path: Path) -> None:
    address = f"{server.scheme}://nobodys/runs"
    store = Store(address, server.open(address))
    for act in (
        store.runs,
        lambda: store.put(folder),
        lambda: store.fetch(NAME, tmp_path),
        lambda: store.mark("key", {}),
        lambda: store.marked("key"),
        lambda: store.marks("fleets"),
    ):
        with pytest.raises(StoreUnusable, match=r"There is no (bucket|container) for"):
            act()


@pytest.mark.parametrize("key", ["", "..", "a/../b", "/a", "a//b", "a?b", "a\\b"])
def test_a_key_that_could_lead_elsewhere_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        Store(f"file://{tmp_path}").mark(key, {})


@pytest.mark.parametrize("name", ["../escape.txt", "/tmp/escape.txt", "a/../../escape.txt", "a\\b", "manifest.sig"])
def test_a_manifest_that_names_a_path_elsewhere_writes_nothing(tmp_path: Path, name: str) -> None:
    """Whoever can write to the store can make such a manifest; its digest is right."""
    from runbook.plan import digest
    from runbook.runs import json_text

    share = tmp_path / "share"
    folder = sealed(share)
    content = json.loads((folder / MANIFEST).read_text())
    content["files"] = dict(sorted({**content["files"], name: content["files"]["result.json"]}.items()))
    content["digest"] = digest({key: value for key, value in content.items() if key != "digest"})
    (folder / MANIFEST).write_text(json_text(content))
    with pytest.raises(NotWhole, match="names files that no run has"):
        Store(f"file://{share}").fetch(NAME, tmp_path / "audit" / "deep")
    assert not list(tmp_path.rglob("escape.txt"))


def test_what_is_here_under_the_name_and_is_another_is_left(store: Store, folder: Path, tmp_path: Path) -> None:
    store.put(folder)
    other = sealed(tmp_path / "others", says="something else")
    with pytest.raises(UsageError, match="is there already"):
        store.fetch(NAME, tmp_path / "others")
    assert "something else" in (other / "record.html").read_text()
