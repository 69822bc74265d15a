"""``runbook lint``: what a careful reader would object to in a tutorial, as a compiler prints it."""

from __future__ import annotations

from pathlib import Path

import click

from runbook.cli.console import json_option, make_console


@click.command(
    epilog="""\b
Examples:
  runbook lint tutorial.md
  runbook lint tutorial.md --decided split-literal --decided use-uce
  runbook lint tutorial.md -f params.yaml --json

\b
Exit codes: 0 nothing or only things to know (tells), 3 a question is open (asks),
1 something cannot be carried out (blocks).
"""
)
@click.argument("tutorials", nargs=-1, required=True, metavar="TUTORIAL...")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print."
)
@click.option("--decided", metavar="NAME", multiple=True, help="A decision that is taken; it asks no more.")
@click.option(
    "-f", "--parameters", "files", metavar="FILE", multiple=True, type=click.Path(path_type=Path),
    help="Parameters file; what it answers asks no more.",
)  # fmt: skip
@click.option("-p", "--parameter", "pairs", metavar="NAME=VALUE", multiple=True, help="One parameter.")
@json_option
def lint(tutorials: tuple[str, ...], form: str, decided: tuple[str, ...], files: tuple[Path, ...],
         pairs: tuple[str, ...], as_json: bool) -> int:  # fmt: skip
    """Look for what is wrong, missing or left open in each TUTORIAL: a path, or the name of one of the kit's own.

    Every finding names file, line and code, and has the line below it. A correction is only a suggestion: it is
    taken by the decision that the finding names, and recorded with the run. No tenant is read.
    """
    from runbook import library
    from runbook import lint as linter
    from runbook.cli import parameters
    from runbook.inputs import effective
    from runbook.views import plain_lines

    given = parameters.read(files, pairs).values
    documents = [library.load(name) for name in tutorials]
    known = {field.name for document in documents for field in document.all_fields()}
    for document in documents:
        effective(document.all_fields(), given, {}, known=known)  # an answer that a run would refuse is none
    texts = [document.compiled for document in documents]
    linter.check_decided(decided, texts)
    findings = [
        finding
        for name, compiled in zip(tutorials, texts, strict=True)
        for finding in linter.lint(compiled, decided=decided, given=given, path=name)
    ]
    code = linter.exit_code(findings)
    console = make_console(as_json=as_json or form == "json")
    if console.as_json:
        console.document({"findings": [finding.as_json() for finding in findings], "exit_code": code})
    else:
        console.lines([plain_lines(linter.render(findings, len(texts)))])
    return code
