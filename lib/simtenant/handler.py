"""One connection: its bytes become requests, the replies become bytes. Every server of this package uses it."""

from __future__ import annotations

import io
import re
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar, Protocol, cast

from simtenant.app import App, Reply
from simtenant.wire import Answer, Request, split_target, text_answer

_LARGEST_BODY = 16 * 1024 * 1024
_MOST_FIELDS = 99
_REQUEST_LINE = re.compile(rb"([A-Z]+) (/(?!/)[\x21-\x7e]*) HTTP/1\.1\r\n")
_FIELD = re.compile(rb"([A-Za-z0-9-]+):[ \t]*((?:[^\s\x00](?:[^\r\n\x00]*[^\s\x00])?)?)")


class Host(Protocol):
    """What a connection needs of the server that it came in at."""

    app: App
    stopping: threading.Event
    """Ends every wait of a caller that is left without an answer."""


class Handler(BaseHTTPRequestHandler):
    """Turns a connection's bytes into requests and replies into bytes."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    raw_requestline: bytes
    fields: Mapping[str, str]
    """The request's header fields by their names in lower case; of one that repeats, the last."""
    _no_body: ClassVar[frozenset[int]] = frozenset({204, 304})

    @property
    def host(self) -> Host:
        """Give the server that the connection came in at."""
        return cast(Host, self.server)

    def parse_request(self) -> bool:
        """Read the head of a request; False when there is none, which has been answered then."""
        if self._read_ordinary_head():
            return True
        if not super().parse_request():
            return False
        self.fields = {name.lower(): value for name, value in self.headers.items()}
        return True

    def _read_ordinary_head(self) -> bool:
        """Read the head that nearly every client sends, at a third of the cost; leave any other as it is.

        The base class takes each head for an e-mail message. What is not as plain as can be is left to it.
        """
        line = _REQUEST_LINE.fullmatch(self.raw_requestline)
        head, end, _ = cast(io.BufferedReader, self.rfile).peek(1).partition(b"\r\n\r\n")
        if line is None or not end:
            return False
        rows = head.split(b"\r\n")
        matches = [match for row in rows if (match := _FIELD.fullmatch(row))]
        fields = {match[1].decode("ascii").lower(): match[2].decode("latin-1") for match in matches}
        if not len(fields) == len(matches) == len(rows) <= _MOST_FIELDS or "expect" in fields:
            return False
        self.rfile.read(len(head) + len(end))
        self.command, self.path, self.request_version = line[1].decode(), line[2].decode(), "HTTP/1.1"
        self.requestline = f"{self.command} {self.path} {self.request_version}"
        self.fields = fields
        self.close_connection = fields.get("connection", "").lower() == "close"
        return True

    def _serve(self) -> None:
        try:
            body = self._read_body()
        except ConnectionAbortedError:  # whoever sent it has died in the middle; half a request is none [RFC 9112, 8]
            self.close_connection = True
            return
        if body is None:
            self._send(text_answer(413, "The body is too large or its length is not given"))
            self.close_connection = True
            return
        path, query = split_target(self.path)
        request = Request(method=self.command, path=path, query=query, headers=self.fields, body=body)
        try:
            reply = self.host.app.respond(request)
        except ConnectionAbortedError:  # the server stops at this very moment, and nothing has been done
            self.close_connection = True
            return
        except Exception:
            traceback.print_exc(file=sys.stderr)
            reply = Reply(answer=text_answer(500, "The simulated tenant failed; this is a fault in the kit"))
        if reply.answer is not None:
            self._send(reply.answer)
            return
        self.host.stopping.wait(reply.hold_seconds)
        if reply.reset:
            # Lingering for no time at all makes the close a reset: the nearest a listening server gets to refusing.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.close(self.connection.detach())
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 - names of the base class

    def finish(self) -> None:
        """Close the connection and what its thread holds of the database."""
        super().finish()
        self.host.app.close_thread()

    def log_message(self, format: str, *args: Any) -> None:
        """Write no access log; the request log in the state is the record."""

    def _read_body(self) -> bytes | None:
        if self.fields.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks()
        length = self.fields.get("content-length", "0")
        if not (length.isascii() and length.isdecimal()) or int(length) > _LARGEST_BODY:
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionAbortedError
        return body

    def _read_chunks(self) -> bytes | None:
        body = b""
        while True:
            size = int(self.rfile.readline(64).split(b";", 1)[0].strip() or b"0", 16)
            if len(body) + size > _LARGEST_BODY:
                return None
            body += self.rfile.read(size)
            self.rfile.readline(4)
            if size == 0:
                return body

    def _send(self, answer: Answer) -> None:
        phrase = self.responses.get(answer.status, ("",))[0]
        lines = [f"HTTP/1.1 {answer.status} {phrase}", f"Date: {self.date_time_string()}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        body = b"" if answer.status in self._no_body else answer.body
        lines += [f"Content-Length: {len(body)}", "", ""]
        head = "\r\n".join(lines).encode("latin-1", "replace")
        # One write, so that head and body leave in one packet.
        self.wfile.write(head if self.command == "HEAD" else head + body)
