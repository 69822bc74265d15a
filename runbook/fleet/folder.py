"""What lies on disk of one fleet run, and which of its tenants are finished.

``<runs>/fleets/<utc>-<mode>-<id>/`` holds ``fleet.json`` (what was asked), ``journal.jsonl``, ``tenants/*.yaml`` (for
each tenant its description, with references to credentials and no credential), ``done/*.json`` (the row of every
tenant that came to its end), and at last ``summary.json``, ``index.html``, ``summary.csv`` and ``junit.xml``. The runs
themselves are ordinary run folders beside ``fleets``.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runbook.errors import UsageError
from runbook.runs import FLEETS, Hold, RunFolder, read_json, write_json, write_text

_NAME = re.compile(r"\d{8}T\d{6}Z-[a-z]+-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class FleetFolder:
    """One fleet run's folder and the names in it."""

    path: Path

    @classmethod
    def create(cls, mode: str, runs: Path) -> FleetFolder:
        """Make a new folder, named by time and mode. Raises UsageError where none can be made."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        path = runs.absolute() / FLEETS / f"{stamp}-{mode}-{secrets.token_hex(3)}"
        try:
            for name in ("tenants", "begun", "done", "work", "traffic"):
                (path / name).mkdir(parents=True)
        except OSError as error:
            raise UsageError(
                f"The folder {path} for this fleet run cannot be made: {error.strerror}.",
                "Set RUNBOOK_RUNS to a folder that can be written.",
            ) from error
        return cls(path)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def runs(self) -> Path:
        """The folder that the tenants' own runs are in."""
        return self.path.parent.parent

    @property
    def asked(self) -> Path:
        return self.path / "fleet.json"

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def stop(self) -> Path:
        """A file that somebody puts there to have no further tenant begun."""
        return self.path / "STOP"

    @property
    def halt(self) -> Path:
        """A file by which a supervisor has what runs for it elsewhere interrupted or killed; it says which."""
        return self.path / "HALT"

    def have_halted(self, word: str) -> None:
        """Write the file that `halted` reads, as well as that can be done: what runs here is ended in any case."""
        if self.path.is_dir() and self.halted() != word:
            with contextlib.suppress(OSError):
                write_text(self.halt, word)

    def halted(self) -> str:
        """Return ``interrupt`` or ``kill`` when what runs is to end before its end, else nothing."""
        try:
            return self.halt.read_text()
        except OSError:
            return ""

    @property
    def lock(self) -> Path:
        """What a supervisor locks for as long as it lives."""
        return self.path / "supervisor.lock"

    @property
    def traffic(self) -> Path:
        return self.path / "traffic"

    @property
    def summary(self) -> Path:
        return self.path / "summary.json"

    @property
    def page(self) -> Path:
        return self.path / "index.html"

    @property
    def variables(self) -> Path:
        """The names of all environment variables that this fleet's tenants refer to."""
        return self.path / "variables.json"

    def tenants_file(self, tenant: str) -> Path:
        return self.path / "tenants" / f"{tenant}.yaml"

    def announce(self, tenant: str, run: Path) -> None:
        """Note that a run on a tenant is about to be made, before there is anything of it."""
        note = self.path / "begun" / tenant / run.name
        note.parent.mkdir(exist_ok=True)
        note.touch()

    def begun(self, tenant: str) -> list[RunFolder]:
        """Return the runs on a tenant that this fleet run has made, the newest last."""
        notes = self.path / "begun" / tenant
        names = sorted(note.name for note in notes.iterdir()) if notes.is_dir() else []
        return [RunFolder(self.runs / name) for name in names if (self.runs / name).is_dir()]

    def done(self, tenant: str) -> Path:
        return self.path / "done" / f"{tenant}.json"

    def row(self, tenant: str) -> dict[str, Any] | None:
        """Return the row of a tenant that came to its end; None for one that has not, and for a row that is not whole.

        A machine that lost its power may leave such a one. The tenant's run is there, and gives its row again.
        """
        try:
            row = read_json(self.done(tenant))
        except (FileNotFoundError, ValueError):
            return None
        return row if isinstance(row, dict) else None

    def finish(self, row: dict[str, Any]) -> None:
        """Mark a tenant as finished, in one step."""
        write_json(self.done(row["tenant"]), row)

    def hold(self) -> Hold:
        """Show that a supervisor of this fleet lives, for as long as the returned hold is kept."""
        return Hold(self.path)

    def is_held(self) -> bool:
        """Whether a supervisor of this fleet still lives; no, where the system cannot tell."""
        return bool(RunFolder(self.path).is_held())


def find_fleet(text: str, runs: Path) -> FleetFolder:
    """Return a fleet run's folder from its path, its name or a part of it that only one has. Raises UsageError."""
    path = Path(text)
    if text and (path / "fleet.json").is_file():
        return FleetFolder(path.absolute())
    names = [item.path.name for item in fleets(runs)]
    found = [name for name in names if text and text in name]
    if len(found) != 1:
        what = "There is no fleet run" if not found else f"{len(found)} fleet runs have"
        told = f"{what} {text!r} in {runs / FLEETS}." if not found else f"{what} {text!r} in their name."
        newest = "".join(f"\n    {name}" for name in names[:8])
        raise UsageError(told, f"The newest are:\n{newest}\n" if newest else "None was made yet.")
    return FleetFolder(runs.absolute() / FLEETS / found[0])


def fleets(runs: Path) -> Iterator[FleetFolder]:
    """Yield all fleet runs, newest first."""
    base = runs.absolute() / FLEETS
    for path in sorted(base.iterdir(), reverse=True) if base.is_dir() else ():
        if _NAME.fullmatch(path.name) and (path / "fleet.json").is_file():
            yield FleetFolder(path)
