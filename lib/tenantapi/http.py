"""Send calls over one session per tenant: time-outs, repetition, redirects, an observer, and errors."""

from __future__ import annotations

import ipaddress
import itertools
import random
import time
from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
import urllib3
from requests.auth import AuthBase

from tenantapi.calls import Answer, Call, Fault, Headers, Order, encoded, unpacked
from tenantapi.clouds import same_vendor
from tenantapi.errors import ApiError, Service, ThrottledError
from tenantapi.failures import from_exception, from_status
from tenantapi.gateway import open_session
from tenantapi.isolation import Isolation
from tenantapi.pacing import Budget, Patience, retry_after
from tenantapi.tenant import Secret, Tenant
from tenantapi.traffic import Traffic

USER_AGENT = f"tenantapi/1 python-requests/{requests.__version__}"
# What of a request for a token is a credential [RFC 6749, 7523, 8628].
_SECRET_FIELDS = frozenset({"client_secret", "client_assertion", "refresh_token", "device_code"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class _Carry(AuthBase):
    """Put our own credential on a request.

    Being there at all is what keeps requests from looking into ``.netrc``, which would replace the token.
    """

    def __init__(self, bearer: Secret | None) -> None:
        self._bearer = bearer

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._bearer is not None:
            request.headers["Authorization"] = f"Bearer {self._bearer.reveal()}"
        return request


class Http:
    """Send the calls of one tenant, each when ``traffic`` says so and after proof that it is this tenant's.

    Not for use by several threads at once. Nothing is sent until the first call, so an object made before a
    fork may be used after it. Times are seconds.
    """

    def __init__(
        self,
        tenant: Tenant,
        *,
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
        on_call: Callable[[Call], None] | None = None,
        patience: Patience | None = None,
        traffic: Traffic | None = None,
    ) -> None:
        self._tenant = tenant
        self._session = open_session(tenant, session)
        self._sleep = sleep
        self._clock = clock
        self._jitter = jitter
        self._on_call = on_call
        self._patience = patience or Patience()
        self._traffic: Traffic = traffic or Budget(clock)
        self._isolation = Isolation(tenant)
        self._numbers = itertools.count(1)
        self._moved: dict[str, str] = {}
        self._known = dict.fromkeys(tenant.secrets)

    def request(
        self,
        method: str,
        url: str,
        *,
        service: Service,
        safe: bool,
        operation: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        bearer: Secret | None = None,
        explain: Callable[[Answer], Fault] | None = None,
        tolerate: Container[int] = (),
        nearby: bool = False,
    ) -> Answer:
        """Send one call and return its answer, whose status is below 300 or among those to tolerate.

        A ``safe`` call is tried up to four times on a lost connection, a time-out, 408, 429, 500, 502, 503
        and 504, with growing pauses or after what ``Retry-After`` says. Any other call is sent once; only a
        429, said before any work is done, is followed by another try. Raises an ``ApiError`` otherwise;
        ``explain`` reads the service's own words out of a failed answer. ``nearby`` allows plain http to an
        address of this machine or link, and past any proxy, as the sign-in of a cloud machine needs it; a
        ``bearer`` never goes there.
        """
        body, content_type = encoded(json, form)
        sent = [bearer, *(Secret(text) for name, text in (form or {}).items() if name in _SECRET_FIELDS and text)]
        self._known |= dict.fromkeys(secret for secret in sent if secret is not None)
        order = Order(
            tenant=self._tenant.name,
            method=method,
            url=_near(url, bearer) if nearby else _https(url),
            service=service,
            operation=operation or f"{method} {urlsplit(url).path}",
            safe=safe,
            headers={**content_type, **(headers or {})},
            params=params or {},
            body=body,
            bearer=bearer,
            nearby=nearby,
            secrets=self.secrets(),
        )
        answer, tries = self._persist(order)
        if answer.status < 300 or answer.status in tolerate:
            return answer
        if answer.status < 400:
            raise answer.malformed("that is neither an answer nor a refusal")
        raise from_status(
            answer,
            explain(answer) if explain else Fault(),
            tries=tries,
            retry_after=retry_after(answer, self._clock()),
        )

    def secrets(self) -> tuple[Secret, ...]:
        """Return the tenant's credentials and all that was sent as one so far: tokens, assertions, codes."""
        return tuple(self._known)

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._session.close()

    def _persist(self, order: Order) -> tuple[Answer, int]:
        for tried in itertools.count(1):
            outcome = self._one_try(order)
            wish = retry_after(outcome, self._clock()) if isinstance(outcome, Answer) else None
            pause = self._patience.pause(outcome, safe=order.safe, tried=tried, wish=wish, jitter=self._jitter())
            if pause is not None:
                self._sleep(pause)
            elif isinstance(outcome, Answer):
                return outcome, tried
            else:
                raise outcome
        raise AssertionError("counting never ends")

    def _await_turn(self, order: Order) -> None:
        """Wait until the call may be sent, and ask again after each wait: others may have been told more by then."""
        left = self._patience.longest_wish
        while (wait := self._traffic.wait(order, patience=left)) > 0:
            if wait > left:
                raise ThrottledError(
                    f"{order.label}: the service has no calls left for the next {wait:.0f} seconds. Nothing was sent.",
                    remedy=f"Repeat after {wait:.0f} seconds.",
                    service=order.service,
                    retry_after_seconds=wait,
                )
            self._sleep(wait)
            left -= wait

    def _one_try(self, order: Order) -> Answer | ApiError:
        """Send the call, follow one redirect by hand, and give back a failure of the network as a value."""
        try:
            answer = self._attempt(self._at_new_host(order))
            if answer.status in _REDIRECTS:
                self._learn_redirect(answer)
                answer = self._attempt(self._at_new_host(order))
            if answer.status in _REDIRECTS:
                raise answer.malformed("the service redirects in a circle")
        except ApiError as error:
            return error
        return answer

    def _attempt(self, order: Order) -> Answer:
        try:
            prepared = self._prepared(order)
        except requests.RequestException as cause:
            raise from_exception(cause, order) from cause
        self._isolation.prove(order, prepared.url or "", prepared.headers)
        self._await_turn(order)
        n = next(self._numbers)
        self._tell(Call(n=n, phase="sent", **_named(order)))
        started = self._clock()
        try:
            answer = self._exchange(order, prepared)
        except BaseException as cause:
            known = isinstance(cause, (urllib3.exceptions.HTTPError, OSError))
            error = from_exception(cause, order) if known else None
            if error is not None:
                self._traffic.failed(order, error)
            self._tell(
                Call(
                    n=n,
                    phase="failed",
                    seconds=max(0.0, self._clock() - started),
                    error=type(error or cause).__name__,
                    **_named(order),
                )
            )
            if error is None:
                raise
            raise error from cause
        now = self._clock()
        self._traffic.answered(answer)
        self._tell(
            Call(
                n=n,
                phase="answered",
                status=answer.status,
                seconds=max(0.0, now - started),
                request_id=answer.request_id,
                **_named(order),
            )
        )
        return answer

    def _prepared(self, order: Order) -> requests.PreparedRequest:
        fields = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"}
        return self._session.prepare_request(
            requests.Request(
                order.method,
                order.url,
                headers={**fields, **order.headers},
                params=dict(order.params),
                data=order.body,
                auth=_Carry(order.bearer),
            )
        )

    def _exchange(self, order: Order, prepared: requests.PreparedRequest) -> Answer:
        settings = self._session.merge_environment_settings(prepared.url or "", {}, True, None, None)
        verify = settings["verify"]
        # Not `Session.send`: that looks into a redirect even when told not to follow, and fails on an odd one.
        response = self._session.get_adapter(prepared.url or "").send(
            prepared,
            stream=True,
            timeout=(self._patience.connect_timeout, self._patience.read_timeout),
            verify=True if verify is None else verify,
            cert=settings["cert"],
            proxies={} if order.nearby else settings["proxies"],
        )
        self._session.cookies.update(response.cookies)
        try:
            # Undecoded: the NUL bytes that are declared gzip would raise here and hide the status.
            raw = response.raw.read(decode_content=False)
        finally:
            response.close()
        headers = Headers(response.headers)
        return Answer(status=response.status_code, headers=headers, body=unpacked(raw, headers), order=order)

    def _tell(self, call: Call) -> None:
        if self._on_call is not None:
            self._on_call(call)

    def _at_new_host(self, order: Order) -> Order:
        parts = urlsplit(order.url)
        host = self._moved.get(parts.netloc)
        return order if host is None else replace(order, url=urlunsplit(parts._replace(netloc=host)))

    def _learn_redirect(self, answer: Answer) -> None:
        """Note the host a redirect names, for this call and those to come; only the vendor's own counts.

        Left to requests, a redirect to another host would lose the token and make a GET of a POST [facts
        1.1].
        """
        here = urlsplit(answer.order.url)
        try:
            there = urlsplit(answer.headers.get("location", ""))
            usable = there.scheme == "https" and there.port in (None, 443) and there.username is None
        except ValueError:
            usable = False
        if not usable or not there.hostname or not same_vendor(here.netloc, there.hostname):
            raise answer.malformed("it redirects to an address that is not the vendor's")
        origin = next((old for old, new in self._moved.items() if new == here.netloc), here.netloc)
        self._moved[origin] = there.hostname


def _named(order: Order) -> dict[str, Any]:
    return {
        "service": order.service,
        "method": order.method,
        "path": urlsplit(order.url).path,
        "operation": order.operation,
        "write": not order.safe,
    }


def _https(url: str) -> str:
    if not url.startswith("https://"):
        raise ValueError(
            f"A credential never travels to {url.partition('?')[0]!r}: the address must begin with https://."
        )
    return url


def _near(url: str, bearer: Secret | None) -> str:
    parts = urlsplit(url)
    try:
        address = ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        address = None
    if parts.scheme == "http" and address and (address.is_loopback or address.is_link_local) and bearer is None:
        return url
    raise ValueError(f"{url.partition('?')[0]!r} is no address of this machine or link. Nothing was sent.")
