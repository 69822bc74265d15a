"""``runbook sim``: the simulated tenant, for people."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from runbook import simulated, tenants
from runbook.errors import UsageError

_TENANT = click.option("--tenant", default=tenants.DEMO, show_default=True, help="A simulated tenant.")


def _directory(name: str) -> Path:
    entry = tenants.entry(name)
    if entry.simulated is None:
        raise UsageError(f"The tenant {name!r} is not a simulated one.")
    return entry.state_directory(name)


def _existing(name: str) -> Path:
    directory = _directory(name)
    if not (directory / "state.db").is_file():
        simulated.reset(directory)
    return directory


@click.group()
def sim() -> None:
    """Serve, reset, show or change the simulated tenant."""


@sim.command(epilog="Example: runbook sim serve --port 8765")
@_TENANT
@click.option("--port", default=0, show_default=True, help="Port on 127.0.0.1; 0 lets the system choose.")
@click.option("--profile", default="new", show_default=True, help="How a tenant that does not exist yet begins.")
@click.option("--latency-ms", default=0.0, show_default=True, help="Answer this much later, as a real service would.")
def serve(tenant: str, port: int, profile: str, latency_ms: float) -> None:
    """Serve the simulated tenant until Ctrl-C; notebooks and commands find it by themselves."""
    directory = _directory(tenant)
    url = simulated.running(directory)
    if url is not None:
        raise UsageError(f"The simulated tenant {tenant!r} is being served already, at {url}.")
    directory.mkdir(parents=True, exist_ok=True)
    arguments = ["--dir", str(directory), "--port", str(port), "--profile", profile]
    arguments += ["--latency-ms", str(latency_ms)]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "simtenant.server", *arguments])


@sim.command(epilog="Example: runbook sim reset")
@_TENANT
@click.option("--profile", default="new", show_default=True, help="How the tenant begins.")
def reset(tenant: str, profile: str) -> None:
    """Put the simulated tenant back to its beginning."""
    try:
        simulated.reset(_directory(tenant), profile=profile)
    except (KeyError, ValueError) as error:
        raise UsageError(str(error.args[0]) + ".") from error
    click.echo(f"{tenant}: as new (profile {profile})")


@sim.command(epilog="Example: runbook sim show --kind TransportRule")
@_TENANT
@click.option("--kind", help="Only this kind of object.")
@click.option("--log", is_flag=True, help="Show what the tenant was asked instead.")
def show(tenant: str, kind: str | None, log: bool) -> None:
    """Show what the simulated tenant holds, as JSON, or its own log of requests."""
    directory = _existing(tenant)
    if log:
        _show_log(simulated.requests_log(directory))
        return
    held = simulated.objects(directory)
    if kind is not None and kind not in held:
        raise UsageError(f"The simulated tenant holds no {kind!r}.", f"It holds: {', '.join(sorted(held))}.")
    click.echo(json.dumps(held if kind is None else held[kind], indent=1, ensure_ascii=False))


def _show_log(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        mark = "WRITE" if row["write"] else "     "
        click.echo(f"{row['n']:>5} {mark} {row['status']} {row['method']:6} {row['cmdlet'] or row['path']}")
    click.echo(f"{len(rows)} requests, {sum(1 for row in rows if row['write'])} of them writes")


@sim.command("set", epilog="Example: runbook sim set HostedContentFilterPolicy Default SpamAction Quarantine")
@_TENANT
@click.argument("kind")
@click.argument("identity")
@click.argument("name", metavar="PROPERTY")
@click.argument("value")
def set_property(tenant: str, kind: str, identity: str, name: str, value: str) -> None:
    """Change one property behind everybody's back, as another administrator would.

    VALUE is JSON (7, true, ["A"]); anything else is taken as text.
    """
    directory = _existing(tenant)
    try:
        parsed = json.loads(value)
    except ValueError:
        parsed = value
    try:
        simulated.set_property(directory, kind, identity, name, parsed)
    except (KeyError, ValueError) as error:
        raise UsageError(str(error.args[0]) + ".", "See what there is with: runbook sim show") from error
    click.echo(f"{tenant}: {kind} {identity}: {name} is now {parsed!r}")
