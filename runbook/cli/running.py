"""``runbook plan``, ``apply`` and ``verify``: run all sections on one tenant and say how it ended."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from runbook import library, sightings, views
from runbook.archive.listing import find_run
from runbook.cli import parameters, words
from runbook.cli.console import Console, json_option, make_console, quiet_option
from runbook.errors import ExitCode, PlanRefused
from runbook.history import read_history
from runbook.run import Outcome, run
from runbook.runs import runs_directory
from runbook.task import Request, check_request


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(
        (
            click.option("--tenant", help="Name of the tenant in tenants.yaml; demo is simulated."),
            click.option("--tutorial", help=f"Name or path of the tutorial; without it, {library.OWN}."),
            click.option(
                "-f", "--file", "files", multiple=True, type=click.Path(path_type=Path), help="YAML file with inputs."
            ),
            click.option("-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE", help="One input."),
            click.option(
                "--engine",
                type=click.Choice(["runbook", "nbclient"]),
                default="runbook",
                show_default=True,
                help="Papermill's engine; nbclient works everywhere and is slower.",
            ),
            quiet_option,
            json_option,
        )
    ):
        function = option(function)
    return function


def _request(mode: str, options: dict[str, Any]) -> Request:
    if not options["tenant"]:
        raise click.UsageError("Missing option '--tenant'.")
    given = parameters.read(options["files"], options["pairs"])
    return Request(
        tenant=options["tenant"],
        mode=mode,
        tutorial=options["tutorial"],
        parameters=given.values,
        sources=given.sources,
        approve=options.get("approve"),
        approval_file=options.get("approval"),
        evidence=options.get("evidence"),
        engine=options["engine"],
    )


def _console(options: dict[str, Any]) -> Console:
    return make_console(quiet=options["quiet"], as_json=options["as_json"])


def run_shown(request: Request, console: Console) -> Outcome:
    """Run, and tell meanwhile how far it is; when this returns, nothing moves on the terminal any more."""
    with console.progress() as told:
        return run(request, told.line, told.part)


def show_document(outcome: Outcome, console: Console) -> int:
    """Print the run's result as JSON, with its folder; tell on standard error what went wrong."""
    console.document({**outcome.result, "folder": str(outcome.folder.path)})
    show_problems(outcome, console)
    return outcome.exit_code


@click.command(epilog="Example: runbook plan --tenant demo -p retention_days=30")
@_options
@click.option(
    "--as",
    "form",
    type=click.Choice(["text", "powershell", "json"]),
    default="text",
    show_default=True,
    help="How to print the plan; powershell is a script for somebody without API rights.",
)
def plan(**options: Any) -> int:
    """Read a tenant and show what would change. Writes nothing; exits 3 when changes are pending.

    --json prints the run's result, with the plan of every section in it; --as json prints plan.json, which is what is
    approved.
    """
    if options["as_json"] and options["form"] != "text":
        raise click.UsageError("Give --json or --as, not both.")
    console = _console(options)
    outcome = run_shown(_request("plan", options), console)
    if console.as_json:
        return show_document(outcome, console)
    if options["form"] != "text":
        _print_plan(outcome, options["form"], console)
        show_problems(outcome, console)
        return outcome.exit_code
    show_plan(outcome, console)
    show_problems(outcome, console)
    if outcome.exit_code == ExitCode.CHANGES and _pending(outcome):
        given = f"    runbook apply --tenant {options['tenant']} --approve {outcome.result['plan_hash'][:12]}"
        console.lines(["", "To carry out exactly this plan:", "", given, ""])
    show_record(outcome, console)
    return outcome.exit_code


def _print_plan(outcome: Outcome, form: str, console: Console) -> None:
    """Print the plan for a machine, or as one script; the record's path is left out so that it can be piped."""
    if form == "json":
        stored = outcome.folder.path / "plan.json"
        console.lines([stored.read_text(encoding="utf-8") if stored.is_file() else "null"])
        return
    console.lines(views.script_lines(outcome.result))


@click.command(
    epilog="""\b
Examples:
  runbook apply --tenant demo --approve 1f2e3d4c5b6a
  runbook apply --tenant demo --approval change-4711.yaml
  runbook apply --resume runs/20261123T201500Z-demo-apply-1a2b3c
"""
)
@_options
@click.option("--approve", metavar="HASH", help="Hash of the plan that was read and is approved.")
@click.option(
    "--approval", metavar="FILE", type=click.Path(path_type=Path), help="File that approves plans, and until when."
)
@click.option("--resume", metavar="RUN", help="Go on with a run that stopped before its end.")
def apply(**options: Any) -> int:
    """Carry out an approved plan, and verify it by fresh reads.

    Without an approval, on a terminal, a plan is made and shown, and the tenant's name has to be typed. Anywhere
    else, and with --json, nothing is written and the exit code is 4. With --resume the tenant is looked at first, and
    what is left of the approved plan is done.
    """
    console = _console(options)
    if options["resume"]:
        return _resume(options, console)
    request = _request("apply", options)
    check_request(request)
    if request.approve and request.approval_file:
        raise click.UsageError("Give --approve or --approval, not both.")
    if not (request.approve or request.approval_file):
        request = _ask(request, console)
        if request.approve is None:
            return ExitCode.DONE
    return carry_out(request, console)


def _resume(options: dict[str, Any], console: Console) -> int:
    """Go on with a run; all that it needs stands in its journal."""
    given = [f"--{name}" for name in ("approve", "approval", "tutorial") if options[name]]
    given += [name for name, value in (("-p", options["pairs"]), ("-f", options["files"])) if value]
    if given:
        raise click.UsageError(f"--resume goes on with what was approved; it takes no {' and no '.join(given)}.")
    path = find_run(options["resume"], runs_directory()).absolute()
    tenant = options["tenant"] or read_history(path).tenant
    request = Request(tenant=tenant, mode="apply", resume=path, engine=options["engine"])
    return carry_out(request, console)


