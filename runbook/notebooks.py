"""Generate the notebooks: one per section of a tutorial, thin cells, the same bytes for the same text.

A code cell calls one method of the section and shows what it returns; all logic is in the package. Step
anchors and the cell's part in the plan stand in metadata under the one key ``runbook``.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from runbook.compile.result import ResourceDraft
from runbook.compile.values import plain_json
from runbook.difference import lines_text
from runbook.inputs import COMMON, Field
from runbook.kinds import BY_TYPE
from runbook.library import Document
from runbook.runs import json_text, write_text
from runbook.tutorial import Section, Step, Tutorial
from runbook.views import plain_lines

_NEEDS = {
    "EmailSecurityDomain": "a Cloudflare API token with *Cloud Email Security: Write*, and *Domain.Read.All* in "
    "Microsoft Graph to read the expected MX",
}
_MARKER = re.compile(r"^(?:\d+[.)]|[-*+])\s+")
_NEEDS_EXCHANGE = (
    "an app registration with *Exchange.ManageAsApp* and a directory role that may change the setting "
    "(Exchange Administrator)"
)


START = "00-start-here.ipynb"


def file_name(document: Document, section: Section) -> str:
    """Return a notebook's name, such as ``01-configure-domains.ipynb``."""
    return f"{document.number(section.id):02}-{section.id}.ipynb"


def generate(document: Document) -> dict[str, str]:
    """Return the text of every notebook by file name. Equal documents give equal bytes."""
    sections = {file_name(document, section): text(document, section) for section in document.sections}
    return {START: start_text(document), **sections}


def write(document: Document, directory: Path) -> list[Path]:
    """Write the notebooks into a folder and return their paths."""
    paths = []
    for name, text in generate(document).items():
        write_text(directory / name, text)
        paths.append(directory / name)
    return paths


def text(document: Document, section: Section) -> str:
    """Return the text of one section's notebook."""
    return _notebook(document, _cells(document, section), section=section.id)


def start_text(document: Document) -> str:
    """Return the text of the notebook to begin with: what will happen, preflight, and how each section stands."""
    return _notebook(document, _start_cells(document))


