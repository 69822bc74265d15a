"""Read an inventory: which tenants, in which groups and rings, with which inputs and decisions.

In YAML::

    tutorial: junk-and-user-quarantine
    inputs: {retention_days: 30}              # for all of them
    groups:
      canary: {inputs: {retention_days: 15}}  # for those of a group
    rings: [canary, customers]                # order of a rollout; without it, the groups as they come
    tenants:
      contoso: {group: canary}                # described in tenants.yaml
      fabrikam:                               # or here, in the same words
        group: customers
        tenant_id: 11111111-2222-3333-4444-555555555555
        domains: [fabrikam.example]
        inputs: {egress_region: Rest of world}

As CSV: see `inventorycsv`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runbook import tenants
from runbook.errors import InventoryError
from runbook.fleet.inventorycsv import tenants_of_csv
from runbook.library import OWN
from runbook.tenants import TenantEntry
from runbook.tenants.file import NAME
from runbook.written import read_yaml, where_in_yaml

EVERYBODY = "all"
"""The group of tenants that name none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One tenant of an inventory, with all that is known of it from inventory and ``tenants.yaml``."""

    name: str
    group: str
    entry: TenantEntry
    parameters: Mapping[str, Any]
    """Inputs and decisions, the more particular before the more general."""
    sources: Mapping[str, str]
    """Where each of them stood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Who is meant. Members are in the order of the file; every group stands in exactly one ring."""

    name: str
    """Name of the file."""
    path: str
    """Where it is: its whole path, which tells it from others of the same name."""
    sha256: str
    tutorial: str
    members: tuple[Member, ...]
    rings: tuple[str, ...]
    """Groups in the order of a rollout."""
    part: bool = False
    """Whether some of the file's tenants were left out."""

    def only(self, names: Sequence[str]) -> Inventory:
        """Return the inventory with these members alone, and the rings that they are in."""
        wanted = set(names)
        kept = tuple(member for member in self.members if member.name in wanted)
        groups = {member.group for member in kept}
        rings = tuple(ring for ring in self.rings if ring in groups)
        return replace(self, members=kept, rings=rings, part=self.part or len(kept) < len(self.members))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Group(_Strict):
    inputs: Mapping[str, Any] = Field(default_factory=dict)


class _Entry(TenantEntry):
    group: str = EVERYBODY


class _File(_Strict):
    tutorial: str = ""
    inputs: Mapping[str, Any] = Field(default_factory=dict)
    groups: Mapping[str, _Group] = Field(default_factory=dict)
    rings: tuple[str, ...] = ()
    tenants: Mapping[str, _Entry | None] = Field(min_length=1)


def read_inventory(
    path: Path, *, tutorial: str | None = None, known: Mapping[str, TenantEntry] | None = None
) -> Inventory:
    """Return a checked inventory; `tutorial` comes before what the file says.

    `known` are the tenants of ``tenants.yaml``, which is looked for if they are not given.

    Relative paths of the file are relative to it, those of ``tenants.yaml`` to the present folder. Raises
    InventoryError that names the file and the place, and quotes no value that may be a credential. Credentials are
    not looked up yet (`check_members` does that).
    """
    text, sha256 = _text(path)
    content = _content(path, text)
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        raise _worded(path, error) from None
    known = tenants.load() if known is None else known
    members = tuple(_member(path, file, name, entry, known) for name, entry in file.tenants.items())
    _told_apart(path, members)
    return Inventory(
        name=path.name,
        path=str(path.resolve()),
        sha256=sha256,
        tutorial=tutorial or _tutorial(path, file.tutorial) or OWN,
        members=members,
        rings=_rings(path, file, members),
    )


def _text(path: Path) -> tuple[str, str]:
    try:
        data = path.read_bytes()
        return data.decode("utf-8-sig"), hashlib.sha256(data).hexdigest()
    except OSError as error:
        raise InventoryError(f"{path} cannot be read: {error.strerror}.", "Give the path of an inventory.") from error
    except UnicodeDecodeError:
        raise InventoryError(f"{path} is not a text in UTF-8.", "Save it as UTF-8.") from None


def _content(path: Path, text: str) -> Any:
    if path.suffix.lower() == ".csv":
        return {"tenants": tenants_of_csv(path, text, fields=_Entry.model_fields)}
    try:
        return read_yaml(text)
    except yaml.YAMLError as error:
        raise InventoryError(f"{path} is not YAML: {where_in_yaml(error)}.") from None


