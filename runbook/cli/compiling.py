"""``runbook compile``: what a tutorial means, as text or JSON, and its notebooks."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("compile", epilog="Example: runbook compile tutorial.md --format text")
@click.argument("tutorial")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print."
)
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Also write notebooks here.")
def compile_command(tutorial: str, form: str, output: Path | None) -> None:
    """Show what TUTORIAL (a path, or the name of one of the kit's own) means: resources, inputs, open questions."""
    from runbook import library

    document = library.load(tutorial)
    if form == "json":
        click.echo(json.dumps(document.compiled.as_json(), indent=1, ensure_ascii=False))
    else:
        from runbook.compile.text import render

        click.echo(render(document.compiled))
    if output is not None:
        from runbook import notebooks

        for path in notebooks.write(document, output):
            click.echo(f"wrote {path}", err=True)
