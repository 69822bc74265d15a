"""``runbook fleet``: plan, apply or verify over an inventory of tenants; go on with such a run, show it, stop it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runbook.cli.console import json_option, make_console, quiet_option
from runbook.cli.fleetend import tell_end
from runbook.errors import UsageError
from runbook.fleet.folder import FleetFolder, find_fleet
from runbook.fleet.selecting import ONLY
from runbook.runs import runs_directory

if TYPE_CHECKING:
    from runbook.fleet.crew import Crew
    from runbook.fleet.inventory import Inventory

_BUDGET_HELP = (
    "At most N calls in SECONDS from this machine to exchange, graph, entra or cloudflare; with -per-tenant, for each "
    "tenant (cloudflare: each token). May be repeated. Default: cloudflare=200/1 and cloudflare-per-tenant=1200/300, "
    "as documented; for the others no limit but what they ask for (Retry-After)."
)
_INVENTORY = click.argument("inventory", type=click.Path(path_type=Path))
_CHOOSING = (
    click.option("--tenant", "tenants", multiple=True, metavar="NAME", help="Only this tenant; may be repeated."),
    click.option("--group", "groups", multiple=True, metavar="NAME", help="Only this group; may be repeated."),
    click.option("--only", type=click.Choice(ONLY), help="Only those that ended so in the last fleet run."),
    click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N that are left."),
)
_RUNNING = (
    click.option("--workers", type=click.IntRange(1), metavar="N", help="Cores to use; without it, all."),
    click.option(
        "--in-flight", type=click.IntRange(1), metavar="N", help="Tenants at a time; without it, 10 for each core."
    ),
    click.option("--scheduler", metavar="ADDRESS", help="Let a dask cluster carry it out: tcp://host:8786."),
    click.option(
        "--tenant-timeout", type=click.FloatRange(1), default=3600, show_default=True, metavar="SECONDS",
        help="How long one tenant may take.",
    ),
    click.option(
        "--cell-timeout", type=click.FloatRange(1), default=900, show_default=True, metavar="SECONDS",
        help="How long one cell of a notebook may take.",
    ),
    click.option("--store", envvar="RUNBOOK_STORE", metavar="ADDRESS", help="Put finished runs there, too: s3://..."),
    click.option("--max-failures", default="", metavar="N|N%", help="Begin no further tenant once more have failed."),
    click.option("--budget", "budgets", multiple=True, metavar="SERVICE[-per-tenant]=N/SECONDS", help=_BUDGET_HELP),
    click.option("--tutorial", help="Name or path of the tutorial, in place of the inventory's."),
    quiet_option,
    json_option,
)  # fmt: skip


def _options(*more: Callable[..., Any]) -> Callable[[Any], Any]:
    def decorate(command: Any) -> Any:
        for option in reversed((_INVENTORY, *more, *_CHOOSING, *_RUNNING)):
            command = option(command)
        return command

    return decorate


@click.group()
def fleet() -> None:
    """Plan, apply or verify on every tenant of an inventory, each in a process of its own.

    INVENTORY is a YAML or CSV file: which tenants, in which groups, with which inputs. It is checked whole before
    anything begins. Every tenant has its own run and record; one page shows them all.
    """


@fleet.command(
    epilog="""\b
Examples:
  runbook fleet plan customers.yaml
  runbook fleet plan customers.csv --group canary --json
"""
)
@_options()
def plan(**options: Any) -> int:
    """Read every tenant and show what would change. Writes nothing; exits 3 when changes are pending."""
    return _carry_out("plan", options)


@fleet.command(
    epilog="""\b
Examples:
  runbook fleet apply customers.yaml --approve 1f2e3d4c5b6a
  runbook fleet apply customers.yaml --approval change-4711.yaml --max-failures 2%
"""
)
@_options(
    click.option("--approve", metavar="HASH", help="Hash over all plans of a fleet run that were read and approved."),
    click.option(
        "--approval", "approvals", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
        help="File that approves plans by their hashes, with approver and expires; may be repeated.",
    ),
)  # fmt: skip
def apply(**options: Any) -> int:
    """Carry out approved plans, ring by ring.

    If a tenant of the first ring fails, no later ring is begun. In the others the first failure stops the rollout, or
    as many as --max-failures allows. Tenants whose plan nobody approved are left alone and named.
    """
    return _carry_out("apply", options)


@fleet.command(epilog="Example: runbook fleet verify customers.yaml --in-flight 50")
@_options()
def verify(**options: Any) -> int:
    """Read every tenant and say whether it is as the tutorial asks. Writes nothing; exits 3 on drift."""
    return _carry_out("verify", options)


@fleet.command(
    epilog="""\b
Examples:
  runbook fleet resume 20261128T020000Z-verify-1a2b3c
  runbook fleet resume 20261128T020000Z-apply-1a2b3c --max-failures 4
