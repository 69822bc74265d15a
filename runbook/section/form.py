"""The walkthrough's widgets: a form for the inputs, and the button that approves a plan.

A widget is only ever made when a person is in front of the notebook. Its value reaches the section through
`Section.edit` and `Section.approve`; no cell reads a widget.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import ipywidgets as widgets

from runbook.errors import RunbookError
from runbook.inputs import RUN_FIELDS, Effective
from runbook.views import View


class Walkthrough(Protocol):
    """What a form needs of a section."""

    @property
    def effective(self) -> tuple[Effective, ...]:
        """The inputs in effect."""

    def edit(self, changed: Mapping[str, Any]) -> None:
        """Take edited inputs; raise RunbookError if they cannot be used."""

    def approve(self, tenant: str) -> View:
        """Approve the present plan; raise RunbookError if it cannot be approved."""


_WIDE = widgets.Layout(width="32em")
_STYLE = {"description_width": "14em"}


def _control(item: Effective) -> Any:
    field, value = item.field, item.value
    common: dict[str, Any] = {
        "description": field.name,
        "style": _STYLE,
        "layout": _WIDE,
        "tooltip": field.help,
    }
    if field.annotation == "bool":
        return widgets.Checkbox(value=value, **common)
    if field.choices:
        return widgets.Dropdown(options=list(field.choices), value=value, **common)
    if field.bounds:
        return widgets.BoundedIntText(value=value, min=0, max=10_000, **common)
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return widgets.Text(value=text, continuous_update=False, **common)


def inputs_form(section: Walkthrough) -> Any:
    """Show one control per input with its help beside it; a refused value keeps the old one and says why."""
    status = widgets.HTML("Inputs as in the parameters cell. Change one, and plan again.")
    rows = []
    for item in section.effective:
        if item.field.name in RUN_FIELDS:
            continue
        control = _control(item)
        control.observe(_taker(section, item.field.name, status), names="value")
        rows.append(widgets.HBox([control, widgets.Label(item.field.help)]))
    return widgets.VBox([*rows, status])


def _taker(section: Walkthrough, name: str, status: Any) -> Any:
    from html import escape

    def take(change: Any) -> None:
        try:
            section.edit({name: change["new"]})
        except RunbookError as error:
            status.value = f"<b>Not taken.</b> {escape(error.detail)} {escape(error.remedy)}"
            return
        status.value = (
            f"{escape(name)} is now {escape(str(change['new']))}. <b>Plan again:</b> any earlier plan is void."
        )

    return take


def approve_form(section: Walkthrough) -> Any:
    """Show the approve button; it wants the tenant's name and acts once."""
    name = widgets.Text(description="tenant", placeholder="type the tenant's name", style=_STYLE, layout=_WIDE)
    button = widgets.Button(description="Approve this plan", button_style="warning")
    status = widgets.HTML("Nothing is written before you approve. Then run the next cell.")

    def approve(_: Any) -> None:
        from html import escape

        button.disabled = True
        try:
            status.value = section.approve(name.value).html
        except RunbookError as error:
            status.value = f"<b>Not approved.</b> {escape(error.detail)} {escape(error.remedy)}"
            button.disabled = False

    button.on_click(approve)
    return widgets.VBox([widgets.HBox([name, button]), status])
