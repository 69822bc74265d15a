"""Where there is no terminal, the commands print what they always printed, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Kit
from console.scenes import SCENES, golden, play

from runbook import simulated

pytestmark = pytest.mark.timeout(400)  # all scenes are played for the first of the tests


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What all scenes printed, by name."""
    kit = Kit(Path(tmp_path_factory.mktemp("scenes")))
    simulated.reset(kit.state)
    return dict(play(kit))


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_reads_as_it_was_kept(played: dict[str, str], name: str) -> None:
    assert played[name] == golden(name).read_text(encoding="utf-8"), name
