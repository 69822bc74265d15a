"""The vendor's own tests for Email Security domains, run against the simulated tenant.

They come in the source distribution of the installed ``cloudflare`` package and are fetched, not copied. They
prove shapes; what calls mean is proved by the tests beside this one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from xml.etree import ElementTree

import pytest

LIB = str(Path(__file__).parents[2] / "lib")
SUITE = "tests/api_resources/email_security/settings/test_domains.py"
NEEDED = ("pip", "respx", "aiohttp", "httpx_aiohttp")
PLUGIN = "pytest-asyncio>=1,<2"
UNREACHABLE = ("connection", "timed out", "name resolution", "(from versions: none)")


@dataclass(frozen=True)
class Fetched:
    """What was fetched for the suite: its sources, and a folder of modules for the pytest that runs it."""

    sources: Path
    modules: Path


@pytest.fixture(scope="module")
def fetched(pytestconfig: pytest.Config) -> Fetched:
    """Fetch once and keep in pytest's cache.

    The suite's asyncio plugin is not among this project's own tools: pytest would load it in every run.
    """
    missing = [name for name in NEEDED if util.find_spec(name) is None]
    if missing:
        pytest.skip(f"the vendor's suite needs {', '.join(missing)}, which are not installed")
    version = metadata.version("cloudflare")
    cache: Path = pytestconfig.cache.mkdir("vendor-suite") if pytestconfig.cache else pytest.skip("pytest has no cache")
    found = Fetched(sources=cache / f"cloudflare-{version}", modules=cache / "modules")
    if not (found.modules / "pytest_asyncio").is_dir():
        pip("install", "--no-deps", "--target", str(found.modules), PLUGIN)
    if not (found.sources / SUITE).is_file():
        archive = cache / f"cloudflare-{version}.tar.gz"
        pip("download", "--no-deps", "--no-binary", "cloudflare", "-d", str(cache), f"cloudflare=={version}")
        with tarfile.open(archive) as opened:
            opened.extractall(cache, filter="data")
        archive.unlink()
    return found


def pip(command: str, *arguments: str) -> None:
    """Run pip against the package index; skip when there is no way to it."""
    line = [sys.executable, "-m", "pip", command, "--quiet", "--retries", "1", "--timeout", "20", *arguments]
    done = subprocess.run(line, capture_output=True, text=True, timeout=240)
    if done.returncode == 0:
        return
    said = f"{done.stdout}\n{done.stderr}".lower()
    if any(phrase in said for phrase in UNREACHABLE):
        pytest.skip("the package index cannot be reached, so the vendor's suite could not be fetched")
    pytest.fail(f"pip could not fetch what the suite needs:\n{done.stderr[-2000:]}")


def environment() -> dict[str, str]:
    """Give this process's environment without what would steer the SDK or the inner pytest."""
    steering = ("CLOUDFLARE_", "PYTEST_", "COV_", "TEST_API_")
    return {name: text for name, text in os.environ.items() if name != "PYTHONPATH" and not name.startswith(steering)}


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Collect servers that end with the test."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.terminate()
        process.communicate(timeout=10)


def address(started: list[subprocess.Popen[str]], directory: Path, *options: str) -> str:
    command = [sys.executable, "-m", "simtenant.server", "--dir", str(directory), *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**environment(), "PYTHONPATH": LIB}, cwd=directory.parent
    )
    started.append(process)
    assert process.stdout is not None
    return process.stdout.readline().removeprefix("listening on ").strip()


def play(fetched: Fetched, url: str, results: Path) -> tuple[dict[str, int], str]:
    """Run the suite and give its counts and what it said."""
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-o", "filterwarnings=default"]
    command += ["-p", "no:cacheprovider", f"--junitxml={results}", SUITE]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=fetched.sources,
        env={**environment(), "TEST_API_BASE_URL": url, "PYTHONPATH": str(fetched.modules)},
        timeout=240,
    )
    suite = ElementTree.parse(results).getroot().find("testsuite")
    assert suite is not None, done.stdout
    counts = {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
    return counts, done.stdout[-3000:]


@pytest.mark.timeout(300)
def test_the_vendors_suite_passes(fetched: Fetched, tmp_path: Path, serve: list[subprocess.Popen[str]]) -> None:
    url = address(serve, tmp_path / "tenant", "--vendor-suite")
    counts, said = play(fetched, url, tmp_path / "results.xml")
    assert counts == {"tests": 180, "failures": 0, "errors": 0, "skipped": 0}, said
