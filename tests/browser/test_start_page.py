"""The start page: what there is to do, whether one may do it, how far this tenant is, and the way to each notebook."""

from __future__ import annotations

import json

from browser.jupyter import NOTEBOOKS
from browser.lab import Lab
from browser.pages import violations
from conftest import Kit
from playwright.sync_api import expect

START = "00-start-here"
SECTIONS = sorted(NOTEBOOKS.glob("0[1-5]-*.ipynb"))


def headings() -> list[str]:
    """The sections by their headings, as the notebooks' titles have them."""
    first = [json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"] for path in SECTIONS]
    return ["".join(source).splitlines()[0].removeprefix("# ") for source in first]


def started(lab: Lab) -> str:
    assert (lab.jupyter.notebooks / f"{START}.ipynb").is_file(), "there is no start page"
    lab.open(START)
    lab.run_all()
    return lab.whole_text()


def test_it_shows_preflight_and_where_the_tenant_stands_and_writes_nothing(lab: Lab, tenant: Kit, axe: str) -> None:
    at_first = started(lab)
    assert lab.dialogues() == [] and lab.errors() == [] and lab.said == []
    assert "preflight" in lab.notebook.text_content().lower()
    for heading in headings():
        assert heading in at_first
    assert tenant.writes() == []
    assert violations(lab.page, axe, ".jp-OutputArea-output", ("region", "heading-order")) == []
    tenant.apply()
    written = len(tenant.writes())
    lab.run_all()
    assert lab.whole_text() != at_first, "the sections' status is that of the tenant as it is now"
    assert len(tenant.writes()) == written


def test_its_links_lead_to_the_five_notebooks(lab: Lab) -> None:
    started(lab)
    for path in SECTIONS:
        expect(lab.notebook.locator(f"a[href*='{path.name}']").first).to_be_attached()
    lab.notebook.locator(f"a[href*='{SECTIONS[1].name}']").first.click()
    expect(lab.page.locator(".lm-DockPanel-tabBar .lm-mod-current")).to_contain_text(SECTIONS[1].stem[:12])
