"""Run All from a fresh kernel is harmless, and says what to do next. The tenant's own log is the judge."""

from __future__ import annotations

import re

import pytest
from browser.jupyter import NOTEBOOKS
from browser.lab import Lab
from conftest import Kit

SECTIONS = sorted(path.stem for path in NOTEBOOKS.glob("0[1-5]-*.ipynb"))
NEXT = re.compile("approve|nothing to do|nothing to approve", re.IGNORECASE)


@pytest.mark.parametrize("name", SECTIONS)
def test_run_all_writes_nothing_and_says_what_to_do_next(name: str, lab: Lab, tenant: Kit) -> None:
    lab.open(name)
    assert lab.dialogues() == []
    lab.run_all()
    assert tenant.writes() == []
    assert lab.errors() == []
    assert lab.dialogues() == []
    empty = [part for part in lab.code_parts() if part != "parameters" and not lab.output(part).count()]
    assert empty == [], "cells without a panel"
    assert NEXT.search(lab.text("finish")), lab.text("finish")
