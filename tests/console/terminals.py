"""A terminal to run a command on, and what stands on it in the end."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass
from typing import IO

from conftest import PATIENCE_SECONDS, Kit

COLOUR = re.compile(r"\x1b\[[0-9;]*?(?<![0-9])(?:3[0-7]|38|4[0-7]|48|9[0-7]|10[0-7])(?:;[0-9;]*)?m")
"""A sequence that sets a colour of letters or ground; bold and dim are none."""
_SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")
HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"


@dataclass(frozen=True)
class Seen:
    """What a command sent to a terminal, and how it ended."""

    sent: str
    code: int

    @property
    def lines(self) -> list[str]:
        """The lines that stand on the screen in the end, without what was taken away again."""
        return screen(self.sent)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def screen(sent: str) -> list[str]:
    """Follow the few sequences that are used: to the line's beginning, a line up, a line emptied."""
    lines, row, column, place = [""], 0, 0, 0
    while place < len(sent):
        if found := _SEQUENCE.match(sent, place):
            if found[2] == "A":
                row = max(0, row - int(found[1] or 1))
            elif found[2] == "K":
                lines[row] = "" if found[1] == "2" else lines[row][:column]
            place = found.end()
            continue
        char, place = sent[place], place + 1
        if char == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif char == "\r":
            column = 0
        else:
            lines[row] = lines[row].ljust(column)[:column] + char + lines[row][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines]


def at_a_terminal(
    kit: Kit,
    *words: str,
    width: int = 80,
    types: dict[str, str] | None = None,
    out: IO[str] | None = None,
    **environment: str,
) -> Seen:
    """Run a command on a terminal of this width.

    `types` is what a person types once a text is to be read; `out` is a file that standard output goes to instead.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "runbook", *words],
        stdin=theirs,
        stdout=out or theirs,
        stderr=theirs,
        cwd=kit.folder,
        env=kit.environment(**{"TERM": "xterm-256color", **environment}),
        start_new_session=True,
        preexec_fn=_take_the_terminal,
    )
    os.close(theirs)
    waiting, sent, end = dict(types or {}), b"", time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if not select.select([ours], [], [], 0.2)[0]:
            continue
        try:
            sent += os.read(ours, 65536)
        except OSError:
            break
        for text in [text for text in waiting if text.encode() in sent]:
            os.write(ours, waiting.pop(text).encode())
    os.close(ours)
    return Seen(sent=sent.decode(), code=process.wait(timeout=20))


def _take_the_terminal() -> None:
    """Have Ctrl-C come from the terminal to this process; a shell in the background may have it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
