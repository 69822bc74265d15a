"""A run's folder: where it is, what lies in it, and how files in it are written.

``runs/<utc>-<tenant>-<mode>-<id>/`` holds ``journal.jsonl``, ``plan.json``, ``result.json``, ``record.html``,
``sections/*.json`` and ``notebooks/*.ipynb``; a run that applies also holds the ``approval.json`` it acts on.
Last of all comes ``manifest.json``, the hashes of all of them, and ``manifest.sig`` if runs are signed.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
import secrets
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from runbook.errors import PlanRefused, UsageError
from runbook.plan import digest, plan_digest

TICKS = "ticks"
"""A folder beside the runs that is none: what was done by hand on each tenant (`runbook.ticks`)."""
FLEETS = "fleets"
"""The other one: runs over many tenants (`runbook.fleet`), each naming the runs that it consists of."""
KEPT = "_kept_by_process"
"""The name by which a process that runs all sections of one tenant gives each notebook what it keeps between them."""
BESIDE = frozenset({TICKS, FLEETS})


def runs_directory() -> Path:
    """Return where runs are kept: RUNBOOK_RUNS, else ``runs`` below the present folder."""
    return Path(os.environ.get("RUNBOOK_RUNS") or "runs")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder and the names in it."""

    path: Path

    @classmethod
    def create(
        cls, tenant: str, mode: str, base: Path | None = None, announce: Callable[[Path], None] = lambda path: None
    ) -> RunFolder:
        """Make a new folder, named by time, tenant and mode, that no other run has.

        `announce` is told its path before it is made, so that whoever looks for it later finds it in any case.
        """
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", tenant)[:40] or "tenant"
        path = (base or runs_directory()) / f"{stamp}-{safe}-{mode}-{secrets.token_hex(3)}"
        announce(path)
        try:
            path.mkdir(parents=True)
        except OSError as error:
            raise UsageError(
                f"The folder {path} for this run cannot be made: {error.strerror}.",
                "Set RUNBOOK_RUNS to a folder that can be written.",
            ) from error
        return cls(path.absolute())

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def approval(self) -> Path:
        return self.path / "approval.json"

    @property
    def outcome(self) -> Path:
        """Where mail lands: what was read for it, and what is said of it."""
        return self.path / "outcome"

    @property
    def record(self) -> Path:
        return self.path / "record.html"

    def section(self, number: int, section: str) -> Path:
        return self.path / "sections" / f"{number:02}-{section}.json"

    def notebook(self, number: int, section: str) -> Path:
        return self.path / "notebooks" / f"{number:02}-{section}.ipynb"

    def put_aside(self) -> int:
        """Move what an attempt at the run has left to ``attempts/N`` and return N; the journal stays and goes on."""
        number = 1 + sum(1 for _ in (self.path / "attempts").glob("*"))
        aside = self.path / "attempts" / str(number)
        aside.mkdir(parents=True)
        for path in sorted(self.path.iterdir()):
            if path not in (self.journal, self.approval, self.path / "attempts"):
                os.replace(path, aside / path.name)
        return number

    def hold(self) -> Hold:
        """Show that a process of this run lives, until the returned hold is let go or the process ends."""
        return Hold(self.path)

    def is_held(self) -> bool | None:
        """Whether a process of this run still lives; None where the system cannot tell (Windows, some shares)."""
        try:
            import fcntl

            descriptor = os.open(self.path, os.O_RDONLY)
        except (ImportError, OSError):
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return False

    def sections(self) -> list[dict[str, Any]]:
        """Return what the sections have written so far, in their order."""
        return [read_json(path) for path in sorted((self.path / "sections").glob("*.json"))]


class Hold:
    """A shared lock on a run's folder. A forked child holds it with its parent; the system lets go of a dead one's."""

    def __init__(self, path: Path) -> None:
        self.let_go: Callable[[], object] = lambda: None
        try:
            import fcntl

            descriptor = os.open(path, os.O_RDONLY)
        except (ImportError, OSError):
            return
        self.let_go = weakref.finalize(self, os.close, descriptor)
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH)

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()


def write_json(path: Path, value: Any, *, durable: bool = False) -> None:
    """Write a JSON file so that a reader finds either the old content or the new one, never a part.

    A durable one is on disk when this returns, so that it outlives a power cut, too.
    """
    write_text(path, json_text(value), durable=durable)


