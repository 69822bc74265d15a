"""``manifest.json``: the size and SHA-256 of every file of a run and the head of its journal.

It is the last file that a run writes. It carries its own digest over its canonical JSON (RFC 8785), and the file
has one spelling only, so that a changed byte of the manifest itself is found, too. A run that was killed has none.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from runbook import canonical
from runbook.archive import signature
from runbook.errors import RunbookError, UsageError
from runbook.journal import ending
from runbook.plan import digest
from runbook.runs import RunFolder, json_text, write_json

MANIFEST = "manifest.json"
FORMAT = 1

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class FileEntry(_Part):
    """One file as it was when the manifest was made."""

    size: int
    sha256: Sha256


class JournalEnd(_Part):
    """How many entries the journal had, and the hash of the last one."""

    entries: int
    head: Sha256


class Kit(_Part):
    """What made the manifest."""

    version: str


class Manifest(_Part):
    """A manifest as it was read from a file; whether it holds is for `holds` and for the check to say."""

    format: Literal[1]
    run: str
    tenant: str
    mode: str
    status: str
    finished: str
    kit: Kit
    journal: JournalEnd
    folders: list[str]
    files: dict[str, FileEntry]
    signed_by: Sha256 | None
    """Fingerprint of the key that signs it; None for an unsigned one."""
    digest: Sha256

    def body(self) -> dict[str, Any]:
        return self.model_dump(exclude={"digest"})

    def signed_bytes(self) -> bytes:
        """The canonical bytes that the digest and a signature are made over."""
        return canonical.dumps(self.body())

    def holds(self, raw: bytes) -> bool:
        """Whether the digest is that of the content, and `raw` is the one spelling of it."""
        spelling = {**self.model_dump(), "files": dict(sorted(self.model_dump()["files"].items()))}
        return self.digest == digest(self.body()) and raw == json_text(spelling).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What lies in a run's folder, by name: files, folders, and what is neither (a run makes no such thing)."""

    files: Mapping[str, Path]
    folders: tuple[str, ...]
    others: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What is worth noting elsewhere when a run has ended."""

    digest: str
    head: str
    signed_by: str | None


def seal(folder: RunFolder, result: Mapping[str, Any]) -> Seal:
    """Write the manifest of a run whose files are all written, and its signature if runs are signed.

    Raises RunbookError, and writes nothing, when the key that RUNBOOK_SIGNING_KEY names cannot be used any more or
    a file cannot be read again; the run and its record are what they are.
    """
    try:
        key = signature.signing_key()
    except UsageError as error:
        raise RunbookError(
            f"The run ended and its record is {folder.record}, but it could not be signed: {error.detail}", error.remedy
        ) from error
    signer = signature.fingerprint(key.public_key()) if key else None
    try:
        body = build(folder.path, result, signer)
    except OSError as error:
        raise RunbookError(f"The files of {folder.path} could not be read again for its manifest: {error}.") from error
    sealed = Manifest.model_validate({**body, "digest": digest(body)})
    write_json(folder.path / MANIFEST, sealed.model_dump())
    if key:
        write_json(folder.path / signature.SIGNATURE, signature.sign(key, sealed.signed_bytes()))
    return Seal(digest=sealed.digest, head=sealed.journal.head, signed_by=signer)


def build(folder: Path, result: Mapping[str, Any], signer: str | None) -> dict[str, Any]:
    """Return the body of the manifest: everything but its digest."""
    contents = look(folder)
    end = ending(folder / "journal.jsonl")
    return {
        "format": FORMAT,
        "run": result["run"],
        "tenant": result["tenant"]["name"],
        "mode": result["mode"],
        "status": result["status"],
        "finished": result["finished"],
        "kit": {"version": result["kit"]["version"]},
        "journal": {"entries": end.entries, "head": end.head},
        "folders": list(contents.folders),
        "files": {name: measure(path) for name, path in contents.files.items() if name not in OWN},
        "signed_by": signer,
    }


OWN = (MANIFEST, signature.SIGNATURE)
"""What a manifest cannot list: itself, and the signature over it."""


def measure(path: Path) -> dict[str, Any]:
    """Return size and hash of one file, both from the same reading of it."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        return {"size": file.tell(), "sha256": found}


def look(folder: Path) -> Contents:
    """Return what lies in a folder. No link is followed, and nothing but folders is opened."""
    files: dict[str, Path] = {}
    folders: list[str] = []
    others: dict[str, str] = {}
    for name, entry in sorted(_walk(folder, ""), key=lambda item: item[0]):
        if entry.is_symlink():
            others[name] = "is a symbolic link; a run holds plain files only"
        elif entry.is_dir(follow_symlinks=False):
            folders.append(name)
        elif entry.is_file(follow_symlinks=False):
            files[name] = Path(entry.path)
        else:
            others[name] = "is no plain file; a run holds plain files only"
    return Contents(files=files, folders=tuple(folders), others=others)


def _walk(folder: Path, above: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(folder) as entries:
        found = list(entries)
    for entry in found:
        name = above + spelt(entry.name)
        yield name, entry
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), name + "/")


def spelt(name: str) -> str:
    r"""Return a file's name as text that JSON can hold: a byte that is no UTF-8 as ``\xff``, a backslash doubled."""
    return os.fsencode(name.replace("\\", "\\\\")).decode("utf-8", "backslashreplace")
