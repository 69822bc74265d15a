"""Real msal against the simulated sign-in service: certificates, people with device codes, managed identity."""

from __future__ import annotations

import base64
import json
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from wire.carried import Tenant, carried, running

from simtenant import assertion, state

msal = pytest.importorskip("msal")

EXCHANGE = ["https://outlook.office365.com/.default"]
GRAPH = ["https://graph.microsoft.com/.default"]
ADMIN = "admin@example.com"


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture
def session(tenant: Tenant) -> Iterator[requests.Session]:
    with carried(tenant) as opened:
        yield opened


def confidential(tenant: Tenant, session: requests.Session, credential: Any, **changed: Any) -> Any:
    authority = f"https://login.microsoftonline.com/{tenant.known['tenant_id']}"
    wanted = {"client_id": tenant.known["client_id"], "authority": authority, "instance_discovery": False, **changed}
    return msal.ConfidentialClientApplication(client_credential=credential, http_client=session, **wanted)


def public(tenant: Tenant, session: requests.Session) -> Any:
    authority = f"https://login.microsoftonline.com/{tenant.known['tenant_id']}"
    return msal.PublicClientApplication(tenant.known["client_id"], authority=authority, http_client=session)


def exchange(tenant: Tenant, session: requests.Session, got: dict[str, Any], cmdlet: str, **headers: str) -> int:
    assert "access_token" in got, got
    answer = session.post(
        f"https://outlook.office365.com/adminapi/beta/{tenant.known['tenant_id']}/InvokeCommand",
        json={"CmdletInput": {"CmdletName": cmdlet, "Parameters": {"Name": "x"} if "New-" in cmdlet else {}}},
        headers={"Authorization": f"Bearer {got['access_token']}", **headers},
        stream=True,  # the body of a 403 cannot be read
    )
    answer.close()
    return int(answer.status_code)


def graph(session: requests.Session, got: dict[str, Any]) -> int:
    headers = {"Authorization": f"Bearer {got['access_token']}"}
    return int(session.get("https://graph.microsoft.com/v1.0/domains", headers=headers).status_code)


def claims(got: dict[str, Any]) -> dict[str, Any]:
    part = got["access_token"].split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def change(tenant: Tenant, name: str, value: Any, kind: str = "Application", of: str | None = None) -> None:
    state.set_property(tenant.directory, kind, of or tenant.known["client_id"], name, value)


