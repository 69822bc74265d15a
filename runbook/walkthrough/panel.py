"""What a cell of the walkthrough shows: a status, a result, and buttons that live as long as the kernel does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets

from runbook.views import View
from runbook.walkthrough.look import STYLE, framed


class Shown:
    """A widget with the text that stands for it where no widget can be shown."""

    def __init__(self, widget: Any, text: Callable[[], str]) -> None:
        self.widget, self._words = widget, text

    def __repr__(self) -> str:
        return self._words()

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        return {**self.widget._repr_mimebundle_(**options), "text/plain": repr(self)}


class Panel(Shown):
    """A box with a status line above and a result below; in a front end without widgets, their text."""

    def __init__(self, controls: Sequence[Any] = ()) -> None:
        self._status = widgets.HTML()
        self._result = widgets.HTML()
        self._text = ["", ""]
        row = widgets.HBox(list(controls), layout=widgets.Layout(flex_flow="row wrap", align_items="center"))
        children = [widgets.HTML(STYLE), self._status, *([row] if controls else []), self._result]
        super().__init__(widgets.VBox(children), lambda: "\n".join(text for text in self._text if text))

    def status(self, view: View) -> None:
        """Show a sentence about how things stand."""
        self._set(0, self._status, view)

    def result(self, view: View | None, *, dim: bool = False) -> None:
        """Show what came of the last act; `dim` for what no longer counts."""
        shown = view or View("", "")
        self._set(
            1, self._result, View(shown.text, f'<div class="runbook-dim">{shown.html}</div>' if dim else shown.html)
        )

    def _set(self, place: int, widget: Any, view: View) -> None:
        html = framed(view.html) if view.html else ""
        self._text[place] = view.text
        if widget.value != html:
            widget.value = html
