"""The tree of errors: drawn as it is, pickled whole, and reached by every exception of the libraries below."""

import inspect
import pickle
import subprocess
import sys

import pytest
import requests.exceptions
import urllib3.exceptions

from tenantapi import errors
from tenantapi.calls import Order
from tenantapi.failures import MEANINGS, from_exception

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.ApiError)]


def subclasses(kind):
    return {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))


def order(*, safe):
    return Order(
        tenant="contoso",
        method="PATCH",
        url="https://api.cloudflare.com/x",
        service="Cloudflare",
        operation="PATCH domain",
        safe=safe,
    )


def test_every_class_is_drawn_in_the_docstring():
    drawn = {line.split()[1] for line in errors.__doc__.splitlines() if line.strip().startswith(("├", "└"))}
    assert drawn == {kind.__name__ for kind in TREE} - {"ApiError"}


@pytest.mark.parametrize("kind", TREE)
def test_an_error_pickles_with_all_it_says(kind):
    timed = (errors.ThrottledError, errors.CircuitOpenError)
    extra = {"retry_after_seconds": 3.5} if kind in timed else {}
    error = kind(
        "the detail.",
        remedy="The remedy.",
        service="Cloudflare",
        status=418,
        request_id="r-1",
        ambiguous=True,
        kind="K",
        codes=(1, 2),
        **extra,
    )
    error.add_note("a note")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert vars(again) == vars(error)
    assert str(again) == f"{kind.summary}: the detail. The remedy."


@pytest.mark.parametrize("kind", TREE)
def test_a_summary_is_a_fixed_phrase_of_its_own(kind):
    assert not kind.summary.endswith(".")
    assert [other for other in TREE if other.summary == kind.summary] == [kind]


def test_a_signin_error_holds_codes():
    assert errors.SignInError("no", codes=(7000215,)).codes == (7000215,)


@pytest.mark.parametrize("kind", sorted(subclasses(requests.exceptions.RequestException), key=lambda k: k.__name__))
def test_every_exception_of_requests_has_a_meaning_of_its_own(kind):
    assert kind in MEANINGS or kind.__module__ != "requests.exceptions"


@pytest.mark.parametrize("kind", sorted(subclasses(urllib3.exceptions.HTTPError), key=lambda k: k.__name__))
@pytest.mark.parametrize("safe", [True, False])
def test_every_exception_of_urllib3_is_translated(kind, safe):
    cause = kind.__new__(kind)
    Exception.__init__(cause, "no address and no pool")
    if isinstance(cause, urllib3.exceptions.MaxRetryError):
        cause.reason = None
    error = from_exception(cause, order(safe=safe))
    assert isinstance(error, errors.ApiError)
    assert kind.__name__ in str(error)
    assert not (safe and error.ambiguous)


def test_what_cannot_have_been_sent_is_not_ambiguous():
    unsent = [
        requests.exceptions.ConnectTimeout(),
        requests.exceptions.ProxyError(),
        requests.exceptions.InvalidURL(),
        requests.ConnectionError(
            urllib3.exceptions.MaxRetryError(None, "/", urllib3.exceptions.NameResolutionError("h", None, OSError()))
        ),
    ]
    assert [from_exception(cause, order(safe=False)).ambiguous for cause in unsent] == [False] * 4


def test_what_may_have_been_sent_is_ambiguous():
    sent = [
        requests.exceptions.ReadTimeout(),
        requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("aborted", ConnectionResetError())),
        requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(None, "/", urllib3.exceptions.SSLError("eof"))),
        requests.exceptions.ChunkedEncodingError(),
        OSError(104, "reset"),
    ]
    assert [from_exception(cause, order(safe=False)).ambiguous for cause in sent] == [True] * 5


def test_the_cause_does_not_lead_to_the_request():
    prepared = requests.Request("GET", "https://h/", headers={"Authorization": "Bearer x"}).prepare()
    cause = requests.ConnectionError("lost", request=prepared)
    from_exception(cause, order(safe=True))
    assert cause.request is None


def test_errors_and_tenant_are_had_without_requests():
    code = "import sys, tenantapi, tenantapi.errors, tenantapi.tenant; sys.exit('requests' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=False)
    assert ran.returncode == 0
