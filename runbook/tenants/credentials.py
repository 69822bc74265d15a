"""Look up what ``tenants.yaml`` only refers to, and describe the tenant with it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runbook import simulated
from runbook.errors import InventoryError
from runbook.secretlike import kind_of_secret
from runbook.tenants.file import EnvReference, FileReference, TenantEntry
from tenantapi.tenant import Certificate, Secret, Tenant

_CLOUDFLARE = ("cloudflare_account_id", "cloudflare_api_token")
# What each way of signing in looks up beside those.
_BY_WAY: Mapping[str, tuple[str, ...]] = {
    "secret": ("client_id", "client_secret"),
    "certificate": ("client_id", "certificate"),
    "device-code": ("client_id",),
    "managed-identity": (),
}
_SECRETS = frozenset({"client_secret", "cloudflare_api_token", "certificate_passphrase"})


def describe(name: str, item: TenantEntry, gateway: str | None = None) -> Tenant:
    """Return the tenant with its credentials looked up. Raises InventoryError when one is missing."""
    made = _made_up(name, item) if item.simulated is not None else {}

    def value(field: str) -> str:
        # What tenants.yaml says wins over what the simulated tenant made up for itself.
        if field in made and field not in item.model_fields_set:
            return str(made[field])
        return _resolve(name, field, getattr(item, field))

    found = {field: value(field) for field in ("tenant_id", *_BY_WAY[item.sign_in], *_CLOUDFLARE)}
    for optional in ("certificate_passphrase", "managed_identity_client_id"):
        if getattr(item, optional) is not None:
            found[optional] = value(optional)
    try:
        return Tenant(
            name=name,
            tenant_id=found["tenant_id"],
            client_id=found.get("client_id", ""),
            client_secret=_secret(found, "client_secret"),
            cloudflare_account_id=found["cloudflare_account_id"],
            cloudflare_api_token=_secret(found, "cloudflare_api_token"),
            cloud=item.cloud,
            gateway=gateway,
            sign_in=item.sign_in,
            certificate=_certificate(found),
            managed_identity_client_id=found.get("managed_identity_client_id"),
            allow_unconfirmed=item.allow_unconfirmed,
        )
    except ValueError as error:
        raise InventoryError(f"Tenant {name!r} cannot be used: {error}", "Mend it in tenants.yaml.") from error


def credential_references(name: str, item: TenantEntry) -> list[tuple[str, str, bool]]:
    """Return, for each credential that this tenant's way of signing in needs: its name, where it is looked up, whether
    something is there. No value is returned."""
    found = []
    for field in ("tenant_id", *_BY_WAY[item.sign_in], *_CLOUDFLARE):
        if item.simulated is not None and field not in item.model_fields_set:
            found.append((field, "made up by the simulated tenant", True))
            continue
        reference = getattr(item, field)
        found.append((field, _place(reference), _is_there(name, field, reference)))
    return found


def _place(reference: str | EnvReference | FileReference) -> str:
    if isinstance(reference, str):
        return "tenants.yaml"
    if isinstance(reference, EnvReference):
        return f"environment variable {reference.env}"
    return f"file {reference.file}"


def _is_there(name: str, field: str, reference: str | EnvReference | FileReference) -> bool:
    try:
        return bool(_looked_up(name, field, reference))
    except InventoryError:
        return False


def variables(item: TenantEntry) -> frozenset[str]:
    """Return the names of the environment variables that a tenant's description refers to, whether or not it needs
    them."""
    fields = (getattr(item, field) for field in TenantEntry.model_fields)
    return frozenset(field.env for field in fields if isinstance(field, EnvReference))


def relative_certificate(item: TenantEntry, base: Path, environ: Mapping[str, str]) -> Path | None:
    """Return the whole path of a certificate that a variable names relative to `base`; None if there is no such thing.

    Only the path of a file that is there is returned: should the variable hold a credential by mistake, nobody is told.
    """
    named = item.certificate
    path = environ.get(named.env, "") if isinstance(named, EnvReference) else ""
    if not path or Path(path).is_absolute():
        return None
    try:
        return base / path if (base / path).is_file() else None
    except (OSError, ValueError):  # too long for a path, or with a character that none has
        return None


def check_references(name: str, item: TenantEntry) -> None:
    """See that every reference to a credential leads somewhere. Raises InventoryError naming one that does not."""
    for field in ("tenant_id", *_BY_WAY[item.sign_in], *_CLOUDFLARE):
        if item.simulated is None or field in item.model_fields_set:
            _resolve(name, field, getattr(item, field))
    if item.simulated is None:
        describe(name, item)


def _made_up(name: str, item: TenantEntry) -> dict[str, Any]:
    directory = item.state_directory(name)
    made = simulated.credentials(directory)
    if item.sign_in == "certificate" and "certificate" not in item.model_fields_set:
        made = {**made, "certificate": simulated.certificate(directory)}
    return made


def _secret(found: Mapping[str, str], field: str) -> Secret | None:
    return Secret(found[field]) if field in found else None


def _certificate(found: Mapping[str, str]) -> Certificate | None:
    if "certificate" not in found:
        return None
    return Certificate(path=Path(found["certificate"]), passphrase=_secret(found, "certificate_passphrase"))


def _resolve(name: str, field: str, reference: str | EnvReference | FileReference) -> str:
    value = _looked_up(name, field, reference)
    if field not in _SECRETS and (kind := kind_of_secret(value)):
        # These fields are no secrets, and stand in messages and records; two of them may have been mixed up.
        raise InventoryError(
            f"Tenant {name!r}: {field} looks like {kind}. It is not shown here.",
            "See which place in tenants.yaml, or which environment variable, holds what.",
        )
    return value


def _looked_up(name: str, field: str, reference: str | EnvReference | FileReference) -> str:
    if isinstance(reference, str):
        return reference
    if isinstance(reference, EnvReference):
        value = os.environ.get(reference.env, "")
        source = f"environment variable {reference.env}"
    else:
        source = f"file {reference.file}"
        try:
            value = reference.file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            value = ""
    if not value:
        way = "" if field != "client_secret" else " To sign in by certificate instead, set sign_in: certificate."
        raise InventoryError(
            f"Tenant {name!r} needs {field}, and the {source} is missing or empty, or is no text.",
            f"Set it, or name another place for it in tenants.yaml.{way}",
        )
    return value
