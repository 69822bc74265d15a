"""Put finished runs where this machine's disk is not: into a bucket, a container, or a folder on a share.

::

    ADDRESS/<run>/…, manifest.sig, manifest.json    as in the run's own folder
    ADDRESS/marks/<key>.json                        what a fleet notes, such as that a tenant is finished

The manifest comes last, so a run without one is not there yet. Nothing of a run is ever overwritten or removed; who
puts a run again sends only what is missing. Marks alone are replaced, each in one step.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from runbook.archive import listing
from runbook.archive.address import is_plain, parse
from runbook.archive.check import RUN_NAME, check
from runbook.archive.manifest import MANIFEST, OWN, FileEntry, Manifest
from runbook.archive.places import Place, open_place
from runbook.archive.signature import SIGNATURE
from runbook.errors import NotStored, NotWhole, UsageError
from runbook.runs import json_text
from runbook.views import plain

_MARKS = "marks"
_STAGE = ".fetching"
_AT_ONCE = 8
"""How many objects are on their way at a time."""
_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """What putting a run came to."""

    run: str
    files: int
    """How many objects the run has at the address."""
    sent: int
    """How many of them were not there before."""
    size: int
    """How many bytes were sent."""


class Store:
    """What is kept at one address.

    Make it in the process that uses it: the libraries for object stores do not survive a fork, and have a thread.
    `place` is where its objects lie, if that is not to be opened from the address.
    """

    def __init__(self, address: str, place: Place | None = None) -> None:
        """Raises UsageError for what is no address, StoreUnusable where nothing can be opened."""
        self._address = parse(address)
        self._place = place or open_place(self._address)

    @property
    def address(self) -> str:
        return str(self._address)

    def put(self, folder: Path) -> Put:
        """Put a sealed run there, the manifest last; of a run that is there already, what is missing.

        Raises NotStored for a run that is not whole, and where something else has its name; StoreUnusable.
        """
        manifest, own = _sealed(folder)
        run = manifest.run
        there = self._place.names(run)
        self._refuse_strangers(run, there.keys() - manifest.files.keys() - own.keys())
        done = MANIFEST in there
        if done and self._place.read(f"{run}/{MANIFEST}") != own[MANIFEST]:
            raise self._another(run, folder)

        def send(item: tuple[str, FileEntry]) -> int:
            name, entry = item
            if done and there.get(name) == entry.size:
                return -1
            content = (folder / name).read_bytes()
            if hashlib.sha256(content).hexdigest() != entry.sha256:
                raise NotStored(f"{folder / name} was changed while it was put.", f"See: {_CHECK.format(folder)}")
            return self._send(run, name, content, there)

        sent = [*_each(send, manifest.files.items())]
        for name in sorted(own, key=lambda name: name == MANIFEST):
            sent.append(self._send(run, name, own[name], there))
        made = [size for size in sent if size >= 0]
        return Put(run=run, files=len(sent), sent=len(made), size=sum(made))

    def _send(self, run: str, name: str, content: bytes, there: Mapping[str, int]) -> int:
        """Make one object, and return its size; -1 if just that content is there already."""
        if name not in there:
            try:
                self._place.make(f"{run}/{name}", content)
                return len(content)
            except FileExistsError:
                pass  # somebody else puts it at the same time
        if self._place.read(f"{run}/{name}") != content:
            raise NotStored(
                f"At {self.address}/{run} there is another {name}, which was not put there with this run.",
                "It was left as it is. Have it looked into and removed, or put the run to another address.",
            )
        return -1

    def _refuse_strangers(self, run: str, strangers: Iterable[str]) -> None:
        found = sorted(strangers)
        if found:
            raise NotStored(
                f"At {self.address}/{run} there is {plain(found[0])}, which is not of this run"
                + (f", and {len(found) - 1} more." if len(found) > 1 else "."),
                "It was left as it is. Have it looked into and removed, or put the run to another address.",
            )

    def _another(self, run: str, folder: Path) -> NotStored:
        return NotStored(
            f"{self.address} has a run {run} with another manifest, and it was left as it is.",
            "A run that was taken up again after it was put has another manifest, too: put it to another address. "
            f"If it was not, one of the two was changed; see: {_CHECK.format(folder)}",
        )

    def runs(self) -> list[str]:
        """Return the names of the whole runs there, oldest first."""
        split = (name.split("/") for name in self._place.names(""))
        return sorted(parts[0] for parts in split if len(parts) == 2 and parts[1] == MANIFEST and _is_run(parts[0]))

    def find(self, text: str) -> str:
        """Return a run's name from a part of it that no other run there has. Raises UsageError."""
        names = self.runs()
        found = [text] if text in names else [name for name in names if text and text in name]
        if len(found) == 1:
            return found[0]
        how = f"See them with: runbook records list --from {self.address}"
        if found:
            raise UsageError(f"{len(found)} runs at {self.address} have {text!r} in their name.", how)
        raise UsageError(f"There is no run {text!r} at {self.address}.", how)

    def fetch(self, name: str, into: Path) -> Path:
        """Copy a run into a folder, and return its own folder there once it was held against its manifest.

        Nothing is overwritten; a run that is there whole is left as it is. Raises NotWhole, and then nothing is left
        of it; UsageError for a run that is not there, or cannot be written; StoreUnusable.
        """
        manifest, own = self._manifest(name)
        target = into / name
        if target.exists():
            if (
                (target / MANIFEST).is_file()
                and (target / MANIFEST).read_bytes() == own[MANIFEST]
                and check(target).whole
            ):
                return target
            raise UsageError(
                f"{target} is there already, and is not the run that {self.address} has.", "Give another folder by -o."
            )
        stage = into / _STAGE / secrets.token_hex(4)
        try:
            self._copy(name, manifest, own, stage / name)
            found = check(stage / name).findings
            if found:
                raise self._damaged(name, f"{plain(found[0].path)} {found[0].what}")
            os.rename(stage / name, target)
        except OSError as error:
            raise UsageError(f"{into} cannot be written: {error.strerror}.", "Give another folder by -o.") from error
        finally:
            shutil.rmtree(stage, ignore_errors=True)
            if stage.parent.is_dir() and not any(stage.parent.iterdir()):
                stage.parent.rmdir()
        return target

    def _copy(self, run: str, manifest: Manifest, own: Mapping[str, bytes], folder: Path) -> None:
        extra = self._place.names(run).keys() - manifest.files.keys() - own.keys()
        if extra:
            raise self._damaged(run, f"{plain(min(extra))} was added after the run ended")
        for name in ("", *manifest.folders, *(os.path.dirname(name) for name in manifest.files)):
            (folder / name).mkdir(parents=True, exist_ok=True)

        def take(item: tuple[str, FileEntry]) -> None:
            (folder / item[0]).write_bytes(self._read(run, *item))

        for _ in _each(take, manifest.files.items()):
            pass
        for name, content in own.items():
            (folder / name).write_bytes(content)

    def _manifest(self, run: str) -> tuple[Manifest, dict[str, bytes]]:
        """Return the manifest of a run and the files that it cannot list: itself, and the signature over it."""
        if not _is_run(run):
            raise UsageError(f"{run!r} is no run's name.")
        try:
            raw = self._place.read(f"{run}/{MANIFEST}")
        except FileNotFoundError:
            raise UsageError(
                f"There is no run {run} at {self.address}.",
                f"See them with: runbook records list --from {self.address}",
            ) from None
        try:
            manifest = Manifest.model_validate_json(raw)
        except (ValueError, RecursionError):
            raise self._damaged(run, f"{MANIFEST} is no manifest that this kit could have made") from None
        if not manifest.holds(raw) or manifest.run != run:
            raise self._damaged(run, f"{MANIFEST} was changed, or is another run's")
        # The names come from outside and become paths on this machine.
        odd = [name for name in (*manifest.files, *manifest.folders) if not all(map(is_plain, name.split("/")))]
        if odd or manifest.files.keys() & set(OWN):
            raise self._damaged(run, f"{MANIFEST} names files that no run has")
        own = {MANIFEST: raw}
        if manifest.signed_by:
            try:
                own[SIGNATURE] = self._place.read(f"{run}/{SIGNATURE}")
            except FileNotFoundError:
                raise self._damaged(run, f"{SIGNATURE} is missing") from None
        return manifest, own

    def _read(self, run: str, name: str, entry: FileEntry) -> bytes:
        """Return one file of a run, as its manifest says it is."""
        try:
            content = self._place.read(f"{run}/{name}")
        except FileNotFoundError:
            raise self._damaged(run, f"{name} is missing") from None
        if len(content) != entry.size or hashlib.sha256(content).hexdigest() != entry.sha256:
            raise self._damaged(run, f"{name} was changed")
        return content

    def _damaged(self, run: str, what: str) -> NotWhole:
        return NotWhole(f"{self.address}/{run}: {what}.", "Fetch it from another copy; nothing of this one was kept.")

    def rows(self, complain: Callable[[str], None]) -> Iterator[listing.Row]:
        """Yield every whole run there, from its result; of one whose result is not as it was, `complain` is told."""

        def row(run: str) -> listing.Row | NotWhole:
            try:
                manifest, _ = self._manifest(run)
                result = json.loads(self._read(run, "result.json", manifest.files["result.json"]))
                return replace(listing.finished(Path(run), result), folder=f"{self.address}/{run}")
            except NotWhole as error:
                return error
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                return self._damaged(run, "result.json is not a run's result")

        for found in _each(row, self.runs()):
            if isinstance(found, NotWhole):
                complain(f"{found.detail} Passed over.")
            else:
                yield found

    def mark(self, key: str, value: Any) -> None:
        """Note a small value under a key, in one step: who reads it finds the former value or this one."""
        self._place.replace(_mark(key), json_text(value).encode())

    def marked(self, key: str) -> Any:
        """Return what was noted under a key; None if nothing was. Raises NotWhole for what `mark` has not written."""
        try:
            return json.loads(self._place.read(_mark(key)))
        except FileNotFoundError:
            return None
        except (ValueError, RecursionError):
            raise NotWhole(f"{self.address}/{_mark(key)} is no mark that this kit could have written.") from None

    def marks(self, below: str) -> list[str]:
        """Return the keys below a key under which something was noted."""
        found = self._place.names(_mark(below).removesuffix(".json"))
        return sorted(f"{below}/{name.removesuffix('.json')}" for name in found if name.endswith(".json"))


