"""A file that approves plans in somebody's name and until a time; one form for a single run and for a fleet.

One plan for one tenant, or many::

    approver: Jane Doe, change 4711
    expires: 2026-12-01T18:00:00+01:00
    plans:
      contoso: the plan's hash, all 64 digits
      fabrikam: the plan's hash, all 64 digits

or ``plan:`` and ``tenant:`` in place of ``plans:``, or ``fleet:`` with the hash over all plans of a fleet.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from runbook.errors import PlanRefused, UsageError
from runbook.runs import approval_for, still_valid
from runbook.written import read_yaml, where_in_yaml

_HASH = r"^[0-9a-fA-F]{64}$"
_FORM = """Write it like this:

    approver: Jane Doe, change 4711
    expires: 2026-12-01T18:00:00+01:00
    plans:
      contoso: the plan's hash, all 64 digits
"""


class ApprovalFile(BaseModel):
    """What such a file says: one plan for one tenant, plans by tenant, or a whole fleet's; always a name and an end."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    approver: str = Field(min_length=1)
    expires: AwareDatetime
    plan: str | None = Field(default=None, pattern=_HASH)
    tenant: str | None = None
    plans: Mapping[str, Annotated[str, Field(pattern=_HASH)]] | None = None
    fleet: str | None = Field(default=None, pattern=_HASH)

    @model_validator(mode="after")
    def _says_one_thing(self) -> ApprovalFile:
        one = self.plan is not None and self.tenant is not None
        if (self.plan is None) != (self.tenant is None) or sum((one, bool(self.plans), self.fleet is not None)) != 1:
            raise ValueError("it must have either plan and tenant, or plans, or fleet")
        return self

    @property
    def by_tenant(self) -> dict[str, str]:
        """The approved plan of each tenant, in small letters; none where a whole fleet's plans are approved."""
        plans = self.plans or ({self.tenant: self.plan} if self.tenant and self.plan else {})
        return {tenant: plan.lower() for tenant, plan in plans.items()}


def read_approval_file(path: Path) -> ApprovalFile:
    """Return what a YAML or JSON file approves. Raises UsageError for one that cannot be used, naming the place."""
    try:
        return ApprovalFile.model_validate(read_yaml(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not YAML: {where_in_yaml(error)}.", _FORM) from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the top level"
        raise UsageError(f"{path}, at {place}: {first['msg']}.", _FORM) from None


def approval_from_file(path: Path, tenant: str, base: Path | None = None) -> dict[str, Any]:
    """Return what a file approves for one tenant, ready to be put into the run that applies it.

    Raises UsageError for a file that cannot be used or approves a whole fleet's plans by one hash, PlanRefused for one
    that is for other tenants or has expired, and what `approval_for` raises.
    """
    given = read_approval_file(path)
    if given.fleet is not None:
        raise UsageError(
            f"{path} approves the plans of a whole fleet by one hash.",
            f"It is for a fleet run:\n\n    runbook fleet apply INVENTORY --approval {path}\n",
        )
    plans = given.by_tenant
    if tenant not in plans:
        named = ", ".join(repr(name) for name in list(plans)[:3]) + (", ..." if len(plans) > 3 else "")
        raise PlanRefused(
            f"The approval in {path} is for the tenant {named}, not for {tenant!r}.",
            "Make a plan and read it, then have that one approved:\n\n    runbook plan --tenant NAME\n",
        )
    approval = approval_for(plans[tenant], tenant, base)
    approval |= {"approved_by": given.approver, "expires": given.expires.isoformat()}
    still_valid(approval)
    return approval
