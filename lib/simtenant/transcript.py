"""A transcript of the vendor calls: what was asked and what was answered, one JSON line each.

It is for checking contracts after a test run, so it keeps bodies, which the request log never does. No header
but User-Agent is kept, and no body of a sign-in, in either direction: credentials travel nowhere else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from simtenant import entra
from simtenant.wire import Answer, Request

VARIABLE = "SIMTENANT_TRANSCRIPT"
"""Environment variable that names the file when the command line does not."""


class Transcript:
    """A file that several servers may append to at the same time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(
        self, request: Request, answer: Answer | None, *, fault: str | None, lenient: bool, turned: Iterable[str] = ()
    ) -> None:
        """Append one call; ``answer`` is None when the caller was left without one.

        ``turned`` are the switches that do not stand at their default.
        """
        private = entra.serves(request.path)
        row: dict[str, Any] = {
            "method": request.method,
            "path": request.path,
            "query": [list(pair) for pair in request.query],
            "agent": request.headers.get("user-agent"),
            "request": None if private else _json(request.body),
            "status": None if answer is None else answer.status,
            "answer": None if private or answer is None else _json(answer.body),
            "fault": fault,
            "lenient": lenient,
            "turned": sorted(turned),
        }
        line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
        # One write to a file opened for appending: lines of several processes never mix.
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)


def wanted(option: Path | None, environment: Mapping[str, str]) -> Transcript | None:
    """Give the transcript that the command line or else the environment asks for."""
    path = option or (Path(environment[VARIABLE]) if environment.get(VARIABLE) else None)
    return None if path is None else Transcript(path)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
