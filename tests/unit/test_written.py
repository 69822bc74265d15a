"""The kit's reader of YAML: a scalar is the text that was written, and what cannot be meant is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook.cli import parameters
from runbook.errors import InventoryError, UsageError
from runbook.tenants import entry, load
from runbook.written import read_yaml, where_in_yaml

CASES: dict[str, Any] = yaml.safe_load(
    (Path(__file__).resolve().parents[1] / "cases" / "inputs" / "written.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", CASES)
def test_what_is_written_is_what_is_read(name: str) -> None:
    case = CASES[name]
    text = case["text"] * case.get("times", 1)
    if "gives" in case:
        assert read_yaml(text) == case["gives"]
        return
    with pytest.raises(yaml.YAMLError) as caught:
        read_yaml(text)
    assert case["says"] in (where_in_yaml(caught.value) or str(caught.value))


def test_a_tenant_may_be_named_by_digits(tmp_path: Path) -> None:
    path = tmp_path / "tenants.yaml"
    path.write_text("tenants:\n  00123:\n    tenant_id: 0777\n    allow_unconfirmed: yes\n", encoding="utf-8")
    assert entry("00123", path).tenant_id == "0777"
    assert entry("00123", path).allow_unconfirmed is True


def test_a_tenant_that_stands_twice_is_not_lost_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "tenants.yaml"
    path.write_text("tenants:\n  a: {simulated: {}}\n  a: {simulated: {}}\n", encoding="utf-8")
    with pytest.raises(InventoryError, match="a name stands twice, line 3"):
        load(path)


@pytest.mark.parametrize("text", ["a: &x [*x]\n", "a: 1\na: 2\n", "[" * 3000, "a: !!python/none x\n"])
def test_a_file_of_parameters_is_refused_in_one_message(text: str, tmp_path: Path) -> None:
    path = tmp_path / "inputs.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="is not YAML"):
        parameters.read([path], [])


def test_the_last_one_counts_and_is_named(tmp_path: Path) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("a: 1\nb: 1\nc: 1\n", encoding="utf-8")
    two.write_text("b: 2\nc: 2\n", encoding="utf-8")
    given = parameters.read([one, two], ["c=3"])
    assert given.values == {"a": "1", "b": "2", "c": "3"}
    assert given.sources == {"a": "file one.yaml", "b": "file two.yaml", "c": "command line"}