def carry_out(request: Request, console: Console) -> int:
    """Run, and show how every section ended, what went wrong and where the record is."""
    outcome = run_shown(request, console)
    if console.as_json:
        return show_document(outcome, console)
    show_sections(outcome, console)
    show_problems(outcome, console)
    show_record(outcome, console)
    return outcome.exit_code


def _ask(request: Request, console: Console) -> Request:
    """Plan, show, and let a person on a terminal approve by typing the tenant's name."""
    if console.as_json or not sys.stdin.isatty():
        raise PlanRefused(
            "No plan was approved, and nobody is here to be asked.",
            f"Make a plan, read it, and approve its hash:\n\n    runbook plan --tenant {request.tenant}\n",
        )
    outcome = run_shown(replace(request, mode="plan"), console)
    show_plan(outcome, console)
    if outcome.exit_code == ExitCode.DONE:
        console.lines(["Nothing to apply."])
        return request
    if outcome.exit_code != ExitCode.CHANGES:
        raise PlanRefused("The plan cannot be applied.", f"Its record says why: {outcome.folder.record}")
    if not approved_on_terminal(request.tenant):
        raise PlanRefused("Nobody is here to be asked.", "Nothing was written.")
    return replace(request, approve=outcome.result["plan_hash"])


def approved_on_terminal(tenant: str) -> bool:
    """Let a person on a terminal approve by typing the tenant's name; False where nobody is. Raises PlanRefused."""
    if not sys.stdin.isatty():
        return False
    typed = click.prompt(f"Type the tenant's name ({tenant}) to carry out exactly this plan")
    if typed.strip() != tenant:
        raise PlanRefused(f"{typed!r} is not the tenant's name.", "Nothing was written.")
    return True


@click.command(
    epilog="""\b
Examples:
  runbook verify --tenant demo
  runbook verify --tenant contoso --evidence seen.csv
"""
)
@_options
@click.option(
    "--evidence", metavar="FILE", type=click.Path(path_type=Path),
    help="CSV of where somebody saw real messages land; shown beside what is predicted.",
)  # fmt: skip
def verify(**options: Any) -> int:
    """Read a tenant and say whether it is as the tutorial asks. Writes nothing; exits 3 on drift.

    Test messages go to the simulated tenant alone. Where real mail lands is taken from --evidence, or not observed.
    """
    return carry_out(_request("verify", options), _console(options))


def show_outlook(outcome: Outcome, console: Console) -> None:
    """Print where mail lands, where the run is about that."""
    outlook = outcome.result["outlook"]
    if outlook is None:
        return
    if console.tables:
        from runbook.cli.tables.outlook import outlook_parts

        console.show(*outlook_parts(outlook, console.width))
        return
    from runbook.outcome_views import outlook_view

    console.lines([outlook_view(outlook, "matrix").text])


def show_plan(outcome: Outcome, console: Console) -> None:
    """Print the plan of every section."""
    if console.tables:
        from runbook.cli.tables.plan import plan_parts

        console.show(*plan_parts(outcome.result, console.width))
    else:
        console.lines(_plan_lines(outcome.result))
    show_outlook(outcome, console)
    if outcome.result["plan_hash"]:
        console.lines([f"plan {outcome.result['plan_hash']}"])


def _plan_lines(result: Mapping[str, Any]) -> Iterator[str]:
    for item in result["sections"]:
        if item["plan"]:
            hands = {(hand["kind"], hand["identity"]): hand["lines"] for hand in item["by_hand"]}
            head, *lines = views.plan_lines(item["plan"], title=item["title"], hands=hands)
            waits = [] if result.get("takes_back") else views.wait_lines(item)
            yield from (head, *waits, *lines)


def show_sections(outcome: Outcome, console: Console) -> None:
    """Print one line a section, and what is not as the tutorial asks."""
    if console.tables:
        from runbook.cli.tables.results import section_parts

        console.show(*section_parts(outcome.result, console.width))
    else:
        console.lines(_section_lines(outcome.result))


def _section_lines(result: Mapping[str, Any]) -> Iterator[str]:
    for item in result["sections"]:
        checks = (item["verification"] or {}).get("checks", [])
        yield f"{item['title']}: {len(item['made'])} changed, {words.verdict(item)}"
        yield from views.check_lines(checks)
        yield from views.settling_lines(item["verification"])
        yield from words.problems(item)
        yield from views.left_lines(item["left_to_person"])
    if result["outlook"] is not None:
        from runbook import outcome_words

        yield f"Where mail lands: {views.plain(outcome_words.summary(result['outlook']))}"
    yield from map(views.plain, sightings.lines(result.get("since")))


def _pending(outcome: Outcome) -> bool:
    plans = [item["plan"] or {"changes": []} for item in outcome.result["sections"]]
    return any(change["action"] != "none" for plan in plans for change in plan["changes"])


def show_problems(outcome: Outcome, console: Console) -> None:
    """Tell on standard error what went wrong, each thing once."""
    shown = set()
    for item in outcome.result["sections"]:
        error = item["error"]
        if error and error["detail"] not in shown and error["type"] != "DriftFound":
            shown.add(error["detail"])
            text = "\n".join(part for part in (error["summary"], error["detail"], error["remedy"]) if part)
            console.error("\n" + views.plain_lines(f"{item['title']}: {text}"))


def show_record(outcome: Outcome, console: Console) -> None:
    """Print where the run's record is."""
    console.lines([f"record: {outcome.folder.record}"])
