"""Signing in, where no wire is needed: files of certificates, the file that keeps a person's sign-in, and misuse."""

from __future__ import annotations

import base64
import json
import os
import secrets
import stat
import uuid

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from requests.adapters import BaseAdapter
from wire import made_certificate

from tenantapi import Certificate, Secret, Tenant
from tenantapi.errors import SignInError, TenantMismatchError
from tenantapi.grants import read_grants
from tenantapi.http import Http
from tenantapi.signin.cachefile import CacheFile
from tenantapi.signin.refusals import codes_of, refused
from tenantapi.tokens import Tokens

NOW = 1_780_000_000.0


def tenant(**changes):
    fields = {
        "name": "contoso",
        "tenant_id": str(uuid.uuid4()),
        "client_id": str(uuid.uuid4()),
        "client_secret": None,
        "cloudflare_account_id": "",
        "cloudflare_api_token": None,
    }
    return Tenant(**fields | changes)


class Nobody(BaseAdapter):
    """Count the calls, and answer none."""

    def __init__(self):
        super().__init__()
        self.sent = 0

    def close(self):
        pass

    def send(self, request, **_):
        self.sent += 1
        raise requests.exceptions.InvalidURL("silence")


def ask(described):
    session, nobody = requests.Session(), Nobody()
    session.mount("https://", nobody)
    tokens = Tokens(described, Http(described, session=session), clock=lambda: NOW)
    with pytest.raises(SignInError) as caught:
        tokens.bearer("https://graph.microsoft.com/.default")
    assert nobody.sent == 0
    return caught.value


def with_certificate(path, **more):
    return tenant(sign_in="certificate", certificate=Certificate(path=path, **more))


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return made_certificate.make(tmp_path_factory.mktemp("good") / "app.pem", begin=NOW - 86400)


def write(tmp_path, *parts):
    path = tmp_path / "app.pem"
    path.write_bytes(b"".join(parts))
    return path


def test_a_certificate_that_is_not_there(tmp_path):
    error = ask(with_certificate(tmp_path / "none.pem"))
    assert "cannot be read (No such file or directory)" in str(error)
    assert "private key (RSA)" in str(error)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (lambda made: [made.certificate], "holds no private key"),
        (lambda made: [made.key], "holds no certificate"),
        (lambda made: [b"hello"], "holds no private key"),
    ],
)
def test_a_file_that_lacks_a_part(good, tmp_path, parts, why):
    error = ask(with_certificate(write(tmp_path, *parts(good))))
    assert why in str(error)
    assert "BEGIN" not in str(error)


def test_a_certificate_of_another_key(good, tmp_path):
    other = made_certificate.make(tmp_path / "other.pem", begin=NOW - 86400)
    assert "belongs to its private key" in str(ask(with_certificate(write(tmp_path, good.key, other.certificate))))


def test_a_certificate_that_has_ended(tmp_path):
    made = made_certificate.make(tmp_path / "old.pem", begin=NOW - 10 * 86400, days=9)
    assert "ended on 2026-05-27" in str(ask(with_certificate(made.path)))


def test_a_key_of_another_sort(tmp_path):
    made = made_certificate.make(tmp_path / "ec.pem", begin=NOW - 86400, key=ec.generate_private_key(ec.SECP256R1()))
    assert "not RSA" in str(ask(with_certificate(made.path)))


@pytest.mark.parametrize("given", [None, "another"])
def test_a_locked_key_without_its_passphrase(tmp_path, given):
    word = secrets.token_urlsafe()
    made = made_certificate.make(tmp_path / "locked.pem", begin=NOW - 86400, passphrase=word)
    described = with_certificate(made.path, passphrase=Secret(given) if given else None)
    error = ask(described)
    assert "is locked, or its passphrase is wrong" in str(error)
    assert word not in str(error)
    assert "BEGIN" not in repr(described)


def test_a_locked_key_with_its_passphrase(tmp_path):
    word = secrets.token_urlsafe()
    made = made_certificate.make(tmp_path / "locked.pem", begin=NOW - 86400, passphrase=word)
    described = with_certificate(made.path, passphrase=Secret(word))
    session, nobody = requests.Session(), Nobody()
    session.mount("https://", nobody)
    with pytest.raises(Exception, match="read sign-in addresses"):
        Tokens(described, Http(described, session=session), clock=lambda: NOW).bearer("x/.default")
    assert nobody.sent == 1
    assert word not in repr(described)


def test_no_certificate_at_all():
    assert "AZURE_CLIENT_CERTIFICATE_PATH" in str(ask(tenant(sign_in="certificate")))


def test_an_unknown_way_of_signing_in():
    with pytest.raises(ValueError, match="sign_in 'password' is not one of secret, certificate"):
        tenant(sign_in="password")