def json_text(value: Any) -> str:
    """Return a value as the kit's JSON files spell it; nothing else in such a file may differ.

    It is what ``json.dumps`` with ``indent=1`` writes. That leaves its C encoder for one in Python as soon as there is
    an indent, so pydantic's encoder lays out the text, wherever both spell the value alike (odd floats they do not).
    """
    plain = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    with contextlib.suppress(PydanticSerializationError):  # a text that is no Unicode
        if to_json(value).decode() == plain:
            return to_json(value, indent=1).decode() + "\n"
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def write_text(path: Path, text: str, *, durable: bool = False) -> None:
    """Write a text file in one step (a new file takes the old one's place); a durable one outlives a power cut."""
    _write(path, text.encode("utf-8", "backslashreplace"), durable=durable)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file in one step (a new file takes the old one's place)."""
    _write(path, content, durable=False)


def _write(path: Path, content: bytes, *, durable: bool) -> None:
    folder, name = os.path.split(path)
    part = os.path.join(folder, f".{name}.{secrets.token_hex(4)}")
    try:
        try:
            file = open(part, "xb", buffering=0)  # noqa: SIM115 - closed below, whichever way it was opened
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(part, "xb", buffering=0)  # noqa: SIM115
        with file:
            left = memoryview(content)
            while left:
                left = left[file.write(left) :]
            if durable:
                os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def plans(base: Path | None = None) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the plans of all runs, newest first; a file that is not whole is passed over."""
    for path in sorted((base or runs_directory()).glob("*/plan.json"), reverse=True):
        yield from _plan_of(path.parent)


def _plan_of(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    try:
        plan = read_json(folder / "plan.json")
    except (OSError, ValueError):
        return
    if isinstance(plan, dict) and isinstance(plan.get("hash"), str):
        yield folder, plan


def approval_for(
    plan_hash: str, tenant: str, base: Path | None = None, *, made_by: Path | None = None
) -> dict[str, Any]:
    """Return the approval of a stored plan, ready to be put into the run that applies it.

    `plan_hash` may be shortened to 8 digits or more if one plan only begins so. `made_by` is the folder of the run
    that made the plan, where that is known; no other is looked into then. Raises PlanRefused when there is no such
    plan, or when it was made for another tenant.
    """
    wanted = plan_hash.strip().lower()
    if len(wanted) < 8 or not re.fullmatch(r"[0-9a-f]+", wanted):
        raise PlanRefused(f"{plan_hash!r} is not the hash of a plan.", _HOW)
    known = plans(base) if made_by is None else _plan_of(made_by)
    found = {item["hash"]: item for _, item in known if item["hash"].startswith(wanted)}
    if len(found) != 1:
        count = "No plan" if not found else f"{len(found)} plans"
        raise PlanRefused(f"{count} in {base or runs_directory()} has a hash beginning {wanted}.", _HOW)
    plan = next(iter(found.values()))
    if not _is_whole(plan):
        raise PlanRefused(f"The plan {wanted[:12]} was changed after it was made.", _HOW)
    problems = [
        f"{item['identity']}: {item['reason']}"
        for part in plan["sections"]
        for item in part["problems"]
        if item["presence"] != "left"
    ]
    if problems:
        raise PlanRefused(
            "The plan has parts that could not be planned: " + "; ".join(problems) + ".",
            "Answer or mend these, make a new plan, and approve that one. Nothing was written.",
        )
    if plan["tenant"]["name"] != tenant:
        raise PlanRefused(
            f"The plan {wanted[:12]} was made for the tenant {plan['tenant']['name']!r}, not for {tenant!r}.",
            _HOW,
        )
    return {
        "plan": plan["hash"],
        "tenant": plan["tenant"],
        "tutorial": plan["tutorial"],
        "sections": plan["sections"],
        "parameters": plan["parameters"],
        "takes_back": plan.get("takes_back"),
        "approved_by": person(),
        "approved_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "expires": None,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """An approval that was looked up already: which plan, where it lies, in whose name, until when (ISO 8601)."""

    plan: str
    made_by: Path
    approver: str
    expires: str | None = None

    def approval(self, tenant: str) -> dict[str, Any]:
        """Return the approval. Raises what `approval_for` and `still_valid` raise."""
        found = approval_for(self.plan, tenant, made_by=self.made_by)
        found |= {"approved_by": self.approver, "expires": self.expires}
        still_valid(found)
        return found


def still_valid(approval: Mapping[str, Any], now: datetime | None = None) -> None:
    """Raise PlanRefused when an approval has expired."""
    expires = approval.get("expires")
    if expires and datetime.fromisoformat(expires) <= (now or datetime.now(UTC)):
        raise PlanRefused(f"The approval by {approval['approved_by']} expired at {expires}.", _HOW)


def _is_whole(plan: dict[str, Any]) -> bool:
    """Whether a stored plan and its sections still have the content that their hashes were made of."""
    try:
        sections = all(plan_digest(part) == part["hash"] for part in plan["sections"])
        return sections and whole_digest(plan) == plan["hash"]
    except (KeyError, TypeError, AttributeError, ValueError):
        return False


def whole_digest(plan: dict[str, Any]) -> str:
    """Return the hash of a plan over all sections: of its sections' hashes and of all that is beside them."""
    body = {k: v for k, v in plan.items() if k != "hash"}
    return digest({**body, "sections": [part["hash"] for part in plan["sections"]]})


_HOW = "Make a plan and read it, then approve the hash it prints:\n\n    runbook plan --tenant NAME\n"


def person() -> str:
    """Return the name of whoever runs this process, as the system has it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
