"""Secrets that do not slip out, and tenants that can only be described as they can be meant."""

import copy
import dataclasses
import json
import pickle
import secrets
import uuid

import pytest

from tenantapi import Secret, Tenant
from tenantapi.clouds import CLOUDS, same_vendor, vendor_domain


def tenant(**changes):
    fields = {
        "name": "contoso",
        "tenant_id": str(uuid.uuid4()),
        "client_id": str(uuid.uuid4()),
        "client_secret": Secret(secrets.token_urlsafe()),
        "cloudflare_account_id": secrets.token_hex(16),
        "cloudflare_api_token": Secret(secrets.token_urlsafe()),
    }
    return Tenant(**fields | changes)


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        "{:>40}".format,
        "{!r}".format,
        lambda secret: f"{[secret]} {secret}",
        lambda secret: "%s" % secret,  # noqa: UP031
        lambda secret: repr(tenant(client_secret=secret, cloudflare_api_token=secret)),
        lambda secret: str(dataclasses.asdict(tenant(client_secret=secret))),
    ],
)
def test_a_secret_is_shown_as_a_mask(show):
    text = secrets.token_urlsafe()
    shown = show(Secret(text))
    assert text not in shown
    assert "[secret]" in shown


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_is_never_pickled(protocol):
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(Secret("x"), protocol)
    with pytest.raises(TypeError):
        pickle.dumps(tenant(), protocol)


def test_a_secret_is_no_json():
    with pytest.raises(TypeError):
        json.dumps({"secret": Secret("x")})


def test_a_secret_is_copied_as_itself():
    secret = Secret("x")
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_a_secret_has_no_attributes_to_look_into():
    assert not hasattr(Secret("x"), "__dict__")


def test_secrets_are_equal_by_their_text():
    assert Secret("é" * 9) == Secret("".join(["é"] * 9))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a").reveal() == "a"


@pytest.mark.parametrize(("text", "kind"), [("", ValueError), (None, TypeError), (b"x", TypeError)])
def test_what_is_no_text_is_no_secret(text, kind):
    with pytest.raises(kind):
        Secret(text)


@pytest.mark.parametrize(
    "gateway", ["http://127.0.0.1:8080", "http://127.9.9.9:1/", "http://[::1]:80", "http://localhost:5"]
)
def test_a_gateway_on_loopback_is_taken(gateway):
    assert tenant(gateway=gateway).gateway == gateway


@pytest.mark.parametrize(
    "gateway",
    [
        "",
        "http://example.com:80",
        "http://10.0.0.1:80",
        "http://0.0.0.0:80",
        "http://127.0.0.1.example.com:80",
        "http://127.0.0.1@example.com:80",
        "http://user:pass@127.0.0.1:80",
        "https://127.0.0.1:80",
        "http://127.0.0.1",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:80/path",
        "http://127.0.0.1:80?x",
        "127.0.0.1:80",
        "http://localhost.example.com:80",
    ],
)
def test_a_gateway_anywhere_else_is_refused(gateway):
    with pytest.raises(ValueError, match="gateway must be"):
        tenant(gateway=gateway)


@pytest.mark.parametrize(
    "changes",
    [
        {"cloud": "moon"},
        {"tenant_id": "contoso.onmicrosoft.com"},
        {"cloudflare_account_id": "../user"},
        {"client_secret": Secret("value\n")},
        {"cloudflare_api_token": Secret(" value")},
        {"cloudflare_api_token": Secret("välue")},
        {"cloudflare_api_token": Secret("va\rlue")},
    ],
)
def test_what_cannot_be_meant_is_refused_without_showing_a_credential(changes):
    with pytest.raises(ValueError, match="contoso") as caught:
        tenant(**changes)
    assert "lue" not in str(caught.value).replace("value", "").replace("välue", "") or "GUID" in str(caught.value)


def test_a_tenant_without_credentials_can_be_described():
    assert tenant(client_secret=None, cloudflare_api_token=None).client_secret is None


@pytest.mark.parametrize(
    ("cloud", "login", "graph", "exchange"),
    [
        ("commercial", "login.microsoftonline.com", "graph.microsoft.com", "outlook.office365.com"),
        ("gcc", "login.microsoftonline.com", "graph.microsoft.com", "outlook.office365.com"),
        ("gcc-high", "login.microsoftonline.us", "graph.microsoft.us", "outlook.office365.us"),
        ("dod", "login.microsoftonline.us", "dod-graph.microsoft.us", "outlook-dod.office365.us"),
        (
            "china",
            "login.partner.microsoftonline.cn",
            "microsoftgraph.chinacloudapi.cn",
            "outlook.office365.cn",
        ),
    ],
)
def test_a_cloud_has_its_hosts(cloud, login, graph, exchange):
    hosts = tenant(cloud=cloud).hosts
    assert (hosts.login, hosts.graph, hosts.exchange) == (login, graph, exchange)


def test_every_host_of_every_cloud_belongs_to_its_vendor():
    for cloud in CLOUDS.values():
        assert None not in map(vendor_domain, (cloud.login, cloud.graph, cloud.exchange))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("outlook.office365.com", "eur05.outlook.office365.com", True),
        ("outlook.office365.com", "OUTLOOK.Office365.COM.", True),
        ("outlook.office365.com", "office365.com.example.net", False),
        ("outlook.office365.com", "notoffice365.com", False),
        ("outlook.office365.com", "graph.microsoft.com", False),
        ("outlook.office365.com", "", False),
        ("example.net", "example.net", False),
        ("microsoftgraph.chinacloudapi.cn", "x.cloudapp.chinacloudapi.cn", False),
    ],
)
def test_the_same_vendor(one, other, same):
    assert same_vendor(one, other) is same
