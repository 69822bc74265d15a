"""One notebook in JupyterLab, as a person has it before them. It waits for conditions and never for a time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from browser.jupyter import Jupyter
from conftest import Kit
from playwright.sync_api import BrowserContext, Locator, Page, expect

PATIENCE = 20_000
"""Milliseconds. Long, for two cores that are shared with other tests: a start of JupyterLab takes 5,000 alone."""

# Nothing waits to be run, and JupyterLab's last line says that the kernel is idle. The light in the notebook's corner
# is idle too while the kernel is not yet there; cells that are run then do nothing at all.
_IDLE = """() => {
  const panel = document.querySelector(".jp-NotebookPanel:not(.lm-mod-hidden)");
  const prompts = [...(panel ? panel.querySelectorAll(".jp-CodeCell .jp-InputPrompt") : [])];
  const line = document.querySelector("#jp-main-statusbar").textContent;
  return prompts.length > 0 && /Python 3.*\\| Idle/.test(line) && prompts.every(p => !p.textContent.includes("*"));
}"""
_TAB = ".lm-DockPanel-tabBar .lm-TabBar-tab[data-type='document-title']"
_CLOSED = "([found, count]) => document.querySelectorAll(found).length !== count"
_RAN = """([index, before]) => {
  const cell = document.querySelector(`.jp-NotebookPanel:not(.lm-mod-hidden) [data-windowed-list-index="${index}"]`);
  const prompt = cell && cell.querySelector(".jp-InputPrompt").textContent;
  return Boolean(prompt) && /\\d/.test(prompt) && prompt !== before;
}"""


@dataclass
class Lab:
    """A browser's page on JupyterLab with one notebook open."""

    page: Page
    jupyter: Jupyter
    said: list[str] = field(default_factory=list)
    """Errors that the page wrote to its console, or ended with, since the present test has it."""
    _parts: dict[str, int] = field(default_factory=dict)

    def open(self, name: str) -> None:
        """Open a notebook by the first letters of its name, from the list of files, as the only one."""
        (path,) = self.jupyter.notebooks.glob(f"{name}*.ipynb")
        self._parts = parts(path)
        self.page.locator(".jp-DirListing-item", has_text=path.name).dblclick()
        self.page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell")
        self.idle()

    def close(self) -> None:
        """Close every notebook, and keep nothing of what is not saved."""
        dialogue = self.page.locator(".jp-Dialog")
        while count := self.page.locator(_TAB).count():
            self.page.locator(_TAB).first.locator(".lm-TabBar-tabCloseIcon").click()
            self.page.wait_for_function(_CLOSED, arg=[_TAB + ", .jp-Dialog", count])
            if dialogue.count():
                dialogue.get_by_role("button", name="Discard").click()
            self.page.wait_for_function(_CLOSED, arg=[_TAB, count])

    def idle(self) -> None:
        """Wait until no cell waits to be run and the kernel is idle."""
        self.page.wait_for_function(_IDLE)

    @property
    def notebook(self) -> Locator:
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def cell(self, part: str) -> Locator:
        """A cell, by the name of its part."""
        return self.notebook.locator(f'[data-windowed-list-index="{self._parts[part]}"]')

    def output(self, part: str) -> Locator:
        return self.cell(part).locator(".jp-OutputArea-output")

    def area(self, part: str) -> Locator:
        """Everything below a cell's code; the place to look for a form's controls."""
        return self.cell(part).locator(".jp-Cell-outputWrapper")

    def text(self, part: str) -> str:
        """A cell's output as text, whether or not it is in sight."""
        return "\n".join(text.strip() for text in self.output(part).all_text_contents())

    def whole_text(self) -> str:
        return "\n".join(self.text(part) for part in self.code_parts())

    def code_parts(self) -> list[str]:
        return [part for part in self._parts if self.is_code(part)]

    def is_code(self, part: str) -> bool:
        return "jp-CodeCell" in (self.cell(part).get_attribute("class") or "")

    def run_all(self) -> None:
        self._menu("Run", "Run All Cells")
        self._wait_for(next(iter(self.code_parts())), "")

    def restart(self) -> None:
        """Begin with a fresh kernel, and no outputs."""
        self._menu("Kernel", "Restart Kernel and Clear Outputs of All Cells")
        self.page.locator(".jp-Dialog").get_by_role("button", name="Restart").click()
        expect(self.page.locator(".jp-Dialog")).to_have_count(0)
        expect(self.notebook.locator(".jp-OutputArea-output")).to_have_count(0)
        self.idle()

    def run(self, part: str) -> None:
        """Run one cell: put the cursor into its code, and press Control and Enter."""
        before = self.cell(part).locator(".jp-InputPrompt").text_content() or ""
        editor = self.cell(part).locator(".cm-content")
        editor.scroll_into_view_if_needed()
        editor.click()
        self.page.keyboard.press("Control+Enter")
        self._wait_for(part, before)

    def select_with_keys(self, part: str) -> None:
        """Go up or down to a cell, in JupyterLab's command mode."""
        for _ in self._parts:
            active = self.notebook.locator(".jp-Cell.jp-mod-active").get_attribute("data-windowed-list-index")
            if int(active or 0) == self._parts[part]:
                return
            self.page.keyboard.press("ArrowDown" if int(active or 0) < self._parts[part] else "ArrowUp")

    def _wait_for(self, part: str, before: str) -> None:
        self.page.wait_for_function(_RAN, arg=[self._parts[part], before])
        self.idle()

    def theme(self, name: str) -> None:
        """Choose a theme of JupyterLab, and wait until it is there."""
        self._menu("Settings", "Theme", name)
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)

    def _menu(self, menu: str, *entries: str) -> None:
        self.page.locator(".lm-MenuBar-item", has_text=menu).first.click()
        for entry in entries:
            self.page.locator(".lm-Menu-itemLabel").get_by_text(entry).first.click()

    def errors(self) -> list[str]:
        """Errors that a cell ended with, which JupyterLab shows in red."""
        return self.notebook.locator('[data-mime-type="application/vnd.jupyter.error"]').all_text_contents()

    def dialogues(self) -> list[str]:
        """What JupyterLab asks or tells by itself, in a dialogue or in a corner of the window."""
        return self.page.locator(".jp-Dialog, .Toastify__toast").all_text_contents()


@dataclass
class Desk:
    """The place where one test after the other sits down at JupyterLab. A page that was closed is replaced."""

    context: BrowserContext
    jupyter: Jupyter
    _lab: Lab | None = None

    def take(self) -> Lab:
        """JupyterLab with no notebook open, and none of the errors of the test before.

        A text field that has the cursor when its notebook is closed sends its change to a kernel that is gone;
        JupyterLab's widgets write that to the console as an error, and it is not the next test's.
        """
        if self._lab is None or self._lab.page.is_closed():
            page, said = self.context.new_page(), []
            page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: said.append(str(error)))
            page.goto(f"{self.jupyter.url}lab?reset&token={self.jupyter.token}")
            self._lab = Lab(page, self.jupyter, said)
        self._lab.close()
        self._lab.said.clear()
        return self._lab


@dataclass(frozen=True)
class Ran:
    """A notebook that was opened and run from top to bottom."""

    lab: Lab
    tenant: Kit
    asked: list[str]
    """What JupyterLab asked or told by itself before the first cell ran."""


def parts(path: Path) -> dict[str, int]:
    """The number of each cell of a notebook, by the name of its part."""
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return {cell["metadata"].get("runbook", {}).get("part", f"cell {n}"): n for n, cell in enumerate(cells)}
