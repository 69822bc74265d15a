"""Say what to do about each refusal of Entra ID that people really meet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from tenantapi.errors import SignInError
from tenantapi.tenant import Secret, Tenant, concealed

_SERVICE: Final = "Entra ID"

# Codes: 65001 and 53003 [CIPP-API Get-NormalizedError], the others second-hand [facts 1.11] or from Microsoft's
# public list of AADSTS codes (reference-error-codes, general knowledge); wording and advice are ours.
_AGAIN: Final = "Sign in again at a terminal; the earlier sign-in is no longer good."
REMEDIES: Final[Mapping[int, str]] = {
    7000215: "The client secret is wrong. Store the secret's value, not its id, and mind a stray blank.",
    7000222: "The client secret has expired. Make a new one in the app registration and store its value.",
    7000218: "The application asks for a secret or a certificate. For a device code, switch on 'Allow public "
    "client flows' in the app registration.",
    7000112: "The application is disabled. Enable its enterprise application in this directory.",
    700016: "This directory does not know the application. Check client_id and tenant_id, and that the app "
    "was consented to in this directory.",
    700027: "The certificate does not belong to the application, or has expired. Upload its public part to the app "
    "registration (Certificates & secrets) and check its dates.",
    700024: "The certificate's assertion is out of its time. Set the clock of this machine right.",
    90002: "There is no such directory. Check tenant_id, and that the cloud is the right one.",
    50049: "The cloud does not know this directory. Check the cloud of the tenant.",
    65001: "Nobody has consented to the application's permissions. Let an administrator grant consent.",
    53003: "A conditional access policy blocks this sign-in. Exempt the workload identity or its location.",
    50034: "The account does not exist in this directory. Check tenant_id and the account.",
    50126: "The account or its password is wrong. Sign in again with an account of this directory.",
    50076: "Conditional access asks for a second factor. Sign in again at a terminal and complete it.",
    50079: "The account has to set up a second factor first. Do so at https://aka.ms/mfasetup, then sign in again.",
    50105: "The account is not assigned to the application. Assign it in the enterprise application (Users and "
    "groups), or do not require an assignment.",
    500011: "The service has no account in this directory. Check that the tenant holds a plan with it.",
    70043: _AGAIN + " A conditional access policy limits how long one lasts.",
    700082: _AGAIN + " It was not used for too long.",
    50173: _AGAIN + " The password was changed or the sign-in was revoked.",
    70020: "The code was not used in time. Start again and enter the new one.",
    700003: "The device is not known to this directory. Sign in from a registered device.",
}
# What the device-code flow is told without a number [RFC 8628; Microsoft identity platform, device code].
_BY_NAME: Final[Mapping[str, str]] = {
    "authorization_pending": "The code was not used in time. Start again and enter the new one.",
    "expired_token": "The code was not used in time. Start again and enter the new one.",
    "code_expired": "The code was not used in time. Start again and enter the new one.",
    "authorization_declined": "The sign-in was declined at the browser. Start again to approve it.",
    "access_denied": "The sign-in was declined at the browser. Start again to approve it.",
}
_OTHERWISE: Final = "Look the number up at https://login.microsoftonline.com/error and correct the app registration."
_MACHINE: Final = (
    "Check that this machine has a managed identity, that managed_identity_client_id names one of them, and that "
    "the identity was granted the app role."
)
NEEDS_A_PERSON: Final = frozenset({70043, 700082, 50173, 50076, 50079, 65001})
"""Codes that a sign-in without a person cannot mend, but a person can."""


def refused(tenant: Tenant, found: Mapping[str, Any], secrets: tuple[Secret, ...]) -> SignInError:
    """Make the error for an answer that is no token: Entra ID's words, its numbers, and what to do.

    The given credentials, which were sent in asking, are blotted out of the words.
    """
    text = str(found.get("error_description") or found.get("error") or "no reason given")
    codes = codes_of(found)
    said = concealed(" ".join(text.split()), secrets)
    name = _text(found.get("error"))
    machine = tenant.sign_in == "managed-identity"
    who = tenant.managed_identity_client_id or "of this machine" if machine else tenant.client_id
    return SignInError(
        f"Tenant {tenant.name}, {'managed identity' if machine else 'application'} {who}: {said.rstrip('.')}.",
        remedy=next(
            (REMEDIES[code] for code in codes if code in REMEDIES),
            _BY_NAME.get(name or "", _MACHINE if machine else _OTHERWISE),
        ),
        service=_SERVICE,
        status=found.get("status"),
        request_id=concealed(trace, secrets)[:100] if (trace := _text(found.get("trace_id"))) else None,
        kind=concealed(name, secrets) if name else None,
        codes=codes,
    )


def codes_of(found: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the AADSTS numbers of an answer: its own list, or else those in its words."""
    listed = found.get("error_codes")
    if isinstance(listed, list) and listed and all(isinstance(code, int) for code in listed):
        return tuple(listed)
    text = str(found.get("error_description") or "")
    return tuple(dict.fromkeys(int(code) for code in re.findall(r"AADSTS(\d+)", text)))


def not_possible(tenant: Tenant, why: str, remedy: str, *, kind: str | None = None) -> SignInError:
    """Make the error for a sign-in that this machine cannot even begin."""
    return SignInError(f"Tenant {tenant.name}: {why}", remedy=remedy, service=_SERVICE, kind=kind)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
