"""Open a section: find the tutorial, the inputs, the tenant and the run's folder, and fail early with a remedy."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from runbook import library, tenants
from runbook.errors import RunbookError
from runbook.history import read_history
from runbook.inputs import RUN_FIELDS, Effective, Field, effective, refuse_secrets
from runbook.journal import Journal
from runbook.library import Document
from runbook.runs import KEPT, RunFolder
from runbook.section.applying import Patience, Recorder
from runbook.section.course import Back, Course, Forward, Onward
from runbook.section.frontend import has_frontend
from runbook.section.given import given_inputs
from runbook.section.section import Section
from runbook.section.setup import Setup
from runbook.section.state import SectionState
from runbook.tenants import Connection


def open_section(reference: str, names: Mapping[str, Any], *, patience: Patience | None = None) -> Section:
    """Return the section that a notebook is about, ready to plan.

    `reference` is ``tutorial#section``; `names` is the notebook's ``globals()``, from which the inputs are
    taken. Raises InputError for an unknown or unacceptable input, InventoryError for the tenant's
    description; then nothing has been read or written.
    """
    tutorial, _, identifier = reference.partition("#")
    document = library.load(tutorial)
    fields = document.fields(identifier)
    given, sources = given_inputs(fields, names)
    chosen = _inputs(document, fields, given, sources)
    values = {item.field.name: item.value for item in chosen}
    folder = _folder(values["run_dir"], values["tenant"], values["mode"])
    state = SectionState.begin(folder, document, identifier, chosen)
    state.hold = folder.hold()  # a kernel may outlive the run that started it, by a moment or by a day
    try:
        return _open(document, identifier, chosen, folder, state, patience or _patience(), names.get(KEPT))
    except RunbookError as error:
        state.fail(error)
        raise


def _patience() -> Patience:
    """How long to wait for a write to become visible: RUNBOOK_WAIT_SECONDS, else two minutes."""
    seconds = os.environ.get("RUNBOOK_WAIT_SECONDS", "")
    return Patience(limit_seconds=float(seconds)) if re.fullmatch(r"\d+(\.\d+)?", seconds) else Patience()


def _inputs(
    document: Document, fields: tuple[Field, ...], given: Mapping[str, Any], sources: Mapping[str, str]
) -> tuple[Effective, ...]:
    refuse_secrets(given, "parameter")
    known = [field.name for field in document.all_fields()]
    run = [field for field in fields if field.name in RUN_FIELDS]
    said = {name: value for name, value in given.items() if name in RUN_FIELDS}
    values = {item.field.name: item.value for item in effective(run, said, {}, sources=sources)}
    entry = tenants.entry(values["tenant"])
    own = {k: v for k, v in entry.inputs.items() if k not in RUN_FIELDS}
    return effective(fields, given, own, known=known, sources=sources)


def _folder(run_dir: str, tenant: str, mode: str) -> RunFolder:
    if run_dir:
        folder = RunFolder(Path(run_dir).absolute())
        folder.path.mkdir(parents=True, exist_ok=True)
        return folder
    return RunFolder.create(tenant, mode)


def _open(
    document: Document,
    identifier: str,
    chosen: tuple[Effective, ...],
    folder: RunFolder,
    state: SectionState,
    patience: Patience,
    kept: MutableMapping[str, Any] | None,
) -> Section:
    values = {item.field.name: item.value for item in chosen}
    entry = tenants.entry(values["tenant"])
    journal = Journal(folder.journal)
    recorder = Recorder(journal)
    domains = tenants.domains_of(values["tenant"], entry)
    connection = tenants.open_connection(
        values["tenant"], entry, on_call=recorder, prompt=print if has_frontend() else None, kept=kept
    )
    if not folder.journal.exists():  # a notebook on its own: if it is killed, this is what its record is made from
        simulated = entry.simulated is not None
        begun = {"mode": values["mode"], "tenant": values["tenant"], "tutorial": document.name, "simulated": simulated}
        journal.append("run-started", sha256=document.compiled.tutorial.sha256, alone=True, **begun)
    opened = {"mode": values["mode"], "tenant": values["tenant"], "tutorial": document.name}
    journal.append("section-opened", section=identifier, **opened)
    tenant_inputs = {k: v for k, v in entry.inputs.items() if k not in RUN_FIELDS}
    forward = Forward(document=document, tenant_inputs=tenant_inputs, domains=domains, connection=connection)
    return Section(
        Setup(
            document=document,
            section=document.section(identifier),
            inputs=chosen,
            domains=domains,
            connection=connection,
            folder=folder,
            journal=journal,
            course=_course(folder, forward, connection),
            patience=patience,
            simulated=entry.simulated is not None,
        ),
        state,
    )


def _course(folder: RunFolder, forward: Forward, connection: Connection) -> Course:
    """What this run is about, as its journal says."""
    history = read_history(folder.path)
    course: Course = forward
    if history.takes_back:
        course = Back(past=read_history(history.takes_back), rest=history.rest, connection=connection)
    return Onward(base=course, history=history, connection=connection) if history.resumed else course
