"""What can go wrong inside the kit, and how it is worded.

::

    RunbookError
      UsageError        the command line or a file was written wrongly          exit 2
        TutorialError   a tutorial that cannot be read, with file and line
        InputError      a value that a section cannot accept
        InventoryError  tenants.yaml or an inventory that cannot be used
      PlanRefused       no approval, open part, or moved state: the write was not begun exit 4
      UnreadableState   the tenant could not be reached or read                 exit 5
      DriftFound        a fresh read shows something else than was wanted   exit 3
        NotTakenBack    a rollback has not come to its end
      NotPrinted        a browser did not print an instruction sheet                    exit 1
      StoreUnusable     an address where records are kept could not be used         exit 5
      NotStored         a run was not put there; what is there was left as it is    exit 4
      NotWhole          a run that was put there is not what was put there          exit 1
      ApplyFailed       a write failed; carries what had been done              exit 1

Wording: the summary is a fixed phrase without data; the detail says what was wrong, with names and
values; the remedy says what to do next. A secret is never part of any of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar


class ExitCode:
    """Exit codes of every command, fixed by the design."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    CHANGES = 3
    REFUSED = 4
    UNREADABLE = 5
    INTERRUPTED = 130


class RunbookError(Exception):
    """Base of all errors that are told to a person without a traceback."""

    summary: ClassVar[str] = "The runbook could not go on"
    exit_code: ClassVar[int] = ExitCode.FAILED

    def __init__(self, detail: str, remedy: str = "") -> None:
        super().__init__(detail, remedy)
        self.detail = detail
        self.remedy = remedy

    def __str__(self) -> str:
        return "\n".join(part for part in (self.summary, self.detail, self.remedy) if part)

    def _render_traceback_(self) -> list[str]:
        """IPython asks for this: in a notebook, too, a person sees the message and not our call stack."""
        return str(self).splitlines()


class UsageError(RunbookError):
    """The command line, a parameter or a file is not usable as given."""

    summary = "The command cannot be carried out as given"
    exit_code = ExitCode.USAGE


class TutorialError(UsageError):
    """A tutorial cannot be read; names the file and, where there is one, the line (1-based)."""

    summary = "The tutorial cannot be read"

    def __init__(
        self, detail: str, remedy: str = "", *, path: Path | str | None = None, line: int | None = None
    ) -> None:
        super().__init__(detail, remedy)
        self.path = None if path is None else str(path)
        self.line = line

    def __reduce__(self) -> tuple[object, ...]:
        return (_tutorial_error, (self.detail, self.remedy, self.path, self.line))

    def __str__(self) -> str:
        place = self.path or ""
        if place and self.line is not None:
            place += f", line {self.line}"
        return "\n".join(part for part in (self.summary, place, self.detail, self.remedy) if part)


def _tutorial_error(detail: str, remedy: str, path: str | None, line: int | None) -> TutorialError:
    return TutorialError(detail, remedy, path=path, line=line)


class InputError(UsageError):
    """A parameter's name or value is not acceptable; nothing was read or written."""

    summary = "An input is not acceptable"


class InventoryError(UsageError):
    """The description of a tenant is missing or wrong."""

    summary = "The tenant's description cannot be used"


class NotPrinted(RunbookError):
    """A browser did not print an instruction sheet; no file was written."""

    summary = "The sheet was not printed"


class StoreUnusable(RunbookError):
    """An address where records are kept could not be reached, does not exist, or refuses us."""

    summary = "The store could not be used"
    exit_code = ExitCode.UNREADABLE


class NotStored(RunbookError):
    """A run cannot be put into a store as it is; nothing that was there was overwritten."""

    summary = "The run was not put into the store"
    exit_code = ExitCode.REFUSED


class NotWhole(RunbookError):
    """What a store holds of a run is not what was put there; nothing of it was kept."""

    summary = "The run in the store is not whole"


class PlanRefused(RunbookError):
    """The approval, or the tenant's state, does not allow the next write; it was not begun."""

    summary = "The plan was not applied"
    exit_code = ExitCode.REFUSED


class UnreadableState(RunbookError):
    """The tenant could not be reached or read; unknown is never taken for absent."""

    summary = "The tenant could not be read"
    exit_code = ExitCode.UNREADABLE


class ApplyFailed(RunbookError):
    """A write failed. What was done before stands in the journal and in the record."""

    summary = "A change could not be carried out"


class DriftFound(RunbookError):
    """A fresh read shows properties that are not as the tutorial asks."""

    summary = "The tenant is not as the tutorial asks"
    exit_code = ExitCode.CHANGES


class NotTakenBack(DriftFound):
    """A fresh read shows that something of a run has not been taken back."""

    summary = "The run has not been taken back whole"
