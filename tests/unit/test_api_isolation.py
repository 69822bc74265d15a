"""Two tenants' tokens, paths, anchors and accounts mixed in every way: a call is sent only when all agree."""

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

from tenantapi import Secret, Tenant
from tenantapi.errors import TenantMismatchError
from tenantapi.http import Http

SYSTEM = "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@"


def described(name):
    return Tenant(
        name=name,
        # Letters in it, so that there is a letter case to change.
        tenant_id=f"{uuid.uuid4()}"[:-4] + "abcd",
        client_id=str(uuid.uuid4()),
        client_secret=Secret(secrets.token_urlsafe(24)),
        cloudflare_account_id=secrets.token_hex(14) + "abcd",
        cloudflare_api_token=Secret(secrets.token_urlsafe(24)),
    )


OWN, OTHER = described("contoso"), described("fabrikam")
TENANTS = {"own": OWN, "other": OTHER}


class Far(BaseAdapter):
    """Answer every call alike, and keep what was asked."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def close(self):
        pass

    def send(self, request, **_):
        self.seen.append(request)
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, request.url
        response.raw = HTTPResponse(io.BytesIO(b"{}"), status=200, preload_content=False)
        return response


def connected(**options):
    session, far = requests.Session(), Far()
    session.trust_env = False
    session.mount("https://", far)
    session.mount("http://", far)
    return Http(OWN, session=session, **options), far


def jwt(claims):
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return Secret(f"h.{payload}.s")


def spelled(text, how):
    """Write an id in another way that means the same."""
    return {"plain": text, "upper": text.upper(), "mixed": text.title()}[how]


SPELLINGS = st.sampled_from(["plain", "upper", "mixed"])
WHOSE = st.sampled_from(["own", "own", "other"])  # or hardly any call would agree in all


@st.composite
def bearers(draw):
    """Give a token, and whose it says it is: own, other, or nothing."""
    sort = draw(st.sampled_from(["of a directory", "of a directory", "without tid", "no jwt", "none"]))
    if sort == "of a directory":
        whose = draw(WHOSE)
        return jwt({"tid": spelled(TENANTS[whose].tenant_id, draw(SPELLINGS)), "upn": "ann@example.com"}), whose
    made = {"without tid": jwt({"aud": "x"}), "no jwt": Secret("not-a-jwt"), "none": None}
    return made[sort], "nothing"


@st.composite
def anchors(draw):
    sort = draw(
        st.sampled_from([SYSTEM, "MBX:{guid}@", "app:x@", "UPN:ann@", "none", "UPN:ann@example.com", "SMTP:a@b"])
    )
    if not sort.endswith("@"):
        return ({} if sort == "none" else {"X-AnchorMailbox": sort}), "nothing"
    whose = draw(WHOSE)
    name = draw(st.sampled_from(["X-AnchorMailbox", "x-anchormailbox"]))
    return {name: sort + spelled(TENANTS[whose].tenant_id, draw(SPELLINGS))}, whose


@st.composite
def exchange_calls(draw):
    whose = draw(WHOSE)
    root = draw(st.sampled_from(["adminapi/beta", "AdminApi/v1.0", "adminapi/v2.0"]))
    path = f"{root}/{spelled(TENANTS[whose].tenant_id, draw(SPELLINGS))}/InvokeCommand"
    url = f"https://{draw(st.sampled_from(['', 'eur05.']))}outlook.office365.com/{path}"
    (bearer, token_of), (headers, anchor_of) = draw(bearers()), draw(anchors())
    parts = {"service": "Exchange Online", "bearer": bearer, "headers": headers, "json": {}}
    return ("POST", url, parts), {"path": whose, "token": token_of, "anchor": anchor_of}


@st.composite
def graph_calls(draw):
    bearer, token_of = draw(bearers())
    parts = {"service": "Microsoft Graph", "bearer": bearer}
    return ("GET", "https://graph.microsoft.com/v1.0/domains/example.com", parts), {"token": token_of}


@st.composite
def sign_ins(draw):
    whose = draw(WHOSE)
    rest = draw(
        st.sampled_from(["oauth2/v2.0/token", "oauth2/v2.0/devicecode", "v2.0/.well-known/openid-configuration"])
    )
    url = f"https://login.microsoftonline.com/{spelled(TENANTS[whose].tenant_id, draw(SPELLINGS))}/{rest}"
    return ("POST", url, {"service": "Entra ID", "form": {"a": "b"}}), {"path": whose}


@st.composite
def cloudflare_calls(draw):
    whose, token_of = draw(WHOSE), draw(WHOSE)
    rest = draw(st.sampled_from(["email-security/settings/domains", "tokens/verify"]))
    account = spelled(TENANTS[whose].cloudflare_account_id, draw(st.sampled_from(["plain", "upper"])))
    path = draw(st.sampled_from([f"accounts/{account}/{rest}", "user/tokens/verify"]))
    parts = {"service": "Cloudflare", "bearer": TENANTS[token_of].cloudflare_api_token}
    named = {"account": whose} if path.startswith("accounts") else {}
    return ("GET", f"https://api.cloudflare.com/client/v4/{path}", parts), {"token": token_of, **named}


@pytest.mark.parametrize("calls", [exchange_calls, graph_calls, sign_ins, cloudflare_calls])
def test_a_call_is_sent_only_when_all_that_is_there_is_this_tenants(calls):
    outcomes = set()

    @settings(max_examples=100, deadline=None, derandomize=True)
    @given(drawn=st.lists(calls(), min_size=1, max_size=3))
    def holds(drawn):
        told = []
        http, far = connected(on_call=told.append)
        for (method, url, parts), whose in drawn:
            agreed, before, told_before = "other" not in whose.values(), len(far.seen), len(told)
            outcomes.add(agreed)
            if agreed:
                http.request(method, url, safe=True, **parts)
                assert far.seen[-1].url == url, whose
            else:
                with pytest.raises(TenantMismatchError, match=r"Nothing was sent\."):
                    http.request(method, url, safe=True, **parts)
                assert len(told) == told_before, whose
            assert len(far.seen) == before + agreed, whose

    holds()
    assert outcomes == {True, False}


EXCHANGE = "https://outlook.office365.com"
ACCOUNTS = "https://api.cloudflare.com/client/v4/accounts"


@pytest.mark.parametrize(
    ("service", "url", "said"),
    [
        ("Exchange Online", f"{EXCHANGE}/InvokeCommand", "names no directory"),
        ("Exchange Online", EXCHANGE, "names no directory"),
        ("Exchange Online", f"{EXCHANGE}/adminapi", "names none"),
        ("Exchange Online", f"{EXCHANGE}/adminapi/beta", "names none"),
        ("Exchange Online", f"{EXCHANGE}/x/adminapi/beta/{OWN.tenant_id}/y", "names no directory"),
        ("Exchange Online", f"{EXCHANGE}/adminapi/beta/contoso.onmicrosoft.com/y", "names contoso.onmicrosoft.com"),
        (
            "Exchange Online",
            f"{EXCHANGE}/adminapi/beta/{OWN.tenant_id}/../{OTHER.tenant_id}/y",
            f"names {OTHER.tenant_id}",
        ),
        ("Exchange Online", f"{EXCHANGE}/adminapi/beta/{OWN.tenant_id}/%2e%2e/{OTHER.tenant_id}/y", "read in two ways"),
        ("Exchange Online", f"{EXCHANGE}/adminapi/beta/{OWN.tenant_id}%2f..%2f{OTHER.tenant_id}/y", "read in two ways"),
        ("Exchange Online", f"{EXCHANGE}/adminapi/beta/{OWN.tenant_id}/..%5c{OTHER.tenant_id}/y", "read in two ways"),
        ("Exchange Online", f"{EXCHANGE}/adminapi/beta/{OWN.tenant_id}//y", "read in two ways"),
        ("Exchange Online", f"{EXCHANGE}//adminapi/beta/{OTHER.tenant_id}/y", "names no directory"),
        ("Microsoft Graph", "https://graph.microsoft.com/v1.0/%2e%2e/beta/domains", "read in two ways"),
        ("Entra ID", "https://login.microsoftonline.com/common/oauth2/v2.0/token", "names common"),
        ("Cloudflare", f"{ACCOUNTS}", "names account none"),
        ("Cloudflare", f"{ACCOUNTS}/", "names account none"),
        ("Cloudflare", f"{ACCOUNTS}/{OTHER.cloudflare_account_id}/x", OTHER.cloudflare_account_id),
        ("Cloudflare", f"{ACCOUNTS}/{OWN.cloudflare_account_id}/%2e%2e/x", "read in two ways"),
    ],
    ids=map(str, range(18)),  # the cases have identifiers that are drawn anew, and each worker draws its own
)
def test_a_path_that_proves_nothing_is_refused(service, url, said):
    http, far = connected()
    with pytest.raises(TenantMismatchError) as caught:
        http.request("GET", url, service=service, safe=True)
    assert said in str(caught.value)
    assert f"Tenant contoso is {OWN.tenant_id}, but" in str(caught.value)
    assert (far.seen, caught.value.service, caught.value.ambiguous) == ([], service, False)


def test_a_tenant_id_without_hyphens_is_the_same_directory():
    http, far = connected()
    plain = OWN.tenant_id.replace("-", "")
    url = f"{EXCHANGE}/adminapi/beta/{plain}/InvokeCommand"
    http.request("POST", url, service="Exchange Online", safe=True, bearer=jwt({"tid": OWN.tenant_id}))
    assert len(far.seen) == 1


def test_no_proof_is_needed_of_the_machine_itself():
    """The address of a machine's sign-in looks like that of a directory's."""
    http, far = connected()
    url = "http://169.254.169.254/metadata/oauth2/token"
    http.request("GET", url, service="Entra ID", safe=True, nearby=True)
    assert len(far.seen) == 1


def test_what_a_hostile_path_holds_of_a_credential_is_not_told():
    http, _ = connected()
    token = OWN.cloudflare_api_token.reveal()
    with pytest.raises(TenantMismatchError) as caught:
        http.request("GET", f"{EXCHANGE}/adminapi/beta/{token}/x", service="Exchange Online", safe=True)
    assert token not in str(caught.value)
