"""A notebook that was just opened, and Run All from a fresh kernel: quiet, harmless, and plain to everybody."""

from __future__ import annotations

import re

import pytest
from browser.lab import Ran
from browser.pages import violations

NEXT = re.compile("approve|nothing to do|nothing to approve", re.IGNORECASE)
OUTPUTS = ".jp-OutputArea-output"
THEMES = ["JupyterLab Light", "JupyterLab Dark"]
# Rules on a page as a whole, which is JupyterLab's; ours are the outputs alone.
OF_THE_SHELL = ("region", "heading-order", "page-has-heading-one")


def test_it_opens_without_a_word_on_trust_kernel_or_format(ran: Ran) -> None:
    assert ran.asked == []
    assert ran.lab.dialogues() == []


def test_run_all_writes_nothing(ran: Ran) -> None:
    assert ran.tenant.writes() == []
    assert ran.lab.errors() == []
    assert ran.lab.said == []


def test_each_cell_shows_a_panel(ran: Ran) -> None:
    lab = ran.lab
    assert [part for part in lab.code_parts() if part != "parameters" and not lab.output(part).count()] == []


def test_the_last_cell_says_what_to_do_next(ran: Ran) -> None:
    assert NEXT.search(ran.lab.text("finish")), ran.lab.text("finish")


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_in_the_outputs(theme: str, ran: Ran, axe: str) -> None:
    ran.lab.theme(theme)
    assert violations(ran.lab.page, axe, OUTPUTS, OF_THE_SHELL) == []
