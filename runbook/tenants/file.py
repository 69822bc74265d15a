"""Read ``tenants.yaml``: names, and references to credentials (an environment variable or a file), never a credential.

Without any file there is one tenant, ``demo``: the simulated one.
"""

from __future__ import annotations

import difflib
import functools
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import platformdirs
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runbook import simulated
from runbook.errors import InventoryError
from runbook.written import read_yaml, where_in_yaml
from tenantapi.clouds import CLOUDS
from tenantapi.tenant import WAYS, SignIn

DEMO = "demo"
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
"""A name becomes part of folders and of commands to copy."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EnvReference(_Strict):
    """A value that stands in an environment variable."""

    env: str


class FileReference(_Strict):
    """A value that stands in a file of its own."""

    file: Path


Reference = Annotated[str | EnvReference | FileReference, Field(union_mode="left_to_right")]
PathReference = Annotated[str | EnvReference, Field(union_mode="left_to_right")]
SecretReference = EnvReference | FileReference


class Simulated(_Strict):
    """A simulated tenant: where its state is, how it began, and who serves it if not the kit itself."""

    state: Path | None = None
    profile: str = "new"
    address: str | None = None


class TenantEntry(_Strict):
    """One tenant in ``tenants.yaml``. Environment names follow the vendors'."""

    simulated: Simulated | None = None
    tenant_id: Reference = EnvReference(env="AZURE_TENANT_ID")
    client_id: Reference = EnvReference(env="AZURE_CLIENT_ID")
    sign_in: SignIn = "secret"
    """How tokens are had from Entra ID; only what this way needs is looked up."""
    client_secret: SecretReference = EnvReference(env="AZURE_CLIENT_SECRET")
    certificate: PathReference = EnvReference(env="AZURE_CLIENT_CERTIFICATE_PATH")
    """Path of a PEM file with the private key and the certificate."""
    certificate_passphrase: SecretReference | None = None
    managed_identity_client_id: Reference | None = None
    cloudflare_account_id: Reference = EnvReference(env="CLOUDFLARE_ACCOUNT_ID")
    cloudflare_api_token: SecretReference = EnvReference(env="CLOUDFLARE_API_TOKEN")
    cloud: str = "commercial"
    allow_unconfirmed: bool = False
    """True to call a service also where nobody is known to have reached it in this cloud."""
    domains: tuple[str, ...] = ()
    recipients: Path | None = None
    """A list of everybody who receives mail (CSV: address, groups), to count whom a policy is in force for."""
    inputs: Mapping[str, Any] = Field(default_factory=dict)

    def state_directory(self, name: str) -> Path:
        assert self.simulated is not None
        return self.simulated.state or simulated.state_directory(name)


class TenantsFile(_Strict):
    """The whole of ``tenants.yaml``."""

    tenants: Mapping[str, TenantEntry]


def find_file() -> Path | None:
    """Return the tenants file in use: RUNBOOK_TENANTS, ./tenants.yaml, or the user's configuration folder."""
    named = os.environ.get("RUNBOOK_TENANTS")
    if named:
        return Path(named)
    for path in (Path("tenants.yaml"), platformdirs.user_config_path("runbook") / "tenants.yaml"):
        if path.is_file():
            return path
    return None


def load(path: Path | None = None) -> dict[str, TenantEntry]:
    """Return all known tenants by name; ``demo`` is always one of them.

    Raises InventoryError, naming the file and the field, when the file cannot be used. No value of the file is
    quoted: it may be a credential that does not belong there.
    """
    path = path or find_file()
    known: dict[str, TenantEntry] = {DEMO: TenantEntry(simulated=Simulated())}
    if path is None:
        return known
    try:
        named = _named(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InventoryError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InventoryError(f"{path} is not YAML: {where_in_yaml(error)}.") from None
    except ValidationError as error:
        raise _worded(path, error) from None
    for name in named:
        if not NAME.match(name):
            raise InventoryError(
                f"{path}: {name!r} cannot be a tenant's name.",
                "Use up to 64 letters, digits, dots, dashes and underscores, beginning with a letter or a digit.",
            )
    if DEMO in named:
        raise InventoryError(
            f"{path} names a tenant {DEMO!r}, which is the kit's own simulated one.", "Give it another name."
        )
    return {**known, **named}


@functools.lru_cache(maxsize=4)
def _named(text: str) -> Mapping[str, TenantEntry]:
    """Return the tenants of a file's text, which a run reads a dozen times."""
    return MappingProxyType(TenantsFile.model_validate(read_yaml(text)).tenants)


def _worded(path: Path, error: ValidationError) -> InventoryError:
    """Say what is wrong at the first place that is, and what may stand there."""
    first = error.errors(include_input=False, include_url=False)[0]
    parts = [str(part) for part in first["loc"]]
    place = ".".join(parts[:3]) or "the top level"
    field = parts[2] if len(parts) > 2 else ""
    if first["type"] == "extra_forbidden" and len(parts) == 3:
        near = difflib.get_close_matches(field, TenantEntry.model_fields, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(TenantEntry.model_fields)}."
        return InventoryError(f"{path}, at {place}: a tenant has no such field.", hint)
    remedies = {
        "sign_in": f"It is one of {', '.join(WAYS)}.",
        "cloud": f"It is one of {', '.join(CLOUDS)}.",
        **dict.fromkeys(
            ("client_secret", "cloudflare_api_token", "certificate_passphrase"),
            "A credential does not belong in this file. Say where it is: {env: NAME} or {file: PATH}.",
        ),
    }
    remedy = remedies.get(field, "See the example in the README.")
    return InventoryError(f"{path}, at {place}: {first['msg'].rstrip('.')}.", remedy)


def entry(name: str, path: Path | None = None) -> TenantEntry:
    """Return the tenant of this name. Raises InventoryError naming the nearest known one."""
    known = load(path)
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known tenants: {', '.join(sorted(known))}."
    raise InventoryError(f"There is no tenant {name!r}.", hint)
