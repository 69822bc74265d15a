"""What a run is asked to do, and how it begins: everything that may refuse it, before its first section."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runbook import library, tenants
from runbook.approvalfile import approval_from_file
from runbook.archive.signature import signing_key
from runbook.errors import ExitCode, PlanRefused, UsageError
from runbook.history import History, goes_back, input_sources, read_history
from runbook.inputs import RUN_FIELDS, as_given, effective
from runbook.journal import Journal, mend
from runbook.library import Document
from runbook.outcome.evidence import read_evidence
from runbook.provisional import write_provisional
from runbook.runs import (
    Grant,
    Hold,
    RunFolder,
    approval_for,
    plans,
    read_json,
    still_valid,
    write_json,
)
from runbook.tutorial import Section

_LAST_BREATH_SECONDS = 5.0
"""How long the child of a run that was killed may live on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be run: everything that a command line says."""

    tenant: str
    mode: str
    tutorial: str | None = None
    """Name or path; None is the approved plan's when there is one, else the kit's own edition."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    """Where each parameter stood: on the command line, or in which file."""
    approve: str | None = None
    approval_file: Path | None = None
    """A file that approves a plan in somebody's name and until a time."""
    grant: Grant | None = None
    """An approval that a fleet has looked up for all of its tenants."""
    fleet: str = ""
    """The fleet run that this run is a part of; empty for any other."""
    announce: Callable[[Path], None] = lambda path: None
    """Told the path of the run's folder before it is made."""
    resume: Path | None = None
    """Folder of a run that stopped before its end, to go on with in the same folder."""
    takes_back: Path | None = None
    """Folder of a run whose changes are to be taken back."""
    rest: bool = False
    """True to leave what somebody else has set since, and take back the rest."""
    evidence: Path | None = None
    """A file of what a person saw of where real messages landed."""
    base: Path | None = None
    cell_timeout_seconds: float = 900.0
    engine: str = "runbook"
    """Papermill's engine to use: the kit's own, or nbclient, which works everywhere and is slower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A run that has begun: its folder is made and its journal says what it is about."""

    request: Request
    document: Document
    folder: RunFolder
    hold: Hold
    """Shows that this run lives, from before its first entry on: nobody may close it meanwhile."""
    parameters: Mapping[str, Any]
    backwards: bool = False

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections in the order in which they are run: the way back goes from the last to the first."""
        found = self.document.sections
        return found[::-1] if self.backwards else found


def check_request(request: Request) -> Document:
    """Check tutorial, tenant, parameters and where credentials and keys are, touching nothing. Raises UsageError."""
    document = library.load(request.tutorial or library.OWN)
    _parameters(request, document)
    tenants.check(request.tenant, tenants.entry(request.tenant))
    if request.evidence is not None:
        read_evidence(request.evidence)
    signing_key()  # a key that cannot be used is said now, not when everything is done
    return document


def _parameters(request: Request, document: Document) -> dict[str, Any]:
    """Return the checked values of the parameters, so that one way to write a value leads to one plan."""
    entry = tenants.entry(request.tenant)
    fields = [item for item in document.all_fields() if item.name not in RUN_FIELDS]
    own = {k: v for k, v in entry.inputs.items() if k not in RUN_FIELDS}
    found = effective(fields, request.parameters, own, sources=request.sources)
    return as_given(item for item in found if item.field.name in request.parameters)


def begun(request: Request) -> Task:
    """Begin a new run. Raises UsageError or PlanRefused if it may not begin; then there is no folder."""
    approval = None
    back: dict[str, Any] = {}
    if request.takes_back is not None:
        past = read_history(request.takes_back)
        back = {"takes_back": request.takes_back.name, "rest": request.rest}
        request = replace(request, tutorial=past.tutorial)
        _can_be_taken_back(past, library.load(past.tutorial))
    if request.mode == "apply":
        approval = _approval(request)
        request = replace(request, tutorial=request.tutorial or approval["tutorial"]["name"])
    document = check_request(request)
    parameters = _parameters(request, document)
    if approval is not None:
        _same_parameters(parameters, approval["parameters"])
        parameters = approval["parameters"]
        request = replace(request, sources=_sources_of(approval, request))
    mode = request.mode if not back else f"rollback-{request.mode}"
    folder = RunFolder.create(request.tenant, mode, request.base, request.announce)
    hold = folder.hold()
    try:
        _begin(request, document, folder, back)
        if request.evidence is not None:
            folder.outcome.mkdir()
            write_json(folder.outcome / "evidence.json", read_evidence(request.evidence))
        if approval is not None:
            write_json(folder.approval, approval)
            Journal(folder.journal).append("plan-approved", approval=approval)
        backwards = goes_back(read_history(folder.path))
    except BaseException:
        hold.let_go()
        raise
    return Task(
        request=request, document=document, folder=folder, hold=hold, parameters=parameters, backwards=backwards
    )


def _can_be_taken_back(past: History, document: Document) -> None:
    """Raise PlanRefused when a part of a run would be left out in silence."""
    if past.tangled:
        names = ", ".join(identity for _, identity in sorted(past.tangled))
        raise PlanRefused(f"The journal of {past.path.name} does not tell how {names} was before.", _BY_HAND)
    known = {section.id for section in document.sections}
    lost = sorted(
        name
        for name, plan in past.inverses.items()
        if name not in known and any(c.key in past.begun for c in plan.changes)
    )
    if lost:
        raise PlanRefused(
            f"{past.path.name} changed something in {', '.join(lost)}, a section that {document.name} has no more.",
            f"Put the text back that the run was made with. {_BY_HAND}",
        )


_BY_HAND = "The record of the run names every value that was there before; nothing was written."


def _approval(request: Request) -> dict[str, Any]:
    """Return the approval that a run may act on. Raises PlanRefused."""
    if request.grant is not None:
        approval = request.grant.approval(request.tenant)
    elif request.approval_file is not None:
        approval = approval_from_file(request.approval_file, request.tenant, request.base)
    else:
        approval = approval_for(request.approve or "", request.tenant, request.base)
    wanted = {"run": request.takes_back.name, "rest": request.rest} if request.takes_back else None
    if approval["takes_back"] != wanted:
        what = f"takes back {approval['takes_back']['run']}" if approval["takes_back"] else "takes nothing back"
        raise PlanRefused(
            f"The plan {approval['plan'][:12]} {what}, which is not what was asked for.",
            "Take a run back with `runbook rollback`, and carry out a tutorial's plan with `runbook apply`.",
        )
    return approval


def taken_up(request: Request) -> Task:
    """Go on with a run that stopped, in its own folder. What the earlier attempt left is put aside there."""
    assert request.resume is not None
    folder = RunFolder(request.resume.absolute())
    deadline = time.monotonic() + _LAST_BREATH_SECONDS
    while folder.is_held():
        if time.monotonic() > deadline:
            raise PlanRefused(f"The run {folder.path.name} has not ended.", "Wait for it, or stop it with Ctrl-C.")
        time.sleep(0.1)
    hold = folder.hold()
    try:
        return _gone_on_with(request, folder, hold)
    except BaseException:
        hold.let_go()
        raise


def _gone_on_with(request: Request, folder: RunFolder, hold: Hold) -> Task:
    history = read_history(folder.path)
    if history.approval is None:
        raise UsageError(
            f"Nothing was approved in the run {folder.path.name}, so there is nothing to go on with.",
            f"Make a plan and apply it:\n\n    runbook plan --tenant {history.tenant or 'NAME'}\n",
        )
    if history.tenant != request.tenant:
        raise UsageError(f"The run {folder.path.name} was on the tenant {history.tenant!r}, not on {request.tenant!r}.")
    if history.exit_code == ExitCode.DONE:
        raise PlanRefused(
            f"The run {folder.path.name} came to its end, and all of it was done.",
            "There is nothing to go on with; see how the tenant is now with: runbook verify",
        )
    still_valid(history.approval)
    document = library.load(history.tutorial)
    _same_text(document, history.approval, folder)
    request = replace(
        request,
        mode="apply",
        tutorial=history.tutorial,
        takes_back=history.takes_back,
        rest=history.rest,
        fleet=history.fleet,
    )
    torn = mend(folder.journal)
    attempt = folder.put_aside()
    entry = Journal(folder.journal).append("run-resumed", attempt=attempt + 1, torn_bytes=torn)
    write_provisional(folder, request.tenant, request.mode, entry["at"])
    if not folder.approval.is_file() or read_json(folder.approval) != history.approval:
        write_json(folder.approval, history.approval)  # the journal's word counts
    return Task(
        request=request,
        document=document,
        folder=folder,
        hold=hold,
        parameters=history.approval["parameters"],
        backwards=goes_back(history),
    )


def _same_text(document: Document, approval: Mapping[str, Any], folder: RunFolder) -> None:
    """Raise PlanRefused when the tutorial is not the text that was approved: a section of it could be missing now."""
    if approval["tutorial"]["sha256"] != document.compiled.tutorial.sha256:
        raise PlanRefused(
            f"The text {document.name} is no longer the one that {folder.path.name} was approved for.",
            "Put the former text back to go on, or make a new plan, read it, and approve that one.",
        )


def _begin(request: Request, document: Document, folder: RunFolder, back: Mapping[str, Any]) -> None:
    """Leave, before anything is read, what a run that is killed is told by: a first entry and a provisional record."""
    entry = Journal(folder.journal).append(
        "run-started",
        tenant=request.tenant,
        mode=request.mode,
        tutorial=document.name,
        sha256=document.compiled.tutorial.sha256,
        simulated=tenants.entry(request.tenant).simulated is not None,
        sources={"tenant": "command line", "mode": "command line", **request.sources},
        **({"fleet": request.fleet} if request.fleet else {}),
        **back,
    )
    write_provisional(folder, request.tenant, request.mode, entry["at"])


def _sources_of(approval: Mapping[str, Any], request: Request) -> dict[str, str]:
    """Return where the inputs of an approved plan came from, as the run that made it says."""
    known = (path for path, plan in plans(request.base) if plan["hash"] == approval["plan"])
    folder = request.grant.made_by if request.grant else next(known, None)
    found = input_sources(folder) if folder else {}
    return {name: found.get(name, "approved plan") for name in approval["parameters"]}


def _same_parameters(given: Mapping[str, Any], approved: Mapping[str, Any]) -> None:
    """What was given when the plan was made is part of what was approved; nothing may be added to it."""
    other = sorted(name for name, value in given.items() if name not in approved or approved[name] != value)
    if other:
        raise PlanRefused(
            f"The approved plan was made with other inputs: {', '.join(other)}.",
            "Make a plan with these inputs, read it, and approve that one. Nothing was written.",
        )
