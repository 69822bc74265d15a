"""Hold a run's files against its manifest, its journal's chain and its signature. Reads files only, writes nothing.

What a check can show is said with every answer: a manifest that nobody signed and whose hash nobody noted can be
made again by whoever can write to the folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from runbook.archive import signature
from runbook.archive.manifest import FORMAT, MANIFEST, OWN, Contents, FileEntry, Manifest, look, measure
from runbook.journal import Ending, ending
from runbook.runs import read_json

JOURNAL = "journal.jsonl"
RUN_NAME = re.compile(r"\d{8}T\d{6}Z-.+")
"""How the kit names a run's folder."""

UNSIGNED = (
    "Unsigned: the files are as they were when this manifest was made. Who made it, this does not show: somebody who "
    "can write to the folder could have changed the files and made a new manifest and journal. A hash that was "
    "noted elsewhere (--head), or a signature, would show it."
)
NOT_CHECKED = (
    "Signed by the key {key}, and the signature fits the key that it carries. Whether that is the right key was not "
    "checked: give it by --public-key."
)
GOOD = "Signed: the files are as they were when the holder of the key {key} signed them."


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is not as it was when the run ended."""

    path: str
    what: str


@dataclass(slots=True, kw_only=True)
class Report:
    """What the check of one run found, and what its answer rests on."""

    folder: Path
    run: str
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    manifest: str | None = None
    """The manifest's digest, if there is a manifest that can be read."""
    journal: Ending | None = None
    files: int = 0
    signed_by: str | None = None
    signature: str = "none"
    """``none``, ``not checked``, ``good`` or ``bad``."""

    @property
    def whole(self) -> bool:
        return not self.findings

    def find(self, path: str, what: str) -> None:
        self.findings.append(Finding(path, what))

    def as_json(self) -> dict[str, Any]:
        end = self.journal
        return {
            "folder": str(self.folder),
            "run": self.run,
            "whole": self.whole,
            "findings": [{"path": item.path, "what": item.what} for item in self.findings],
            "notes": self.notes,
            "manifest": self.manifest,
            "journal": None if end is None else {"entries": end.entries, "head": end.head},
            "files": self.files,
            "signature": {"state": self.signature, "fingerprint": self.signed_by},
        }


def check(folder: Path, *, noted: str = "", key: Ed25519PublicKey | None = None) -> Report:
    """Return what is not whole in a run's folder.

    `noted` is a hash that was kept elsewhere, of the manifest or of the journal's last entry; with `key`, a
    signature by that key must be there. Raises OSError only if the folder itself cannot be listed.
    """
    report = Report(folder=folder, run=folder.resolve().name)
    contents = look(folder)
    report.files = len(contents.files)
    for name, what in contents.others.items():
        report.find(name, what)
    _check_journal(report, contents)
    manifest = _read_manifest(report, contents)
    if manifest is None:
        _without_manifest(report, contents)
    else:
        _check_name(report, manifest)
        report.findings.extend(sorted(_differences(manifest, contents)))
        _journal_against(report, manifest.journal.entries, manifest.journal.head, MANIFEST)
    _check_signature(report, contents, manifest, key)
    if noted:
        _check_noted(report, noted.strip().lower())
    return report


def _check_journal(report: Report, contents: Contents) -> None:
    if JOURNAL not in contents.files:
        return  # said by the manifest's list, or where there is no manifest
    report.journal = ending(contents.files[JOURNAL])
    if report.journal.problem:
        report.find(JOURNAL, f"{report.journal.problem} {report.journal.entries} entries before it are whole.")


def _read_manifest(report: Report, contents: Contents) -> Manifest | None:
    """Return the manifest if it can be read at all; what is wrong with it is among the findings."""
    path = contents.files.get(MANIFEST)
    if path is None:
        return None
    try:
        raw = path.read_bytes()
        loaded = json.loads(raw)
        if isinstance(loaded, dict) and isinstance(loaded.get("format"), int) and loaded["format"] > FORMAT:
            report.find(MANIFEST, f"has format {loaded['format']}, which this kit does not know; a newer one may")
            return None
        manifest = Manifest.model_validate_json(raw)
        whole = manifest.holds(raw)
    except OSError as error:
        report.find(MANIFEST, f"cannot be read: {error.strerror}")
        return None
    except (ValueError, ValidationError, RecursionError):
        report.find(MANIFEST, "is damaged: it is no manifest that this kit could have made")
        return None
    if not whole:
        report.find(MANIFEST, "was changed after it was made: its digest is not that of its content")
    report.manifest = manifest.digest
    return manifest