def _notebook(document: Document, cells: Iterator[dict[str, Any]], **more: str) -> str:
    notebook = {
        # Numbers, as nbstripout gives them: whoever has it for a filter sees no difference.
        "cells": [{**cell, "id": str(number)} for number, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "runbook": {"tutorial": document.name, "sha256": document.compiled.tutorial.sha256, **more},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json_text(json.loads(json.dumps(notebook, sort_keys=True)))


def _cells(document: Document, section: Section) -> Iterator[dict[str, Any]]:
    drafts = document.drafts(section.id)
    yield _markdown("title", _title(document, section, drafts))
    tutorial = document.compiled.tutorial
    anchors = " ".join(_anchor(tutorial, step) for step in _walk(section))
    yield _markdown("steps", _steps(document, section), anchors=anchors)
    yield _code("parameters", _parameters(document.fields(section.id)), tags=["parameters"])
    opening = (
        "from runbook.walkthrough import open_section\n\n"
        f"section = open_section({json.dumps(f'{document.name}#{section.id}')}, globals())\nsection"
    )
    yield _code("open", opening)
    yield _markdown("about-inputs", "## Inputs\n\nThe values in effect, and where each came from.")
    yield _code("inputs", "section.inputs()")
    yield _markdown("about-plan", "## Plan\n\nReads the tenant and shows the difference. Nothing is written.")
    yield _code("plan", "section.plan()")
    yield _markdown(
        "about-gate",
        "## Gate\n\nOnly the plan above can be approved, and only by name or by its hash. "
        "*Run All* stops here without harm.",
    )
    yield _code("gate", "section.gate()")
    yield _markdown("about-apply", "## Apply\n\nCarries out the approved plan. Without one it does nothing.")
    yield _code("apply", "section.apply()")
    yield _markdown("about-verify", "## Verify\n\nReads everything again and compares it with the tutorial.")
    yield _code("verify", "section.verify()")
    yield _code("finish", "section.finish()")


def _start_cells(document: Document) -> Iterator[dict[str, Any]]:
    yield _markdown("title", _start_title(document))
    tenant = next(field for field in COMMON if field.name == "tenant")
    yield _code("parameters", _parameters((tenant,)), tags=["parameters"])
    opening = (
        "from runbook.walkthrough import start_page\n\n"
        f"start = start_page({json.dumps(document.name)}, globals())\nstart"
    )
    yield _code("open", opening)
    yield _markdown(
        "about-preflight",
        "## Preflight\n\nAsks the services what the identity that signs in may do, and holds it against what each "
        "section needs.",
    )
    yield _code("preflight", "start.preflight()")
    yield _markdown(
        "about-sections",
        "## The sections\n\nEach is read and compared with the tutorial; nothing is written. Take them in their "
        "order: later ones stand on earlier ones.",
    )
    yield _code("sections", "start.sections()")
    yield _markdown("about-records", "## Records\n\nWhat was done on this tenant so far, newest first.")
    yield _code("records", "start.records()")


def _start_title(document: Document) -> str:
    tutorial = document.compiled.tutorial
    listed = "\n".join(
        f"{document.number(section.id)}. [{_in_brackets(section.heading)}]({file_name(document, section)})"
        for section in document.sections
    )
    return "\n\n".join(
        [
            "# Start here",
            f"*{tutorial.title}*, `{Path(tutorial.path).name}` (SHA-256 `{tutorial.sha256[:12]}`), as "
            f"{len(document.sections)} notebooks:",
            listed,
            "**What will happen.** Each notebook reads the tenant and shows the difference to the tutorial. It writes "
            "when you have approved exactly that difference by typing the tenant's name, and not before; then it reads "
            "everything again. *Run All* is harmless in all of them, and so is this page. If a cell does not begin, "
            "the kernel is still starting: wait until the line at the bottom says *Idle*.",
            "**Which tenant.** `demo` is a simulated one. A real one is described in `tenants.yaml`, by name and by "
            "where its credentials are looked up. To work on another tenant, change `tenant` below, and in each "
            "notebook.",
            "**What is left.** Every walkthrough ends with a record, one page that opens anywhere, and "
            "`runbook rollback RUN` takes back what it changed.",
        ]
    )


def _in_brackets(text: str) -> str:
    return re.sub(r"([\\\[\]])", r"\\\1", text)


def _cell(kind: str, part: str, source: str, **more: Any) -> dict[str, Any]:
    tags = more.pop("tags", [])
    metadata: dict[str, Any] = {"runbook": {"part": part, **more}}
    if tags:
        metadata["tags"] = tags
    return {"cell_type": kind, "metadata": metadata, "source": source.splitlines(keepends=True)}


def _markdown(part: str, source: str, **more: Any) -> dict[str, Any]:
    return _cell("markdown", part, without_html(_visible(source)), **more)


def _visible(source: str) -> str:
    """Spell out the marks that a reader would not see; the blanks of other keyboards are blanks."""
    return plain_lines(source.replace("\t", "    ").replace("\N{NO-BREAK SPACE}", " "))


_PARSER = MarkdownIt("commonmark")
_CODE = re.compile(r"(?<![\\`])(`+)(?!`).+?(?<!`)\1(?!`)")


def without_html(source: str) -> str:
    """Return Markdown in which nothing is HTML: what a document says with ``<`` is shown as it is written.

    A place where code is not plainly code is made harmless at the cost of how it looks.
    """
    if not _has_html(source):
        return source
    outside, last = "", 0
    for code in _CODE.finditer(source):
        outside += source[last : code.start()].replace("<", "&lt;") + code[0]
        last = code.end()
    outside += source[last:].replace("<", "&lt;")
    return source.replace("<", "&lt;") if _has_html(outside) else outside


# A run makes the same notebooks again for each tenant.
@functools.lru_cache(maxsize=256)
def _has_html(source: str) -> bool:
    tokens = _PARSER.parse(source)
    return any(
        token.type in ("html_block", "html_inline") for block in tokens for token in [block, *(block.children or [])]
    )


def _code(part: str, source: str, **more: Any) -> dict[str, Any]:
    return {**_cell("code", part, source, **more), "execution_count": None, "outputs": []}


def _title(document: Document, section: Section, drafts: tuple[ResourceDraft, ...]) -> str:
    tutorial = document.compiled.tutorial
    number, count = document.number(section.id), len(document.sections)
    first, last = tutorial.own_line(section.first), tutorial.own_line(section.last)
    paragraphs = [
        f"# {section.heading}",
        f"Section {number} of {count} of *{tutorial.title}*, "
        f"lines {first} to {last} of `{Path(tutorial.path).name}` "
        f"(SHA-256 `{tutorial.sha256[:12]}`).",
    ]
    if section.intent:
        paragraphs.append(section.intent)
    paragraphs.append("**What it sets**\n\n" + "\n".join(_sets(draft) for draft in drafts))
    needs = sorted({_NEEDS.get(draft.type, _NEEDS_EXCHANGE) for draft in drafts})
    paragraphs.append("**What it needs**: " + "; ".join(needs) + ".")
    paragraphs.append(
        "**How it is undone**: `runbook rollback RUN` takes back what a run changed, after its own approval. The "
        "record names every value that was there before, property by property."
    )
    return "\n\n".join(paragraphs)


def _sets(draft: ResourceDraft) -> str:
    title = BY_TYPE[draft.type].title if draft.type in BY_TYPE else draft.type
    name = _as_code(draft.identity) if draft.identity is not None else f"each of `{draft.for_each}`"
    optional = f" (only with the decision `{draft.optional}`)" if draft.optional else ""
    settings = ", ".join(f"{item.parameter} = {_short(plain_json(item.value))}" for item in draft.settings)
    return f"- {title} {name}{optional}: {settings}"


def _short(value: Any) -> str:
    if isinstance(value, dict):
        key, content = next(iter(value.items()))
        words = {"input": "input {}", "ref": "list {}", "from": "looked up in {}"}
        content = str(content).split(":")[0] if key == "from" else content
        return words.get(key, "as decided").format(f"`{content}`")
    return _as_code(json.dumps(value, ensure_ascii=False))


def _as_code(text: str) -> str:
    """Return a text as one code span, whatever number of backticks it holds."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence, space = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{space}{text}{space}{fence}"


def _walk(section: Section) -> Iterator[Step]:
    for step in section.steps:
        yield from step.walk()


def _anchor(tutorial: Tutorial, step: Step) -> str:
    """Name a step's lines; of an included file, by its name and the lines in it."""
    first, last = tutorial.origin(step.first), tutorial.origin(step.last)
    return f"{first.file}:{first.line}-{last.line}" if first.file else f"{first.line}-{last.line}"


def _steps(document: Document, section: Section) -> str:
    tutorial = document.compiled.tutorial
    lines = ["## The tutorial's steps", ""]
    for item in section.items:
        if isinstance(item, Step):
            lines += _step_lines(tutorial, item, 0)
        elif item.kind == "prose" and item.first > section.steps[0].first:
            lines += ["", item.text, ""]
    return "\n".join(lines)


def _step_lines(tutorial: Tutorial, step: Step, depth: int) -> list[str]:
    bullet = f"{step.number}." if step.number is not None else "-"
    text = _MARKER.sub("", " ".join(step.raw.split()))
    lines = [f"{'    ' * depth}{bullet} {text} *({lines_text([tutorial.place(step.first)])})*"]
    for child in step.children:
        lines += _step_lines(tutorial, child, depth + 1)
    return lines


def _parameters(fields: tuple[Field, ...]) -> str:
    return "\n".join(
        f"{field.name}: {field.annotation} = {_literal(field.default)}  # {field.help}" for field in fields
    )


def _literal(value: Any) -> str:
    """A Python literal in the spelling that papermill uses for the values it injects."""
    return json.dumps(value) if isinstance(value, str | list) else repr(value)
