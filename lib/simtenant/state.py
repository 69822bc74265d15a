"""What a tenant holds, for everybody who is not a client of its wire: create, show, change by hand."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from simtenant import assertion, authz, cloudflare, contents, profiles, switches
from simtenant.mailflow import post
from simtenant.store import Body, Store, Transaction
from simtenant.wire import Clock, moment_text, utc_now

CREDENTIALS_NAME = "credentials.json"
CERTIFICATE_NAME = "certificate.pem"

_CREDENTIAL_KEYS = {
    "tenant_id",
    "client_id",
    "client_secret",
    "cloudflare_account_id",
    "cloudflare_api_token",
}


def create(directory: Path, *, profile: str = "new", force: bool = False, clock: Clock = utc_now) -> None:
    """Create a tenant in a directory, or leave the one that is there alone.

    ``force`` puts an existing tenant back to the start of the profile: its objects, tokens and log are gone,
    its identifiers and credentials stay, so that clients and servers that know it go on working. Safe when
    several processes try at once. Raises KeyError for an unknown profile.
    """
    if profile not in profiles.PROFILES:
        raise KeyError(f"no profile {profile!r}; there are {', '.join(profiles.PROFILES)}")
    directory.mkdir(parents=True, exist_ok=True)
    store = Store(directory)
    try:
        with store.transaction() as tx:
            if not force and not tx.is_empty():
                return
            credentials = _credentials(directory)
            fill(tx, credentials, profile, clock())
            if (directory / CERTIFICATE_NAME).exists():
                _register(tx, directory, credentials["client_id"])
            # Written inside the transaction: a tenant without its credentials would be of no use to anybody.
            _write_private(directory / CREDENTIALS_NAME, _json(credentials))
    finally:
        store.close()


def fill(tx: Transaction, credentials: Body, profile: str, now: datetime) -> None:
    """Build a tenant that ``new_credentials`` may enter; what there was is gone. Raises KeyError for no profile."""
    tx.build()
    settle(tx, credentials, profile, now)
    profiles.fill(tx, profile)


def objects(directory: Path) -> dict[str, list[dict[str, Any]]]:
    """Show everything the tenant holds, by kind, as plain properties and without any credential."""
    with _opened(directory) as tx:
        return contents.objects(tx)


def canonical(directory: Path) -> dict[str, str]:
    """Give the canonical text of every object by ``kind/key``; see ``contents.canonical``."""
    with _opened(directory) as tx:
        return contents.canonical(tx)


def set_property(
    directory: Path, kind: str, identity: str, property: str, value: Any, *, clock: Clock = utc_now
) -> None:
    """Change one property behind everybody's back: nothing is checked and no request is logged.

    ``property`` is the stored name, as ``objects`` shows it. Raises KeyError when the kind, the object or the
    property is unknown, ValueError when the identity names several objects or the value is no JSON.
    """
    with _opened(directory) as tx:
        contents.set_property(tx, kind, identity, property, value, clock())


def certificate(directory: Path, *, clock: Clock = utc_now) -> Path:
    """Give the file with the application's private key and certificate (PEM, mode 0600).

    The first call makes both, registers the certificate with the application and adds ``certificate_file`` to
    the credentials file; making a key takes a moment, which is why a new tenant has none. A reset keeps it.
    """
    path = (directory / CERTIFICATE_NAME).resolve()
    with _opened(directory) as tx:
        credentials = _credentials(directory)
        if not path.exists():
            _write_private(path, assertion.make("automation", clock()))
        if credentials.get("certificate_file") != str(path):
            _register(tx, directory, credentials["client_id"])
            _write_private(directory / CREDENTIALS_NAME, _json({**credentials, "certificate_file": str(path)}))
    return path


def identity_header(directory: Path) -> str:
    """Make the secret that a client must send to the App Service form of the managed identity endpoint."""
    header = secrets.token_urlsafe(30)
    with _opened(directory) as tx:
        tx.put_secret("identity-header", authz.digest(header), {})
    return header


def turned_switches(directory: Path) -> dict[str, str | int]:
    """Give the switches that are not at their default, with their values."""
    with _opened(directory) as tx:
        return switches.turned(tx)


def set_switch(directory: Path, name: str, value: str | int) -> None:
    """Turn a switch of ``simtenant.switches``; raises KeyError or ValueError naming what there is."""
    with _opened(directory) as tx:
        switches.turn(tx, name, value)


def requests_log(directory: Path, since: int = 0) -> list[dict[str, Any]]:
    """List the vendor calls after number ``since``.

    Rows have n, at, method, host, path, cmdlet (or None), status (None: left without an answer), write,
    tenant, and what ``request_log.LogRow`` says of arrived, answered, retry_after, token_of, path_of, anchor_of.
    They never hold a credential, for neither headers nor bodies are kept.
    """
    with _opened(directory) as tx:
        return tx.log(since)


def last_request(directory: Path) -> int:
    """Give the number of the last vendor call in the log, 0 where none is."""
    with _opened(directory) as tx:
        return tx.last_request()


def messages_log(directory: Path, since: int = 0) -> list[dict[str, Any]]:
    """List the test messages that came after the vendor call ``since``, as rows like those of the request log."""
    with _opened(directory) as tx:
        return post.logged(tx, since)


def forget_log(directory: Path) -> None:
    """Drop the request log; numbers go on from where they were."""
    with _opened(directory) as tx:
        tx.forget_log()


@contextmanager
def _opened(directory: Path) -> Iterator[Transaction]:
    """Open the tenant of a directory for one transaction; raises FileNotFoundError when there is none."""
    if not (directory / CREDENTIALS_NAME).exists():
        raise FileNotFoundError(f"no simulated tenant in {directory}; create one first")
    store = Store(directory)
    try:
        with store.transaction() as tx:
            yield tx
    finally:
        store.close()


def _credentials(directory: Path) -> Body:
    path = directory / CREDENTIALS_NAME
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if isinstance(known, dict) and known.keys() >= _CREDENTIAL_KEYS:
        return known
    return new_credentials()


def new_credentials() -> Body:
    """Draw the identifiers and secrets of a tenant that does not exist yet."""
    return {
        "tenant_id": str(uuid4()),
        "client_id": str(uuid4()),
        "client_secret": secrets.token_urlsafe(30),
        "cloudflare_account_id": secrets.token_hex(16),
        "cloudflare_api_token": secrets.token_urlsafe(30),
        "domains": list(profiles.DOMAINS),
    }


def settle(tx: Transaction, credentials: Body, profile: str, now: datetime) -> None:
    """Store who the tenant is and who may enter; of the credentials only digests."""
    tx.set_setting("profile", profile)
    tx.set_setting("tenant_id", credentials["tenant_id"])
    tx.set_setting("organization", profiles.ORGANIZATION)
    tx.set_setting("created", moment_text(now))
    client_id = credentials["client_id"]
    application = {
        "client_id": client_id,
        "display_name": "automation",
        "app_roles": [authz.EXCHANGE_APP_ROLE, authz.GRAPH_APP_ROLE],
        "directory_roles": ["Exchange Administrator"],
        "secret_expires": None,
        "certificates": [],
        "public_client": True,
        "delegated_permissions": [authz.EXCHANGE_SCOPE, authz.GRAPH_SCOPE],
        "managed_identity": "system",
    }
    tx.put(authz.APPLICATION, client_id, application)
    tx.put_secret("client-secret", authz.digest(credentials["client_secret"]), {"client_id": client_id})
    token_id = authz.digest(credentials["cloudflare_api_token"])[:32]
    token = {
        "id": token_id,
        "status": "active",
        "owner": "either",
        "account_id": credentials["cloudflare_account_id"],
        "permissions": [cloudflare.READ, cloudflare.WRITE],
    }
    tx.put(cloudflare.TOKEN, token_id, token)
    tx.put_secret("cloudflare-token", authz.digest(credentials["cloudflare_api_token"]), {"id": token_id})


def _register(tx: Transaction, directory: Path, client_id: str) -> None:
    record = tx.get(authz.APPLICATION, client_id)
    if record is not None:
        pem = assertion.public_part((directory / CERTIFICATE_NAME).read_text(encoding="utf-8"))
        kept = [known for known in record.body.get("certificates", ()) if known != pem]
        tx.put(record.kind, record.key, {**record.body, "certificates": [*kept, pem]})


def _json(value: Body) -> str:
    return json.dumps(value, indent=2) + "\n"


def keep_first_credentials(directory: Path, credentials: Body) -> None:
    """Write the credentials of a tenant that has none yet; raises FileExistsError when somebody was quicker."""
    path = directory / CREDENTIALS_NAME
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    _write_private(temporary, _json(credentials))
    try:
        # A link, unlike a rename, fails when the name is taken.
        os.link(temporary, path)
    finally:
        temporary.unlink()


def _write_private(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)
