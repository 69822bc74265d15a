"""Where a store's objects lie: a folder, or whatever fsspec reaches. Each object is written in one step.

A reader finds the whole of an object or nothing: object stores show an upload when it is complete, a folder gets a
file under its name when all of it is on the disk. `make` never overwrites, also not what came a moment before.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from runbook.archive.address import Address
from runbook.archive.trouble import is_conflict, is_no_bucket, unusable
from runbook.errors import StoreUnusable

_PARTS = ".parts"
"""Below a folder of records: files that are being written. What a killed process leaves there can be removed."""


class Place(Protocol):
    """Objects by name. Names have slashes; whatever else goes wrong is told as StoreUnusable."""

    def names(self, below: str) -> Mapping[str, int]:
        """Return the sizes of all objects below a name ("" for all), by their names from there on."""

    def read(self, name: str) -> bytes:
        """Return an object. Raises FileNotFoundError."""

    def make(self, name: str, content: bytes) -> None:
        """Write a new object in one step. Raises FileExistsError, and leaves what is there."""

    def replace(self, name: str, content: bytes) -> None:
        """Write an object in one step, in the place of one that may be there."""


def open_place(address: Address) -> Place:
    """Return what is at an address. Raises StoreUnusable."""
    return Folder(address) if address.sort == "file" else Objects(address)


class Folder:
    """A folder of this machine or a share, which must be there: a share that is not mounted is no empty one."""

    def __init__(self, address: Address, link: Callable[[Path, Path], None] = os.link) -> None:
        self._root = address.folder
        self._link = link
        self._must_be_there()

    def _must_be_there(self) -> None:
        if not self._root.is_dir():
            raise StoreUnusable(
                f"There is no folder {self._root}.", "Make it, or mount the share that it is on, and try again."
            )

    def names(self, below: str) -> Mapping[str, int]:
        self._must_be_there()
        top = self._root / below
        found: dict[str, int] = {}
        with self._told():
            for folder, _, files in os.walk(top, onerror=_raise_but_missing):
                for file in files:
                    path = Path(folder, file)
                    with contextlib.suppress(FileNotFoundError):  # a part, by now in its place
                        found[path.relative_to(top).as_posix()] = path.stat(follow_symlinks=False).st_size
        return found

    def read(self, name: str) -> bytes:
        with self._told(FileNotFoundError):
            return (self._root / name).read_bytes()

    def make(self, name: str, content: bytes) -> None:
        target = self._root / name
        with self._told(FileExistsError), self._written(content) as part:
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._link(part, target)
            except FileExistsError:
                raise
            except OSError:  # a share without hard links; here two who write at once are not kept apart
                if target.exists():
                    raise FileExistsError(name) from None
                os.rename(part, target)

    def replace(self, name: str, content: bytes) -> None:
        target = self._root / name
        with self._told(), self._written(content) as part:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(part, target)

    @contextlib.contextmanager
    def _written(self, content: bytes) -> Iterator[Path]:
        """Give a file with this content, on the same file system and under no name that a reader looks for."""
        part = self._root / _PARTS / secrets.token_hex(8)
        part.parent.mkdir(exist_ok=True)
        try:
            with part.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            yield part
        finally:
            part.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _told(self, *but: type[OSError]) -> Iterator[None]:
        try:
            yield
        except but:
            raise
        except OSError as error:
            raise StoreUnusable(f"{self._root}: {error.strerror}.", "See to the folder, and try again.") from error


def _raise_but_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


# Without a credential of its own, adlfs takes whichever Azure's library finds, and that looks at AZURE_CLIENT_ID and
# so on. In the kit's environment these are a tenant's, and a tenant's identity is for that tenant alone. What is left
# is the identity that the machine itself has, and a person's `az login`.
_MACHINE = {
    "exclude_environment_credential": True,
    "exclude_workload_identity_credential": True,
    "exclude_shared_token_cache_credential": True,
    "managed_identity_client_id": None,
}


def connect(address: Address, **more: Any) -> tuple[Any, str]:
    """Return fsspec's file system for an address, and the root there; `more` is what its class takes."""
    from fsspec.core import url_to_fs

    # Nothing is remembered between calls: others write to the same address.
    options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True, **more}
    if address.sort == "abfs":
        options |= _MACHINE
    system, root = url_to_fs(str(address), **options)
    return system, root


_PAUSES = (0.1, 0.4, 1.6, None)
"""Seconds before another try where two wrote the same object in the same moment and the store took neither's word."""


class Objects:
    """A bucket or container, through fsspec, which is imported here.

    What fsspec makes for such a store has a thread of its own and cannot be used in a forked child: open it in the
    process that uses it, and fork no more afterwards.
    """

    def __init__(
        self,
        address: Address,
        connected: Callable[[Address], tuple[Any, str]] = connect,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._address = address
        self._sleep = sleep
        with self._told():
            self._system, root = connected(address)
            self._root = root.rstrip("/")

    def names(self, below: str) -> Mapping[str, int]:
        top = f"{self._root}/{below}".rstrip("/") + "/"
        with self._told():
            found = self._system.find(top.rstrip("/"), detail=True)
            # adlfs finds nothing in a container that is not there, too.
            if not found and self._address.sort == "abfs" and not self._system.exists(self._address.place):
                raise FileNotFoundError(self._address.place)
        return {name.removeprefix(top): item["size"] for name, item in found.items() if item["type"] == "file"}

    def read(self, name: str) -> bytes:
        try:
            content: bytes = self._system.cat_file(f"{self._root}/{name}")
        except Exception as error:
            if isinstance(error, FileNotFoundError) and not is_no_bucket(error):
                raise FileNotFoundError(name) from None
            raise unusable(error, self._address) from None
        return content

    def make(self, name: str, content: bytes) -> None:
        self._write(name, content, mode="create")

    def replace(self, name: str, content: bytes) -> None:
        self._write(name, content)

    def _write(self, name: str, content: bytes, **how: str) -> None:
        # One request, or for a large one parts that a last request puts together; either shows all or nothing.
        # "create" is If-None-Match: the store itself refuses what is there already.
        for pause in _PAUSES:
            try:
                self._system.pipe_file(f"{self._root}/{name}", content, **how)
                return
            except FileExistsError:
                raise FileExistsError(name) from None
            except Exception as error:
                if pause is None or not is_conflict(error):
                    raise unusable(error, self._address) from None
            self._sleep(pause)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what went wrong in words of our own: those of the libraries may quote an address that is signed."""
        try:
            yield
        except Exception as error:
            raise unusable(error, self._address) from None
