"""How the walkthrough's panels look: one small style sheet, and the sentences with a role that a reader hears.

Colours are JupyterLab's own variables where there are any, so that light and dark themes hold, with a fall-back for
other front ends. Nothing is told by colour alone.
"""

from __future__ import annotations

from html import escape

from runbook.views import plain_lines

STYLE = """<style>
.runbook{color:var(--jp-content-font-color1,#1b1f24);line-height:1.45;max-width:64rem}
.runbook p{margin:.3rem 0}
.runbook table{border-collapse:collapse;margin:.5rem 0;width:100%;font-size:inherit}
.runbook caption{text-align:left;font-weight:600;padding:.25rem 0;color:inherit}
.runbook th,.runbook td{border:1px solid var(--jp-border-color1,#c8cdd3);padding:.25rem .5rem;text-align:left!important;
 vertical-align:top;overflow-wrap:anywhere;white-space:normal;background:none;color:inherit}
.runbook tbody th{font-weight:400}
.runbook thead th{font-weight:600;overflow-wrap:normal}
.runbook-difference thead th:first-child{width:26%}
.runbook-difference thead th:last-child{width:34%}
.runbook code,.runbook pre{background:none;color:inherit;font-size:.9em;padding:0;white-space:pre-wrap;
 overflow-wrap:anywhere}
.runbook small{font-size:.88em;color:inherit}
.runbook summary{cursor:pointer;padding:.15rem 0}
.runbook summary:focus-visible{outline:2px solid currentColor}
.runbook ul,.runbook ol{margin:.2rem 0;padding-left:1.5rem}
.runbook-sign{display:inline-block;min-width:1.1em;font-family:monospace;font-weight:700}
.runbook-error,.runbook-void,.runbook-problem,.runbook-good{border-left:.3rem solid;padding:.3rem .7rem;margin:.4rem 0}
.runbook-error,.runbook-problem{border-color:#cf222e}
.runbook-void{border-color:#bf8700}
.runbook-good{border-color:#1a7f37}
.runbook-steps{list-style:none;padding-left:0!important}
.runbook-note{font-size:.92em}
.runbook-dim{border:1px dashed var(--jp-border-color1,#c8cdd3);padding:0 .5rem}
</style>"""


def paragraph(text: str, sort: str = "") -> str:
    """Return a text as an HTML paragraph; `sort` is error, void or good, and decides how it is announced."""
    role = {"error": ' role="alert"', "void": ' role="status"', "good": ' role="status"'}.get(sort, "")
    name = f' class="runbook-{sort}"' if sort else ""
    return f"<p{name}{role}>" + escape(plain_lines(text)).replace("\n", "<br>") + "</p>"


def framed(html: str) -> str:
    """Return HTML in the block that the style sheet is about."""
    return f'<div class="runbook">{html}</div>'
