"""One Chromium and one JupyterLab for all browser tests; a new simulated tenant and a new page for each.

Where Chromium or axe-core is missing, the tests that need it are skipped, and say what to install. A test that fails
leaves a picture of its page and a trace in a folder whose name is printed (RUNBOOK_FAILURES, else a temporary one).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from browser import jupyter
from browser.jupyter import Jupyter
from browser.lab import PATIENCE, Lab
from browser.walkthrough import Walkthrough
from conftest import Kit
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

HERE = Path(__file__).resolve().parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
SIZE = {"width": 1280, "height": 900}
FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Under xdist, one worker runs them where tests are dealt by group; else each worker has a JupyterLab of its own."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that a test failed, for the fixture that keeps what was seen."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("Chromium is missing. On Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(SWITCHES))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core's script, as npm installed it."""
    if not AXE.is_file():
        pytest.skip("axe-core is missing. With Node: npm ci --prefix tests/browser")
    return AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """The one JupyterLab of these tests."""
    with jupyter.running(tmp_path_factory.mktemp("jupyterlab")) as started:
        yield started


@pytest.fixture
def tenant(server: Jupyter) -> Iterator[Kit]:
    """The command line on the tenant that JupyterLab's kernels use, which is new for each test."""
    server.forget()
    yield Kit(server.folder)
    server.forget()


@pytest.fixture(scope="session")
def failures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures and traces of failed tests go."""
    named = os.environ.get("RUNBOOK_FAILURES")
    return Path(named) if named else tmp_path_factory.mktemp("failures")


@pytest.fixture
def context(chromium: Browser, failures: Path, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A browser that has never been anywhere; what it saw is kept if the test fails."""
    context = chromium.new_context(viewport=SIZE)
    context.set_default_timeout(PATIENCE)
    context.tracing.start(screenshots=False, snapshots=True)
    yield context
    if request.node.stash.get(FAILED, False):
        keep(context, failures / re.sub(r"[^\w-]+", "-", request.node.name))
    context.close()


def keep(context: BrowserContext, folder: Path) -> None:
    """Write down what a failed test saw: a picture of each page, and a trace for ``playwright show-trace``."""
    for number, page in enumerate(context.pages, start=1):
        page.screenshot(path=folder / f"page-{number}.png")
    context.tracing.stop(path=folder / "trace.zip")
    print(f"what the browser showed: {folder}")


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def lab(page: Page, server: Jupyter, tenant: Kit) -> Lab:
    """JupyterLab before a person, with a new tenant; no notebook is open yet."""
    opened = Lab(page, server)
    page.on("console", lambda message: opened.said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: opened.said.append(str(error)))
    return opened


@pytest.fixture
def begin(lab: Lab) -> Callable[[str], Walkthrough]:
    """Open a notebook and run all of its cells."""

    def begun(name: str) -> Walkthrough:
        lab.open(name)
        lab.run_all()
        return Walkthrough(lab)

    return begun
