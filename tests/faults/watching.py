"""Watch a run from outside, as any user of the machine could: its processes, their command lines, their sockets."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LISTENING = "0A"


@dataclass
class Seen:
    """What was seen of a process and all that it started."""

    command_lines: set[bytes] = field(default_factory=set)
    listening: set[tuple[bytes, int]] = field(default_factory=set)
    connected: set[int] = field(default_factory=set)
    looks: int = 0


def descendants(root: int) -> Iterator[int]:
    """Give a process and all that live below it."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        parents.setdefault(parent, []).append(int(path.parent.name))
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += parents.get(pid, [])


def sockets(pid: int) -> set[str]:
    """Give the inodes of a process's sockets."""
    found = set()
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(f"/proc/{pid}/fd/{name}")
                if target.startswith("socket:["):
                    found.add(target[8:-1])
    return found


def tcp() -> Iterator[tuple[str, int, int, str]]:
    """Give every TCP socket of the machine: inode, its own port, the other's, its state."""
    for name in ("tcp", "tcp6"):
        for line in Path("/proc/net", name).read_text().splitlines()[1:]:
            words = line.split()
            yield words[9], int(words[1].rpartition(":")[2], 16), int(words[2].rpartition(":")[2], 16), words[3]


def look(root: int, seen: Seen) -> None:
    """Look once."""
    table = list(tcp())
    for pid in descendants(root):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        seen.command_lines.add(line)
        if b"simtenant.server" in line:
            continue  # the far end is no part of the run
        mine = sockets(pid)
        for inode, own, other, state in table:
            if inode in mine and state == LISTENING:
                seen.listening.add((line, own))
            elif inode in mine:
                seen.connected.add(other)
    seen.looks += 1


def watched(process: subprocess.Popen[str], timeout: float = 180) -> tuple[str, str, Seen]:
    """Wait for a process to end, looking at it all the while; give what it printed and what was seen."""
    seen, ended = Seen(), threading.Event()

    def watch() -> None:
        while not ended.is_set():
            look(process.pid, seen)
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        out, errors = process.communicate(timeout=timeout)
    finally:
        ended.set()
        watcher.join()
    return out, errors, seen
