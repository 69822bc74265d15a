"""One control an input: from the input's model to a widget, and from what was typed to a value of that input.

There is no control for a secret. What a control gives is checked by the input's own check, the same that a parameter or
a file goes through; no control corrects silently what was typed.
"""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from runbook.inputs import Effective, Field, to_text

_STYLE = {"description_width": "12em"}
_LAYOUT = {"width": "min(30em, 100%)"}
_CHOICE_WORDS = {"": "not decided", "advised": "as advised", "as-written": "as written in the tutorial"}


def control(item: Effective) -> Any:
    """Return the widget for an input, labelled, with its present value in it."""
    field, value = item.field, item.value
    common: dict[str, Any] = {
        "description": field.label,
        "style": _STYLE,
        "layout": widgets.Layout(**_LAYOUT),
        "tooltip": field.help,
    }
    if field.annotation == "bool":
        return widgets.Checkbox(value=value, indent=True, **common)
    if field.choices:
        options: list[tuple[str, str | None]] = [
            (_CHOICE_WORDS.get(choice, choice), choice) for choice in field.choices
        ]
        if value is None:
            options.insert(0, ("choose", None))
        return widgets.Dropdown(options=options, value=value, **common)
    if field.annotation == "list":
        placeholder = "several: one a line, or commas between"
        return widgets.Textarea(
            value=to_text(value or ()), rows=1, placeholder=placeholder, continuous_update=False, **common
        )
    # A number is typed as text: a number field would take 99 for 30, or 1e1 for 10, before anybody checked it.
    return widgets.Text(value="" if value is None else to_text(value), continuous_update=False, **common)


def shown(item: Effective) -> tuple[str, ...]:
    """Return the entries of an input that is a list, as they are typed; of any other, the one value as text."""
    if item.field.annotation == "list":
        return tuple(item.value or ())
    if item.field.annotation == "bool":
        return ("yes" if item.value else "no",)
    return () if item.value is None else (str(item.value),)


def typed(field: Field, raw: Any) -> Any:
    """Return what a control's state means as a value of the input, still to be checked.

    One line of a list is the text that a parameter or a file would have; several lines are an entry each.
    """
    if field.annotation != "list" or "\n" not in str(raw).strip():
        return raw
    lines = [line.strip() for line in str(raw).splitlines()]
    return [entry for entry in lines if entry]


def allowed(field: Field) -> str:
    """Say what may be given, with its unit and the part that is recommended.

    Empty where anything goes, and where the help says it already.
    """
    if field.bounds is None or f"{field.bounds[0]} to {field.bounds[1]}" in field.help:
        return ""
    low, high = field.bounds
    best = f", recommended {field.recommended[0]} to {field.recommended[1]}" if field.recommended else ""
    return f"{low} to {high} {field.unit}{best}"
