"""Sign in as an application, with a client secret or a certificate (OAuth client credentials).

A certificate is what Microsoft's own module takes; at the level of tokens a secret works as well [facts 1.11:
CIPP, EXOH README]. Whether secrets work in the sovereign clouds is open [facts 7, point 8].
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tenantapi.signin.door import Door
from tenantapi.signin.refusals import not_possible
from tenantapi.tenant import Certificate, Tenant

if TYPE_CHECKING:
    from collections.abc import Callable

    from msal import ConfidentialClientApplication


class Application:
    """Get tokens for an application; they live in memory until msal finds one near its end."""

    def __init__(self, tenant: Tenant, door: Door, *, clock: Callable[[], float]) -> None:
        self._tenant = tenant
        self._door = door
        self._clock = clock
        self._app: ConfidentialClientApplication | None = None

    user: str | None = None
    """Nobody: an application calls in its own name."""

    def acquire(self, scope: str, *, fresh: bool) -> dict[str, Any]:
        """Return msal's answer, a token or a refusal; ``fresh`` forgets what is known and asks anew."""
        if self._app is None:
            self._app = self._application(self._credential())
        elif fresh:
            self._app.remove_tokens_for_client()
        return dict(self._app.acquire_token_for_client(scopes=[scope]))

    def forget(self) -> None:
        """Begin anew the next time: msal answers a refusal from its cache for a minute, mended or not."""
        self._app = None

    def _credential(self) -> str | dict[str, str]:
        tenant = self._tenant
        if tenant.sign_in == "certificate":
            if tenant.certificate is None:
                raise not_possible(
                    tenant,
                    f"there is no certificate for application {tenant.client_id}.",
                    "Set AZURE_CLIENT_CERTIFICATE_PATH, or name the file in the tenant's description.",
                )
            return _loaded(tenant, tenant.certificate, self._clock())
        if tenant.client_secret is None:
            raise not_possible(
                tenant,
                f"there is no client secret for application {tenant.client_id}.",
                "Set AZURE_CLIENT_SECRET, name the credential in the tenant's description, or choose another sign_in.",
            )
        return tenant.client_secret.reveal()

    def _application(self, credential: str | dict[str, str]) -> ConfidentialClientApplication:
        # Costs a fifth of a second, and not every run signs in.
        from msal import ConfidentialClientApplication

        return ConfidentialClientApplication(
            self._tenant.client_id,
            client_credential=credential,
            authority=f"https://{self._tenant.hosts.login}/{self._tenant.tenant_id}",
            http_client=self._door,
            instance_discovery=False,  # the login host comes from our own table
        )


def _loaded(tenant: Tenant, certificate: Certificate, now: float) -> dict[str, str]:
    """Read the file, and see here what Entra ID would tell in a number only.

    msal makes the assertion of it: PS256, with the SHA-256 thumbprint of the certificate.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )
    from cryptography.x509 import load_pem_x509_certificates

    def unfit(why: str) -> Exception:
        remedy = "Give a PEM file with the private key (RSA) and the certificate that belongs to it."
        return not_possible(tenant, f"the certificate file {certificate.path} {why}.", remedy)

    try:
        pem = certificate.path.read_bytes()
    except OSError as cause:
        raise unfit(f"cannot be read ({cause.strerror})") from cause
    locked = certificate.passphrase
    try:
        key = load_pem_private_key(pem, locked.reveal().encode() if locked else None)
    except (TypeError, ValueError) as cause:
        wrong = "is locked, or its passphrase is wrong" if b"ENCRYPTED" in pem else "holds no private key"
        raise unfit(f"{wrong} ({type(cause).__name__})") from None  # the cause may quote the key's text
    if not isinstance(key, RSAPrivateKey):
        raise unfit("holds a private key that is not RSA")
    try:
        found = load_pem_x509_certificates(pem)
    except ValueError:
        raise unfit("holds no certificate") from None
    mine = [one for one in found if one.public_key() == key.public_key()]
    if not mine:
        raise unfit("holds no certificate that belongs to its private key")
    end = mine[0].not_valid_after_utc
    if end < datetime.fromtimestamp(now, UTC):
        raise unfit(f"holds a certificate that ended on {end:%Y-%m-%d}")
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {"private_key": text, "public_certificate": mine[0].public_bytes(Encoding.PEM).decode()}
