"""One Chromium and one JupyterLab for all browser tests; a new simulated tenant and a new page for each.

Where Chromium or axe-core is missing, the tests that need it are skipped, and say what to install. A test that fails
leaves a picture of its page and a trace in a folder whose name is printed (RUNBOOK_FAILURES, else a temporary one).
With RUNBOOK_TRACE=1 the trace has every state of the page, for ``playwright show-trace``; that takes a third longer.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import jupyter, pages
from browser.jupyter import Jupyter
from browser.lab import PATIENCE, Desk, Lab, Ran
from browser.pages import Written
from browser.walkthrough import Walkthrough
from conftest import Kit
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

from runbook import simulated
from simtenant import state

HERE = Path(__file__).resolve().parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
SIZE = {"width": 1280, "height": 900}
SECTIONS = sorted(path.stem for path in jupyter.NOTEBOOKS.glob("0[1-5]-*.ipynb"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker run them where xdist deals tests by group; else each worker has a JupyterLab of its own."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("Chromium is missing. On Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
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
def tenant(server: Jupyter) -> Kit:
    """The command line on the tenant that JupyterLab's kernels use, which is new for each test."""
    server.forget()
    return Kit(server.folder)


@pytest.fixture(scope="session")
def once_set_up(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """A kit whose tenant was set up by all of the tutorial; it is only copied."""
    made = Kit(tmp_path_factory.mktemp("set-up"))
    simulated.reset(made.state)
    done = made.apply()
    assert done.returncode == 0, done.stderr + done.stdout
    return made


@pytest.fixture
def set_up(once_set_up: Kit, tenant: Kit) -> Kit:
    """The tenant that JupyterLab's kernels use, as it is once all of the tutorial was applied; its log is empty."""
    shutil.rmtree(tenant.state)
    shutil.copytree(once_set_up.state, tenant.state)
    state.forget_log(tenant.state)
    return tenant


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Records of every sort, of one tenant; they are only read."""
    kit = Kit(tmp_path_factory.mktemp("written"))
    simulated.reset(kit.state)
    return pages.written(kit)


@pytest.fixture(scope="session")
def failures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures and traces of failed tests go."""
    named = os.environ.get("RUNBOOK_FAILURES")
    return Path(named) if named else tmp_path_factory.mktemp("failures")


@pytest.fixture
def page(chromium: Browser, failures: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of a browser that has never been anywhere; a picture of it is kept if the test fails."""
    with chromium.new_context(viewport=SIZE) as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        with watched(request, lambda: picture(page, failures / name_of(request))):
            yield page


@pytest.fixture(scope="session")
def desk(chromium: Browser, server: Jupyter) -> Iterator[Desk]:
    """The page on JupyterLab that tests use one after the other, for to load it takes longer than most of them."""
    with chromium.new_context(viewport=SIZE) as context:
        context.set_default_timeout(PATIENCE)
        context.tracing.start(screenshots=False, snapshots=bool(os.environ.get("RUNBOOK_TRACE")))
        yield Desk(context, server)


@contextlib.contextmanager
def seated(desk: Desk, failures: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """JupyterLab without a notebook, for the length of a ``with`` block; what it showed is kept after a failure."""
    desk.context.tracing.start_chunk()
    lab = desk.take()

    def keep() -> None:
        picture(lab.page, failures / name_of(request))
        desk.context.tracing.stop_chunk(path=failures / name_of(request) / "trace.zip")
        lab.page.close()  # whatever state it is in, the next test has a new one

    with watched(request, keep):
        yield lab
    if not lab.page.is_closed():
        desk.context.tracing.stop_chunk()


@pytest.fixture
def lab(desk: Desk, failures: Path, request: pytest.FixtureRequest, tenant: Kit) -> Iterator[Lab]:
    """JupyterLab before a person, with a new tenant; no notebook is open yet."""
    with seated(desk, failures, request) as lab:
        yield lab


@pytest.fixture
def begin(lab: Lab) -> Callable[[str], Walkthrough]:
    """Open a notebook and run all of its cells."""

    def begun(name: str) -> Walkthrough:
        lab.open(name)
        lab.run_all()
        return Walkthrough(lab)

    return begun


@pytest.fixture(scope="module", params=SECTIONS)
def ran(desk: Desk, failures: Path, request: pytest.FixtureRequest, server: Jupyter) -> Iterator[Ran]:
    """Each section's notebook, opened on a new tenant and run from top to bottom; only looked at, by several tests."""
    server.forget()
    with seated(desk, failures, request) as lab:
        lab.open(request.param)
        before = lab.dialogues()
        lab.run_all()
        yield Ran(lab, Kit(server.folder), before)


@contextlib.contextmanager
def watched(request: pytest.FixtureRequest, keep: Callable[[], None]) -> Iterator[None]:
    """Keep what was seen if a test failed in the length of a ``with`` block."""
    before = request.session.testsfailed
    try:
        yield
    except BaseException:
        keep()
        raise
    if request.session.testsfailed > before:
        keep()


def name_of(request: pytest.FixtureRequest) -> str:
    """The name of a folder for what a test, or a row of them, has shown."""
    return re.sub(r"[^\w-]+", "-", str(getattr(request, "param", request.node.name))).strip("-")


def picture(page: Page, folder: Path) -> None:
    """Take a picture of a page, and say where it is."""
    with contextlib.suppress(Error):  # a page that hangs has none to give; the test's own words are enough then
        page.screenshot(path=folder / "page.png", timeout=PATIENCE / 4)
    print(f"what the browser showed: {folder}")
