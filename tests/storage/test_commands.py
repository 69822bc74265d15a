"""The command line: a run made here is put elsewhere, listed there, fetched by somebody else, and checked."""

from __future__ import annotations

import csv
import io
import json
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Kit
from storage.conftest import SERVED
from storage.making import NAME, Watched, sealed
from storage.servers import Server

from runbook.archive.address import parse
from runbook.archive.check import check
from runbook.archive.places import open_place
from runbook.archive.store import Store


@pytest.fixture(params=["file", *SERVED])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    if request.param == "file":
        (tmp_path / "share").mkdir()
        return Server("file", f"file://{tmp_path.as_posix()}/share", {}, {})
    found: Server = request.getfixturevalue("s3" if request.param == "s3" else "azure")
    return found


@pytest.fixture
def address(server: Server) -> str:
    return server.root if server.scheme == "file" else f"{server.root}/{secrets.token_hex(4)}"


def test_a_run_is_pushed_listed_fetched_and_checked(planned: Kit, server: Server, address: str, tmp_path: Path) -> None:
    run = planned.newest("plan")
    pushed = planned("records", "push", run.name[-6:], "--to", address, **server.environment)
    assert pushed.returncode == 0, pushed.stderr
    assert pushed.stdout.startswith(f"{address}/{run.name}: ") and " files sent, " in pushed.stdout
    again = planned("records", "push", run.name, RUNBOOK_STORE=address, **server.environment)
    assert (again.returncode, again.stdout) == (0, f"{address}/{run.name}: was there already\n"), again.stderr

    elsewhere = Kit(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    rows = json.loads(elsewhere("records", "list", "--from", address, "--json", **server.environment).stdout)
    here = json.loads(planned("records", "list", "--json").stdout)
    assert rows == [{**row, "folder": f"{address}/{run.name}"} for row in here]

    fetched = elsewhere("records", "fetch", "all", RUNBOOK_STORE=address, **server.environment)
    assert (fetched.returncode, fetched.stdout) == (0, f"{elsewhere.runs / run.name}\n"), fetched.stderr
    checked = elsewhere("records", "check", run.name)
    assert checked.returncode == 0 and ": whole" in checked.stdout, checked.stdout
    assert elsewhere("records", "fetch", "-o", "audit", "plan", "--from", address, **server.environment).returncode == 0
    assert check(elsewhere.folder / "audit" / run.name).whole


def test_a_signature_goes_along(kit: Kit, tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    assert kit("records", "keygen", "archive.pem").returncode == 0
    assert kit("plan", "--tenant", "demo", RUNBOOK_SIGNING_KEY="archive.pem").returncode == 3
    order: list[str] = []
    place = Watched(open_place(parse(f"file://{tmp_path}/share")), lambda made, name: order.append(Path(name).name))
    store = Store(f"file://{tmp_path}/share", place)
    run = kit.newest("plan")
    assert store.put(run).sent == sum(1 for path in run.rglob("*") if path.is_file())
    assert order[-2:] == ["manifest.sig", "manifest.json"]
    shutil.rmtree(run)
    assert kit("records", "fetch", "all", "--from", store.address).returncode == 0
    checked = kit("records", "check", run.name, "--public-key", "archive.pem.pub")
    assert checked.returncode == 0 and "Signed: " in checked.stdout, checked.stdout
    kept = tmp_path / "share" / run.name / "manifest.sig"
    kept.write_bytes(kept.read_bytes().replace(b'"format": 1', b'"format":  1'))
    shutil.rmtree(run)
    fetched = kit("records", "fetch", run.name, "--from", store.address)
    assert fetched.returncode == 1 and "manifest.sig was changed" in fetched.stderr
    kept.unlink()
    fetched = kit("records", "fetch", run.name, "--from", store.address)
    assert fetched.returncode == 1 and "manifest.sig is missing" in fetched.stderr
    assert not run.exists()


def test_what_is_refused_is_told_and_the_others_are_put(kit: Kit, tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    address = f"file://{tmp_path}/share"
    for name in (NAME, NAME.replace("1a2b3c", "000001")):
        sealed(kit.runs, name)
    unfinished = sealed(kit.runs, NAME.replace("1a2b3c", "000002"))
    (unfinished / "manifest.json").unlink()
    (kit.runs / "ticks").mkdir()
    runs = [str(path) for path in sorted(kit.runs.iterdir())]
    pushed = kit("records", "push", *runs, "--to", address)
    assert pushed.returncode == 4
    assert len(pushed.stdout.splitlines()) == 2
    assert f"{unfinished} is not a whole run" in pushed.stderr
    assert Store(address).runs() == sorted([NAME, NAME.replace("1a2b3c", "000001")])


def test_a_result_that_is_not_as_it_was_is_named_and_passed_over(kit: Kit, tmp_path: Path) -> None:
    share = tmp_path / "share"
    for name in (NAME, NAME.replace("1a2b3c", "000001")):
        sealed(share, name)
    result = share / NAME / "result.json"
    result.write_text(result.read_text().replace("unchanged", "changed"))
    listed = kit("records", "list", "--csv", "--from", f"file://{share}")
    rows = list(csv.DictReader(io.StringIO(listed.stdout)))
    assert [row["run"] for row in rows] == [NAME.replace("1a2b3c", "000001")]
    assert f"{NAME}: result.json was changed. Passed over." in listed.stderr
    assert listed.returncode == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("push", "1a2b3c"), "No address was given"),
        (("fetch", "all"), "No address was given"),
        (("push", "nobody", "--to", "file:///"), "There is no run"),
        (("fetch", "nobody", "--from", "file://SHARE"), "There is no run 'nobody'"),
        (("fetch", "demo", "--from", "file://SHARE"), "2 runs at"),
        (("push", "1a2b3c", "--to", "s3://user:canary@archive"), "can be a credential"),
        (("list", "--from", "/canary"), "not the address of a store"),
    ],
)
def test_wrong_usage_is_told(kit: Kit, tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    sealed(kit.runs)
    for name in (NAME, NAME.replace("1a2b3c", "000001")):
        sealed(tmp_path / "share", name)
    done = kit("records", *(word.replace("SHARE", str(tmp_path / "share")) for word in words))
    assert done.returncode == 2, done.stderr
    assert says in done.stderr and "canary" not in done.stderr


@pytest.fixture
def nobody() -> Iterator[str]:
    """An endpoint where nobody listens, though the port is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.storage
def test_a_server_that_is_not_there_a_bucket_that_is_not_there_and_no_credentials(
    kit: Kit, s3: Server, nobody: str
) -> None:
    sealed(kit.runs)
    there = dict(s3.environment)
    without = {name: value for name, value in there.items() if not name.endswith(("KEY_ID", "ACCESS_KEY"))}
    cases = (
        ({**there, "AWS_ENDPOINT_URL_S3": nobody}, "s3://archive/x", "could not be reached"),
        (there, "s3://nobodys/x", "There is no bucket for s3://nobodys/x"),
        ({**without, "HOME": str(kit.folder)}, "s3://archive/x", "No credentials"),
    )
    for environment, address, says in cases:
        for words in (("push", "1a2b3c", "--to", address), ("list", "--from", address)):
            done = kit("records", *words, **environment)
            assert (done.returncode, says in done.stderr) == (5, True), (words, done.stderr)
            assert there["AWS_SECRET_ACCESS_KEY"] not in done.stderr
            assert "Traceback" not in done.stderr


KILLED = """
import sys
from pathlib import Path
from runbook.archive.address import parse
from runbook.archive.places import open_place
from runbook.archive.store import Store
from storage.making import Watched, killed_before

address, folder, number = sys.argv[1:]
Store(address, Watched(open_place(parse(address)), killed_before(int(number)))).put(Path(folder))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("number", [0, 3, 5])
def test_a_process_that_is_killed_leaves_no_run(
    kit: Kit, server: Server, address: str, tmp_path: Path, number: int
) -> None:
    folder = sealed(kit.runs)
    path = str(Path(__file__).resolve().parents[1])
    environment = kit.environment(**server.environment)
    environment["PYTHONPATH"] = f"{path}:{environment.get('PYTHONPATH', '')}"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, address, str(folder), str(number)],
        env=environment, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr
    store = Store(address, server.open(address))
    assert store.runs() == []
    put = store.put(folder)
    assert put.sent == 6 - number
    assert check(store.fetch(NAME, tmp_path / "audit")).findings == []