def _member(path: Path, file: _File, name: str, entry: _Entry | None, known: Mapping[str, TenantEntry]) -> Member:
    if not NAME.fullmatch(name):
        raise InventoryError(
            f"{path}: {name!r} cannot be a tenant's name.",
            "Use up to 64 letters, digits, dots, dashes and underscores, beginning with a letter or a digit.",
        )
    entry = entry or _Entry()
    described = {key: getattr(entry, key) for key in entry.model_fields_set - {"group", "inputs"}}
    if name == tenants.DEMO and described:
        raise InventoryError(
            f"{path} describes a tenant {name!r}, which is the kit's own simulated one.", "Give it another name."
        )
    base = known.get(name)
    if base is None and not {"tenant_id", "simulated"} & described.keys():
        raise InventoryError(
            f"{path}: the tenant {name!r} is described neither there nor in tenants.yaml.",
            "Give it a tenant_id in one of them.",
        )
    here = Path.cwd()
    of_base = {key: getattr(base, key) for key in base.model_fields_set} if base else {}
    merged = {
        **{key: _rooted(key, value, here) for key, value in of_base.items()},
        **{key: _rooted(key, value, path.absolute().parent) for key, value in described.items()},
    }
    own_inputs = merged.pop("inputs", {})
    group = file.groups.get(entry.group, _Group())
    parameters: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for values, source in (
        (file.inputs, f"inventory {path.name}"),
        (group.inputs, f"inventory {path.name}, group {entry.group}"),
        (own_inputs, "tenants.yaml"),
        (entry.inputs, f"inventory {path.name}, tenant {name}"),
    ):
        parameters.update(values)
        sources.update(dict.fromkeys(values, source))
    return Member(name=name, group=entry.group, entry=TenantEntry(**merged), parameters=parameters, sources=sources)


def _told_apart(path: Path, members: Sequence[Member]) -> None:
    """See that every tenant has files of its own, also where the system does not tell letters' case apart."""
    seen: dict[str, str] = {}
    for member in members:
        other = seen.setdefault(member.name.lower(), member.name)
        if other != member.name:
            raise InventoryError(
                f"{path}: the names {other!r} and {member.name!r} differ in case alone.", "Give one another name."
            )


def _rooted(field: str, value: Any, base: Path) -> Any:
    """Make the paths in a field absolute, so that they mean the same in every process and folder."""
    if isinstance(value, Path) or (field == "certificate" and isinstance(value, str)):
        return type(value)(base / value)
    if isinstance(value, tenants.Simulated):
        return value if value.state is None else value.model_copy(update={"state": base / value.state})
    if isinstance(value, tenants.FileReference):
        return value.model_copy(update={"file": base / value.file})
    return value


def _tutorial(path: Path, named: str) -> str:
    """Return the tutorial that the file names: a path is relative to the file, anything else is a name."""
    beside = path.absolute().parent / named
    return str(beside) if named and beside.is_file() else named


def _rings(path: Path, file: _File, members: Sequence[Member]) -> tuple[str, ...]:
    groups = list(dict.fromkeys(member.group for member in members))
    for name in (*file.groups, *file.rings):
        if name not in groups:
            raise InventoryError(f"{path}: no tenant is in the group {name!r}.", f"There are: {', '.join(groups)}.")
    if not file.rings:
        return tuple(groups)
    if len(set(file.rings)) != len(file.rings):
        raise InventoryError(f"{path}, at rings: a group stands there twice.")
    left = [group for group in groups if group not in file.rings]
    if left:
        raise InventoryError(
            f"{path}, at rings: the group {left[0]!r} stands in none of them.", "Name every group, in order."
        )
    return file.rings


def _worded(path: Path, error: ValidationError) -> InventoryError:
    """Name the first place that is wrong; a value is never shown, since it may be a credential in the wrong place."""
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"][:4]) or "the top level"
    remedy = "See runbook/docs/fleet.md for an example."
    if first["type"] == "extra_forbidden":
        remedy = f"A tenant may have: {', '.join(sorted(_Entry.model_fields))}."
    return InventoryError(f"{path}, at {place}: {first['msg'].rstrip('.')}.", remedy)
