"""An address of a store says where, and nothing secret; what is refused is not quoted."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml
from conftest import ROOT, inherited

from runbook.archive.address import parse
from runbook.errors import UsageError

CASES = yaml.safe_load((ROOT / "tests" / "cases" / "storage" / "addresses.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", CASES["taken"])
def test_an_address_is_taken(text: str) -> None:
    assert str(parse(text)) == CASES["taken"][text]
    assert parse(str(parse(text))) == parse(text)


@pytest.mark.parametrize("case", CASES["refused"], ids=[case["name"] for case in CASES["refused"]])
def test_an_address_is_refused_and_not_quoted(case: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=case["says"]) as caught:
        parse(case["address"])
    assert "canary" not in str(caught.value)
    assert "s3://bucket/prefix" in caught.value.remedy


LOADED = """
import sys
from runbook.archive.store import Store
from runbook.cli.records import records
Store("file://" + sys.argv[1])
print(sorted({"fsspec", "s3fs", "adlfs"} & set(sys.modules)))
Store("memory://archive")
print(sorted({"fsspec", "s3fs", "adlfs"} & set(sys.modules)))
"""


def test_fsspec_is_loaded_only_when_an_address_needs_it(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(tmp_path)], capture_output=True, text=True, env=inherited(), check=True
    )
    assert done.stdout.split("\n")[:2] == ["[]", "['fsspec']"]
