"""Run all sections of a tutorial on one tenant, headless: papermill over the notebooks, then one record.

The kernel is reached by parameters and files only, so an interactive walkthrough and a batch cannot drift apart.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runbook import result, sightings, tenants
from runbook.archive.manifest import seal
from runbook.errors import RunbookError, UnreadableState
from runbook.journal import Journal
from runbook.locking import alone
from runbook.preloading import notebook, preload
from runbook.runs import RunFolder, read_json, write_json, write_text
from runbook.task import Request, Task, begun, check_request, taken_up
from runbook.tutorial import Section

Progress = Callable[[str], None]
"""Told what begins: a section by its heading, the record, the manifest."""
Part = Callable[[str], None]
"""Told which part of the present section's notebook begins: open, plan, gate, apply, verify, finish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended: its folder, its result file's content and the exit code."""

    folder: RunFolder
    result: dict[str, Any]

    @property
    def exit_code(self) -> int:
        return int(self.result["exit_code"])


def run(request: Request, progress: Progress = lambda line: None, part: Part = lambda name: None) -> Outcome:
    """Run every section in order and return the outcome; the run's folder then holds all its files.

    In mode apply, sections after one that failed or was refused are not run, and no other run may write to the
    tenant meanwhile. Raises UsageError or PlanRefused before anything is made if the request itself cannot be
    carried out.
    """
    with contextlib.ExitStack() as held:
        if request.mode == "apply":
            check_request(replace(request, parameters={}) if request.resume else request)
            held.enter_context(alone(request.tenant))
        task = taken_up(request) if request.resume else begun(request)
        held.enter_context(task.hold)
        interrupted, asked = _execute_all(task, progress, part)
        outcome = _close(task, interrupted, asked)
        from runbook.record import write_record

        progress("record")
        write_record(task.folder)
        sealed = seal(task.folder, outcome.result)
        progress(f"manifest {sealed.digest}, journal {sealed.head}, {'signed' if sealed.signed_by else 'unsigned'}")
        return outcome


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
        fleet=request.fleet,
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


def _execute_all(task: Task, progress: Progress, part: Part) -> tuple[bool, dict[str, Any]]:
    """Run the notebooks; return whether somebody interrupted the run, and what a simulated tenant was asked."""
    name = task.request.tenant
    entry = tenants.entry(name)
    server = None
    before, interrupted = 0, False
    try:
        server = tenants.serve(name, entry) if entry.simulated is not None else None
        before = tenants.last_request(name, entry)
        with contextlib.suppress(RunbookError):  # a text that cannot be read any more is for the sections to tell
            preload(task.document.name)
        _write_whole_below(task.folder)
        with _worker(task.request.engine) as worker:
            for section in task.sections:
                progress(section.heading)
                _execute(task, section, worker, part)
                if not _may_go_on(task, section):
                    break
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if server is not None:
            server.stop()
    return interrupted, tenants.asked(name, entry, before)


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


def _execute(task: Task, section: Section, worker: Any, part: Part) -> None:
    """Run one section's notebook. What went wrong stands in the section's result and in the notebook."""
    from papermill.exceptions import PapermillExecutionError

    request, document, folder = task.request, task.document, task.folder
    output = folder.notebook(document.number(section.id), section.id)
    output.parent.mkdir(exist_ok=True)
    names = {item.name for item in document.fields(section.id)}
    values = {name: value for name, value in task.parameters.items() if name in names}
    values |= {"tenant": request.tenant, "mode": request.mode, "run_dir": str(folder.path)}
    text, source = notebook(document, section), output.with_suffix(".source.ipynb")
    try:
        if worker is None:
            _by_papermill(text, values, source, output, request, part)
        else:
            from runbook.engine.execution import execute

            seconds = request.cell_timeout_seconds
            execute(text, values, source=source, output=output, worker=worker, timeout_seconds=seconds, part=part)
    except PapermillExecutionError:
        pass  # the notebook and the section's result say what went wrong
    except Exception as error:
        # A kernel that died or could not be started: the run goes on to its record, and the journal says why.
        Journal(folder.journal).append("notebook-failed", section=section.id, error=f"{type(error).__name__}: {error}")


def _by_papermill(
    text: str, values: Mapping[str, Any], source: Path, output: Path, request: Request, part: Part
) -> None:
    """Run a notebook as papermill does, file to file, in a kernel or in a forked child of its own."""
    import papermill
    from papermill.engines import papermill_engines

    from runbook.engine import RunbookEngine

    papermill_engines.register("runbook", RunbookEngine)  # for a checkout that is not installed
    write_text(source, text)
    try:
        papermill.execute_notebook(
            str(source),
            str(output),
            values,
            engine_name="runbook",
            kernel_name="python3",
            progress_bar=False,
            execution_timeout=request.cell_timeout_seconds,
            part=part,
            fork=request.engine == "runbook",
        )
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
