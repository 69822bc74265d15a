"""``runbook sim``: the simulated tenant, for people."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from runbook import library, simulated, tenants
from runbook.errors import UsageError

_TENANT = click.option("--tenant", default=tenants.DEMO, show_default=True, help="A simulated tenant.")
_FOLDER = click.Path(file_okay=False, path_type=Path)


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
@click.option("--fleet", type=_FOLDER, help="Serve every simulated tenant in this folder instead, in one process.")
@click.option("--port", default=0, show_default=True, help="Port on 127.0.0.1; 0 lets the system choose.")
@click.option("--profile", default="new", show_default=True, help="How a tenant that does not exist yet begins.")
@click.option("--latency-ms", default=0.0, show_default=True, help="Answer this much later, as a real service would.")
def serve(tenant: str, fleet: Path | None, port: int, profile: str, latency_ms: float) -> None:
    """Serve the simulated tenant until Ctrl-C; notebooks and commands find it by themselves."""
    if fleet is not None:
        if port:
            raise UsageError("The tenants of a fleet have a port each, which the system chooses: leave --port out.")
        for directory in _tenants_in(fleet):
            _refuse_if_served(directory.name, directory)
        _become("simtenant.farm", "--below", str(fleet), "--latency-ms", str(latency_ms))
    directory = _directory(tenant)
    _refuse_if_served(tenant, directory)
    directory.mkdir(parents=True, exist_ok=True)
    arguments = ["--dir", str(directory), "--port", str(port), "--profile", profile]
    _become("simtenant.server", *arguments, "--latency-ms", str(latency_ms))


def _tenants_in(folder: Path) -> list[Path]:
    found = [path.parent for path in sorted(folder.glob("*/state.db"))]
    if not found:
        raise UsageError(
            f"There is no simulated tenant in {folder}.", f"Make some:\n\n    runbook sim fleet {folder} --count 20\n"
        )
    return found


def _refuse_if_served(name: str, directory: Path) -> None:
    url = simulated.running(directory)
    if url is not None:
        raise UsageError(f"The simulated tenant {name!r} is being served already, at {url}.")


def _become(module: str, *arguments: str) -> NoReturn:
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])


@sim.command(epilog="Example: runbook sim fleet practice --count 20")
@click.argument("folder", type=_FOLDER, metavar="DIR")
@click.option("--count", type=click.IntRange(1, 9999), required=True, help="How many tenants.")
@click.option("--profile", default="new", show_default=True, help="How each of them begins.")
def fleet(folder: Path, count: int, profile: str) -> None:
    """Make many simulated tenants in DIR, and an inventory of them to practise a fleet run on."""
    inventory = folder / "fleet.yaml"
    if inventory.exists():
        raise UsageError(f"There is {inventory} already.", "Name another folder, or remove this one first.")
    names = [f"t{number:04}" for number in range(1, count + 1)]
    canaries = max(1, count // 20)
    try:
        simulated.make_many([folder / name for name in names], profile=profile)
    except KeyError as error:
        raise UsageError(str(error.args[0]) + ".") from error
    inventory.write_text(_inventory(names, canaries), encoding="utf-8")
    click.echo(
        f"{folder}: {count} simulated tenants (profile {profile}), canaries: {canaries}\ninventory: {inventory}\n\n"
        f"To serve them all, in a terminal of its own:\n\n    runbook sim serve --fleet {folder}\n\n"
        f"To plan on every one of them then:\n\n    runbook fleet plan {inventory}\n"
    )


def _inventory(names: list[str], canaries: int) -> str:
    """Write the inventory; where a tenant's state is counts from the inventory's own folder."""
    groups = {name: "canary" if number < canaries else "rest" for number, name in enumerate(names)}
    rows = [f"  {name}: {{group: {group}, simulated: {{state: {name}}}}}" for name, group in groups.items()]
    rings = ", ".join(dict.fromkeys(groups.values()))
    return "\n".join([f"tutorial: {library.OWN}", "tenants:", *rows, f"rings: [{rings}]", ""])


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
