"""One server of each sort for all tests here; each test has an address of its own.

What needs a server is marked `storage`, but for a short sample on S3. Where Azurite is missing, the tests that need it
are skipped, and say what to install.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from storage import servers
from storage.servers import Server

SERVED = [pytest.param(sort, marks=pytest.mark.storage) for sort in ("s3", "abfs")]
SORTS = ["memory", "file", *SERVED]


@pytest.fixture(scope="session")
def s3() -> Iterator[Server]:
    with servers.s3() as server:
        yield server


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not servers.has_azurite():
        pytest.skip(servers.MISSING)
    with servers.azure(tmp_path_factory.mktemp("azurite")) as server:
        yield server


@pytest.fixture(params=SORTS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    """Each sort of place in turn."""
    if request.param in ("s3", "abfs"):
        found: Server = request.getfixturevalue("s3" if request.param == "s3" else "azure")
        return found
    root = "memory://archive" if request.param == "memory" else f"file://{tmp_path.as_posix()}/share"
    return Server(request.param, root, {}, {})


@pytest.fixture
def address(server: Server, request: pytest.FixtureRequest) -> str:
    """An address that nobody has used yet."""
    made = f"{server.root}/{re.sub(r'[^a-z]+', '-', request.node.name)[:40]}-{secrets.token_hex(4)}"
    if server.scheme == "file":
        Path(made.removeprefix("file://")).mkdir(parents=True)
    return made
