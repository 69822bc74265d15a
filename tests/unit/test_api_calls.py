"""What is sent and what is received, as values: bodies, header fields, misuse that never reaches the wire."""

import gzip
import pickle
import secrets
import types
import uuid

import pytest
import requests
from requests.adapters import BaseAdapter

import tenantapi
from tenantapi import Secret, Tenant
from tenantapi.calls import Answer, Headers, Order, encoded, unpacked
from tenantapi.errors import MalformedAnswerError, SignInError
from tenantapi.grants import read_grants
from tenantapi.http import Http


class Silent(BaseAdapter):
    """Count what is sent, and answer nothing."""

    def __init__(self):
        super().__init__()
        self.sent = 0

    def close(self):
        pass

    def send(self, request, *_, **__):
        self.sent += 1
        raise requests.exceptions.InvalidURL("silence")  # not worth repeating


def connected(**options):
    tenant = Tenant(
        name="contoso",
        tenant_id=str(uuid.uuid4()),
        client_id=str(uuid.uuid4()),
        client_secret=Secret(secrets.token_urlsafe()),
        cloudflare_account_id=secrets.token_hex(16),
        cloudflare_api_token=Secret(secrets.token_urlsafe()),
    )
    session, silent = requests.Session(), Silent()
    session.mount("https://", silent)
    return tenantapi.connect(tenant, session=session, **options), silent


def answer(body, *, safe=True, **headers):
    order = Order(tenant="contoso", method="GET", url="https://h/", service="Cloudflare", operation="GET x", safe=safe)
    return Answer(status=200, headers=Headers(headers), body=body, order=order)


def test_a_body_may_hold_read_only_mappings_and_tuples():
    body, fields = encoded({"a": types.MappingProxyType({"b": ("é", None, True)})}, None)
    assert body == '{"a": {"b": ["é", null, true]}}'.encode()
    assert fields == {"Content-Type": "application/json; charset=utf-8"}


@pytest.mark.parametrize(("value", "kind"), [(Secret("x"), TypeError), ({1, 2}, TypeError), (float("nan"), ValueError)])
def test_a_body_refuses_what_json_cannot_hold(value, kind):
    with pytest.raises(kind, match=r"sent as JSON|not JSON compliant"):
        encoded({"a": value}, None)


def test_gzip_is_undone_where_it_is_gzip():
    field = Headers({"Content-Encoding": "GZIP"})
    assert unpacked(gzip.compress(b"{}"), field) == b"{}"
    assert unpacked(b"\0" * 40, field) == b"\0" * 40
    assert unpacked(gzip.compress(b"{}" * 999)[:-9], field)[:2] == b"\x1f\x8b"
    assert unpacked(b"", field) == b""
    assert unpacked(b"{}", Headers({})) == b"{}"


def test_header_fields_are_read_in_any_letter_case_and_shown_by_name_only():
    fields = Headers({"Set-Cookie": "secret", "CF-Ray": "r"})
    assert fields["set-COOKIE"] == "secret"
    assert "cf-ray" in fields
    assert len(fields) == 2
    assert "secret" not in repr(fields)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"Request-Id": "a", "CF-RAY": "c"}, "a"),
        ({"x-ms-request-id": "b"}, "b"),
        ({"cf-ray": "c"}, "c"),
        ({}, None),
    ],
)
def test_the_request_id_is_found_under_each_services_name(headers, found):
    assert answer(b"", **headers).request_id == found


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"<html>"])
def test_what_is_not_json_is_malformed(body):
    with pytest.raises(MalformedAnswerError):
        answer(body).json()


def test_json_may_begin_with_a_byte_order_mark():
    assert answer(b'\xef\xbb\xbf{"a": 1}').object() == {"a": 1}


def test_calls_and_connections_are_never_pickled():
    services, _ = connected()
    order = Order(
        tenant="contoso",
        method="POST",
        url="https://h/",
        service="Entra ID",
        operation="sign in",
        safe=True,
        body=b"client_secret=x",
    )
    for thing in (order, answer(b""), services, services.cloudflare, services.graph, services.exchange):
        with pytest.raises(TypeError):
            pickle.dumps(thing)


