"""``runbook compile``: what a tutorial means, as text or JSON, and its notebooks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runbook.cli.console import Console, json_option, make_console, quiet_option
from runbook.errors import UsageError

if TYPE_CHECKING:
    from runbook.library import Document


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
@quiet_option
@json_option
def compile_command(
    tutorial: str, form: str, output: Path | None, includes: tuple[Path, ...], quiet: bool, as_json: bool
) -> None:
    """Show what TUTORIAL (a path, or the name of one of the kit's own) means: resources, inputs, open questions."""
    from runbook import library

    console = make_console(quiet=quiet, as_json=as_json or form == "json")
    folders = tuple(folder.resolve() for folder in includes)
    document = library.load(tutorial, folders or None)
    if not console.as_json:
        from runbook.compile.text import render

        console.lines([render(document.compiled)])
    if output is not None:
        _write_notebooks(document, output, folders, console)
    if console.as_json:  # last, so that an error is the only document
        console.document(document.compiled.as_json())


def _write_notebooks(document: Document, output: Path, folders: tuple[Path, ...], console: Console) -> None:
    from runbook import notebooks

    try:
        written = notebooks.write(document, output)
    except OSError as error:
        what = f"The notebooks cannot be written to {output}: {error.strerror or error}."
        raise UsageError(what, "Name a folder that can be written.") from error
    if console.quiet:
        return
    for path in written:
        console.error(f"wrote {path}")
    if folders:
        console.error(f"Where these notebooks run, set RUNBOOK_INCLUDES={os.pathsep.join(map(str, folders))}")
