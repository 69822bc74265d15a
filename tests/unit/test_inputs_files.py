"""The file beside a text that says what its inputs are for, and texts that are no files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook import library
from runbook.errors import RunbookError, TutorialError, UsageError
from runbook.tutorial import read_tutorial

CASES: dict[str, Any] = yaml.safe_load(
    (Path(__file__).resolve().parents[1] / "cases" / "inputs_files.yaml").read_text(encoding="utf-8")
)
TEXT = "# T\n\n## A\n\n1. Go.\n"


@pytest.mark.parametrize("name", CASES)
def test_file_of_inputs(name: str, tmp_path: Path) -> None:
    case, path = CASES[name], tmp_path / "text.md"
    path.write_text(TEXT, encoding="utf-8")
    path.with_suffix(".inputs.yaml").write_text(case["text"], encoding="utf-8")
    if not case["says"]:
        assert library.load(str(path)).compiled.tutorial.title == "T"
        return
    with pytest.raises(UsageError) as caught:
        library.load(str(path))
    assert case["says"] in str(caught.value), name


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "text.md"
    path.write_text(TEXT, encoding="utf-8")
    path.with_suffix(".inputs.yaml").write_bytes(b"a: \xff\n")
    with pytest.raises(RunbookError, match="cannot be used"):
        library.load(str(path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "text.md")
    with pytest.raises(TutorialError, match="a device or a pipe"):
        read_tutorial(tmp_path / "text.md")


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "text.md"
    with path.open("wb") as file:
        file.truncate(3 * 2**30)  # a hole: it takes no room
    with pytest.raises(TutorialError, match="no more than 500,000 are read"):
        read_tutorial(path)
