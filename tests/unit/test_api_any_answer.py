"""Whatever a service answers, the client gives a result or one of its own errors, and never shows a credential."""

import base64
import io
import json
import secrets
import uuid

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

import tenantapi
from tenantapi import ApiError, Secret, Tenant
from tenantapi.errors import MalformedAnswerError, SignInError

TENANT = str(uuid.uuid4())
CLAIMS = base64.urlsafe_b64encode(json.dumps({"tid": TENANT}).encode()).decode().rstrip("=")
TOKEN = f"x.{CLAIMS}.{secrets.token_hex(8)}"
ADDRESSES = {
    "authorization_endpoint": f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/authorize",
    "token_endpoint": f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token",
}
NAMES = st.sampled_from(
    "success result errors messages result_info page total_count total_pages code message error_chain source pointer "
    "id domain status value error Error details innererror internalexception type @adminapi.warnings @adminapi.errors "
    "@odata.nextLink @odata.error @odata.type recordType supportedService mailExchange exportedCmdlets error_codes "
    "error_description access_token expires_in token_type trace_id token_endpoint authorization_endpoint".split()
)
WORDS = st.sampled_from(
    [
        "Email",
        "#microsoft.graph.domainDnsMxRecord",
        "Mx",
        "https://[",
        "http://graph.microsoft.com/x",
        "https://graph.microsoft.com/x",
        f"https://outlook.office365.com/adminapi/beta/{TENANT}/x",
        "Ex6F9304|A.B|text",
        "|",
        "Request_ResourceNotFound",
        "There are more results available",
        TOKEN,
        "d-1",
        "example.com",
        "",
        "\n",
        "é",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)
BODIES = JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=12)
STATUSES = st.sampled_from([200, 201, 204, 302, 304, 400, 401, 403, 404, 405, 409, 429, 500, 503, 599])
FIELDS = st.dictionaries(
    st.sampled_from(["Content-Encoding", "Retry-After", "Ratelimit", "Location", "request-id", "x-ExceptionType"]),
    st.sampled_from(["gzip", "5", "-1", '"d";r=0;t=1', "https://[", "https://a.outlook.office365.com/", "x"]),
    max_size=3,
)
CALLS = {
    "domains": lambda s: s.cloudflare.domains(),
    "domain": lambda s: s.cloudflare.domain("example.com"),
    "edit": lambda s: s.cloudflare.edit_domain("d-1", {"transport": "x"}),
    "create": lambda s: s.cloudflare.create_domain({"domain": "example.com"}),
    "delete": lambda s: s.cloudflare.delete_domain("d-1"),
    "verification": lambda s: s.cloudflare.verification("d-1"),
    "token": lambda s: s.cloudflare.verify_token(),
    "graph domain": lambda s: s.graph.domain("example.com"),
    "mx": lambda s: s.graph.expected_mx("example.com"),
    "read": lambda s: s.exchange.rows("Get-TransportRule"),
    "write": lambda s: s.exchange.invoke("Set-TransportRule", {"Identity": "x"}, write=True),
    "cmdlets": lambda s: s.exchange.allowed_cmdlets(),
}


class Odd(BaseAdapter):
    """Give the same odd answer to every call, but let sign-ins succeed unless they are what is odd."""

    def __init__(self, status, body, fields, *, sign_in):
        super().__init__()
        self.odd = status, body, fields
        self.sign_in = sign_in

    def close(self):
        pass

    def send(self, request, **_):
        status, body, fields = self.odd
        if "login.microsoftonline.com" in request.url:
            if request.method == "GET" and self.sign_in != "addresses":
                status, body, fields = 200, json.dumps(ADDRESSES).encode(), {}
            elif request.method == "POST" and self.sign_in != "token":
                found = {"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"}
                status, body, fields = 200, json.dumps(found).encode(), {}
        raw = HTTPResponse(io.BytesIO(body), headers=fields, status=status, preload_content=False)
        response = requests.Response()
        response.status_code, response.raw, response.request, response.url = status, raw, request, request.url
        response.headers.update(fields)
        return response


def run(call, adapter, on_call=None):
    tenant = Tenant(
        name="contoso",
        tenant_id=TENANT,
        client_id="c",
        client_secret=Secret(TOKEN + "s"),
        cloudflare_account_id="a",
        cloudflare_api_token=Secret(TOKEN),
    )
    session = requests.Session()
    session.mount("https://", adapter)
    return call(tenantapi.connect(tenant, session=session, sleep=lambda _: None, on_call=on_call))


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(status=STATUSES, body=BODIES, fields=FIELDS)
def test_any_answer_gives_a_result_or_an_error_of_ours(name, status, body, fields):
    try:
        run(CALLS[name], Odd(status, body, fields, sign_in=None))
    except ApiError as error:
        assert TOKEN not in str(error)
        assert error.kind is None or (isinstance(error.kind, str) and TOKEN not in error.kind)


@pytest.mark.parametrize("what", ["addresses", "token"])
@settings(max_examples=25, deadline=None, derandomize=True)
@given(status=STATUSES, body=BODIES, fields=FIELDS)
def test_any_answer_to_a_sign_in_gives_an_error_of_ours(what, status, body, fields):
    try:
        run(CALLS["mx"], Odd(status, body, fields, sign_in=what))
    except ApiError as error:
        assert TOKEN + "s" not in str(error)
        assert error.kind is None or isinstance(error.kind, str)
        assert error.request_id is None or isinstance(error.request_id, str)


@pytest.mark.parametrize("token", ["", 5, None, "a\nb", "é", [TOKEN]])
def test_a_token_that_no_header_can_carry_is_malformed(token):
    body = json.dumps({"access_token": token, "expires_in": 3599, "token_type": "Bearer"}).encode()
    with pytest.raises(ApiError) as caught:
        run(CALLS["mx"], Odd(200, body, {}, sign_in="token"))
    assert type(caught.value).__name__ in ("MalformedAnswerError", "SignInError")


def test_a_sign_in_that_was_mended_is_asked_for_again():
    refused = b'{"error": "invalid_grant", "error_description": "AADSTS65001: no consent"}'
    adapter = Odd(400, refused, {}, sign_in="token")

    def twice(services):
        with pytest.raises(SignInError, match="AADSTS65001"):
            services.graph.expected_mx("example.com")
        adapter.sign_in, adapter.odd = None, (200, b'{"value": []}', {})
        return services.graph.expected_mx("example.com")

    assert run(twice, adapter) is None


def test_a_failed_sign_in_leaves_nothing_behind():
    raised = [ValueError("the journal is full")]

    def observe(call):
        if raised:
            raise raised.pop()

    def twice(services):
        with pytest.raises(ValueError, match="the journal is full"):
            services.graph.expected_mx("example.com")
        return services.graph.expected_mx("example.com")

    with pytest.raises(MalformedAnswerError, match="no token"):
        run(twice, Odd(200, b'{"token_endpoint": 5}', {}, sign_in="addresses"), on_call=observe)


@pytest.mark.parametrize("kind", [ValueError, RuntimeError, KeyError, OSError])
@pytest.mark.parametrize("operation", ["read sign-in addresses", "sign in"])
def test_what_the_observer_raises_during_a_sign_in_comes_out_as_it_is(kind, operation):
    def observe(call):
        if call.operation == operation:
            raise kind("the journal is full")

    with pytest.raises(kind, match="the journal is full"):
        run(CALLS["mx"], Odd(200, b"{}", {}, sign_in=None), on_call=observe)
