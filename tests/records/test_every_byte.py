"""Every changed byte of a run is found: all of them in small files, a seeded sample in larger ones.

The run of one section is changed at every byte of its manifest, signature and journal, the run of all sections in
a sample of each file.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, Kit

from runbook import simulated
from runbook.archive import signature
from runbook.archive.check import check

TEXT = ROOT / "tests" / "cases" / "tutorials" / "s36-enable-another-rule.md"


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def flips(path: Path, small: int, count: int, chance: random.Random) -> Iterator[tuple[int, int]]:
    """Yield positions and what to change there, each bit alone or several; small files at every position."""
    size = path.stat().st_size
    every = range(size) if size <= max(small, count) else sorted(chance.sample(range(size), count))
    for position in every:
        yield position, chance.choice([1, 2, 4, 8, 16, 32, 64, 128, chance.randrange(1, 256)])


def missed(folder: Path, small: int, count: int) -> tuple[int, list[str]]:
    """Change one byte after the other, each alone; return how many, and those that the check did not find."""
    chance = random.Random(20261125)
    tried, passed = 0, []
    assert check(folder).findings == []
    for path in files(folder):
        name = path.relative_to(folder).as_posix()
        whole = path.read_bytes()
        with path.open("r+b", buffering=0) as file:
            for position, bits in flips(path, small, count, chance):
                os.pwrite(file.fileno(), bytes([whole[position] ^ bits]), position)
                named = {item.path for item in check(folder).findings}
                os.pwrite(file.fileno(), whole[position : position + 1], position)
                tried += 1
                # A changed manifest no longer fits what was signed; either of the two names is right.
                if not named & ({name, signature.SIGNATURE} if name == "manifest.json" else {name}):
                    passed.append(f"{name}, byte {position}, bits {bits:08b}: {sorted(named)}")
    assert check(folder).findings == []
    return tried, passed


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two runs: all sections applied, unsigned; and one section planned, signed."""
    kit = Kit(tmp_path_factory.mktemp("runs"))
    simulated.reset(kit.state)
    assert kit.apply().returncode == 0
    signature.make_pair(kit.folder / "key.pem")
    signed = {"RUNBOOK_SIGNING_KEY": str(kit.folder / "key.pem")}
    assert kit("plan", "--tenant", "demo", "--tutorial", str(TEXT), **signed).returncode == 3
    return {"applied, unsigned": kit.newest("apply"), "planned, signed": kit.newest("plan")}


@pytest.mark.parametrize(
    ("name", "small", "count", "least"),
    [("applied, unsigned", 0, 80, 1200), ("planned, signed", 2500, 100, 2000)],
)
def test_every_changed_byte_is_found_in_the_file_it_is_in(
    runs: dict[str, Path], tmp_path: Path, name: str, small: int, count: int, least: int
) -> None:
    folder = tmp_path / runs[name].name
    shutil.copytree(runs[name], folder)
    tried, passed = missed(folder, small, count)
    print(f"{tried} bytes changed")
    assert passed == []
    assert tried >= least, f"only {tried} bytes were changed"


@pytest.mark.parametrize("name", ["applied, unsigned", "planned, signed"])
def test_a_check_writes_nothing(runs: dict[str, Path], name: str) -> None:
    def seen() -> list[tuple[str, bytes, int]]:
        return [(str(path), path.read_bytes(), path.stat().st_mtime_ns) for path in files(runs[name])]

    before = seen()
    assert check(runs[name]).whole
    assert seen() == before
