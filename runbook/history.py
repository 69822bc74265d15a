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
    begun_by_section: frozenset[tuple[str, Key]]
    """Changes whose writes may have been sent, with their section; older journals do not tell the section."""
    unfinished_by_section: frozenset[tuple[str, Key]]
    """Those of them that are not known to have come to their end."""
    tangled: frozenset[Key]
    """Changes of which the journal does not tell one beginning: begun without a stored inverse, or stored twice."""
    handles: Mapping[Key, str]
    """What the things that the run made are addressed by."""
    done_at: Mapping[Key, str]
    """When the changes that came to their end did so, by our clock."""
    done: Mapping[tuple[str, Key], str]
    """Changes that came to their end, with their section and what the thing is addressed by; in their order."""
    takes_back: Path | None
    """Folder of the run that this one takes back; None for any other run."""
    rest: bool
    resumed: bool
    """True once it was taken up again."""
    exit_code: int | None
    """How the run ended; None when it did not come to its own end."""
    fleet: str = ""
    """The fleet run that it is a part of."""

    @property
    def begun(self) -> frozenset[Key]:
        """Things of which a write may have been sent."""
        return frozenset(key for _, key in self.begun_by_section)

    @property
    def unfinished(self) -> frozenset[Key]:
        """Things of which a change is not known to have come to its end."""
        return frozenset(key for _, key in self.unfinished_by_section)

    def begun_in(self, section: str) -> frozenset[Key]:
        """Changes of one section whose writes may have been sent."""
        return frozenset(key for name, key in self.begun_by_section if name in ("", section))

    def unfinished_in(self, section: str) -> frozenset[Key]:
        """Those of them that are not known to have come to their end."""
        return frozenset(key for name, key in self.unfinished_by_section if name in ("", section))

    @property
    def created(self) -> frozenset[Key]:
        """Things that this run has begun to make."""
        return self._begun_to("create")

    @property
    def taken_away(self) -> frozenset[Key]:
        """Things that this run has begun to take away."""
        return self._begun_to("delete")

    def _begun_to(self, action: str) -> frozenset[Key]:
        changes = (change for plan in self.plans.values() for change in plan.pending)
        return frozenset(c.key for c in changes if c.action == action and c.key in self.begun_in(c.section))

    def changed_outside(self, section: str) -> dict[Key, set[str]]:
        """Properties that the plans of the other sections change, by thing."""
        found: dict[Key, set[str]] = {}
        for plan in self.plans.values():
            for change in plan.pending if plan.section != section else ():
                found.setdefault(change.key, set()).update(item.attribute for item in change.changed)
        return found


@dataclass(slots=True)
class _Collected:
    tenant: str = ""
    mode: str = ""
    tutorial: str = ""
    approval: Mapping[str, Any] | None = None
    plans: dict[str, Plan] = field(default_factory=dict)
    inverses: dict[str, Plan] = field(default_factory=dict)
    begun: set[tuple[str, Key]] = field(default_factory=set)
    unfinished: set[tuple[str, Key]] = field(default_factory=set)
    stored: list[tuple[str, Key]] = field(default_factory=list)
    handles: dict[Key, str] = field(default_factory=dict)
    done: dict[tuple[str, Key], str] = field(default_factory=dict)
    written: bool = False
    """Whether a write of the change at hand may have taken effect."""
    takes_back: str = ""
    rest: bool = False
    resumed: bool = False
    exit_code: int | None = None
    fleet: str = ""

    def take(self, event: str, data: Mapping[str, Any]) -> None:
        if event == "run-started":
            self.tenant, self.mode, self.tutorial = data["tenant"], data["mode"], data["tutorial"]
            self.takes_back, self.rest = data.get("takes_back", ""), data.get("rest", False)
            self.fleet = data.get("fleet", "")
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
            self._change(event, (data.get("section", ""), (data["kind"], data["identity"])), data)
        elif event in ("run-finished", "run-resumed"):
            self.exit_code = data["exit_code"] if event == "run-finished" else None
            self.resumed = self.resumed or event == "run-resumed"

    def _change(self, event: str, key: tuple[str, Key], data: Mapping[str, Any]) -> None:
        if key not in self.begun and event != "change-started":
            key = ("", key[1])  # its beginning was written down without the section
        if event == "change-started":
            self.written = False
            self.begun.add(key)
            self.unfinished.add(key)
        elif event == "change-done":
            self.unfinished.discard(key)
            self.done[(data.get("section", ""), key[1])] = data.get("handle", "")
            if data.get("handle"):
                self.handles[key[1]] = data["handle"]
        elif not self.written:  # the service refused it, and so nothing of it took effect
            self.begun.discard(key)
            self.unfinished.discard(key)

    def _store(self, plan: Plan, inverse: Plan) -> None:
        """Keep what was stored first of each change; a section may be planned again in one run, with other inputs."""
        self.stored += [(plan.section, change.key) for change in plan.pending if not change.awaits]
        for kept, new in ((self.plans, plan), (self.inverses, inverse)):
            old = kept.setdefault(plan.section, new)
            if old is not new:
                known = {change.key for change in old.changes if change.action != "none" and not change.awaits}
                more = tuple(change for change in new.changes if change.key not in known)
                made = {change.key for change in more}
                rest = tuple(change for change in old.changes if not (change.awaits and change.key in made))
                kept[plan.section] = replace(old, changes=(*more, *rest))

    @property
    def tangled(self) -> frozenset[Key]:
        """A beginning without its section is that of any one section's change."""
        found = []
        for section, key in self.begun:
            stored = [name for name, other in self.stored if other == key and section in ("", name)]
            if len(stored) != 1:
                found.append(key)
        return frozenset(found)


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
        begun_by_section=frozenset(found.begun),
        unfinished_by_section=frozenset(found.unfinished),
        tangled=found.tangled,
        handles=found.handles,
        done_at=made_at(seen),
        done=found.done,
        takes_back=path.parent / Path(found.takes_back).name if found.takes_back else None,
        rest=found.rest,
        resumed=found.resumed,
        exit_code=found.exit_code,
        fleet=found.fleet,
    )


def input_sources(path: Path) -> dict[str, str]:
    """Return where each input that a run was given came from; nothing for a folder in which no run was begun."""
    file = path / "journal.jsonl"
    first = next(journal.read(file, torn=True), None) if file.is_file() else None
    return dict(first["data"].get("sources", {})) if first and first["event"] == "run-started" else {}


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
