"""``runbook sim fleet``: many simulated tenants with an inventory of them, and all of them served at once."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml
from conftest import Kit

from runbook import simulated
from runbook.tenants.file import TenantEntry


@pytest.fixture
def directories(tmp_path: Path) -> list[Path]:
    made = [tmp_path / f"t{number}" for number in range(3)]
    simulated.make_many(made[:2])
    return made


@pytest.mark.parametrize(("count", "canaries"), [(1, 1), (2, 1), (40, 2), (59, 2)])
def test_a_fleet_is_made_with_its_inventory(kit: Kit, count: int, canaries: int) -> None:
    done = kit("sim", "fleet", "practice", "--count", str(count), "--profile", "dehydrated")
    assert done.returncode == 0, done.stderr
    for command in ("runbook sim serve --fleet practice", "runbook fleet plan practice/fleet.yaml"):
        assert f"\n    {command}\n" in done.stdout
    inventory = yaml.safe_load((kit.folder / "practice" / "fleet.yaml").read_text())
    assert inventory["tutorial"] == "junk-and-user-quarantine"
    names = [f"t{number:04}" for number in range(1, count + 1)]
    assert list(inventory["tenants"]) == names
    groups = [entry.pop("group") for entry in inventory["tenants"].values()]
    assert groups == ["canary"] * canaries + ["rest"] * (count - canaries)
    assert inventory["rings"] == (["canary", "rest"] if count > 1 else ["canary"])
    ids = set()
    for name in names:
        entry = TenantEntry.model_validate(inventory["tenants"][name])
        assert entry.simulated is not None and entry.simulated.state == Path(name)
        ids.add(simulated.credentials(kit.folder / "practice" / entry.simulated.state)["tenant_id"])
    assert len(ids) == count
    assert simulated.objects(kit.folder / "practice" / "t0001")["OrganizationConfig"][0]["IsDehydrated"] is True


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fleet", "taken", "--count", "2"), "taken/fleet.yaml already"),
        (("fleet", "new", "--count", "2", "--profile", "old"), "there are new, dehydrated"),
        (("fleet", "new", "--count", "0"), "0"),
        (("serve", "--fleet", "empty"), "runbook sim fleet empty --count 20"),
        (("serve", "--fleet", "taken", "--port", "7"), "leave --port out"),
    ],
)
def test_what_cannot_be_is_refused(kit: Kit, arguments: tuple[str, ...], words: str) -> None:
    (kit.folder / "taken").mkdir()
    (kit.folder / "taken" / "fleet.yaml").write_text("mine")
    done = kit("sim", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert (kit.folder / "taken" / "fleet.yaml").read_text() == "mine"
    assert not (kit.folder / "new").exists()


def test_a_fleet_is_served_until_it_is_interrupted(kit: Kit) -> None:
    assert kit("sim", "fleet", "practice", "--count", "3").returncode == 0
    directories = [kit.folder / "practice" / f"t000{number}" for number in (1, 2, 3)]
    process = subprocess.Popen(
        [sys.executable, "-m", "runbook", "sim", "serve", "--fleet", "practice"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=kit.folder,
        env=kit.environment(),
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening for 3 tenants\n"
        urls = {simulated.running(directory) for directory in directories}
        assert len(urls) == 3 and None not in urls
        again = kit("sim", "serve", "--fleet", "practice")
        assert (again.returncode, "'t0001' is being served already" in again.stderr) == (2, True)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    assert [simulated.running(directory) for directory in directories] == [None] * 3


def test_a_plan_finds_its_tenant_in_a_farm(kit: Kit, directories: list[Path]) -> None:
    tenants = {f"t{number}": {"simulated": {"state": str(path)}} for number, path in enumerate(directories[:2])}
    (kit.folder / "tenants.yaml").write_text(yaml.safe_dump({"tenants": tenants}))
    with simulated.serving_many(directories[:2]):
        for name in tenants:
            done = kit("plan", "--tenant", name)
            assert done.returncode == 3, done.stderr
    logs = [simulated.requests_log(directory) for directory in directories[:2]]
    assert [simulated.judged(directory) for directory in directories[:2]] == [[], []]
    assert all(len(log) > 20 for log in logs)


def test_those_that_run_are_used_and_the_others_are_started(directories: list[Path]) -> None:
    with simulated.serving(directories[0]) as first:
        with simulated.serving_many(directories, profile="busy") as urls:
            assert list(urls) == directories
            assert urls[directories[0]] == first
            pids = [simulated.read_address(directory)["pid"] for directory in directories]
            assert pids[1] == pids[2] != pids[0]
            assert [simulated.running(directory) for directory in directories] == list(urls.values())
        assert [simulated.running(directory) for directory in directories] == [first, None, None]
        assert len(simulated.objects(directories[2])["TransportRule"]) == 100
        servers = simulated.start_many(directories[:1])
        servers.stop()
        assert simulated.running(directories[0]) == first


def test_a_dead_servers_address_is_not_another_tenants(directories: list[Path]) -> None:
    with simulated.serving(directories[0]):
        address = json.loads((directories[0] / "address.json").read_text())
        (directories[1] / "address.json").write_text(json.dumps(address))
        assert simulated.running(directories[1]) is None
        with simulated.serving(directories[1]) as url:
            assert url != address["url"]


def test_what_nobody_should_have_asked_is_told_in_sentences(directories: list[Path]) -> None:
    with simulated.serving_many(directories[:2]) as urls:
        other = simulated.credentials(directories[1])["tenant_id"]
        for address, refused in ((urls[directories[0]], True), (urls[directories[1]], False)):
            with contextlib.suppress(urllib.error.HTTPError) if refused else contextlib.nullcontext():
                urllib.request.urlopen(f"{address}/{other}/v2.0/.well-known/openid-configuration", timeout=5).close()
    (told,) = simulated.judged(directories[0])
    assert told == f"Request 1 (GET /{other}/v2.0/.well-known/openid-configuration): its path is of {other}."
    assert simulated.judged(directories[0], since=1) == []
    assert simulated.judged(directories[1]) == []
