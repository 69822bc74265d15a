"""A far end that stands before the simulated tenant, notes every credential that passes, and can give them all back.

It is what a careless proxy or a debugging gateway does: the answer's body and its header fields repeat what was sent.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

_SECRET_FIELDS = ("client_secret", "client_assertion", "refresh_token", "device_code")


@dataclass
class FarEnd:
    """Where it leads, what it repeats, and what passed."""

    gateway: str
    repeats: str = ""
    """Part of a path or body; a request with it is answered by an error that repeats its credentials."""
    seen: set[str] = field(default_factory=set)
    repeated: int = 0

    def note(self, headers: Any, body: bytes) -> list[str]:
        """Note the credentials of a request, and give them."""
        found = []
        kind, _, token = headers.get("Authorization", "").partition(" ")
        if kind == "Bearer" and token:
            found.append(token)
        if "form" in headers.get("Content-Type", ""):
            form = dict(parse_qsl(body.decode()))
            found += [form[name] for name in _SECRET_FIELDS if name in form]
        self.seen.update(found)
        return found

    def note_answer(self, body: bytes) -> None:
        """Note the tokens of an answer."""
        with contextlib.suppress(ValueError, AttributeError):
            answer = json.loads(body)
            self.seen.update(answer[name] for name in ("access_token", "refresh_token", "id_token") if name in answer)


def repetition(path: str, secrets: list[str]) -> tuple[int, dict[str, str], bytes]:
    """Give an error in the service's shape that holds the credentials whole, in part and in other spellings."""
    spellings = []
    for secret in secrets:
        in_base64 = base64.b64encode(f"Bearer {secret}".encode()).decode()
        spellings += [f"Bearer {secret}", quote(secret, safe=""), in_base64, secret[: len(secret) // 2], secret[-20:]]
    text = "Refused. You sent " + " and ".join(spellings)
    first = secrets[0] if secrets else "nothing"
    fields = dict.fromkeys(("request-id", "x-ms-request-id", "cf-ray", "WWW-Authenticate"), f"Bearer {first}")
    if "/oauth2/" in path:
        body: Any = {"error": first, "error_description": f"AADSTS7000215: {text}", "error_codes": [7000215]}
        body |= {"trace_id": first, "correlation_id": first, "suberror": first}
        return 401, fields, json.dumps(body).encode()
    if path.startswith("/client/v4/"):
        body = {"success": False, "errors": [{"code": 1001, "message": text}], "messages": [text], "result": None}
    else:
        details = [{"code": first, "message": f"|{first}|{text}"}]
        body = {"error": {"code": first, "message": text, "details": details, "innererror": {"message": text}}}
    return 400, fields, json.dumps(body).encode()


@contextlib.contextmanager
def standing_before(gateway: str) -> Iterator[tuple[str, FarEnd]]:
    """Serve a far end before this address; give its own address and what it knows."""
    far_end = FarEnd(gateway)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            secrets = far_end.note(self.headers, body)
            if far_end.repeats and far_end.repeats.encode() in self.path.encode() + b" " + body:
                far_end.repeated += 1
                self.reply(*repetition(self.path, secrets))
                return
            there = http.client.HTTPConnection(urlsplit(gateway).netloc)
            sent = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            there.request(self.command, self.path, body, sent)
            answer = there.getresponse()
            content = answer.read()
            there.close()
            far_end.note_answer(content)
            gone = ("content-length", "connection", "date", "server")
            self.reply(answer.status, {n: v for n, v in answer.getheaders() if n.lower() not in gone}, content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815 - names of the base class

        def reply(self, status: int, fields: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", far_end
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
