"""The client on real sockets: carried to a server on loopback, and let down by it in each way a network has."""

import base64
import contextlib
import dataclasses
import datetime
import gzip
import json
import socket
import ssl
import subprocess
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

import tenantapi
from tenantapi import Secret, Tenant
from tenantapi.calls import Fault
from tenantapi.errors import (
    ApiTimeoutError,
    ForbiddenError,
    InvalidRequestError,
    MalformedAnswerError,
    SignInError,
    UnreachableError,
)
from tenantapi.gateway import GatewayAdapter
from tenantapi.grants import EXCHANGE_APP_ROLE, EXCHANGE_SCOPES, GRAPH_PERMISSION, read_grants, role_names
from tenantapi.http import Http
from tenantapi.pacing import Patience

IMPATIENT = Patience(tries=1, connect_timeout=2.0, read_timeout=0.2)


class Far(BaseHTTPRequestHandler):
    """Answer as the last part of the path says, and keep what was asked."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        self.server.callers.add(self.client_address)
        length = int(self.headers.get("Content-Length") or 0)
        self.server.seen.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
        behaviour = self.path.partition("?")[0].rpartition("/")[2]
        getattr(self, f"be_{behaviour}", self.be_good)()

    do_GET = do_POST = do_PATCH = answer  # noqa: N815

    def reply(self, status, body, **headers):
        self.send_response(status)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def be_good(self):
        self.reply(200, b'{"success": true, "result": {"id": "t", "status": "active"}}', Set_Cookie="a=b")

    def be_packed(self):
        self.reply(200, gzip.compress(b'{"a": 1}'), Content_Encoding="gzip")

    def be_nul(self):
        self.reply(403, b"\0" * 600, Content_Encoding="gzip", Content_Type="application/json")

    def be_cut(self):
        self.reply(200, b"{", Content_Length="50")
        self.close_connection = True

    def be_odd(self):
        self.send_response(200)
        self.send_header("Content-Length", "1")
        self.send_header("Content-Length", "2")
        self.end_headers()

    def be_echo(self):
        self.reply(400, self.server.seen[-1][3])

    def be_gone(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def be_slow(self):
        self.server.patience.wait(5)
        self.close_connection = True

    def be_hesitant(self):
        self.send_response(200)
        self.send_header("Content-Length", "50")
        self.end_headers()
        self.be_slow()

    def be_chunked(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b'3\r\n{"a\r\n5\r\n": 1}\r\n0\r\n\r\n')

    def be_moved(self):
        self.reply(302, b"", Location="https://eur05.outlook.office365.com/elsewhere")

    def log_message(self, *_):
        pass


@pytest.fixture
def far():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Far)
    server.seen, server.callers, server.patience, server.daemon_threads = [], set(), threading.Event(), True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.patience.set()
    server.shutdown()
    thread.join()
    server.server_close()


def tenant(port):
    return Tenant(
        name="simulated",
        tenant_id=str(uuid.uuid4()),
        client_id=str(uuid.uuid4()),
        client_secret=None,
        cloudflare_account_id="a" * 32,
        cloudflare_api_token=Secret(uuid.uuid4().hex),
        gateway=f"http://127.0.0.1:{port}",
    )


def ask(far, behaviour, *, safe=True, method="GET", host="api.cloudflare.com", **parts):
    known = dataclasses.replace(tenant(far.server_port), cloudflare_api_token=parts.get("bearer"))
    http = Http(known, patience=IMPATIENT, sleep=lambda _: None)
    try:
        return http.request(method, f"https://{host}/x/{behaviour}", service="Cloudflare", safe=safe, **parts)
    finally:
        http.close()


def test_path_query_host_token_and_body_arrive_as_meant(far):
    bearer = Secret(uuid.uuid4().hex)
    ask(far, "good", method="PATCH", safe=False, params={"a b": "c&d"}, json={"transport": "mx.example"}, bearer=bearer)
    method, path, headers, body = far.seen[0]
    assert (method, path) == ("PATCH", "/x/good?a+b=c%26d")
    assert headers["Host"] == "api.cloudflare.com"
    assert headers["Authorization"] == f"Bearer {bearer.reveal()}"
    assert headers["User-Agent"].startswith("tenantapi/")
    assert json.loads(body) == {"transport": "mx.example"}


def test_a_service_is_reached_by_the_gateway(far):
    with tenantapi.connect(tenant(far.server_port)) as services:
        assert services.cloudflare.verify_token().id == "t"
    assert far.seen[0][:2] == ("GET", "/client/v4/user/tokens/verify")


def test_the_metadata_service_of_a_machine_is_reached_by_the_gateway_too(far):
    machine = dataclasses.replace(tenant(far.server_port), sign_in="managed-identity")
    with tenantapi.connect(machine) as services, pytest.raises(SignInError, match="no reason given"):
        services.graph.domain("example.com")
    assert far.seen[0][1].startswith("/metadata/identity/oauth2/token?")
    assert far.seen[0][2]["Host"] == "169.254.169.254"


def test_a_given_session_is_carried_to_the_gateway_too(far):
    with requests.Session() as session:
        services = tenantapi.connect(tenant(far.server_port), session=session)
        assert services.cloudflare.verify_token().status == "active"


def test_a_connection_is_used_again(far):
    with tenantapi.connect(tenant(far.server_port)) as services:
        for _ in range(3):
            services.cloudflare.verify_token()
    assert len(far.callers) == 1
    assert [seen[2].get("Cookie") for seen in far.seen] == [None, "a=b", "a=b"]


def test_the_answer_looks_as_if_it_came_from_the_service(far):
    with requests.Session() as session:
        session.mount("https://", GatewayAdapter(f"http://127.0.0.1:{far.server_port}"))
        response = session.get("https://graph.microsoft.com/good?x=1")
    assert response.url == response.request.url == "https://graph.microsoft.com/good?x=1"


@pytest.mark.parametrize("behaviour", ["packed", "chunked"])
def test_a_body_is_read_however_it_is_packed(far, behaviour):
    assert ask(far, behaviour).json() == {"a": 1}


def test_nul_bytes_declared_gzip_are_a_403_and_nothing_else(far):
    with pytest.raises(ForbiddenError, match="simulated, GET /x/nul: HTTP 403") as caught:
        ask(far, "nul")
    assert caught.value.status == 403


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ("cut", UnreachableError),
        ("gone", UnreachableError),
        ("slow", ApiTimeoutError),
        ("hesitant", ApiTimeoutError),
        ("odd", MalformedAnswerError),
    ],
)
@pytest.mark.parametrize("safe", [True, False])
def test_a_connection_that_fails_after_sending_is_ambiguous_for_a_change(far, behaviour, kind, safe):
    with pytest.raises(kind) as caught:
        ask(far, behaviour, safe=safe, method="PATCH", json={})
    assert caught.value.ambiguous is not safe
    assert caught.value.__cause__ is not None
    assert len(far.seen) == 1


def test_a_refused_connection_is_not_ambiguous():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        http = Http(tenant(free.getsockname()[1]), patience=IMPATIENT)
        with pytest.raises(UnreachableError) as caught:
            http.request("PATCH", "https://api.cloudflare.com/x", service="Cloudflare", safe=False, json={})
    assert not caught.value.ambiguous


@pytest.fixture
def impostor(tmp_path):
    """A server with a certificate that nobody signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "impostor.pem"
    pem.write_bytes(
        certificate.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def shake_hands():
            with contextlib.suppress(OSError), listening.accept()[0] as plain:
                context.wrap_socket(plain, server_side=True)

        thread = threading.Thread(target=shake_hands)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def test_a_certificate_nobody_signed_is_refused_before_anything_is_sent(impostor):
    real = dataclasses.replace(tenant(impostor), gateway=None)
    with requests.Session() as session:
        session.trust_env = False
        http = Http(real, session=session, patience=IMPATIENT)
        with pytest.raises(UnreachableError, match="SSLCertVerificationError") as caught:
            http.request("PATCH", f"https://localhost:{impostor}/", service="Cloudflare", safe=False, json={})
    assert not caught.value.ambiguous


def test_a_redirect_is_followed_by_hand_once(far):
    with pytest.raises(Exception, match="in a circle"):
        ask(far, "moved", method="POST", host="outlook.office365.com", json={"a": 1})
    assert [(seen[0], seen[2]["Host"], seen[3]) for seen in far.seen] == [
        ("POST", "outlook.office365.com", b'{"a": 1}'),
        ("POST", "eur05.outlook.office365.com", b'{"a": 1}'),
    ]


SURROUNDINGS = """
import sys, uuid, requests
from requests.adapters import BaseAdapter
from tenantapi import Secret, Tenant
from tenantapi.http import Http

class Show(BaseAdapter):
    def close(self): pass
    def send(self, request, **kwargs):
        print(request.headers.get("Authorization"), kwargs["proxies"].get("https"), kwargs["verify"])
        raise requests.ConnectionError("shown")

tenant = Tenant(name="n", tenant_id=str(uuid.uuid4()), client_id="c", client_secret=None,
                cloudflare_account_id="", cloudflare_api_token=Secret("ours"))
session = requests.Session()
session.mount("https://", Show())
http = Http(tenant, session=session, sleep=lambda _: None)
for bearer in (Secret("ours"), None):
    try:
        http.request("PATCH", "https://api.cloudflare.com/", service="Cloudflare", safe=False, bearer=bearer)
    except Exception:
        pass
"""


def surroundings(tmp_path, **variables):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.cloudflare.com login other password other\n")
    known = {"PYTHONPATH": ":".join(sys.path), "NETRC": str(netrc)}
    ran = subprocess.run(
        [sys.executable, "-c", SURROUNDINGS], env=known | variables, capture_output=True, text=True, check=True
    )
    return ran.stdout.splitlines()


def test_netrc_never_replaces_our_token(tmp_path):
    assert surroundings(tmp_path) == ["Bearer ours None True", "None None True"]


def test_a_real_tenant_respects_the_proxy_and_its_certificates(tmp_path):
    bundle = tmp_path / "bundle.pem"
    proxy = {"HTTPS_PROXY": "http://proxy.example:3128", "REQUESTS_CA_BUNDLE": str(bundle)}
    assert surroundings(tmp_path, **proxy)[0] == f"Bearer ours http://proxy.example:3128 {bundle}"
    assert surroundings(tmp_path, **proxy, NO_PROXY="cloudflare.com")[0].startswith("Bearer ours None")


def test_the_gateway_is_reached_past_any_proxy(far, tmp_path):
    script = SURROUNDINGS.replace(
        'cloudflare_api_token=Secret("ours"))',
        f"cloudflare_api_token=Secret('ours'), gateway='http://127.0.0.1:{far.server_port}')",
    )
    script = script.replace(
        "    except Exception:\n        pass", "    except Exception as error:\n        print(error)"
    )
    known = {
        "PYTHONPATH": ":".join(sys.path),
        "HTTPS_PROXY": "http://proxy.invalid:1",
        "HTTP_PROXY": "http://proxy.invalid:1",
    }
    ran = subprocess.run([sys.executable, "-c", script], env=known, capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    assert [seen[2]["Host"] for seen in far.seen] == ["api.cloudflare.com"] * 2


@pytest.mark.parametrize("field", ["client_secret", "client_assertion", "refresh_token", "device_code"])
def test_a_credential_that_was_sent_in_a_form_is_not_told_again(far, field):
    http = Http(tenant(far.server_port), patience=IMPATIENT, sleep=lambda _: None)
    with pytest.raises(InvalidRequestError) as caught:
        http.request(
            "POST",
            "https://login.microsoftonline.com/echo",
            service="Entra ID",
            safe=True,
            form={field: "canary-0123456789", "scope": "plain-0123456789"},
            explain=lambda answer: Fault(text=answer.body.decode()),
        )
    assert "canary" not in str(caught.value)
    assert "plain-0123456789" in str(caught.value)


# Template ids of built-in roles, from Microsoft's page of them.
ROLES = {
    "62e90394-69f5-4237-9190-012177145e10": "Global Administrator",
    "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
    "194ae4cb-b126-40b2-bd5b-6091b380977d": "Security Administrator",
    "5d6b6bb7-de71-4623-b4af-96380a352509": "Security Reader",
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451": "Global Reader",
    "8329153b-31d0-4727-b945-745eb3bc5f31": "Domain Name Administrator",
}


@pytest.mark.parametrize("template", ROLES)
def test_a_directory_role_is_told_by_its_name(template):
    claims = {"roles": ["Exchange.ManageAsApp"], "wids": [template.upper()]}
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    found = read_grants(Secret(f"e30.{part}.x"))
    assert role_names(found) == (ROLES[template],)
    assert found.app_roles == {EXCHANGE_APP_ROLE}
    assert ({"Exchange.Manage"}, "Domain.Read.All") == (EXCHANGE_SCOPES, GRAPH_PERMISSION)


def test_a_role_of_no_name_here_is_told_by_its_id():
    assert role_names(dataclasses.replace(read_grants(Secret("e30.e30.x")), directory_roles=frozenset({"x"}))) == ("x",)
