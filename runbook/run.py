"""Run all sections of a tutorial on one tenant, headless: papermill over the notebooks, then one record.

The kernel is reached by parameters and files only, so an interactive walkthrough and a batch cannot drift apart.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runbook import library, notebooks, result, sightings, tenants
from runbook.archive.manifest import seal
from runbook.archive.signature import signing_key
from runbook.errors import ExitCode, PlanRefused, UnreadableState, UsageError
from runbook.history import History, goes_back, read_history
from runbook.inputs import RUN_FIELDS, effective
from runbook.journal import Journal, mend
from runbook.library import Document
from runbook.locking import alone
from runbook.provisional import write_provisional
from runbook.runs import RunFolder, approval_for, approval_from_file, read_json, still_valid, write_json, write_text
from runbook.tutorial import Section

_LAST_BREATH_SECONDS = 5.0
"""How long the child of a run that was killed may live on."""
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be run: everything that a command line says."""

    tenant: str
    mode: str
    tutorial: str | None = None
    """Name or path; None is the approved plan's when there is one, else the kit's own edition."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    approve: str | None = None
    approval_file: Path | None = None
    """A file that approves a plan in somebody's name and until a time."""
    resume: Path | None = None
    """Folder of a run that stopped before its end, to go on with in the same folder."""
    takes_back: Path | None = None
    """Folder of a run whose changes are to be taken back."""
    rest: bool = False
    """True to leave what somebody else has set since, and take back the rest."""
    base: Path | None = None
    cell_timeout_seconds: float = 900.0
    engine: str = "runbook"
    """Papermill's engine to use: the kit's own, or nbclient, which works everywhere and is slower."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended: its folder, its result file's content and the exit code."""

    folder: RunFolder
    result: dict[str, Any]

    @property
    def exit_code(self) -> int:
        return int(self.result["exit_code"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A run that has begun: its folder is made and its journal says what it is about."""

    request: Request
    document: Document
    folder: RunFolder
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
    entry = tenants.entry(request.tenant)
    fields = [item for item in document.all_fields() if item.name not in RUN_FIELDS]
    own = {k: v for k, v in entry.inputs.items() if k not in RUN_FIELDS}
    effective(fields, request.parameters, own)
    tenants.check(request.tenant, entry)
    signing_key()  # a key that cannot be used is said now, not when everything is done
    return document


def run(request: Request, progress: Progress = lambda line: None) -> Outcome:
    """Run every section in order and return the outcome; the run's folder then holds all its files.

    In mode apply, sections after one that failed or was refused are not run, and no other run may write to the
    tenant meanwhile. Raises UsageError or PlanRefused before anything is made if the request itself cannot be
    carried out.
    """
    with contextlib.ExitStack() as held:
        if request.mode == "apply":
            check_request(replace(request, parameters={}) if request.resume else request)
            held.enter_context(alone(request.tenant))
        task = _taken_up(request) if request.resume else _begun(request)
        held.enter_context(task.folder.hold())
        interrupted, asked = _execute_all(task, progress)
        outcome = _close(task, interrupted, asked)
        from runbook.record import write_record

        progress("record")
        write_record(task.folder)
        sealed = seal(task.folder, outcome.result)
        progress(f"manifest {sealed.digest}, journal {sealed.head}, {'signed' if sealed.signed_by else 'unsigned'}")
        return outcome


def _begun(request: Request) -> Task:
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
    folder = RunFolder.create(request.tenant, request.mode if not back else f"rollback-{request.mode}", request.base)
    _begin(request, document, folder, back)
    parameters = request.parameters
    if approval is not None:
        write_json(folder.approval, approval)
        Journal(folder.journal).append("plan-approved", approval=approval)
        parameters = approval["parameters"]
    backwards = goes_back(read_history(folder.path))
    return Task(request=request, document=document, folder=folder, parameters=parameters, backwards=backwards)


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
    if request.approval_file is not None:
        approval = approval_from_file(request.approval_file, request.tenant, request.base)
    else:
        approval = approval_for(request.approve or "", request.tenant, request.base)
    _same_parameters(request.parameters, approval["parameters"])
    wanted = {"run": request.takes_back.name, "rest": request.rest} if request.takes_back else None
    if approval["takes_back"] != wanted:
        what = f"takes back {approval['takes_back']['run']}" if approval["takes_back"] else "takes nothing back"
        raise PlanRefused(
            f"The plan {approval['plan'][:12]} {what}, which is not what was asked for.",
            "Take a run back with `runbook rollback`, and carry out a tutorial's plan with `runbook apply`.",
        )
    return approval


def _taken_up(request: Request) -> Task:
    """Go on with a run that stopped, in its own folder. What the earlier attempt left is put aside there."""
    assert request.resume is not None
    folder = RunFolder(request.resume.absolute())
    deadline = time.monotonic() + _LAST_BREATH_SECONDS
    while folder.is_held():
        if time.monotonic() > deadline:
            raise PlanRefused(f"The run {folder.path.name} has not ended.", "Wait for it, or stop it with Ctrl-C.")
        time.sleep(0.1)
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
        request, mode="apply", tutorial=history.tutorial, takes_back=history.takes_back, rest=history.rest
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
        **back,
    )
    write_provisional(folder, request.tenant, request.mode, entry["at"])


def _same_parameters(given: Mapping[str, Any], approved: Mapping[str, Any]) -> None:
    """What was given when the plan was made is part of what was approved; nothing may be added to it."""
    other = sorted(name for name, value in given.items() if name not in approved or approved[name] != value)
    if other:
        raise PlanRefused(
            f"The approved plan was made with other inputs: {', '.join(other)}.",
            "Make a plan with these inputs, read it, and approve that one. Nothing was written.",
        )


def _close(task: Task, interrupted: bool, asked: Mapping[str, Any]) -> Outcome:
    """Write the run's result and plan, and close its journal."""
    request, folder = task.request, task.folder
    log = Journal(folder.journal)
    facts = result.Facts(
        tenant=request.tenant,
        simulated=tenants.entry(request.tenant).simulated is not None,
        mode=request.mode,
        interrupted=interrupted,
        asked=asked,
        takes_back=request.takes_back.name if request.takes_back else "",
        rest=request.rest,
    )
    content = result.build(facts, task.document, folder)
    plan = result.whole_plan(content, task.parameters)
    content["since"] = sightings.since(content, folder.path) if request.mode == "verify" else None
    content["plan_hash"] = plan["hash"] if plan else ""
    entry = log.append("run-finished", status=content["status"], exit_code=content["exit_code"])
    content["journal"] = {"entries": entry["n"] + 1, "head": entry["hash"]}
    write_json(folder.path / "result.json", content)
    if plan is not None:
        write_json(folder.path / "plan.json", plan)
    return Outcome(folder=folder, result=content)


def _execute_all(task: Task, progress: Progress) -> tuple[bool, dict[str, Any]]:
    """Run the notebooks; return whether somebody interrupted the run, and what a simulated tenant was asked."""
    name = task.request.tenant
    entry = tenants.entry(name)
    server = None
    before, interrupted = 0, False
    try:
        server = tenants.serve(name, entry) if entry.simulated is not None else None
        before = tenants.last_request(name, entry)
        preload()
        _write_whole_below(task.folder)
        with _worker(task.request.engine) as worker:
            for section in task.sections:
                progress(section.heading)
                _execute(task, section, worker)
                if not _may_go_on(task, section):
                    break
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if server is not None:
            server.stop()
    return interrupted, tenants.asked(name, entry, before)


def preload() -> None:
    """Import once, before forking, what every section needs."""
    import msal  # noqa: F401
    import requests  # noqa: F401

    import runbook.section  # noqa: F401
    import tenantapi.cloudflare
    import tenantapi.exchange
    import tenantapi.graph
    import tenantapi.tokens  # noqa: F401


def _write_whole_below(folder: RunFolder) -> None:
    from runbook.engine.files import write_whole_below

    write_whole_below(folder.path)


@contextlib.contextmanager
def _worker(engine: str) -> Iterator[Any]:
    """Give one forked child for all sections of the tenant, or None where it is not wanted or not safe."""
    from runbook.engine import Worker, can_fork

    if engine != "runbook" or not can_fork():
        yield None
        return
    with Worker(directory=Path.cwd()) as worker:
        yield worker


def _execute(task: Task, section: Section, worker: Any) -> None:
    """Run one section's notebook by papermill. What went wrong stands in the section's result and in the notebook."""
    import papermill
    from papermill.engines import papermill_engines
    from papermill.exceptions import PapermillExecutionError

    from runbook.engine import RunbookEngine

    papermill_engines.register("runbook", RunbookEngine)  # for a checkout that is not installed
    request, document, folder = task.request, task.document, task.folder
    number = document.number(section.id)
    output = folder.notebook(number, section.id)
    output.parent.mkdir(exist_ok=True)
    source = output.with_suffix(".source.ipynb")
    write_text(source, notebooks.text(document, section))
    names = {item.name for item in document.fields(section.id)}
    values = {name: value for name, value in task.parameters.items() if name in names}
    values |= {"tenant": request.tenant, "mode": request.mode, "run_dir": str(folder.path)}
    try:
        papermill.execute_notebook(
            str(source),
            str(output),
            values,
            engine_name="runbook",
            kernel_name="python3",
            progress_bar=False,
            execution_timeout=request.cell_timeout_seconds,
            worker=worker,
            fork=request.engine == "runbook",
        )
    except PapermillExecutionError:
        pass  # the notebook and the section's result say what went wrong
    except Exception as error:
        # A kernel that died or could not be started: the run goes on to its record, and the journal says why.
        Journal(folder.journal).append("notebook-failed", section=section.id, error=f"{type(error).__name__}: {error}")
    finally:
        source.unlink(missing_ok=True)


def _may_go_on(task: Task, section: Section) -> bool:
    """Whether the next section may be run after this one."""
    path = task.folder.section(task.document.number(section.id), section.id)
    if not path.is_file():
        return False
    content = read_json(path)
    error = content["error"]
    if error is None:
        return bool(content["status"] != "running")
    if task.request.mode == "apply":
        return False
    # A tenant that cannot be reached or signed in to stays so; another unknown is a matter of one section.
    return not (error["type"] == UnreadableState.__name__ and content["phase"] == "opened")