def test_a_kept_sign_in_is_read_back_by_its_owner_alone(tmp_path):
    described, path = tenant(), tmp_path / "deep" / "kept.json"
    kept = CacheFile(path, described)
    assert kept.load() is None
    kept.save("first")
    kept.save("second é")
    assert kept.load() == "second é"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["kept.json"]


@pytest.mark.parametrize("changes", [{"tenant_id": str(uuid.uuid4())}, {"client_id": "other"}, {"cloud": "gcc"}])
def test_a_kept_sign_in_of_another_tenant_is_refused(tmp_path, changes):
    described, path = tenant(), tmp_path / "kept.json"
    CacheFile(path, described).save("text")
    fields = {name: getattr(described, name) for name in ("tenant_id", "client_id", "cloud")}
    with pytest.raises(TenantMismatchError, match="a file of its own"):
        CacheFile(path, tenant(**fields | changes)).load()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_kept_sign_in_that_others_can_read_is_refused(tmp_path, mode):
    described, path = tenant(), tmp_path / "kept.json"
    CacheFile(path, described).save("text")
    path.chmod(mode)
    with pytest.raises(SignInError, match=f"can be read by others \\(mode {mode:04o}\\)"):
        CacheFile(path, described).load()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"owner": 1}', "\ud800"])
def test_a_damaged_kept_sign_in_is_refused(tmp_path, text):
    described, path = tenant(), tmp_path / "kept.json"
    path.write_bytes(text.encode(errors="surrogatepass"))
    path.chmod(0o600)
    with pytest.raises(SignInError, match="Delete the file"):
        CacheFile(path, described).load()


def test_a_kept_sign_in_of_an_odd_sort_is_refused(tmp_path):
    described, path = tenant(), tmp_path / "kept.json"
    CacheFile(path, described).save("text")
    content = json.loads(path.read_text()) | {"msal": 5}
    path.write_text(json.dumps(content))
    with pytest.raises(SignInError, match="is damaged"):
        CacheFile(path, described).load()


def test_a_save_that_fails_leaves_the_old_file(tmp_path):
    described, path = tenant(), tmp_path / "kept.json"
    kept = CacheFile(path, described)
    kept.save("old")
    with pytest.raises(TypeError):
        kept.save({"a set is no JSON"})
    assert kept.load() == "old"
    assert os.listdir(tmp_path) == ["kept.json"]


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254.example.net/x",
        "http://10.0.0.1/x",
        "http://example.net/x",
        "https://169.254.169.254/x",
        "http:///x",
    ],
)
def test_a_call_to_this_machine_goes_nowhere_else(url):
    with pytest.raises(ValueError, match="no address of this machine"):
        Http(tenant()).request("GET", url, service="Entra ID", safe=True, nearby=True)


def test_a_token_never_goes_to_this_machine():
    with pytest.raises(ValueError, match="no address of this machine"):
        Http(tenant()).request(
            "GET", "http://169.254.169.254/", service="Entra ID", safe=True, nearby=True, bearer=Secret("x")
        )


@pytest.mark.parametrize(
    "claims", [{"exp": 10**400}, {"exp": True}, {"exp": "1"}, {"roles": "x", "wids": [1], "scp": 2}]
)
def test_odd_claims_are_left_out(claims):
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    found = read_grants(Secret(f"a.{payload}.c"))
    assert found is not None
    assert (found.expires, found.app_roles, found.directory_roles, found.scopes) == (
        None,
        frozenset(),
        frozenset(),
        frozenset(),
    )
    assert not found.is_delegated


@pytest.mark.parametrize(
    ("found", "codes"),
    [
        ({"error_codes": [1, 2], "error_description": "AADSTS3"}, (1, 2)),
        ({"error_codes": ["1"], "error_description": "AADSTS3 and AADSTS4, AADSTS3"}, (3, 4)),
        ({}, ()),
    ],
)
def test_the_numbers_of_a_refusal(found, codes):
    assert codes_of(found) == codes


def test_a_refusal_never_repeats_a_passphrase():
    word = secrets.token_urlsafe()
    described = with_certificate("x.pem", passphrase=Secret(word))
    assert word not in str(refused(described, {"error": word, "error_description": f"no {word}"}, described.secrets))
    assert word not in str(refused(described, {"error": word}, described.secrets).kind)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such bits")
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_may_write_to_keeps_no_sign_in(tmp_path, mode):
    folder = tmp_path / "sign-ins"
    kept = CacheFile(folder / "one.json", tenant())
    kept.save("text")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(mode)
    for use in (kept.load, lambda: kept.save("other")):
        with pytest.raises(SignInError, match="others may write"):
            use()
    folder.chmod(0o755)
    assert kept.load() == "text"
