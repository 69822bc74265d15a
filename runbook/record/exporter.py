"""The nbconvert exporter ``runbook``: executed notebooks in, one small inert page out.

Stock templates load scripts from five addresses and weigh 280 kB (measured with nbconvert 7.17). This one
shows outputs as plain text only, escapes everything, and carries its own few lines of style.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment
from nbconvert.exporters.templateexporter import TemplateExporter
from traitlets import default

from runbook.record import page
from runbook.record.evidence import cells
from runbook.styling import style
from runbook.views import plain_lines

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = _TEMPLATES / "runbook" / "style.css"


class RunbookExporter(TemplateExporter):
    """Render notebooks with the kit's own template. ``jupyter nbconvert --to runbook`` finds it by entry point."""

    export_from_notebook = "Runbook record"
    output_mimetype = "text/html"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".html"

    @default("template_extension")
    def _template_extension_default(self) -> str:
        return ".html.j2"

    @default("template_name")
    def _template_name_default(self) -> str:
        return "runbook"

    @default("extra_template_basedirs")
    def _extra_template_basedirs_default(self) -> list[str]:
        return [str(_TEMPLATES)]

    @default("optimistic_validation")
    def _optimistic_validation_default(self) -> bool:
        """Check the notebook once when all preprocessors are through, not after each of eleven."""
        return True

    def _create_environment(self) -> Environment:
        environment: Environment = super()._create_environment()
        environment.autoescape = True
        environment.trim_blocks = environment.lstrip_blocks = True
        environment.filters["ran"] = ran
        return environment

    def from_notebook_node(self, nb: Any, resources: Any = None, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Render a notebook; without a run's page content in `resources` the notebook alone makes the page."""
        content = dict(resources or {}).get("page") or page.from_notebook(nb)
        given = {**(resources or {}), **_shown(nb, content)}
        html, resources = super().from_notebook_node(nb, given, **kwargs)
        return _shorter(html), resources

    def compile_all(self) -> None:
        """Compile all templates of the page, those that only some runs need among them, and press its style."""
        for path in _STYLE.parent.glob(f"*{self.template_extension}"):
            self.environment.get_template(path.name)
        style(_STYLE)

    def record(self, notebook: Any, content: dict[str, Any]) -> str:
        """Render the page of a run as `from_notebook_node` does, without its copies, checks and idle preprocessors.

        So a notebook that breaks the format's rules has a record, too.
        """
        html: str = self.template.render(nb=notebook, resources=_shown(notebook, content))
        return _shorter(html.lstrip("\r\n"))


def _shown(notebook: Any, content: dict[str, Any]) -> dict[str, Any]:
    """Return everything that the templates ask for."""
    evidence = cells(notebook, content.get("said", {}), plain_output)
    return {"page": content, "style": style(_STYLE), "evidence": evidence}


@functools.cache
def exporter() -> RunbookExporter:
    """Return the one exporter of this process: its templates are compiled once."""
    return RunbookExporter()


def ran(cell: Any) -> str:
    """Say whether a cell ran: its number, that it began and did not come to its end, or that it never ran."""
    if cell.get("execution_count"):
        return f"In [{cell['execution_count']}]"
    began = cell["metadata"].get("papermill", {}).get("status") in ("running", "failed")
    return "began, and did not come to its end" if began else "never ran"


def plain_output(output: Any) -> str:
    """Return an output as plain text; a picture or a widget is named, not shown."""
    if output["output_type"] == "stream":
        text = "".join(output["text"])
    elif output["output_type"] == "error":
        text = "\n".join(output["traceback"])
    else:
        data = output["data"]
        text = "".join(data["text/plain"]) if "text/plain" in data else f"[{', '.join(sorted(data))}]"
    return _spelt_out(_ANSI.sub("", text))


def _spelt_out(text: str) -> str:
    return plain_lines(text.replace("\t", "    "))


def _shorter(html: str) -> str:
    """Take out empty lines and needless quotes, and spell quotes as such where they are text and can end no attribute.

    A kept page is read for years and sent by mail; a tenth of it was spelling.
    """
    html = re.sub(r"\n\s*\n+", "\n", html)
    html = re.sub(r"\n(?=</(?!pre|b>|i>|em)|<(?:details|summary|table|caption|tbody|pre|ul|ol|h3|h4)\b)", "", html)
    html = _TAG.sub(lambda tag: _NEEDLESS.sub(r"=\1", tag[0]), html)
    return re.sub(r">[^<]+", lambda text: _QUOTE.sub(lambda found: _QUOTES[found[0]], text[0]), html)


_TAG = re.compile(r"<[a-z][^<>]*>")
_NEEDLESS = re.compile(r'(?<= class)="([\w-]+)"')
_QUOTES = {"&#39;": "'", "&#34;": '"', "&#x27;": "'", "&quot;": '"'}
_QUOTE = re.compile("|".join(_QUOTES))
