"""Run all sections of a tutorial on one tenant, headless: papermill over the notebooks, then one record.

The kernel is reached by parameters and files only, so an interactive walkthrough and a batch cannot drift apart.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runbook import library, notebooks, result, tenants
from runbook.errors import PlanRefused, UnreadableState
from runbook.inputs import RUN_FIELDS, effective
from runbook.journal import Journal
from runbook.library import Document
from runbook.provisional import write_provisional
from runbook.runs import RunFolder, approval_for, read_json, write_json, write_text
from runbook.tutorial import Section

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


def check_request(request: Request) -> Document:
    """Check tutorial, tenant, credentials' places and parameters without touching anything. Raises UsageError."""
    document = library.load(request.tutorial or library.OWN)
    entry = tenants.entry(request.tenant)
    fields = [item for item in document.all_fields() if item.name not in RUN_FIELDS]
    own = {k: v for k, v in entry.inputs.items() if k not in RUN_FIELDS}
    effective(fields, request.parameters, own)
    tenants.check(request.tenant, entry)
    return document


def run(request: Request, progress: Progress = lambda line: None) -> Outcome:
    """Run every section in order and return the outcome; the run's folder then holds all its files.

    In mode apply, sections after one that failed or was refused are not run. Raises UsageError or
    PlanRefused before anything is made if the request itself cannot be carried out.
    """
    approval = None
    if request.mode == "apply":
        check_request(request)
        approval = approval_for(request.approve or "", request.tenant, request.base)
        _same_parameters(request.parameters, approval["parameters"])
        request = replace(request, tutorial=request.tutorial or approval["tutorial"]["name"])
    document = check_request(request)
    folder = RunFolder.create(request.tenant, request.mode, request.base)
    with folder.hold():
        _begin(request, document, folder)
        parameters = dict(request.parameters)
        if approval is not None:
            write_json(folder.approval, approval)
            parameters = approval["parameters"]
        interrupted, asked = _execute_all(request, document, folder, parameters, progress)
        outcome = _close(request, document, folder, interrupted, asked)
        from runbook.record import write_record

        progress("record")
        write_record(folder)
    return outcome


def _begin(request: Request, document: Document, folder: RunFolder) -> None:
    """Leave, before anything is read, what a run that is killed is told by: a first entry and a provisional record."""
    entry = Journal(folder.journal).append(
        "run-started",
        tenant=request.tenant,
        mode=request.mode,
        tutorial=document.name,
        sha256=document.compiled.tutorial.sha256,
        simulated=tenants.entry(request.tenant).simulated is not None,
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


def _close(
    request: Request, document: Document, folder: RunFolder, interrupted: bool, asked: Mapping[str, Any]
) -> Outcome:
    """Write the run's result and plan, and close its journal."""
    log = Journal(folder.journal)
    facts = result.Facts(
        tenant=request.tenant,
        simulated=tenants.entry(request.tenant).simulated is not None,
        mode=request.mode,
        interrupted=interrupted,
        asked=asked,
    )
    content = result.build(facts, document, folder)
    plan = result.whole_plan(content, request.parameters)
    content["plan_hash"] = plan["hash"] if plan else ""
    entry = log.append("run-finished", status=content["status"], exit_code=content["exit_code"])
    content["journal"] = {"entries": entry["n"] + 1, "head": entry["hash"]}
    write_json(folder.path / "result.json", content)
    if plan is not None:
        write_json(folder.path / "plan.json", plan)
    return Outcome(folder=folder, result=content)


def _execute_all(
    request: Request,
    document: Document,
    folder: RunFolder,
    parameters: Mapping[str, Any],
    progress: Progress,
) -> tuple[bool, dict[str, Any]]:
    """Run the notebooks; return whether somebody interrupted the run, and what a simulated tenant was asked."""
    entry = tenants.entry(request.tenant)
    server = None
    before, interrupted = 0, False
    try:
        server = tenants.serve(request.tenant, entry) if entry.simulated is not None else None
        before = tenants.last_request(request.tenant, entry)
        preload()
        _write_whole_below(folder)
        with _worker(request.engine) as worker:
            for section in document.sections:
                progress(section.heading)
                _execute(request, document, section, folder, parameters, worker)
                if not _may_go_on(folder, document, section, request.mode):
                    break
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if server is not None:
            server.stop()
    return interrupted, tenants.asked(request.tenant, entry, before)


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


def _execute(
    request: Request,
    document: Document,
    section: Section,
    folder: RunFolder,
    parameters: Mapping[str, Any],
    worker: Any,
) -> None:
    """Run one section's notebook by papermill. What went wrong stands in the section's result and in the notebook."""
    import papermill
    from papermill.engines import papermill_engines
    from papermill.exceptions import PapermillExecutionError

    from runbook.engine import RunbookEngine

    papermill_engines.register("runbook", RunbookEngine)  # for a checkout that is not installed
    number = document.number(section.id)
    output = folder.notebook(number, section.id)
    output.parent.mkdir(exist_ok=True)
    source = output.with_suffix(".source.ipynb")
    write_text(source, notebooks.generate(document)[notebooks.file_name(document, section)])
    names = {item.name for item in document.fields(section.id)}
    values = {name: value for name, value in parameters.items() if name in names}
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


def _may_go_on(folder: RunFolder, document: Document, section: Section, mode: str) -> bool:
    """Whether the next section may be run after this one."""
    path = folder.section(document.number(section.id), section.id)
    if not path.is_file():
        return False
    content = read_json(path)
    error = content["error"]
    if error is None:
        return bool(content["status"] != "running")
    if mode == "apply":
        return False
    # A tenant that cannot be reached or signed in to stays so; another unknown is a matter of one section.
    return not (error["type"] == UnreadableState.__name__ and content["phase"] == "opened")
