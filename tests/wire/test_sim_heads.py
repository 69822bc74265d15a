"""A request's head is understood the same by the quick way and by the standard library's, which takes the others."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass, field

import pytest

from simtenant.app import App, Reply
from simtenant.handler import Handler
from simtenant.wire import Request, text_answer


class Listening(App):
    """Keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def respond(self, request: Request) -> Reply:
        self.asked.append(request)
        return Reply(answer=text_answer(200, "yes"))

    def close_thread(self) -> None:
        pass


@dataclass
class Host:
    app: App = field(default_factory=Listening)
    stopping: threading.Event = field(default_factory=threading.Event)


class Standard(Handler):
    """Leaves every head to the standard library."""

    quick = 0

    def _read_ordinary_head(self) -> bool:
        return False


class Counting(Handler):
    """Counts the heads that were read the quick way."""

    quick = 0

    def _read_ordinary_head(self) -> bool:
        done = super()._read_ordinary_head()
        Counting.quick += done
        return done


def heard(kind: type[Handler], *parts: bytes) -> tuple[list[Request], bytes]:
    """Send bytes to a handler, and give the requests it made of them and the statuses it answered."""
    host = Host()
    with socket.create_server(("127.0.0.1", 0)) as door:
        ours = socket.create_connection(door.getsockname())
        theirs, _ = door.accept()
    ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with ours, theirs:
        thread = threading.Thread(target=lambda: kind(theirs, ("", 0), host))  # type: ignore[arg-type]
        thread.start()
        for part in parts:
            ours.sendall(part)
            time.sleep(0.004 if len(parts) > 1 else 0)  # so that the handler reads the parts one by one
        ours.shutdown(socket.SHUT_WR)
        thread.join(10)
        theirs.shutdown(socket.SHUT_WR)
        answered = b"".join(iter(lambda: ours.recv(65536), b""))
    assert isinstance(host.app, Listening)
    statuses = b" ".join(line for line in answered.split(b"\r\n") if line.startswith(b"HTTP/"))
    return host.app.asked, statuses


HEADS = {
    # name: (bytes, how many heads are plain)
    "plain": (b"GET /a%20b?c=d HTTP/1.1\r\nHost: x:1\r\nAccept: */*\r\n\r\n", 1),
    "body": (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 1),
    "two on one connection": (b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nhost: y\r\n\r\n", 2),
    "chunks": (b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 1),
    "close": (b"GET /a HTTP/1.1\r\nConnection: Close\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n", 1),
    "spaces before a value": (b"GET /a HTTP/1.1\r\nHost: \t x y\r\nEmpty:\r\nBlank: \r\n\r\n", 1),
    "spaces behind a value": (b"GET /a HTTP/1.1\r\nHost: x y \t\r\n\r\n", 0),
    "latin": (b"GET /a HTTP/1.1\r\nHost: x\r\nName: caf\xe9\r\n\r\n", 1),
    "colons in a value": (b"GET /a HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 1),
    "length that is none": (b"POST /a HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 1),
    "repeated": (b"GET /a HTTP/1.1\r\nHost: x\r\nB: 1\r\nb: 2\r\n\r\n", 0),
    "folded": (b"GET /a HTTP/1.1\r\nHost: x\r\nB: 1\r\n  2\r\n\r\n", 0),
    "bare line ends": (b"GET /a HTTP/1.1\nHost: x\n\n", 0),
    "older version": (b"GET /a HTTP/1.0\r\nHost: x\r\n\r\n", 0),
    "no header, then another": (b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n", 1),
    "two slashes": (b"GET //a HTTP/1.1\r\nHost: x\r\n\r\n", 0),
    "expects": (b"POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na", 0),
    "unknown method": (b"BREW /a HTTP/1.1\r\nHost: x\r\n\r\n", 1),
    "nonsense": (b"hello\r\n\r\n", 0),
    "newer version": (b"GET /a HTTP/2.0\r\nHost: x\r\n\r\n", 0),
    "very many": (b"GET /a HTTP/1.1\r\n" + b"".join(b"h%d: 1\r\n" % n for n in range(101)) + b"\r\n", 0),
    "half": (b"GET /a HTTP/1.1\r\nHost: x\r\n", 0),
}


@pytest.mark.parametrize("name", HEADS)
def test_both_ways_understand_the_same(name: str) -> None:
    raw, quick = HEADS[name]
    Counting.quick = 0
    assert heard(Counting, raw) == heard(Standard, raw)
    assert Counting.quick == quick


def test_a_head_that_comes_in_pieces_is_understood() -> None:
    raw = HEADS["body"][0]
    whole = heard(Standard, raw)
    assert len(whole[0]) == 1
    for place in range(1, len(raw)):
        assert heard(Handler, raw[:place], raw[place:]) == whole, place
