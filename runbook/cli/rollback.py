"""``runbook rollback``: show what would take a run back, and take it back when that was approved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from runbook import tenants
from runbook.archive.listing import find_run
from runbook.cli.console import Console, json_option, make_console, quiet_option
from runbook.cli.running import (
    approved_on_terminal,
    carry_out,
    run_shown,
    show_document,
    show_plan,
    show_problems,
    show_record,
)
from runbook.errors import ExitCode, UsageError
from runbook.history import read_history
from runbook.runs import read_json, runs_directory
from runbook.task import Request


@click.command(
    epilog="""\b
Examples:
  runbook rollback 20261123T201500Z-demo-apply-1a2b3c
  runbook rollback 20261123T201500Z-demo-apply-1a2b3c --approve 1f2e3d4c5b6a
"""
)
@click.argument("name", metavar="RUN")
@click.option("--approve", metavar="HASH", help="Hash of the rollback's plan that was read and is approved.")
@click.option("--rest", is_flag=True, help="Leave what somebody else has set since, and take back the rest.")
@click.option(
    "--engine",
    type=click.Choice(["runbook", "nbclient"]),
    default="runbook",
    show_default=True,
    help="Papermill's engine; nbclient works everywhere and is slower.",
)
@quiet_option
@json_option
def rollback(name: str, approve: str | None, rest: bool, engine: str, quiet: bool, as_json: bool) -> int:
    """Take back what RUN has changed, and nothing else.

    Without --approve the way back is shown and nothing is written; it exits 3 when there is something to take back,
    and on a terminal asks for the tenant's name, unless --json is given. A property that somebody else has changed
    since is named with all three values, and stops the rollback (exit 4); with --rest it is left as it is. What cannot
    be taken back is named. A rollback that was cut off is gone on with by `runbook apply --resume`.
    """
    console = make_console(quiet=quiet, as_json=as_json)
    path = find_run(name, runs_directory()).absolute()
    history = read_history(path)
    if not history.begun:
        raise UsageError(f"The run {path.name} has changed nothing, so there is nothing to take back.")
    if history.tenant not in tenants.load():
        raise UsageError(
            f"The run {path.name} was on the tenant {history.tenant!r}, which is not described here.",
            "Describe it in tenants.yaml.",
        )
    earlier = _taken_back_by(path)
    if earlier:
        text = f"The run {path.name} was taken back already, by {earlier}. What is there now is not its doing."
        if as_json:
            console.document({"run": path.name, "taken_back_by": earlier, "said": text, "exit_code": ExitCode.DONE})
        else:
            console.lines([text])
        return ExitCode.DONE
    request = Request(tenant=history.tenant, mode="plan", takes_back=path, rest=rest, engine=engine)
    if approve:
        return carry_out(replace(request, mode="apply", approve=approve), console)
    return _offer(request, console)


def _offer(request: Request, console: Console) -> int:
    """Show the way back, and take it when somebody at the terminal approves of it."""
    assert request.takes_back is not None
    name, rest = request.takes_back.name, request.rest
    outcome = run_shown(request, console)
    if console.as_json:
        return show_document(outcome, console)
    show_plan(outcome, console)
    show_problems(outcome, console)
    if outcome.exit_code == ExitCode.CHANGES:
        found = outcome.result["plan_hash"]
        if approved_on_terminal(request.tenant):
            return carry_out(replace(request, mode="apply", approve=found), console)
        left = " --rest" if rest else ""
        given = f"    runbook rollback {name}{left} --approve {found[:12]}"
        console.lines(["", "To take it back exactly so:", "", given, ""])
    elif outcome.exit_code == ExitCode.REFUSED and not rest:
        given = f"    runbook rollback {name} --rest"
        console.lines(["", "To leave what somebody else has set, and see the rest:", "", given, ""])
    show_record(outcome, console)
    return outcome.exit_code


def _taken_back_by(path: Path) -> str:
    """Return the run that took this one back, all of it and to its end; empty when there is none."""
    for result in sorted(path.parent.glob("*-rollback-apply-*/result.json")):
        try:
            content = read_json(result)
        except ValueError:
            continue
        if content["takes_back"] == {"run": path.name, "rest": False} and content["exit_code"] == ExitCode.DONE:
            return result.parent.name
    return ""
