"""Which tenant is meant: read ``tenants.yaml`` and connect.

The file holds names and references to credentials (an environment variable or a file), never a credential.
Without any file there is one tenant, ``demo``: the simulated one.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import platformdirs
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runbook import simulated
from runbook.errors import InventoryError
from runbook.inputs import check_domains
from tenantapi import Services, connect
from tenantapi.calls import Call
from tenantapi.tenant import Secret, Tenant

DEMO = "demo"
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
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
SecretReference = EnvReference | FileReference


class Simulated(_Strict):
    """A simulated tenant: where its state is, how it began, and who serves it if not the kit itself."""

    state: Path | None = None
    profile: str = "new"
    address: str | None = None


class TenantEntry(_Strict):
    """One tenant in ``tenants.yaml``."""

    simulated: Simulated | None = None
    tenant_id: Reference = EnvReference(env="AZURE_TENANT_ID")
    client_id: Reference = EnvReference(env="AZURE_CLIENT_ID")
    client_secret: SecretReference = EnvReference(env="AZURE_CLIENT_SECRET")
    cloudflare_account_id: Reference = EnvReference(env="CLOUDFLARE_ACCOUNT_ID")
    cloudflare_api_token: SecretReference = EnvReference(env="CLOUDFLARE_API_TOKEN")
    cloud: str = "commercial"
    domains: tuple[str, ...] = ()
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

    Raises InventoryError, naming the file and the field, when the file cannot be used.
    """
    path = path or find_file()
    known: dict[str, TenantEntry] = {DEMO: TenantEntry(simulated=Simulated())}
    if path is None:
        return known
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        named = TenantsFile.model_validate(content).tenants
    except OSError as error:
        raise InventoryError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InventoryError(f"{path} is not YAML: {where_in_yaml(error)}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the top level"
        raise InventoryError(f"{path}, at {place}: {first['msg']}.", "See the example in the README.") from error
    for name in named:
        if not _NAME.match(name):
            raise InventoryError(
                f"{path}: {name!r} cannot be a tenant's name.",
                "Use up to 64 letters, digits, dots, dashes and underscores, beginning with a letter or a digit.",
            )
    if DEMO in named:
        raise InventoryError(
            f"{path} names a tenant {DEMO!r}, which is the kit's own simulated one.", "Give it another name."
        )
    return {**known, **named}


def where_in_yaml(error: Exception) -> str:
    """Say what is wrong and in which line, without quoting the line: it may hold what should not be printed."""
    mark = getattr(error, "problem_mark", None)
    place = f", line {mark.line + 1}" if mark is not None else ""
    return f"{getattr(error, 'problem', None) or 'it cannot be read as text'}{place}"


def entry(name: str, path: Path | None = None) -> TenantEntry:
    """Return the tenant of this name. Raises InventoryError naming the nearest known one."""
    known = load(path)
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known tenants: {', '.join(sorted(known))}."
    raise InventoryError(f"There is no tenant {name!r}.", hint)


def _resolve(name: str, field: str, reference: str | EnvReference | FileReference) -> str:
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
        raise InventoryError(
            f"Tenant {name!r} needs {field}, and the {source} is missing or empty, or is no text.",
            "Set it, or name another place for it in tenants.yaml.",
        )
    return value


def describe(name: str, item: TenantEntry, gateway: str | None = None) -> Tenant:
    """Return the tenant with its credentials looked up. Raises InventoryError when one is missing."""
    made: dict[str, Any] = {}
    if item.simulated is not None:
        made = simulated.credentials(item.state_directory(name))

    def value(field: str) -> str:
        # What tenants.yaml says wins over what the simulated tenant made up for itself.
        if field in made and field not in item.model_fields_set:
            return str(made[field])
        return _resolve(name, field, getattr(item, field))

    try:
        return Tenant(
            name=name,
            tenant_id=value("tenant_id"),
            client_id=value("client_id"),
            client_secret=Secret(value("client_secret")),
            cloudflare_account_id=value("cloudflare_account_id"),
            cloudflare_api_token=Secret(value("cloudflare_api_token")),
            cloud=item.cloud,
            gateway=gateway,
        )
    except ValueError as error:
        raise InventoryError(f"Tenant {name!r} cannot be used: {error}", "Mend it in tenants.yaml.") from error


def serve(name: str, item: TenantEntry) -> simulated.Server:
    """Return a server for a simulated tenant: the one named in tenants.yaml, one that runs, or a new one."""
    assert item.simulated is not None
    if item.simulated.address is not None:
        return simulated.Server(item.simulated.address)
    return simulated.start(item.state_directory(name), profile=item.simulated.profile)


def check(name: str, item: TenantEntry) -> None:
    """See that every reference to a credential leads somewhere. Raises InventoryError naming one that does not."""
    for field in ("tenant_id", "client_id", "client_secret", "cloudflare_account_id", "cloudflare_api_token"):
        if item.simulated is None or field in item.model_fields_set:
            _resolve(name, field, getattr(item, field))
    if item.simulated is None:
        describe(name, item)
    domains_of(name, item)


class Connection:
    """A connected tenant; closing it stops the simulated tenant if it was started for it."""

    def __init__(self, tenant: Tenant, services: Services, server: simulated.Server | None) -> None:
        self.tenant, self.services, self._server = tenant, services, server

    def close(self) -> None:
        self.services.close()
        if self._server is not None:
            self._server.stop()


def open_connection(name: str, item: TenantEntry, *, on_call: Callable[[Call], None] | None = None) -> Connection:
    """Connect to a tenant; a simulated one is started if nobody serves it. Nothing is sent yet."""
    server = None
    if item.simulated is not None:
        server = serve(name, item)
    tenant = describe(name, item, server.url if server else None)
    return Connection(tenant, connect(tenant, on_call=on_call), server)


def domains_of(name: str, item: TenantEntry) -> tuple[str, ...]:
    """Return the domains that are named for this tenant (the simulated one brings its own).

    Raises InventoryError for a name that is no domain, or that is named twice.
    """
    try:
        named = check_domains(item.domains)
    except ValueError as error:
        raise InventoryError(f"Tenant {name!r}, domains: {error}.", "Mend it in tenants.yaml.") from error
    if named or item.simulated is None:
        return named
    directory = item.state_directory(name)
    if not (directory / "credentials.json").is_file():
        simulated.start(directory, profile=item.simulated.profile).stop()
    return tuple(simulated.credentials(directory)["domains"])


def last_request(name: str, item: TenantEntry) -> int:
    """Return the number of the last request in a simulated tenant's own log (0 for a real tenant)."""
    if item.simulated is None or item.simulated.address is not None:
        return 0
    rows = simulated.requests_log(item.state_directory(name))
    return int(rows[-1]["n"]) if rows else 0


def asked(name: str, item: TenantEntry, since: int) -> dict[str, Any]:
    """Return what a simulated tenant says it was asked since request `since`: counts, and what it assumed."""
    if item.simulated is None or item.simulated.address is not None:
        return {}
    directory = item.state_directory(name)
    rows = simulated.requests_log(directory, since)
    return {
        "total": len(rows),
        "writes": sum(1 for row in rows if row["write"]),
        "assumptions": simulated.assumptions(directory, rows),
    }
