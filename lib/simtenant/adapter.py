"""Carries the calls of a ``requests`` session to a tenant in this process.

    session = requests.Session()
    session.mount("https://", InProcessAdapter(tenant))

The client keeps its production addresses; nothing reaches a network. Faults come out as the errors that
``requests`` raises for the same thing on a socket, and a time-out takes no time.
"""

from __future__ import annotations

import http.client
import io
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import ProtocolError

from simtenant.app import Reply
from simtenant.local import LocalTenant
from simtenant.wire import Answer, Request, split_target


class InProcessAdapter(BaseAdapter):
    """A transport of ``requests`` that ends in a LocalTenant."""

    def __init__(self, tenant: LocalTenant) -> None:
        super().__init__()
        self._tenant = tenant

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Hand a request over and wrap its answer; raises what ``requests`` raises when there is none."""
        reply = self._tenant.respond(_read(request))
        if reply.answer is None:
            raise _error(reply, request)
        return _response(reply.answer, request)

    def close(self) -> None:
        """Do nothing: the tenant belongs to whoever made it."""


def _read(request: requests.PreparedRequest) -> Request:
    parts = urlsplit(request.url or "")
    path, query = split_target(f"{parts.path or '/'}?{parts.query}")
    body = request.body or b""
    headers = {"host": parts.netloc} | {str(name).lower(): str(value) for name, value in request.headers.items()}
    return Request(
        method=request.method or "GET",
        path=path,
        query=query,
        headers=headers,
        body=body.encode() if isinstance(body, str) else bytes(body),
    )


def _error(reply: Reply, request: requests.PreparedRequest) -> requests.RequestException:
    if reply.hold_seconds:
        return requests.ReadTimeout("Read timed out.", request=request)
    if reply.reset:
        cause: Exception = ConnectionResetError(104, "Connection reset by peer")
    else:
        cause = http.client.RemoteDisconnected("Remote end closed connection without response")
    return requests.ConnectionError(ProtocolError("Connection aborted.", cause), request=request)


def _response(answer: Answer, request: requests.PreparedRequest) -> requests.Response:
    raw = HTTPResponse(
        body=io.BytesIO(answer.body),
        headers=HTTPHeaderDict(answer.headers),
        status=answer.status,
        reason=http.client.responses.get(answer.status, ""),
        preload_content=False,
        request_method=request.method,
    )
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict(raw.headers)
    response.encoding = requests.utils.get_encoding_from_headers(response.headers)
    response.raw = raw
    response.reason = raw.reason or ""
    response.url = request.url or ""
    response.request = request
    return response
