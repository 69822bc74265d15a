"""Real servers on loopback: moto speaks S3, Azurite speaks Azure Blob. Their credentials are drawn when they start."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from runbook.archive.address import parse
from runbook.archive.places import Objects, Place, connect, open_place

AZURITE = Path(__file__).resolve().parent / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
MISSING = "Azurite is missing. With Node: make storage, or npm ci --prefix tests/storage"


@dataclass(frozen=True)
class Server:
    """One place where runs can be kept, and how to get there."""

    scheme: str
    root: str
    """What an address begins with; each test adds a prefix of its own."""
    options: Mapping[str, Any]
    """What fsspec's class takes, for this process."""
    environment: Mapping[str, str]
    """The same for a process of its own."""
    system: Any = None
    """What fsspec made of the options; to make it takes longer than most tests."""

    def open(self, address: str, *, fresh: bool = False) -> Place:
        """Return the place at an address, without looking at the environment; `fresh` with a connection of its own."""
        if self.scheme == "file":
            return open_place(parse(address))
        if fresh or self.system is None:
            return Objects(parse(address), partial(connect, **self.options))
        return Objects(parse(address), lambda found: (self.system, f"{found.place}/{found.prefix}"))


@contextlib.contextmanager
def s3() -> Iterator[Server]:
    """Moto's S3 server with one bucket."""
    from moto.server import ThreadedMotoServer  # a second, which who collects tests need not wait

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        key, secret, endpoint = secrets.token_hex(8), secrets.token_hex(16), f"http://{host}:{port}"
        region = {"region_name": "eu-west-1"}
        options = {"key": key, "secret": secret, "endpoint_url": endpoint, "client_kwargs": region}
        environment = {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_ENDPOINT_URL_S3": endpoint,
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
        }
        system, bucket = connect(parse("s3://archive"), **options)
        system.mkdir(bucket)
        yield Server("s3", "s3://archive", options, environment, system)
    finally:
        server.stop()


def has_azurite() -> bool:
    return AZURITE.is_file() and shutil.which("node") is not None


@contextlib.contextmanager
def azure(home: Path) -> Iterator[Server]:
    """Azurite's blob service, in memory, with one container."""
    account, key = f"account{secrets.token_hex(4)}", base64.b64encode(secrets.token_bytes(32)).decode()
    switches = ("--blobHost=127.0.0.1", "--blobPort=0", "--inMemoryPersistence", "--skipApiVersionCheck")
    process = subprocess.Popen(
        ["node", str(AZURITE), *switches, "--disableTelemetry", "--silent"],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "AZURITE_ACCOUNTS": f"{account}:{key}"},
        cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line)
            if listens := re.search(r"successfully listens on (http://127\.0\.0\.1:\d+)", line):
                break
        else:
            raise AssertionError(f"Azurite did not start: {''.join(told)}")
        parts = {
            "DefaultEndpointsProtocol": "http",
            "AccountName": account,
            "AccountKey": key,
            "BlobEndpoint": f"{listens[1]}/{account}",
        }
        named = ";".join(f"{name}={value}" for name, value in parts.items())
        options = {"connection_string": named}
        system, container = connect(parse("abfs://archive"), **options)
        system.mkdir(container)
        yield Server("abfs", "abfs://archive", options, {"AZURE_STORAGE_CONNECTION_STRING": named}, system)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
