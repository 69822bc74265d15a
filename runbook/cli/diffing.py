"""``runbook diff-tutorial``: what changed between two texts in what they set, and who is affected."""

from __future__ import annotations

from pathlib import Path

import click

from runbook.cli.console import json_option, make_console


@click.command(
    "diff-tutorial",
    epilog="""\b
Examples:
  runbook diff-tutorial tutorial-2024.md tutorial-2026.md
  runbook diff-tutorial junk-and-user-quarantine ours.md --json
  runbook diff-tutorial old.mdx new.mdx --includes partials --runs /srv/runs

\b
Exit codes: 0 a run of the new text asks for what one of the old asked for,
3 it does not (resources, inputs, references, order or promises differ),
2 a text cannot be read.
""",
)
@click.argument("old")
@click.argument("new")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print."
)
@click.option(
    "--includes",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    help="Folder of files that the texts include; may be given again. RUNBOOK_INCLUDES names them for all commands; "
    "_partials beside a text is looked into last.",
)
@click.option(
    "--runs", "base", type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of runs to look for those of the old text; RUNBOOK_RUNS, else runs below the present folder.",
)  # fmt: skip
@json_option
def diff_tutorial(old: str, new: str, form: str, includes: tuple[Path, ...], base: Path | None,
                  as_json: bool) -> int:  # fmt: skip
    """Say what changed between two texts, OLD and NEW: in settings, not in lines.

    Each is a path, or the name of one of the kit's own. A line that moved or a label that is worded otherwise is no
    change. For an object that the new text calls by another name, the decision is printed with which a run goes on
    with the old one, instead of making a second one of the same effect. Runs of the old text are listed, newest
    first. No tenant is read.
    """
    from runbook import library
    from runbook.errors import ExitCode
    from runbook.runs import runs_directory
    from runbook.textdiff.settings import diff_texts

    folders = tuple(folder.resolve() for folder in includes) or None
    before, after = library.load(old, folders).compiled, library.load(new, folders).compiled
    found = diff_texts(before, after)
    code = ExitCode.CHANGES if found.changed else ExitCode.DONE
    from runbook.archive import listing
    from runbook.archive.affected import affected
    from runbook.views import plain, plain_lines

    where = base or runs_directory()
    made = affected(where, before.tutorial.sha256, lambda line: click.echo(plain(line), err=True))
    console = make_console(as_json=as_json or form == "json")
    if console.as_json:
        sides = {
            name: {"source": one.tutorial.path, "title": one.tutorial.title, "sha256": one.tutorial.sha256}
            for name, one in (("old", before), ("new", after))
        }
        shown = {**sides, **found.as_json(), "runs": [row.as_json() for row in made], "exit_code": code}
        console.document(shown)
        return code
    from runbook.textdiff.words import render

    click.echo(plain_lines(render(found, before, after, new)))
    click.echo(plain(f"Runs of the old text in {where}" if made else f"No run of the old text in {where}"))
    for line in listing.lines(made) if made else ():
        click.echo(f"  {line}")
    return code
