"""``runbook compile``: what a tutorial means, as text or JSON, and its notebooks."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from runbook.errors import UsageError


@click.command("compile", epilog="Example: runbook compile tutorial.md --format text")
@click.argument("tutorial")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print."
)
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Also write notebooks here.")
@click.option(
    "--includes",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    help="Folder of files that the text includes; may be given again. RUNBOOK_INCLUDES names them for all commands; "
    "_partials beside the text is looked into last.",
)
def compile_command(tutorial: str, form: str, output: Path | None, includes: tuple[Path, ...]) -> None:
    """Show what TUTORIAL (a path, or the name of one of the kit's own) means: resources, inputs, open questions."""
    from runbook import library

    folders = tuple(folder.resolve() for folder in includes)
    document = library.load(tutorial, folders or None)
    if form == "json":
        click.echo(json.dumps(document.compiled.as_json(), indent=1, ensure_ascii=False))
    else:
        from runbook.compile.text import render

        click.echo(render(document.compiled))
    if output is not None:
        from runbook import notebooks

        try:
            written = notebooks.write(document, output)
        except OSError as error:
            what = f"The notebooks cannot be written to {output}: {error.strerror or error}."
            raise UsageError(what, "Name a folder that can be written.") from error
        for path in written:
            click.echo(f"wrote {path}", err=True)
        if folders:
            named = os.pathsep.join(map(str, folders))
            click.echo(f"Where these notebooks run, set RUNBOOK_INCLUDES={named}", err=True)
