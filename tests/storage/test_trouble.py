"""Whatever a store's library raises is told in one message with what to do, and without what the library said."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from azure.core import exceptions as azure
from botocore import exceptions as botocore
from conftest import inherited
from fsspec.exceptions import FSTimeoutError
from s3fs.errors import translate_boto_error
from storage.making import NAME, sealed

from runbook.archive.address import parse
from runbook.archive.places import Folder, Objects
from runbook.archive.store import Store
from runbook.errors import ExitCode, StoreUnusable

CANARY = "sig-canary-1234"


def s3_says(code: str) -> Exception:
    """What s3fs raises for one of the service's codes."""
    said = {"Error": {"Code": code, "Message": f"{code} {CANARY}"}}
    raised: Exception = translate_boto_error(botocore.ClientError(said, "PutObject"))
    return raised


def azure_says(status: int, code: str) -> Exception:
    kind = azure.ResourceNotFoundError if status == 404 else azure.HttpResponseError
    error = kind(f"{code} {CANARY}")
    error.status_code, error.error_code = status, code  # type: ignore[attr-defined]
    return error


TROUBLES = [
    ("no credentials", "s3", botocore.NoCredentialsError(), "No credentials", "AWS_PROFILE"),
    ("half of them", "s3", botocore.PartialCredentialsError(provider="e", cred_var=CANARY), "No credentials", "AWS_"),
    ("a key nobody has", "s3", s3_says("InvalidAccessKeyId"), "are not taken .*InvalidAccessKeyId", "AWS_"),
    ("a wrong secret", "s3", s3_says("SignatureDoesNotMatch"), "are not taken", "AWS_"),
    ("no right", "s3", s3_says("AccessDenied"), "is not allowed .*AccessDenied", "storage.md"),
    ("no bucket", "s3", s3_says("NoSuchBucket"), "There is no bucket", "make it"),
    ("no endpoint", "s3", botocore.EndpointConnectionError(endpoint_url=CANARY), "could not be reached", "network"),
    ("no answer", "s3", botocore.ReadTimeoutError(endpoint_url=CANARY), "could not be reached", "network"),
    ("an old store", "s3", s3_says("NotImplemented"), "never overwrite", "If-None-Match"),
    ("another region", "s3", s3_says("PermanentRedirect"), "could not be used .*PermanentRedirect", "Try again"),
    ("no account", "abfs", ValueError(f"unable to connect to account for {CANARY}"), "No credentials", "AZURE_STORAGE"),
    ("nobody signs in", "abfs", azure.ClientAuthenticationError(CANARY), "No credentials", "AZURE_STORAGE"),
    ("a wrong key", "abfs", azure_says(403, "AuthenticationFailed"), "are not taken", "AZURE_STORAGE"),
    ("no right there", "abfs", azure_says(403, "AuthorizationFailure"), "is not allowed", "storage.md"),
    ("no container", "abfs", azure_says(404, "ContainerNotFound"), "There is no container", "make it"),
    ("no way there", "abfs", azure.ServiceRequestError(CANARY), "could not be reached", "network"),
    ("too slow", "abfs", FSTimeoutError(), "could not be reached", "network"),
    ("not installed", "s3", ImportError(f"Install s3fs {CANARY}"), "is not installed", r"runbook-kit\[storage\]"),
    ("cut", "s3", ConnectionResetError(CANARY), "could not be reached", "network"),
    ("nobody foresaw it", "s3", RuntimeError(CANARY), r"could not be used \(RuntimeError\)", "Try again"),
]


class Failing:
    """A file system of fsspec whose every call raises."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        def fail(*_: object, **__: object) -> None:
            raise self.error

        return fail


def told(act: Any) -> StoreUnusable:
    with pytest.raises(StoreUnusable) as caught:
        act()
    shown = "".join(traceback.format_exception(caught.value))
    assert CANARY not in shown, "what a library says may hold a credential"
    assert caught.value.exit_code == ExitCode.UNREADABLE
    return caught.value


@pytest.mark.parametrize(("name", "sort", "error", "says", "remedy"), TROUBLES, ids=[case[0] for case in TROUBLES])
def test_what_went_wrong_is_told_with_what_to_do(
    name: str, sort: str, error: Exception, says: str, remedy: str, tmp_path: Path
) -> None:
    address = f"{sort}://archive/runs"
    place = Objects(parse(address), lambda found: (Failing(error), "archive/runs"))

    def unopened() -> None:
        def refuse(found: object) -> tuple[Any, str]:
            raise error

        Objects(parse(address), refuse)

    for act in (
        unopened,
        lambda: Store(address, place).runs(),
        lambda: Store(address, place).put(sealed(tmp_path)),
        lambda: Store(address, place).mark("key", {}),
        lambda: Store(address, place).marked("key"),
        lambda: place.make("name", b""),
    ):
        found = told(act)
        assert re.search(says, found.detail), (name, found.detail)
        assert re.search(remedy, found.remedy), (name, found.remedy)


def test_a_file_that_is_not_there_is_no_trouble() -> None:
    place = Objects(parse("s3://archive"), lambda found: (Failing(s3_says("NoSuchKey")), "archive"))
    assert Store("s3://archive", place).marked("key") is None


class Busy:
    """A store that takes nobody's word a few times, as S3 may while two write the same object."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.written: list[str] = []

    def pipe_file(self, name: str, content: bytes, mode: str = "overwrite") -> None:
        if self.left:
            self.left -= 1
            raise s3_says("ConditionalRequestConflict")
        self.written.append(f"{name} {mode}")


