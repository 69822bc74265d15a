"""Runs of a text whose drafts are written by hand, on a tenant in this process, section by section as notebooks do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runbook.compile.result import ResourceDraft, Setting
from runbook.history import read_history
from runbook.inputs import effective
from runbook.journal import Journal
from runbook.library import Document
from runbook.result import whole_plan
from runbook.runs import RunFolder, read_json, write_json
from runbook.section.applying import Patience
from runbook.section.course import Back, Course, Forward, Onward
from runbook.section.section import Section
from runbook.section.setup import Setup
from runbook.section.state import SectionState
from runbook.tenants import Connection
from simtenant.local import LocalTenant
from tenantapi import Services

STAMPS = {"WhenChanged", "WhenCreated"}


def draft(document: Document, number: int, action: str, kind: str, name: str, values: Mapping[str, Any]) -> Any:
    settings = tuple(
        Setting(
            parameter=parameter, value=tuple(value) if isinstance(value, list) else value, lines=(number,),
            label=parameter, words=str(value), certainty="exact label",
        )
        for parameter, value in values.items()
    )  # fmt: skip
    return ResourceDraft(
        type=kind, action=action, identity=name, settings=settings, section=document.sections[number - 1].id,  # type: ignore[arg-type]
        lines=(), opened_at=1, committed_at=1,
    )  # fmt: skip


class Kept(Connection):
    """The tests' own clients; a section that ends does not close them."""

    def close(self) -> None:
        """Leave them open for the next section."""


@dataclass
class Runs:
    """Runs of one text on one tenant in this process, section by section as a notebook's cells would."""

    document: Document
    far: LocalTenant
    services: Services
    folder: Path
    between: dict[int, Callable[[], None]] = field(default_factory=dict)
    """What somebody else does before a section's number in a run that applies."""

    @property
    def connection(self) -> Connection:
        return Kept(self.services.tenant, self.services, None)

    def sections(self, backwards: bool) -> Sequence[Any]:
        return self.document.sections[::-1] if backwards else self.document.sections

    def opened(self, folder: RunFolder, mode: str, section: Any, parameters: Mapping[str, Any]) -> Section:
        fields = self.document.fields(section.id)
        known = {item.name for item in fields}
        given = {name: value for name, value in parameters.items() if name in known} | {"mode": mode, "tenant": "demo"}
        inputs = effective(fields, given, {}, known=[item.name for item in self.document.all_fields()])
        history = read_history(folder.path)
        course: Course = Forward(
            document=self.document, tenant_inputs={}, domains=("example.com",), connection=self.connection
        )
        if history.takes_back:
            course = Back(past=read_history(history.takes_back), rest=False, connection=self.connection)
        if history.resumed:
            course = Onward(base=course, history=history, connection=self.connection)
        setup = Setup(
            document=self.document, section=section, inputs=inputs, domains=("example.com",),
            connection=self.connection, folder=folder, journal=Journal(folder.journal), course=course,
            patience=Patience(limit_seconds=1, sleep=lambda _: None), simulated=True,
        )  # fmt: skip
        return Section(setup, SectionState.begin(folder, self.document, section.id, inputs))

    def begun(self, mode: str, **data: Any) -> RunFolder:
        folder = RunFolder.create("demo", mode, self.folder)
        Journal(folder.journal).append("run-started", tenant="demo", mode=mode, tutorial=self.document.name, **data)
        return folder

    def plan(self, parameters: Mapping[str, Any] | None = None, **data: Any) -> dict[str, Any]:
        """Plan every section and return the approval of that plan, as it is read back from its file."""
        folder = self.begun("plan", **data)
        for section in self.sections("takes_back" in data):
            self.opened(folder, "plan", section, parameters or {}).plan()
        content = {"sections": folder.sections(), "tutorial": {}, "takes_back": data.get("takes_back", "")}
        whole = whole_plan(content, parameters or {})
        assert whole is not None
        write_json(self.folder / "approval.json", {**whole, "approved_by": "a test", "expires": None})
        return dict(read_json(self.folder / "approval.json"))

    def apply(self, approval: Mapping[str, Any], numbers: Sequence[int] = (1, 2, 3), **data: Any) -> RunFolder:
        """Begin a run of an approved plan and carry out these sections of it."""
        folder = self.begun("apply", **data)
        write_json(folder.approval, dict(approval))
        Journal(folder.journal).append("plan-approved", approval=dict(approval))
        self.carry_out(folder, approval, numbers, backwards="takes_back" in data)
        return folder

    def resume(self, folder: RunFolder) -> None:
        """Go on with a run, all of its sections."""
        Journal(folder.journal).append("run-resumed", attempt=2, torn_bytes=0)
        backwards = read_history(folder.path).takes_back is not None
        self.carry_out(folder, read_json(folder.approval), (1, 2, 3), backwards=backwards)

    def carry_out(
        self, folder: RunFolder, approval: Mapping[str, Any], numbers: Sequence[int], *, backwards: bool = False
    ) -> None:
        for section in self.sections(backwards):
            number = self.document.number(section.id)
            if number not in numbers:
                continue
            self.between.pop(number, lambda: None)()
            opened = self.opened(folder, "apply", section, approval["parameters"])
            for step in (opened.plan, opened.gate, opened.apply, opened.verify, opened.finish):
                step()

    def verify(self) -> None:
        folder = self.begun("verify")
        for section in self.document.sections:
            opened = self.opened(folder, "verify", section, {})
            opened.plan()
            opened.verify()

    def roll_back(self, run: RunFolder, numbers: Sequence[int] = (3, 2, 1)) -> RunFolder:
        """Take a run back, or begin to."""
        back = {"takes_back": run.path.name, "rest": False}
        return self.apply(self.plan(**back), numbers, **back)

    def held(self) -> dict[str, Any]:
        """Everything that the tenant holds, without the stamps that every write moves."""
        found = {key: json.loads(text) for key, text in self.far.canonical().items()}
        return {key: {n: v for n, v in body.items() if n not in STAMPS} for key, body in found.items()}

    def connector(self) -> dict[str, Any]:
        (found,) = self.far.objects()["InboundConnector"]
        return dict(found)

    def writes(self) -> list[str]:
        return [row["cmdlet"] for row in self.far.log() if row["write"] and row["cmdlet"]]
