"""The instruction sheet: the steps of a text for hands only, as one inert HTML page and, by a browser, as a PDF."""

from runbook.sheet.browser import find_browser, print_pdf
from runbook.sheet.content import Source, sheet_of
from runbook.sheet.page import render

__all__ = ["Source", "find_browser", "print_pdf", "render", "sheet_of"]