def test_who_is_asked_to_try_again_does_so_and_not_for_ever() -> None:
    busy, slept = Busy(2), []
    Objects(parse("s3://archive"), lambda found: (busy, "archive"), slept.append).make("name", b"")
    assert busy.written == ["archive/name create"] and slept == [0.1, 0.4]
    with pytest.raises(StoreUnusable, match="ConditionalRequestConflict"):
        Objects(parse("s3://archive"), lambda found: (Busy(99), "archive"), slept.append).make("name", b"")
    assert len(slept) == 5


IDENTITIES = """
import json
from runbook.archive.address import parse
from runbook.archive.places import connect

def texts(value, seen):
    if isinstance(value, str):
        yield value
    elif id(value) not in seen and not isinstance(value, type):
        seen[id(value)] = value
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
        for part in [*inner, *getattr(value, "__dict__", {}).values()]:
            yield from texts(part, seen)

system, _ = connect(parse("abfs://archive"), account_name="account")
found = [one for one in system.credential.credentials]
held = [text for text in texts(found, {}) if text.startswith("tenants-")]
print(json.dumps([[type(one).__name__ for one in found], held]))
"""


def test_a_tenants_identity_is_not_used_for_the_store() -> None:
    """AZURE_CLIENT_ID and so on name the application of a tenant; Azure's library would take them for the store."""
    tenants = {
        f"AZURE_{name}": f"tenants-{name.lower()}"
        for name in ("CLIENT_ID", "CLIENT_SECRET", "TENANT_ID", "USERNAME", "FEDERATED_TOKEN_FILE")
    }
    done = subprocess.run(
        [sys.executable, "-c", IDENTITIES],
        env={**inherited(), **tenants}, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    kinds, holds = json.loads(done.stdout)
    assert "ManagedIdentityCredential" in kinds and "EnvironmentCredential" not in kinds
    assert holds == [], "somewhere in what signs in there is something of the tenant"


def test_a_share_that_is_not_mounted_is_no_empty_one(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="There is no folder") as caught:
        Store(f"file://{tmp_path}/share")
    assert "mount" in caught.value.remedy
    share = tmp_path / "share"
    share.mkdir()
    store = Store(f"file://{share}")
    share.rmdir()
    for act in (store.runs, lambda: store.put(sealed(tmp_path / "runs")), lambda: store.mark("key", {})):
        with pytest.raises(StoreUnusable, match=r"There is no folder|No such file"):
            act()
    assert not share.exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    (share / "marks").write_text("a file where a folder is wanted")
    (share / NAME).write_text("likewise")
    store = Store(f"file://{share}")
    for act in (
        lambda: store.mark("key", {}),
        lambda: store.marked("key"),
        lambda: store.put(sealed(tmp_path / "runs")),
    ):
        with pytest.raises(StoreUnusable, match=r"File exists|Not a directory"):
            act()
    assert list((share / ".parts").iterdir()) == []


def test_a_share_without_hard_links_overwrites_nothing_either(tmp_path: Path) -> None:
    def refuse(part: Path, target: Path) -> None:
        raise OSError(95, "Operation not supported")

    share = tmp_path / "share"
    share.mkdir()
    address = f"file://{share}"
    place = Folder(parse(address), refuse)
    assert Store(address, place).put(sealed(tmp_path / "runs")).sent == 6
    assert Store(address).fetch(NAME, tmp_path / "audit").is_dir()
    with pytest.raises(FileExistsError):
        place.make(f"{NAME}/record.html", b"other")
    assert list((share / ".parts").iterdir()) == []
