"""What a section has done so far, kept on disk after every step, so that it is true whenever the run stops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runbook import journal
from runbook.errors import RunbookError
from runbook.inputs import Effective
from runbook.library import Document
from runbook.plan import Plan, plan_json
from runbook.runs import Hold, RunFolder, write_json


class SectionState:
    """The section's result file (``sections/NN-id.json``): written whole at every change of it."""

    def __init__(self, folder: RunFolder, number: int, section: str, content: dict[str, Any]) -> None:
        self._path = folder.section(number, section)
        self.content = content
        self.hold: Hold | None = None

    @classmethod
    def begin(cls, folder: RunFolder, document: Document, identifier: str, inputs: Sequence[Effective]) -> SectionState:
        """Start a new result: nothing planned, nothing applied, nothing verified."""
        number = document.number(identifier)
        values = {item.field.name: item.value for item in inputs}
        content = {
            "section": identifier,
            "number": number,
            "title": document.section(identifier).heading,
            "tutorial": {"name": document.name, "sha256": document.compiled.tutorial.sha256},
            "tenant": {"name": values["tenant"]},
            "mode": values["mode"],
            "status": "running",
            "phase": "opened",
            "started": journal.now(),
            "finished": None,
            "inputs": _shown(inputs),
            "plan": None,
            "seen": [],
            "approval": None,
            "changes": [],
            "made": [],
            "by_hand": [],
            "left_to_person": [],
            "verification": None,
            "error": None,
        }
        state = cls(folder, number, identifier, content)
        state.save()
        return state

    def save(self, **changed: Any) -> None:
        """Change entries and write the file."""
        self.content.update(changed)
        write_json(self._path, self.content)

    def planned(self, plan: Plan, by_hand: Mapping[tuple[str, str], Sequence[str]]) -> None:
        """Note a plan. An earlier one's approval, verification and error are gone; the changes made stay listed."""
        changes = [
            {"kind": c.kind, "identity": c.identity, "action": c.action, "status": "not-run", "error": ""}
            for c in plan.pending
        ]
        lines = [{"kind": k, "identity": i, "lines": list(text)} for (k, i), text in by_hand.items()]
        self.save(
            phase="planned",
            plan={"hash": plan.hash, **plan_json(plan)},
            seen=[dict(item) for item in plan.seen],
            changes=changes,
            by_hand=lines,
            left_to_person=[],
            approval=None,
            verification=None,
            status="running",
            error=None,
        )

    def inputs(self, inputs: Sequence[Effective]) -> None:
        """Note the inputs in effect; a plan made from others is no longer claimed."""
        gone: dict[str, Any] = {
            "plan": None,
            "approval": None,
            "verification": None,
            "changes": [],
            "left_to_person": [],
        }
        self.save(inputs=_shown(inputs), phase="opened", **gone)

    def change(self, kind: str, identity: str, status: str, error: str) -> None:
        """Note the status of one change."""
        for item in self.content["changes"]:
            if (item["kind"], item["identity"]) == (kind, identity):
                item.update(status=status, error=error)
                if status == "changed":
                    self.content["made"].append({k: item[k] for k in ("kind", "identity", "action")})
        self.save()

    def fail(self, error: RunbookError) -> None:
        """Note an error with its remedy; the section's status follows from its sort."""
        status = {4: "refused", 5: "unknown"}.get(error.exit_code, "failed")
        self.save(
            status=status,
            finished=journal.now(),
            error={
                "type": type(error).__name__,
                "summary": error.summary,
                "detail": error.detail,
                "remedy": error.remedy,
                "exit_code": error.exit_code,
            },
        )


def _shown(inputs: Sequence[Effective]) -> list[dict[str, Any]]:
    return [
        {
            "name": item.field.name,
            "value": list(item.value) if isinstance(item.value, tuple) else item.value,
            "source": item.source,
            "help": item.field.help,
        }
        for item in inputs
        if item.field.name not in ("run_dir", "approve")
    ]
