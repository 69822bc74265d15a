"""``runbook plan``, ``apply`` and ``verify``: run all sections on one tenant and say how it ended."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from runbook import library, sightings, views
from runbook.archive.listing import find_run
from runbook.cli import parameters
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
            click.option("-q", "--quiet", is_flag=True, help="Print the result only."),
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


def progress(quiet: bool) -> Callable[[str], None]:
    """Return what tells a person how far a run is: a line a section, to standard error."""
    return (lambda line: None) if quiet else (lambda line: print(f"  .. {line}", file=sys.stderr, flush=True))


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
    """Read a tenant and show what would change. Writes nothing; exits 3 when changes are pending."""
    outcome = run(_request("plan", options), progress(options["quiet"]))
    if options["form"] != "text":
        _print_plan(outcome, options["form"])
        show_problems(outcome)
        return outcome.exit_code
    show_plan(outcome)
    show_problems(outcome)
    if outcome.exit_code == ExitCode.CHANGES and _pending(outcome):
        print(
            f"\nTo carry out exactly this plan:\n\n    runbook apply --tenant {options['tenant']}"
            f" --approve {outcome.result['plan_hash'][:12]}\n"
        )
    show_record(outcome)
    return outcome.exit_code


def _print_plan(outcome: Outcome, form: str) -> None:
    """Print the plan for a machine, or as one script; the record's path is left out so that it can be piped."""
    if form == "json":
        stored = outcome.folder.path / "plan.json"
        print(stored.read_text(encoding="utf-8") if stored.is_file() else "null")
        return
    print("\n".join(views.script_lines(outcome.result)))


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
    "--approval", metavar="FILE", type=click.Path(path_type=Path), help="File with plan, tenant, approver, expires."
)
@click.option("--resume", metavar="RUN", help="Go on with a run that stopped before its end.")
def apply(**options: Any) -> int:
    """Carry out an approved plan, and verify it by fresh reads.

    Without an approval, on a terminal, a plan is made and shown, and the tenant's name has to be typed. Anywhere
    else nothing is written and the exit code is 4. With --resume the tenant is looked at first, and what is left of
    the approved plan is done.
    """
    if options["resume"]:
        return _resume(options)
    request = _request("apply", options)
    check_request(request)
    if request.approve and request.approval_file:
        raise click.UsageError("Give --approve or --approval, not both.")
    if not (request.approve or request.approval_file):
        request = _ask(request, options["quiet"])
        if request.approve is None:
            return ExitCode.DONE
    return carry_out(request, options["quiet"])


def _resume(options: dict[str, Any]) -> int:
    """Go on with a run; all that it needs stands in its journal."""
    given = [f"--{name}" for name in ("approve", "approval", "tutorial") if options[name]]
    given += [name for name, value in (("-p", options["pairs"]), ("-f", options["files"])) if value]
    if given:
        raise click.UsageError(f"--resume goes on with what was approved; it takes no {' and no '.join(given)}.")
    path = find_run(options["resume"], runs_directory()).absolute()
    tenant = options["tenant"] or read_history(path).tenant
    request = Request(tenant=tenant, mode="apply", resume=path, engine=options["engine"])
    return carry_out(request, options["quiet"])


def carry_out(request: Request, quiet: bool) -> int:
    """Run, and show how every section ended, what went wrong and where the record is."""
    outcome = run(request, progress(quiet))
    show_sections(outcome)
    show_problems(outcome)
    show_record(outcome)
    return outcome.exit_code


def _ask(request: Request, quiet: bool) -> Request:
    """Plan, show, and let a person on a terminal approve by typing the tenant's name."""
    from dataclasses import replace

    if not sys.stdin.isatty():
        raise PlanRefused(
            "No plan was approved, and nobody is here to be asked.",
            f"Make a plan, read it, and approve its hash:\n\n    runbook plan --tenant {request.tenant}\n",
        )
    outcome = run(replace(request, mode="plan"), progress(quiet))
    show_plan(outcome)
    if outcome.exit_code == ExitCode.DONE:
        print("Nothing to apply.")
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
    return carry_out(_request("verify", options), options["quiet"])


def show_outlook(outcome: Outcome) -> None:
    """Print where mail lands, where the run is about that."""
    from runbook.outcome_views import outlook_view

    if outcome.result["outlook"] is not None:
        print(outlook_view(outcome.result["outlook"], "matrix").text)


def show_plan(outcome: Outcome) -> None:
    """Print the plan of every section."""
    for item in outcome.result["sections"]:
        if item["plan"]:
            hands = {(hand["kind"], hand["identity"]): hand["lines"] for hand in item["by_hand"]}
            print("\n".join(views.plan_lines(item["plan"], title=item["title"], hands=hands)))
    show_outlook(outcome)
    if outcome.result["plan_hash"]:
        print(f"plan {outcome.result['plan_hash']}")


def show_sections(outcome: Outcome) -> None:
    """Print one line a section, and what is not as the tutorial asks."""
    for item in outcome.result["sections"]:
        checks = (item["verification"] or {}).get("checks", [])
        good = sum(1 for check in checks if check["ok"])
        changed = len(item["made"])
        print(f"{item['title']}: {changed} changed, {_verdict(item, good, len(checks))}")
        for line in [*views.check_lines(checks), *views.settling_lines(item["verification"]), *_problems(item)]:
            print(line)
        for line in views.left_lines(item["left_to_person"]):
            print(line)
    if outcome.result["outlook"] is not None:
        from runbook import outcome_words

        print(f"Where mail lands: {views.plain(outcome_words.summary(outcome.result['outlook']))}")
    for line in sightings.lines(outcome.result.get("since")):
        print(views.plain(line))


def _problems(item: dict[str, Any]) -> list[str]:
    """What could not be planned, and what was in the way when it was read again."""
    planned = (item["plan"] or {"problems": []})["problems"]
    later = [problem for problem in (item["verification"] or {}).get("problems", ()) if problem.get("other")]
    return list(dict.fromkeys(views.problem_lines({"problems": [*planned, *later]})))


def _verdict(item: dict[str, Any], good: int, count: int) -> str:
    if item["nothing_to_check"]:
        return "nothing to check by an API"
    if item["verification"] and item["verification"]["ok"]:
        return f"verified, {good} of {count} properties"
    if item["verification"] and not item["error"] and good == count:
        return f"{good} of {count} properties are as the tutorial asks, the rest is left to a person: NOT verified"
    if item["error"] and item["error"]["type"] == "DriftFound":
        return f"NOT as the tutorial asks, {good} of {count} properties are"
    return f"NOT verified ({item['status']})"


def _pending(outcome: Outcome) -> bool:
    plans = [item["plan"] or {"changes": []} for item in outcome.result["sections"]]
    return any(change["action"] != "none" for plan in plans for change in plan["changes"])


def show_problems(outcome: Outcome) -> None:
    shown = set()
    for item in outcome.result["sections"]:
        error = item["error"]
        if error and error["detail"] not in shown and error["type"] != "DriftFound":
            shown.add(error["detail"])
            text = "\n".join(part for part in (error["summary"], error["detail"], error["remedy"]) if part)
            lines = [views.plain(line) for line in f"{item['title']}: {text}".split("\n")]
            print("\n" + "\n".join(lines), file=sys.stderr)


def show_record(outcome: Outcome) -> None:
    print(f"record: {outcome.folder.record}")
