"""``runbook tick``: which steps of a text are left to a person, and which of them were done, by whom, and seen how."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from runbook.cli.console import json_option, make_console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook.ticks import Book, HandStep


@click.command(
    epilog="""\b
Examples:
  runbook tick --tenant contoso --tutorial text.md
  runbook tick 3f9a1c --tenant contoso --tutorial text.md --by "Jane Doe" --seen "no delivery delays since Monday"
  runbook tick 3f9a1c --tenant contoso --tutorial text.md --take-back --by "Jane Doe" --why "that was the wrong tenant"

\b
Exit codes: 0 listed or ticked off, 1 the file of ticks is not whole, 2 wrong usage; then nothing was written.
"""
)
@click.argument("ids", nargs=-1, metavar="[ID ...]")
@click.option("--tenant", required=True, help="Name of the tenant in tenants.yaml; demo is simulated.")
@click.option("--tutorial", help="Name or path of the tutorial; without it, the kit's own.")
@click.option(
    "--includes", type=click.Path(path_type=Path, exists=True, file_okay=False), multiple=True,
    help="Folder of files that the text includes, as for compile; may be given again.",
)  # fmt: skip
@click.option("--by", metavar="NAME", help="Who did it.")
@click.option("--seen", metavar="TEXT", help="What was seen once it was done.")
@click.option("--take-back", is_flag=True, help="Take a tick back; the former one is kept in the file.")
@click.option("--why", metavar="TEXT", help="Why it is taken back.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print."
)
@json_option
def tick(ids: tuple[str, ...], tenant: str, tutorial: str | None, includes: tuple[Path, ...], by: str | None,
         seen: str | None, take_back: bool, why: str | None, form: str, as_json: bool) -> int:  # fmt: skip
    """List the steps of a text that are left to a person, or tick those off that the IDs name.

    A tick is for one tenant and for exactly this text: when the text changes, its steps are to be looked at again.
    Who, when and what was seen stands in the record of every run from then on, so it must not hold a secret. Ticks lie
    beside the runs, one file a tenant; nothing in it is ever overwritten. No tenant is read.
    """
    console = make_console(as_json=as_json or form == "json")
    _check_options(ids, take_back, by, {"seen": seen, "why": why})
    from runbook import library, tenants
    from runbook.errors import ExitCode
    from runbook.runs import runs_directory
    from runbook.ticks import Book
    from runbook.views import plain

    tenants.entry(tenant)  # a name that nobody described is a mistake
    document = library.load(tutorial or library.OWN, tuple(folder.resolve() for folder in includes) or None)
    book = Book(base=runs_directory(), tenant=tenant, name=document.name, compiled=document.compiled)
    if ids and take_back:
        book.take_back(ids, by or "", why or "")
    elif ids:
        book.tick(ids, by or "", seen or "")
    steps = book.steps()
    if console.as_json:
        console.document(_as_json(book, steps))
    elif console.tables:
        from runbook.cli.tables.lists import step_parts

        console.show(*step_parts(book, steps, console.width), _count(steps))
    else:
        console.lines(map(plain, lines(book, steps)))
    return ExitCode.DONE


def _check_options(ids: tuple[str, ...], take_back: bool, by: str | None, said: dict[str, str | None]) -> None:
    """Refuse what does not go together, before anything is read."""
    wanted, other = ("why", "seen") if take_back else ("seen", "why")
    given = [f"--{name}" for name, value in (("by", by), *said.items()) if value is not None]
    given += ["--take-back"] if take_back else []
    if not ids and given:
        raise click.UsageError(f"{given[0]} is about steps: name them by their IDs. Nothing was written.")
    if not ids:
        return
    if said[other] is not None:
        how = "A tick is taken back with --why" if take_back else "A step is ticked off with --seen"
        raise click.UsageError(f"{how}, not with --{other}. Nothing was written.")
    missing = [f"--{name}" for name, value in (("by", by), (wanted, said[wanted])) if value is None]
    if missing:
        raise click.UsageError(f"Missing option {' and '.join(missing)}. Nothing was written.")


def _as_json(book: Book, steps: tuple[HandStep, ...]) -> dict[str, object]:
    tutorial = book.compiled.tutorial
    return {
        "tenant": book.tenant,
        "tutorial": {"name": book.name, "title": tutorial.title, "sha256": tutorial.sha256},
        "steps": [item.as_json() for item in steps],
    }


def lines(book: Book, steps: tuple[HandStep, ...]) -> Iterator[str]:
    """Write the steps for a terminal, under their sections' headings."""
    from runbook.difference import lines_text

    headings = {section.id: section.heading for section in book.compiled.tutorial.sections}
    section = None
    for item in steps:
        if item.step.section != section:
            section = item.step.section
            yield headings.get(section, section)
        yield f"  [{'x' if item.done else ' '}] {item.id}  {lines_text(item.step.lines)}: {item.step.text}"
        if item.done:
            yield f"        {item.done.by}, {item.done.at}: {item.done.seen}"
        elif item.other_edition:
            former = item.other_edition
            yield f"        ticked for another edition of the text: {former.by}, {former.at}: {former.seen}"
    yield _count(steps)


def _count(steps: tuple[HandStep, ...]) -> str:
    count = sum(1 for item in steps if item.done)
    return f"{count} of {len(steps)} done" if steps else "This text leaves no step to a person."