def credential(pem: str, form: str) -> dict[str, str]:
    """Give msal a certificate in one of the two forms it takes."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    public_part = assertion.public_part(pem)
    if form == "thumbprint":
        found = x509.load_pem_x509_certificate(public_part.encode())
        return {"private_key": pem, "thumbprint": found.fingerprint(hashes.SHA1()).hex()}
    return {"private_key": pem, "public_certificate": public_part}


@pytest.mark.parametrize("form", ["thumbprint", "certificate"])
def test_a_certificate_signs_in(tenant: Tenant, session: requests.Session, form: str) -> None:
    pem = state.certificate(tenant.directory).read_text(encoding="utf-8")
    app = confidential(tenant, session, credential(pem, form))
    assert exchange(tenant, session, app.acquire_token_for_client(EXCHANGE), "Get-AcceptedDomain") == 200
    # msal sends the same assertion again for the second service.
    assert graph(session, app.acquire_token_for_client(GRAPH)) == 200


def test_the_certificate_file_is_private_made_once_and_survives_a_reset(tenant: Tenant) -> None:
    path = state.certificate(tenant.directory)
    before = path.read_text(encoding="utf-8")
    known = json.loads((tenant.directory / "credentials.json").read_text(encoding="utf-8"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert known == {**tenant.known, "certificate_file": str(path)}
    state.create(tenant.directory, force=True)
    assert state.certificate(tenant.directory).read_text(encoding="utf-8") == before
    (application,) = state.objects(tenant.directory)["Application"]
    assert application["certificates"] == [assertion.public_part(before)]
    assert "PRIVATE" not in json.dumps(state.objects(tenant.directory))


@pytest.mark.parametrize("wrong", ["unknown", "expired", "another key"])
def test_a_certificate_that_is_not_good_is_700027(tenant: Tenant, session: requests.Session, wrong: str) -> None:
    pem = assertion.make("other", datetime.now(UTC) - timedelta(days=800 if wrong == "expired" else 0))
    if wrong == "expired":
        change(tenant, "certificates", [assertion.public_part(pem)])
    given = credential(pem, "certificate")
    if wrong == "another key":
        good = state.certificate(tenant.directory).read_text(encoding="utf-8")
        given["public_certificate"] = assertion.public_part(good)
    got = confidential(tenant, session, given).acquire_token_for_client(EXCHANGE)
    assert (got["error"], got["error_codes"]) == ("invalid_client", [700027])


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({}, None),
        ({"aud": "https://login.microsoftonline.com/elsewhere/oauth2/v2.0/token"}, 700023),
        ({"iss": "somebody"}, 700021),
        ({"sub": "somebody"}, 700021),
        ({"exp": 1}, 700024),
        ({"nbf": time.time() + 3600}, 700024),
        ({"exp": "soon"}, 50027),
        ({"jti": None}, 50027),
    ],
)
def test_the_claims_of_an_assertion_count(
    tenant: Tenant, session: requests.Session, changes: dict[str, Any], number: int | None
) -> None:
    jwt = pytest.importorskip("jwt")
    pem = state.certificate(tenant.directory).read_text(encoding="utf-8")
    endpoint = f"https://login.microsoftonline.com/{tenant.known['tenant_id']}/oauth2/v2.0/token"
    client = tenant.known["client_id"]
    now = time.time()
    body = {"aud": endpoint, "iss": client, "sub": client, "exp": now + 60, "nbf": now, "jti": "x", **changes}
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    found = x509.load_pem_x509_certificate(assertion.public_part(pem).encode())
    named = base64.urlsafe_b64encode(found.fingerprint(hashes.SHA256())).decode().rstrip("=")
    # Built by hand, for the library refuses to sign some of these.
    head = {"alg": "PS256", "typ": "JWT", "x5t#S256": named}
    signer = jwt.api_jws.PyJWS()
    signed = signer.encode(json.dumps(body).encode(), pem.split("-----BEGIN CERT")[0], "PS256", headers=head)
    got = confidential(tenant, session, {"client_assertion": lambda: signed}).acquire_token_for_client(EXCHANGE)
    assert got.get("error_codes", [None]) == [number]


def test_a_replayed_assertion_is_refused_by_switch(tenant: Tenant, session: requests.Session) -> None:
    state.set_switch(tenant.directory, "assertion_replay", "refused")
    pem = state.certificate(tenant.directory).read_text(encoding="utf-8")
    app = confidential(tenant, session, credential(pem, "certificate"))
    assert "access_token" in app.acquire_token_for_client(EXCHANGE)
    assert app.acquire_token_for_client(GRAPH)["error_codes"] == [700025]


@pytest.mark.parametrize(("text", "kind"), [("nonsense", None), ("a.b.c", None), ("e30.e30.e30", "other")])
def test_what_is_no_assertion_is_refused_in_words(
    tenant: Tenant, session: requests.Session, text: str, kind: str | None
) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": tenant.known["client_id"],
        "client_assertion": text,
        "client_assertion_type": kind or assertion.BEARER,
        "scope": EXCHANGE[0],
    }
    path = f"{tenant.known['tenant_id']}/oauth2/v2.0/token"
    answer = session.post(f"https://login.microsoftonline.com/{path}", data=form)
    assert (answer.status_code, answer.json()["error_codes"]) == (401, [50027])


def person(
    tenant: Tenant, session: requests.Session, scopes: list[str], action: str = "approve", user: str = ADMIN
) -> tuple[Any, dict[str, Any]]:
    """Go through the device flow while somebody plays the person."""
    state.set_switch(tenant.directory, "device_interval_seconds", 1)
    app = public(tenant, session)
    flow = app.initiate_device_flow(scopes)
    assert flow["user_code"] in flow["message"]
    pending = app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
    assert (pending["error"], pending["error_codes"]) == ("authorization_pending", [70016])
    flow["latest_attempt_at"] = 0  # so that msal does not warn of polling too soon
    said = {"user_code": flow["user_code"], "action": action, "user": user}
    assert requests.post(f"{tenant.url}/_sim/device", json=said, timeout=5).status_code == 200
    return app, app.acquire_token_by_device_flow(flow)


def test_a_person_signs_in_once_for_both_services(tenant: Tenant, session: requests.Session) -> None:
    app, got = person(tenant, session, EXCHANGE)
    assert exchange(tenant, session, got, "New-TransportRule") == 200
    rule = state.objects(tenant.directory)["TransportRule"][-1]
    assert rule["LastModifiedBy"] == "Avery Administrator"
    found = claims(got)
    assert (found["upn"], found["scp"], found["idtyp"]) == (ADMIN, "Exchange.Manage", "user")
    assert "29232cdf-9323-42fd-ade2-1d097af3e4de" in found["wids"]
    (account,) = app.get_accounts()
    assert account["username"] == ADMIN
    calls = len(state.requests_log(tenant.directory))
    assert app.acquire_token_silent(EXCHANGE, account=account)["access_token"] == got["access_token"]
    assert len(state.requests_log(tenant.directory)) == calls, "it must come from msal's cache"
    assert graph(session, app.acquire_token_silent(GRAPH, account=account)) == 200


@pytest.mark.parametrize(("user", "read", "write", "domains"), [("reader", 200, 403, 200), ("clerk", 403, 403, 403)])
def test_a_persons_roles_are_the_limit(
    tenant: Tenant, session: requests.Session, user: str, read: int, write: int, domains: int
) -> None:
    app, got = person(tenant, session, EXCHANGE, user=f"{user}@example.com")
    assert exchange(tenant, session, got, "Get-TransportRule") == read
    assert exchange(tenant, session, got, "New-TransportRule") == write
    (account,) = app.get_accounts()
    assert graph(session, app.acquire_token_silent(GRAPH, account=account)) == domains


def test_the_anchor_of_a_person_may_be_checked(tenant: Tenant, session: requests.Session) -> None:
    state.set_switch(tenant.directory, "anchor", "checked")
    _, got = person(tenant, session, EXCHANGE)
    for anchor, status in ((f"UPN:{ADMIN}", 200), ("UPN:reader@example.com", 401)):
        assert exchange(tenant, session, got, "Get-TransportRule", **{"X-AnchorMailbox": anchor}) == status


def test_a_person_may_decline(tenant: Tenant, session: requests.Session) -> None:
    _, got = person(tenant, session, EXCHANGE, action="decline")
    assert got["error"] == "authorization_declined"


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [("delegated_permissions", ["Domain.Read.All"], 65001), ("public_client", False, 7000218)],
)
def test_what_the_application_lacks_is_named(
    tenant: Tenant, session: requests.Session, name: str, value: Any, number: int
) -> None:
    app = public(tenant, session)
    flow = app.initiate_device_flow(EXCHANGE)
    change(tenant, name, value)
    said = {"user_code": flow["user_code"], "action": "approve", "user": ADMIN}
    requests.post(f"{tenant.url}/_sim/device", json=said, timeout=5)
    got = app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
    assert got["error_codes"] == [number]


def test_a_disabled_person_is_refused(tenant: Tenant, session: requests.Session) -> None:
    app, _ = person(tenant, session, EXCHANGE)
    change(tenant, "enabled", False, "Person", ADMIN)
    (account,) = app.get_accounts()
    assert app.acquire_token_silent_with_error(GRAPH, account=account)["error_codes"] == [50057]


def test_a_device_code_is_used_once(tenant: Tenant, session: requests.Session) -> None:
    state.set_switch(tenant.directory, "device_interval_seconds", 1)
    app = public(tenant, session)
    flow = app.initiate_device_flow(EXCHANGE)
    said = {"user_code": flow["user_code"], "action": "approve", "user": ADMIN}
    requests.post(f"{tenant.url}/_sim/device", json=said, timeout=5)
    assert "access_token" in app.acquire_token_by_device_flow(dict(flow))
    assert app.acquire_token_by_device_flow(dict(flow))["error"] == "bad_verification_code"


def test_codes_and_refresh_tokens_expire(tmp_path: Path) -> None:
    moments = [datetime.now(UTC)]
    with running(tmp_path, clock=lambda: moments[0]) as tenant, carried(tenant) as session:
        app, got = person(tenant, session, EXCHANGE)
        flow = app.initiate_device_flow(EXCHANGE)
        moments[0] += timedelta(minutes=16)
        assert app.acquire_token_by_device_flow(flow)["error"] == "expired_token"
        assert exchange(tenant, session, got, "Get-TransportRule") == 200
        moments[0] += timedelta(hours=1)
        assert exchange(tenant, session, got, "Get-TransportRule") == 401
        moments[0] += timedelta(days=91)
        (account,) = app.get_accounts()
        assert app.acquire_token_silent_with_error(GRAPH, account=account)["error_codes"] == [700082]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"user_code": "NONE", "action": "approve", "user": ADMIN}, "no sign-in waits"),
        ({"action": "allow", "user": ADMIN}, "approve, decline"),
        ({"action": "approve", "user": "nobody@example.com"}, ADMIN),
        ([], "object"),
    ],
)
def test_the_person_at_the_browser_is_told_what_is_wrong(
    tenant: Tenant, session: requests.Session, said: Any, text: str
) -> None:
    flow = public(tenant, session).initiate_device_flow(EXCHANGE)
    body = {"user_code": flow["user_code"], **said} if isinstance(said, dict) else said
    answer = requests.post(f"{tenant.url}/_sim/device", json=body, timeout=5)
    assert answer.status_code == 400
    assert text in answer.json()["error"]


@pytest.mark.parametrize(("switch", "app", "human"), [("off", 0, 0), ("people", 0, 53003), ("everyone", 53003, 53003)])
def test_conditional_access(tenant: Tenant, session: requests.Session, switch: str, app: int, human: int) -> None:
    state.set_switch(tenant.directory, "conditional_access", switch)
    got = confidential(tenant, session, tenant.known["client_secret"]).acquire_token_for_client(EXCHANGE)
    assert got.get("error_codes", [0]) == [app]
    public_app = public(tenant, session)
    flow = public_app.initiate_device_flow(EXCHANGE)
    said = {"user_code": flow["user_code"], "action": "approve", "user": ADMIN}
    requests.post(f"{tenant.url}/_sim/device", json=said, timeout=5)
    got = public_app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
    assert got.get("error_codes", [0]) == [human]


def identity(session: requests.Session, client_id: str | None = None) -> Any:
    who = msal.UserAssignedManagedIdentity(client_id=client_id) if client_id else msal.SystemAssignedManagedIdentity()
    return msal.ManagedIdentityClient(who, http_client=session)


def test_a_machine_signs_in_with_its_identity(tenant: Tenant, session: requests.Session) -> None:
    for client in (identity(session), identity(session, tenant.known["client_id"])):
        got = client.acquire_token_for_client(resource="https://outlook.office365.com")
        assert exchange(tenant, session, got, "Get-AcceptedDomain") == 200
        assert graph(session, client.acquire_token_for_client(resource="https://graph.microsoft.com")) == 200


@pytest.mark.parametrize(
    ("client", "resource"), [("0" * 8, "https://graph.microsoft.com"), (None, "https://x.example")]
)
def test_a_machine_without_that_identity_or_resource(
    tenant: Tenant, session: requests.Session, client: str | None, resource: str
) -> None:
    got = identity(session, client).acquire_token_for_client(resource=resource)
    assert got["error"] == ("invalid_request" if client else "invalid_resource")


def test_no_identity_no_header_no_version(tenant: Tenant, session: requests.Session) -> None:
    url = "http://169.254.169.254/metadata/identity/oauth2/token"
    asked = {"api-version": "2018-02-01", "resource": "https://graph.microsoft.com"}
    assert session.get(url, params=asked, headers={"Metadata": "true"}).status_code == 200
    assert session.get(url, params=asked).status_code == 400
    assert session.get(url, params={"resource": asked["resource"]}, headers={"Metadata": "true"}).status_code == 400
    change(tenant, "managed_identity", None)
    assert session.get(url, params=asked, headers={"Metadata": "true"}).json()["error"] == "invalid_request"


def test_the_form_of_app_service(tenant: Tenant, session: requests.Session) -> None:
    asked = {"api-version": "2019-08-01", "resource": "https://outlook.office365.com/"}
    url = "http://169.254.169.254/msi/token"
    header = {"X-IDENTITY-HEADER": state.identity_header(tenant.directory)}
    got = session.get(url, params=asked, headers=header).json()
    assert int(got["expires_on"]) > time.time()
    assert exchange(tenant, session, got, "Get-AcceptedDomain") == 200
    refused = session.get(url, params=asked, headers={"X-IDENTITY-HEADER": "wrong"})
    assert (refused.status_code, refused.json()["statusCode"]) == (400, 400)


def test_no_secret_of_any_kind_is_kept_in_the_clear(tenant: Tenant, session: requests.Session) -> None:
    header = state.identity_header(tenant.directory)
    app, got = person(tenant, session, EXCHANGE)
    (refresh,) = app.token_cache.search("RefreshToken")
    kept = b"".join(path.read_bytes() for path in tenant.directory.glob("state.db*"))
    for secret in (header, got["access_token"], refresh["secret"]):
        assert secret.encode() not in kept
