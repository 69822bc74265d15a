"""The child's side: run cells in an IPython shell and send every output to the parent as a JSON line.

Messages carry the content of the Jupyter messages of the same name, so the parent needs no other
vocabulary: stream, display_data, update_display_data, execute_result, clear_output, error, done.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import threading
from collections.abc import Mapping
from typing import Any, TextIO, cast

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Any as AnyTrait
from traitlets import Type
from traitlets.config import Config

from runbook.runs import KEPT


class Sender:
    """Write messages to the pipe; one line each, never interleaved, whichever thread sends."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._lock = threading.RLock()

    def send(self, kind: str, **content: Any) -> None:
        # Text that is no Unicode (lone surrogates) could not be saved in a notebook.
        text = json.dumps({"type": kind, **content}, default=str, ensure_ascii=False)
        line = memoryview(text.encode("utf-8", "replace") + b"\n")
        with self._lock:
            while line:
                line = line[self._file.write(line) :]


class _Stream:
    """A text stream whose writes become stream messages."""

    encoding, errors = "utf-8", "replace"

    def __init__(self, sender: Sender, name: str, descriptor: int) -> None:
        self._sender, self.name, self._descriptor = sender, name, descriptor

    def write(self, text: str) -> int:
        if text:
            self._sender.send("stream", name=self.name, text=text)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        self.write("".join(lines))

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor


class _Publisher(DisplayPublisher):
    sender = AnyTrait()

    def publish(self, data: dict[str, Any], metadata: dict[str, Any] | None = None, *args: Any, **options: Any) -> None:
        kind = "update_display_data" if options.get("update") else "display_data"
        self.sender.send(kind, data=data, metadata=metadata or {}, transient=options.get("transient") or {})

    def clear_output(self, wait: bool = False) -> None:
        self.sender.send("clear_output", wait=wait)


class _ResultHook(DisplayHook):
    sender = AnyTrait()
    _pending: dict[str, Any]

    def start_displayhook(self) -> None:
        self._pending = {}

    def write_output_prompt(self) -> None:
        """A notebook shows the number beside the output, not in it."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        self._pending = {"data": format_dict, "metadata": md_dict or {}}

    def finish_displayhook(self) -> None:
        if self._pending.get("data"):
            self.sender.send("execute_result", execution_count=self.prompt_count, **self._pending)


class Shell(InteractiveShell):
    """IPython's shell with its outputs sent to the parent; what a notebook's code sees is the usual one."""

    displayhook_class = Type(_ResultHook)
    display_pub_class = Type(_Publisher)
    sender = AnyTrait()
    failed = False

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        self.failed = True
        name = getattr(etype, "__name__", str(etype))
        self.sender.send("error", ename=name, evalue=str(evalue), traceback=list(stb))

    def init_io(self) -> None:
        """The streams were replaced already."""

    def init_virtualenv(self) -> None:
        """The interpreter is the right one already."""


def make_shell() -> Shell:
    """Build the shell once, before forking; it is given its pipe in the child."""
    settings = Config()
    settings.HistoryManager.enabled = False
    settings.HistoryManager.hist_file = ":memory:"
    settings.InteractiveShell.colors = "nocolor"
    return Shell.instance(config=settings)


def rehearse(shell: Shell) -> None:
    """Run an empty cell, so that what IPython loads for the first one is there before the fork."""
    shell.run_cell("pass", store_history=False)
    fresh_namespace(shell)


def fresh_namespace(shell: Shell, kept: dict[str, Any] | None = None) -> None:
    """Forget the last notebook's names, so that each begins as in a new kernel.

    `kept` alone goes from one to the next: this process is one tenant's, and its sign-in need not be had anew.
    """
    assert shell.history_manager is not None
    shell.history_manager.reset()
    shell.user_ns.clear()
    shell.user_ns_hidden.clear()
    shell.init_user_ns()
    shell.user_ns["__name__"] = "__main__"
    if kept is not None:
        shell.user_ns[KEPT] = shell.user_ns_hidden[KEPT] = kept
    shell.execution_count = 1


def run_child(shell: Shell, requests: int, messages: int) -> None:
    """Serve the parent until it closes the pipe."""
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    sender = Sender(messages)
    for part in (shell, shell.displayhook, shell.display_pub):
        part.sender = sender  # type: ignore[union-attr]
    sys.stdout = cast(TextIO, _Stream(sender, "stdout", 1))
    sys.stderr = cast(TextIO, _Stream(sender, "stderr", 2))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    kept: dict[str, Any] = {}
    with os.fdopen(requests, "rb") as lines:
        while True:
            line = _next(lines)
            if not line:
                break
            _answer(shell, sender, json.loads(line), kept)


def _next(lines: Any) -> bytes:
    """Read the next request; an interrupt that arrives between two cells has nothing to interrupt."""
    while True:
        with contextlib.suppress(KeyboardInterrupt):
            return cast(bytes, lines.readline())


def _answer(shell: Shell, sender: Sender, request: Mapping[str, Any], kept: dict[str, Any]) -> None:
    if request["op"] == "new":
        fresh_namespace(shell, kept)
        sender.send("done", ok=True, count=None)
        return
    shell.failed = False
    count = shell.execution_count
    try:
        result = shell.run_cell(request["code"], store_history=True)
        error = result.error_before_exec or result.error_in_exec
    except KeyboardInterrupt as interrupt:
        error = interrupt
    if error is not None and not shell.failed:
        sender.send("error", ename=type(error).__name__, evalue=str(error), traceback=[repr(error)])
    sender.send("done", ok=error is None, count=count)
