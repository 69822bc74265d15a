"""The options that choose runs, which every command over many runs takes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from runbook.errors import UsageError
from runbook.inputs import MODES

_FILTERS = (
    click.option("--tenant", help="Only this tenant's runs."),
    click.option("--mode", type=click.Choice(MODES), help="Only runs in this mode."),
    click.option("--status", help="Only runs that ended so, such as changed, drift, changes-pending or unfinished."),
    click.option("--since", metavar="WHEN", help="Only runs that ended then or later."),
    click.option("--until", metavar="WHEN", help="Only runs that ended then or before; a day counts to its end."),
    click.option("--on", metavar="DAY", help="Only runs that ended on this day."),
)


def filtered(command: Any) -> Any:
    """Give a command the options that choose runs, in their order."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def list_filter(options: dict[str, str | None], now: datetime) -> Any:
    """Return the filter that the options ask for, seen from `now`. Raises UsageError."""
    from runbook.archive import listing, when

    status = options["status"]
    if status is not None:
        status = status.lower().replace("-", " ")
        if status not in listing.STATUSES:
            known = ", ".join(name.replace(" ", "-") for name in listing.STATUSES)
            raise UsageError(f"No run has the status {options['status']!r}.", f"There are: {known}.")
    if options["on"] is not None and (options["since"] or options["until"]):
        raise UsageError("--on is a day of its own; it cannot be given with --since or --until.")
    spans = {
        name: None if text is None else when.parse(text, now=now)
        for name, text in (("since", options["on"] or options["since"]), ("until", options["on"] or options["until"]))
    }
    return listing.Filter(tenant=options["tenant"], mode=options["mode"], status=status, **spans)