_CHECK = "runbook records check {}"


def _is_run(name: str) -> bool:
    return RUN_NAME.fullmatch(name) is not None and is_plain(name)


def _mark(key: str) -> str:
    if not all(map(is_plain, key.split("/"))):
        raise ValueError(f"no key of a mark: {key!r}")
    return f"{_MARKS}/{key}.json"


def _sealed(folder: Path) -> tuple[Manifest, dict[str, bytes]]:
    """Return the manifest of a run that is whole, and the files it does not list. Raises NotStored."""
    try:
        found = check(folder).findings
        if found:
            what = f"{plain(found[0].path)} {found[0].what}"
            raise NotStored(f"{folder} is not a whole run: {what}.", f"See: {_CHECK.format(folder)}")
        own = {name: (folder / name).read_bytes() for name in OWN if (folder / name).is_file()}
    except OSError as error:
        raise NotStored(f"{folder} cannot be read: {error.strerror}.") from error
    manifest = Manifest.model_validate_json(own[MANIFEST])
    odd = [name for name in manifest.files if not all(map(is_plain, name.split("/")))]
    if odd or not _is_run(manifest.run):
        raise NotStored(f"{folder} has a name that not every store can keep: {plain((odd or [manifest.run])[0])}.")
    return manifest, own


def _each(do: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
    """Do the same with all items, some at a time, and yield what comes of each; the first failure ends it."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        running = [pool.submit(do, item) for item in items]
        try:
            for future in running:
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