def _without_manifest(report: Report, contents: Contents) -> None:
    """Say what is left to believe where there is no manifest: the journal's chain, and the result's word on it."""
    if MANIFEST not in contents.files:
        ended = report.journal is not None and report.journal.event == "run-finished"
        why = (
            "by its journal the run ended, so the manifest was removed, or the run was stopped before it was written, "
            "or the kit that made the run wrote none"
            if ended
            else "the run did not come to its end (it was killed, still runs, or was a notebook on its own)"
        )
        report.find(MANIFEST, f"is missing: {why}; the files cannot be held against anything")
    if JOURNAL not in contents.files:
        report.find(JOURNAL, "is missing")
    path = contents.files.get("result.json")
    if path is None or report.journal is None:
        return
    try:
        said = read_json(path)["journal"]
        entries, head = said["entries"], said["head"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        report.find("result.json", "cannot be read as a run's result")
        return
    _journal_against(report, entries, head, "result.json")


def _journal_against(report: Report, entries: int, head: str, source: str) -> None:
    end = report.journal
    if end is not None and not end.problem and (end.entries, end.head) != (entries, head):
        how = f"was cut: it has {end.entries} entries, and {source} says {entries}"
        report.find(JOURNAL, how if end.entries != entries else f"has another last entry than {source} says")


def _check_name(report: Report, manifest: Manifest) -> None:
    name, report.run = report.run, manifest.run
    if name == manifest.run:
        return
    if RUN_NAME.fullmatch(name):
        report.find(".", f"is named as another run; its manifest is that of {manifest.run}")
    else:
        report.notes.append(f"The folder was renamed; the run calls itself {manifest.run}.")


def _differences(manifest: Manifest, contents: Contents) -> Iterator[Finding]:
    """Yield what was removed, added or changed since the manifest was made."""
    found = {name: path for name, path in contents.files.items() if name not in OWN}
    added: dict[str, Mapping[str, Any] | str] = {}
    for name, path in found.items():
        if name not in manifest.files:
            added[name] = _measured(path)
            yield Finding(name, "was added after the run ended")
        else:
            said = _changed(manifest.files[name], _measured(path))
            if said:
                yield Finding(name, said)
    for name in manifest.files.keys() - found.keys():
        wanted = manifest.files[name].model_dump()
        moved = next((other for other, it in added.items() if it == wanted), None)
        yield Finding(name, "is missing" + (f"; {moved} has its content" if moved else ""))
    for name in set(contents.folders) - set(manifest.folders):
        yield Finding(name, "is a folder that was added after the run ended")
    for name in set(manifest.folders) - set(contents.folders):
        yield Finding(name, "is missing (a folder)")


def _measured(path: Path) -> Mapping[str, Any] | str:
    try:
        return measure(path)
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _changed(wanted: FileEntry, found: Mapping[str, Any] | str) -> str:
    if isinstance(found, str):
        return found
    if found["size"] != wanted.size:
        return f"was changed: it has {found['size']} bytes, and had {wanted.size}"
    return "" if found["sha256"] == wanted.sha256 else "was changed: its hash is another"


def _check_signature(
    report: Report, contents: Contents, manifest: Manifest | None, key: Ed25519PublicKey | None
) -> None:
    path = contents.files.get(signature.SIGNATURE)
    if path is None:
        if manifest is not None and manifest.signed_by:
            report.signature = "bad"
            report.find(signature.SIGNATURE, f"is missing: the manifest names the key {manifest.signed_by}")
        elif key is not None:
            report.find(signature.SIGNATURE, "is missing: a signature was asked for, and the run is unsigned")
        elif manifest is not None:
            report.notes.append(UNSIGNED)
        return
    report.signature = "bad"
    if manifest is None:
        report.find(signature.SIGNATURE, "signs nothing: there is no manifest that can be read")
        return
    try:
        signer = signature.signer(path.read_bytes(), manifest.signed_bytes())
    except OSError as error:
        report.find(signature.SIGNATURE, f"cannot be read: {error.strerror}")
        return
    except ValueError as error:
        report.find(signature.SIGNATURE, str(error))
        return
    report.signed_by = signature.fingerprint(signer)
    if report.signed_by != manifest.signed_by:
        report.find(signature.SIGNATURE, f"is by the key {report.signed_by}, which the manifest does not name")
    elif key is None:
        report.signature = "not checked"
        report.notes.append(NOT_CHECKED.format(key=report.signed_by))
    elif report.signed_by != signature.fingerprint(key):
        wanted = signature.fingerprint(key)
        report.find(signature.SIGNATURE, f"is by another key: {report.signed_by}, not the given {wanted}")
    else:
        report.signature = "good"
        report.notes.append(GOOD.format(key=report.signed_by))


def _check_noted(report: Report, noted: str) -> None:
    """Hold the run against a hash that was kept where nobody who writes to the folder can change it."""
    if report.manifest is not None and report.manifest.startswith(noted):
        report.notes.append("The manifest is the one whose hash was noted.")
    elif report.journal is not None and report.journal.head.startswith(noted):
        report.notes.append("The journal is the one whose last hash was noted; that says nothing of the other files.")
    else:
        report.find(MANIFEST, f"is not the one that was noted: neither it nor the journal's last entry has {noted}")
