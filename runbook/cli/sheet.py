"""``runbook sheet``: the steps of a text for hands only, as HTML or PDF."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runbook.errors import UsageError

if TYPE_CHECKING:
    from runbook.cli.parameters import Given
    from runbook.library import Document
    from runbook.sheet import Source


@click.command(
    epilog="""\b
Examples:
  runbook sheet tutorial.md -o sheet.html
  runbook sheet tutorial.md -p egress_region=europe -o sheet.pdf
  runbook sheet tutorial.md --tenant contoso -f params.yaml -o sheet.pdf
  runbook sheet tutorial.md | lynx -stdin

\b
A PDF is printed by Chromium, Chrome or Edge, whichever is found; RUNBOOK_BROWSER names another one.
Exit codes: 0 written, 1 the browser could not print it, 2 wrong usage; then nothing was written.
"""
)
@click.argument("tutorial")
@click.option("-f", "--file", "files", multiple=True, type=click.Path(path_type=Path), help="YAML file with inputs.")
@click.option("-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE", help="One input.")
@click.option("--tenant", help="Take this tenant's inputs and domains from tenants.yaml. No call is made.")
@click.option(
    "--includes", type=click.Path(path_type=Path, exists=True, file_okay=False), multiple=True,
    help="Folder of files that the text includes, as for compile; may be given again.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="FILE.html or FILE.pdf; without it, HTML goes to standard output, unless that is a terminal.",
)  # fmt: skip
def sheet(tutorial: str, files: tuple[Path, ...], pairs: tuple[str, ...], tenant: str | None,
          includes: tuple[Path, ...], output: Path | None) -> None:  # fmt: skip
    """Print TUTORIAL (a path, or the name of one of the kit's own) as an instruction sheet, for hands only.

    It has the clicks of every section with their lines, the PowerShell or curl beside them, boxes to tick, and room for
    name, date, signature and remarks. No tenant is read and none is called, with --tenant neither: what only a tenant
    could tell is a blank to fill in.
    """
    form = _form(output)
    from runbook import library
    from runbook.cli import parameters
    from runbook.sheet import find_browser, print_pdf, render, sheet_of

    browser = find_browser() if form == "pdf" else None
    document = library.load(tutorial, tuple(folder.resolve() for folder in includes) or None)
    page = render(sheet_of(_source(document, parameters.read(files, pairs), tenant)))
    if output is None:
        sys.stdout.write(page)
        return
    try:
        if browser is not None:
            print_pdf(page, output, browser)
        else:
            from runbook.runs import write_text

            write_text(output, page)
    except OSError as error:
        what = f"The sheet cannot be written to {output}: {error.strerror or error}."
        raise UsageError(what, "Name a file in a folder that can be written.") from error
    click.echo(f"wrote {output}", err=True)


def _form(output: Path | None) -> str:
    """Tell HTML from PDF by the file's name, before anything is read."""
    if output is None:
        if sys.stdout.isatty():
            raise click.UsageError(
                "Name a file with -o, such as sheet.html or sheet.pdf: a page is not for a terminal."
            )
        return "html"
    form = output.suffix.lower().lstrip(".")
    if form not in ("html", "pdf"):
        raise click.UsageError(f"{output.name!r} names neither an .html nor a .pdf file.")
    return form


def _source(document: Document, given: Given, tenant: str | None) -> Source:
    """Check the inputs as a run does, and take what tenants.yaml says of a tenant."""
    from runbook import tenants
    from runbook.inputs import RUN_FIELDS, effective
    from runbook.sheet import Source

    own: dict[str, Any] = {}
    domains: tuple[str, ...] = ()
    if tenant is not None:
        entry = tenants.entry(tenant)
        own = {name: value for name, value in entry.inputs.items() if name not in RUN_FIELDS}
        # The domains of a simulated tenant that tenants.yaml does not name are known to its server alone.
        if entry.domains or entry.simulated is None:
            domains = tenants.domains_of(tenant, entry)
    fields = [field for field in document.all_fields() if field.name not in RUN_FIELDS]
    inputs = effective(fields, given.values, own, sources=given.sources)
    return Source(document=document, inputs=inputs, domains=domains, tenant=tenant or "")