"""
)
@click.argument("run")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Cores to use; without it, all.")
@click.option("--scheduler", metavar="ADDRESS", help="Let a dask cluster carry it out: tcp://host:8786.")
@click.option(
    "--tenant-timeout",
    type=click.FloatRange(1),
    metavar="SECONDS",
    help="How long one tenant may take; as before.",
)
@click.option(
    "--max-failures",
    "allowed_anew",
    default="",
    metavar="N|N%",
    help="Allow so many failures from now on, those that there were among them; without it, as before.",
)
@quiet_option
@json_option
def resume(run: str, **options: Any) -> int:
    """Go on with a fleet run that was stopped or killed: nothing that is finished is done again.

    A run that its failures have stopped is gone on with if --max-failures now allows as many: what failed stays as it
    is, and those that were not started are begun. That is noted in the run's journal with your name.
    """
    return _go_on(find_fleet(run, runs_directory()), options)


@fleet.command(epilog="Example: runbook fleet stop 20261128T020000Z-apply-1a2b3c")
@click.argument("run")
def stop(run: str) -> int:
    """Have a fleet run begin no further tenant; those that run come to their end."""
    folder = find_fleet(run, runs_directory())
    if not folder.is_held():
        raise UsageError(f"Nothing of the fleet run {folder.name} runs at this moment.")
    folder.stop.touch()
    make_console().lines([f"{folder.name} begins no further tenant."])
    return 0


@fleet.command(epilog="Example: runbook fleet show 20261128T020000Z-verify-1a2b3c")
@click.argument("run")
@json_option
def show(run: str, as_json: bool) -> int:
    """Print how a fleet run ended, the tenants that need a person first."""
    from runbook.runs import read_json

    folder = find_fleet(run, runs_directory())
    if not folder.summary.is_file():
        going_on = f"It was cut short. Go on with it:\n\n    runbook fleet resume {folder.name}\n"
        told = f"It still runs. Wait for it, or stop it:\n\n    runbook fleet stop {folder.name}\n"
        raise UsageError(f"The fleet run {folder.name} has not ended.", told if folder.is_held() else going_on)
    summary = read_json(folder.summary)
    console = make_console(as_json=as_json)
    if folder.is_held():
        console.error(f"{folder.name} is being gone on with; this is how it stood before.")
    tell_end(summary, folder.page, console)
    return int(summary["exit_code"])


def _carry_out(mode: str, options: dict[str, Any]) -> int:
    from runbook import library
    from runbook.fleet import approvals
    from runbook.fleet.asking import Wish, begin
    from runbook.fleet.checking import check_inputs, check_members
    from runbook.fleet.inventory import read_inventory
    from runbook.fleet.local import IN_FLIGHT_PER_CORE, cores
    from runbook.fleet.selecting import Selection, select
    from runbook.fleet.storing import check_store

    runs = runs_directory()
    chosen = Selection(
        tenants=options["tenants"], groups=options["groups"], only=options["only"], limit=options["limit"]
    )
    whole = read_inventory(options["inventory"], tutorial=options["tutorial"])
    inventory = select(whole, chosen, mode, runs)
    document = library.load(inventory.tutorial)
    grants = None
    if mode == "apply":
        if options["approve"] and options["approvals"]:
            raise click.UsageError("Give --approve or --approval, not both.")
        grants = approvals.by_hash(options["approve"], runs) if options["approve"] else {}
        grants = approvals.by_files(options["approvals"], runs) if options["approvals"] else grants
    check_inputs(inventory, document)
    if options["store"]:
        check_store(options["store"])
    workers = options["workers"] or cores()
    check_members(inventory)
    wish = Wish(
        mode=mode,
        inventory=inventory,
        grants=grants,
        max_failures=options["max_failures"],
        in_flight=options["in_flight"] or IN_FLIGHT_PER_CORE * workers,
        cell_timeout_seconds=options["cell_timeout"],
        tenant_seconds=options["tenant_timeout"],
        store=options["store"] or "",
        budgets=options["budgets"],
    )
    return _go_on(begin(wish, document, runs), options, inventory)


def _go_on(folder: FleetFolder, options: dict[str, Any], checked: Inventory | None = None) -> int:
    """Carry out what is left of a fleet run; whoever is left of one that is resumed is checked as at its beginning."""
    from runbook.fleet.asking import left_of, what_was_asked
    from runbook.fleet.checking import check_left
    from runbook.fleet.fleet import go_on
    from runbook.fleet.local import local_crew, on_cores, simulated_far_ends
    from runbook.fleet.stopping import Switch, on_signals
    from runbook.fleet.traces import export, provider

    console = make_console(quiet=options["quiet"], as_json=options["as_json"])
    asked = what_was_asked(folder)
    seconds = options["tenant_timeout"] or asked["tenant_seconds"]
    switch = Switch(folder.stop)

    def crew() -> Crew:
        left = checked
        if left is None:
            left = left_of(folder, asked)
            check_left(left, asked["mode"])
        far_ends.enter_context(simulated_far_ends({member.name: member.entry for member in left.members}))
        if options["scheduler"]:
            from runbook.fleet.cluster import cluster_crew

            return cluster_crew(options["scheduler"], tenant_seconds=seconds)
        return local_crew(asked["tutorial"], in_flight=asked["in_flight"], tenant_seconds=seconds)

    with (
        contextlib.ExitStack() as far_ends,
        on_cores(options["workers"]),
        on_signals(switch.press),
        console.fleet(len(asked["order"])) as told,
    ):
        outcome = go_on(folder, crew, told, asked_to_stop=switch.asked, max_failures=options.get("allowed_anew", ""))
    export(outcome.summary, folder.runs, provider())
    tell_end(outcome.summary, folder.page, console)
    return outcome.exit_code
