"""What a run has done, from its journal alone: enough to understand it, to go on with it, and to take it back.

Events that matter here: ``plan-approved`` (the whole approval), ``before-first-write`` (per section the plan, its
inverse and the objects as they were), ``change-started``, ``change-done``, ``change-failed``, ``run-finished``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runbook import journal
from runbook.errors import UsageError
from runbook.plan import Plan, plan_from_json

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A run as its journal tells it."""

    path: Path
    """The run's folder."""
    tenant: str
    mode: str
    tutorial: str
    approval: Mapping[str, Any] | None
    """The approval that the run acted on; None for a run of a single section or a walkthrough."""
    plans: Mapping[str, Plan]
    """Per section that was about to write, the plan as it was to be carried out."""
    inverses: Mapping[str, Plan]
    begun: frozenset[Key]
    """Changes whose writes may have been sent."""
    unfinished: frozenset[Key]
    """Those of them that are not known to have come to their end."""
    tangled: frozenset[Key]
    """Changes of which the journal does not tell one beginning: begun without a stored inverse, or stored twice."""
    handles: Mapping[Key, str]
    """What the things that the run made are addressed by."""
    done_at: Mapping[Key, str]
    """When the changes that came to their end did so, by our clock."""
    takes_back: Path | None
    """Folder of the run that this one takes back; None for any other run."""
    rest: bool
    resumed: bool
    """True once it was taken up again."""
    exit_code: int | None
    """How the run ended; None when it did not come to its own end."""


@dataclass(slots=True)
class _Collected:
    tenant: str = ""
    mode: str = ""
    tutorial: str = ""
    approval: Mapping[str, Any] | None = None
    plans: dict[str, Plan] = field(default_factory=dict)
    inverses: dict[str, Plan] = field(default_factory=dict)
    begun: set[Key] = field(default_factory=set)
    unfinished: set[Key] = field(default_factory=set)
    stored: list[Key] = field(default_factory=list)
    handles: dict[Key, str] = field(default_factory=dict)
    written: bool = False
    """Whether a write of the change at hand may have taken effect."""
    takes_back: str = ""
    rest: bool = False
    resumed: bool = False
    exit_code: int | None = None

    def take(self, event: str, data: Mapping[str, Any]) -> None:
        if event == "run-started":
            self.tenant, self.mode, self.tutorial = data["tenant"], data["mode"], data["tutorial"]
            self.takes_back, self.rest = data.get("takes_back", ""), data.get("rest", False)
        elif event == "section-opened" and not self.tenant:
            self.tenant, self.mode, self.tutorial = data["tenant"], data["mode"], data.get("tutorial", "")
        elif event == "plan-approved":
            self.approval = data["approval"]
        elif event == "before-first-write":
            for item in data["sections"]:
                self._store(plan_from_json(item["plan"]), plan_from_json(item["inverse"]))
        elif event == "call":
            refused = data["phase"] == "answered" and 400 <= (data["status"] or 0) < 500 and data["status"] != 408
            self.written = self.written or (data["write"] and data["phase"] != "sent" and not refused)
        elif event in ("change-started", "change-done", "change-failed"):
            self._change(event, (data["kind"], data["identity"]), data)
        elif event in ("run-finished", "run-resumed"):
            self.exit_code = data["exit_code"] if event == "run-finished" else None
            self.resumed = self.resumed or event == "run-resumed"

    def _change(self, event: str, key: Key, data: Mapping[str, Any]) -> None:
        if event == "change-started":
            self.written = False
            self.begun.add(key)
            self.unfinished.add(key)
        elif event == "change-done":
            self.unfinished.discard(key)
            if data.get("handle"):
                self.handles[key] = data["handle"]
        elif not self.written:  # the service refused it, and so nothing of it took effect
            self.begun.discard(key)
            self.unfinished.discard(key)

    def _store(self, plan: Plan, inverse: Plan) -> None:
        """Keep what was stored first of each change; a section may be planned again in one run, with other inputs."""
        self.stored += [change.key for change in plan.pending]
        for kept, new in ((self.plans, plan), (self.inverses, inverse)):
            old = kept.setdefault(plan.section, new)
            if old is not new:
                known = {change.key for change in old.changes if change.action != "none"}
                more = tuple(change for change in new.changes if change.key not in known)
                kept[plan.section] = replace(old, changes=(*more, *old.changes))

    @property
    def tangled(self) -> frozenset[Key]:
        return frozenset(key for key in self.begun if self.stored.count(key) != 1)


def read_history(path: Path) -> History:
    """Return what a run's journal tells. Raises JournalError when the journal is not whole, UsageError without one."""
    file = path / "journal.jsonl"
    if not file.is_file():
        raise UsageError(f"{path} has no journal, so nothing is known of what was done.")
    return _history(path, journal.read(file, torn=True))


def _history(path: Path, entries: Iterable[Mapping[str, Any]]) -> History:
    found = _Collected()
    seen = list(entries)
    for entry in seen:
        found.take(entry["event"], entry["data"])
    return History(
        path=path,
        tenant=found.tenant,
        mode=found.mode,
        tutorial=found.tutorial,
        approval=found.approval,
        plans=found.plans,
        inverses=found.inverses,
        begun=frozenset(found.begun),
        unfinished=frozenset(found.unfinished),
        tangled=found.tangled,
        handles=found.handles,
        done_at=made_at(seen),
        takes_back=path.parent / Path(found.takes_back).name if found.takes_back else None,
        rest=found.rest,
        resumed=found.resumed,
        exit_code=found.exit_code,
    )


def made_at(entries: Iterable[Mapping[str, Any]]) -> dict[Key, str]:
    """Return when each change that a journal calls done was done."""
    done = [entry for entry in entries if entry["event"] == "change-done"]
    return {(entry["data"]["kind"], entry["data"]["identity"]): entry["at"] for entry in done}


def goes_back(history: History) -> bool:
    """Whether a run goes the tutorial's way back: a rollback does, a rollback of a rollback goes forward again."""
    count, seen = 0, history
    while seen.takes_back is not None:
        count, seen = count + 1, read_history(seen.takes_back)
    return count % 2 == 1
