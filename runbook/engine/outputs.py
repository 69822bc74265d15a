"""Turn the messages of a running cell into notebook outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.notebookformat import NotebookNode, nbformat, new_output


class CellOutputs:
    """The outputs of one cell. Adjacent pieces of one stream become one output, as in nbclient."""

    def __init__(self, outputs: list[Any], displays: dict[str, list[Any]]) -> None:
        self._outputs = outputs
        self._displays = displays
        self._clear_next = False

    def take(self, message: Mapping[str, Any]) -> None:
        """Apply one message; unknown kinds are ignored, as the Jupyter protocol asks."""
        kind = message["type"]
        if kind == "clear_output":
            if message["wait"]:
                self._clear_next = True
            else:
                self._outputs.clear()
            return
        if kind == "update_display_data":
            self._update(message)
            return
        if kind not in ("stream", "display_data", "execute_result", "error"):
            return
        if self._clear_next:
            self._outputs.clear()
            self._clear_next = False
        if kind == "stream":
            self._stream(message)
            return
        output = _output(kind, {k: v for k, v in message.items() if k not in ("type", "transient")})
        self._outputs.append(output)
        display_id = message.get("transient", {}).get("display_id")
        if display_id:
            self._displays.setdefault(display_id, []).append(output)

    def _stream(self, message: Mapping[str, Any]) -> None:
        last = self._outputs[-1] if self._outputs else None
        if last is not None and last.output_type == "stream" and last.name == message["name"]:
            last.text += message["text"]
        else:
            self._outputs.append(NotebookNode(output_type="stream", name=message["name"], text=message["text"]))

    def _update(self, message: Mapping[str, Any]) -> None:
        for output in self._displays.get(message["transient"].get("display_id", ""), []):
            output.data = message["data"]
            output.metadata = message["metadata"]


def _output(kind: str, content: Mapping[str, Any]) -> Any:
    """Return an output; what a cell shows as plain texts, as nearly all do, needs no check by the format's schema."""
    data = content.get("data")
    if isinstance(data, dict) and all(isinstance(text, str) for text in data.values()):
        return nbformat.from_dict({"output_type": kind, **content})
    return new_output(kind, **content)
