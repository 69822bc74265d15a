"""``runbook demo``: the whole way on a fresh simulated tenant, with the tenant's own log as the judge."""

from __future__ import annotations

import click

from runbook import simulated, tenants
from runbook.cli.console import make_console, quiet_option
from runbook.cli.running import run_shown, show_plan, show_sections
from runbook.errors import ExitCode, RunbookError
from runbook.run import Outcome
from runbook.task import Request


@click.command(epilog="Example: runbook demo")
@quiet_option
def demo(quiet: bool) -> int:
    """Reset the simulated tenant, then plan, apply, verify and plan again. Exits 0 if all of it holds."""
    entry = tenants.TenantEntry(simulated=tenants.Simulated())
    directory = entry.state_directory(tenants.DEMO)
    simulated.reset(directory)
    console = make_console(quiet=quiet)
    with simulated.serving(directory):
        print("1. Plan: read the tenant and compare it with the tutorial")
        planned = run_shown(Request(tenant=tenants.DEMO, mode="plan"), console)
        show_plan(planned, console)
        _expect(planned, ExitCode.CHANGES)
        print("\n2. Apply exactly that plan, and verify by fresh reads")
        applied = run_shown(Request(tenant=tenants.DEMO, mode="apply", approve=planned.result["plan_hash"]), console)
        show_sections(applied, console)
        _expect(applied, ExitCode.DONE)
        print("\n3. Verify again, on its own")
        verified = run_shown(Request(tenant=tenants.DEMO, mode="verify"), console)
        show_sections(verified, console)
        _expect(verified, ExitCode.DONE)
        print("\n4. Plan again: nothing may be left to do")
        again = run_shown(Request(tenant=tenants.DEMO, mode="plan"), console)
        show_plan(again, console)
        _expect(again, ExitCode.DONE)
    writes = again.result["requests"]["writes"]
    if writes:
        raise RunbookError(f"The second plan made {writes} write requests; a plan must make none.")
    print(f"the simulated tenant's own log: {applied.result['requests']['writes']} writes by apply, {writes} by plan")
    print(f"\nrecord: {applied.folder.record}")
    return ExitCode.DONE


def _expect(outcome: Outcome, code: int) -> None:
    """Stop the demo with the run's own words when a step did not end as it must."""
    if outcome.exit_code == code:
        return
    errors = [item["error"] for item in outcome.result["sections"] if item["error"]]
    detail = errors[0]["detail"] if errors else f"status {outcome.result['status']}"
    raise RunbookError(
        f"The step ended with exit code {outcome.exit_code} instead of {code}: {detail}",
        f"Its record tells more: {outcome.folder.record}",
    )
