"""The form: one row an input, with its help, unit, present value in the tenant, and what is wrong with what was typed.

A value that is refused is not taken: the old one stays in effect, and the row says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any, Protocol

import ipywidgets as widgets

from runbook.errors import RunbookError
from runbook.inputs import RUN_FIELDS, Effective
from runbook.views import plain, plain_lines
from runbook.walkthrough.controls import allowed, control, shown, typed
from runbook.walkthrough.look import framed, paragraph
from runbook.walkthrough.present import Present, resulting


class Edited(Protocol):
    """What a form needs of the walkthrough."""

    @property
    def effective(self) -> tuple[Effective, ...]:
        """The inputs in effect."""

    def edit(self, changed: Mapping[str, Any]) -> Any:
        """Take edited inputs; raise RunbookError if they cannot be used."""


class Form:
    """The rows of a section's form, in one widget."""

    def __init__(self, walk: Edited, found: Mapping[str, Present]) -> None:
        self._walk, self._found = walk, found
        self._rows = [_Row(self, item) for item in walk.effective if item.field.name not in RUN_FIELDS]
        self.widget = widgets.VBox([row.widget for row in self._rows])

    def present(self, name: str) -> Present | None:
        """Return what was read of the tenant for an input."""
        return self._found.get(name)

    def found(self, read: Mapping[str, Present]) -> None:
        """Show what was read anew; what another service expects stays as it was first read."""
        kept = {
            name: replace(item, expected=self._found[name].expected)
            for name, item in read.items()
            if name in self._found
        }
        self._found = {**self._found, **read, **kept}
        for row in self._rows:
            row.tell(self.effective(row.name))

    def take(self, name: str, value: Any) -> str:
        """Take an edit; return why it was not taken, or nothing."""
        try:
            self._walk.edit({name: value})
        except RunbookError as error:
            return error.detail.removeprefix(f"{name} (form): ")  # the help stands beside the control already
        return ""

    def effective(self, name: str) -> Effective:
        """Return an input as it is in effect now."""
        return next(item for item in self._walk.effective if item.field.name == name)

    def text(self) -> str:
        """Return every row as text."""
        return "\n".join(row.text for row in self._rows)

    def disable(self, off: bool) -> None:
        """Switch all controls off while something works, or on again."""
        for row in self._rows:
            row.control.disabled = off


class _Row:
    """One control and the words beside it."""

    def __init__(self, form: Form, item: Effective) -> None:
        self._form, self._field = form, item.field
        self.control = control(item)
        self._error = widgets.HTML()
        self._words = widgets.HTML(layout=widgets.Layout(flex="1 1 18em", min_width="14em"))
        self.text = ""
        self.tell(item)
        self.control.observe(self._changed, names="value")
        line = widgets.HBox([self.control, self._words], layout=widgets.Layout(flex_flow="row wrap", width="100%"))
        self.widget = widgets.VBox([line, self._error])

    def _changed(self, change: Mapping[str, Any]) -> None:
        why = self._form.take(self._field.name, typed(self._field, change["new"]))
        item = self._form.effective(self._field.name)
        if why:
            old = ", ".join(shown(item)) or "nothing"
            self._error.value = framed(paragraph(f"Not taken. {why} Still in effect: {old}.", "error"))
            return
        self._error.value = ""
        self.tell(item)

    @property
    def name(self) -> str:
        return self._field.name

    def tell(self, item: Effective) -> None:
        """Write the words beside the control."""
        said = _words(item, self._form.present(self._field.name))
        self.text = "\n  ".join([f"{item.field.label}: {', '.join(shown(item)) or '(empty)'}", *said])
        html = "<br>".join(escape(plain(line)) for line in said)
        self._words.value = framed(
            f'<p class="runbook-note">{html}</p>{_folded(resulting(self._field.name, item.value))}'
        )


def _words(item: Effective, found: Present | None) -> list[str]:
    may = allowed(item.field)
    said = [f"{item.field.help}." + (f" Allowed: {may}." if may else "")]
    if found:
        said.append(f"In the tenant now: {'; '.join(found.now)}")
    if found and found.expected:
        said.append(f"Expected, by Microsoft Graph: {'; '.join(found.expected)}")
    said.append(f"In effect: {', '.join(shown(item)) or '(empty)'} ({item.source})")
    return said


def _folded(entries: Sequence[str]) -> str:
    if not entries:
        return ""
    return (
        f"<details><summary>These {len(entries)} address ranges</summary>"
        f"<p><code>{escape(plain_lines(', '.join(entries)))}</code></p></details>"
    )