def test_nothing_shows_a_credential():
    services, _ = connected()
    token, secret = services.tenant.cloudflare_api_token, services.tenant.client_secret
    order = Order(
        tenant="contoso",
        method="POST",
        url="https://h/",
        service="Entra ID",
        operation="sign in",
        safe=True,
        headers={"Authorization": token.reveal()},
        body=secret.reveal().encode(),
        bearer=token,
    )
    for thing in (services, services.cloudflare, services.graph, services.exchange, order, services.tenant):
        for text in (repr(thing), str(thing), f"{thing}"):
            assert token.reveal() not in text
            assert secret.reveal() not in text


@pytest.mark.parametrize(
    "misuse",
    [
        lambda s: s.cloudflare.domain(" . "),
        lambda s: s.cloudflare.edit_domain("d-1", {}),
        lambda s: s.cloudflare.edit_domain("", {"transport": "x"}),
        lambda s: s.cloudflare.delete_domain(""),
        lambda s: s.cloudflare.delete_domain(".."),
        lambda s: s.cloudflare.delete_domain("a/b"),
        lambda s: s.cloudflare.delete_domain("d-1\n"),
        lambda s: s.cloudflare.verification("?"),
        lambda s: s.graph.domain(""),
        lambda s: s.graph.expected_mx(".."),
        lambda s: s.exchange.rows("Remove-TransportRule", Identity="x"),
        lambda s: s.exchange.invoke("Set-TransportRule", {}, write=False),
        lambda s: s.exchange.invoke("Get-TransportRule", {}, write=True),
    ],
)
def test_misuse_is_refused_before_anything_is_sent(misuse):
    services, silent = connected()
    with pytest.raises(ValueError):
        misuse(services)
    assert silent.sent == 0


def test_connecting_sends_nothing():
    services, silent = connected()
    with services as same:
        assert same is services
    assert silent.sent == 0


def test_an_observer_that_raises_keeps_the_call_from_being_sent():
    def refuse(call):
        raise RuntimeError(f"the journal is full before {call.operation}")

    services, silent = connected(on_call=refuse)
    with pytest.raises(RuntimeError, match="before PATCH domain"):
        services.cloudflare.edit_domain("d-1", {"transport": "x"})
    assert silent.sent == 0


def test_an_interruption_is_told_to_the_observer():
    class Interrupted(Silent):
        def send(self, request, *_, **__):
            raise KeyboardInterrupt

    calls = []
    services, _ = connected(on_call=calls.append)
    session = requests.Session()
    session.mount("https://", Interrupted())
    again = tenantapi.connect(services.tenant, session=session, on_call=calls.append)
    with pytest.raises(KeyboardInterrupt):
        again.cloudflare.edit_domain("d-1", {"transport": "x"})
    assert [(call.phase, call.write, call.error) for call in calls] == [
        ("sent", True, None),
        ("failed", True, "KeyboardInterrupt"),
    ]


def test_a_call_without_encryption_is_refused():
    services, _ = connected()
    http = Http(services.tenant)
    with pytest.raises(ValueError, match="https://"):
        http.request("GET", "http://api.cloudflare.com/", service="Cloudflare", safe=True)


def test_no_client_secret_is_a_sign_in_error_before_anything_is_sent():
    services, silent = connected()
    tenant = Tenant(
        name="fabrikam",
        tenant_id=services.tenant.tenant_id,
        client_id="c",
        client_secret=None,
        cloudflare_account_id="",
        cloudflare_api_token=None,
    )
    session = requests.Session()
    session.mount("https://", silent)
    with pytest.raises(SignInError, match="fabrikam"):
        tenantapi.connect(tenant, session=session).exchange.rows("Get-QuarantinePolicy")
    assert silent.sent == 0


@pytest.mark.parametrize("text", ["opaque", "a.b", "a.!!!.c", "a.e30.c", "a.W10.c", "a.bnVsbA.c", "a.eyJ0aWQiOiA1fQ.c"])
def test_a_token_that_names_no_tenant_is_nobodys(text):
    found = read_grants(Secret(text))
    assert found is None or found.tenant_id is None
