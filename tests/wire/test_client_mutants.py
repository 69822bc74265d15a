"""A sample of the mutation check: changes of single wire constants do not go unseen, and the check can tell.

The whole check is `python tests/wire/mutation/check.py`.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from wire.mutation import wire_constants

CHECK = Path(wire_constants.__file__).with_name("check.py")
SEED = 20261123


@pytest.mark.parametrize("count", [12, pytest.param(36, marks=pytest.mark.slow)])
def test_a_sample_of_changes_is_caught(count):
    ran = subprocess.run(
        [sys.executable, str(CHECK), "--sample", str(count), "--seed", str(SEED)],
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(rf"^caught \d+ of {count} ", ran.stdout, re.MULTILINE), ran.stdout


@pytest.mark.parametrize(
    "value",
    [
        "/InvokeCommand", "ResultSize", "X-AnchorMailbox", "@odata.nextLink", "innererror", "CmdletInput", "success",
        "error_chain", "#microsoft.graph.domainDnsMxRecord", "retry-after", 429, 7000215, "outlook-dod.office365.us",
        "wids", "Bearer ", "there are more results available",
    ],
)  # fmt: skip
def test_a_constant_of_each_sort_is_found(value):
    assert value in {constant.value for constant in wire_constants.constants()}


def test_texts_for_people_are_not_counted():
    counted = [constant.value for constant in wire_constants.constants() if isinstance(constant.value, str)]
    sentences = [text for text in counted if text.endswith(". ") or (text.endswith(".") and " " in text)]
    assert sentences == []


@pytest.mark.parametrize(
    ("value", "after"),
    [
        ("value", "vaxlue"),
        ("ID", "IXD"),
        ("*", "*~"),
        (429, 430),
        ("@odata.", "@odxata."),
        (r"AADSTS(\d+)", r"AADXSTS(\d+)"),
    ],
)
def test_a_change_is_small(value, after):
    assert wire_constants.changed(value) == after


def test_a_change_is_made_in_one_place():
    constant = next(found for found in wire_constants.constants() if found.value == "ResultSize")
    before = ast.unparse(wire_constants.mutant(constant, really=False)).splitlines()
    after = ast.unparse(wire_constants.mutant(constant)).splitlines()
    assert [(one, other) for one, other in zip(before, after, strict=True) if one != other] == [
        (line, line.replace("ResultSize", "ResulxtSize")) for line in before if "'ResultSize'" in line
    ]
