"""A button that never acts twice for one wish.

A second click of a double click reaches the kernel while the first is being worked on, or just after; the front end may
not have heard yet that the button is off. So a click counts only if the button is on in the kernel, and only some time
after the last work ended. Front ends may send clicks to another thread than the one in which cells run (JupyterLab 4.6
does, to a subshell of the kernel), so two clicks may even be here at the same time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

PAUSE_SECONDS = 0.6
"""Longer than a double click takes (500 ms is the usual limit of desktop systems)."""


class Button:
    """One button with one act; off while it works, and for a moment afterwards deaf."""

    def __init__(
        self,
        label: str,
        act: Callable[[], None],
        *,
        style: str = "",
        pause_seconds: float = PAUSE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`pause_seconds` is 0 for an act that can be done once only, or that a person repeats at once, corrected."""
        self._act, self._pause, self._clock = act, pause_seconds, clock
        self._working, self._deaf_until = threading.Lock(), 0.0
        layout = widgets.Layout(width="auto", min_width="11em")
        self.widget = widgets.Button(description=label, button_style=style, layout=layout)
        self.widget.on_click(self._clicked)

    def enable(self, on: bool) -> None:
        """Switch the button on or off."""
        self.widget.disabled = not on

    def listen(self) -> None:
        """Be deaf no more: something else was done since the last click, so the next one is no second half of it."""
        self._deaf_until = 0.0

    def _clicked(self, _: Any) -> None:
        if self.widget.disabled or not self._working.acquire(blocking=False):
            return
        try:
            if self._clock() < self._deaf_until:
                return
            self.widget.disabled = True
            self._act()
            self._deaf_until = self._clock() + self._pause
        finally:
            self._working.release()
