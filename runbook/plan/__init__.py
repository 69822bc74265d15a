"""What is wanted, what was found, and the difference between them. Pure: values in, values out.

The alphabet of changes is ``+ create``, ``~ update``, ``- delete``, ``= none``. A resource whose state
could not be read, or that cannot be brought about, becomes a `Problem`: such a plan can be shown, never applied.
"""

from runbook.plan.comparing import diff, unread
from runbook.plan.model import (
    SYMBOL,
    Action,
    Attribute,
    Change,
    Difference,
    Observed,
    Presence,
    Problem,
    ProblemState,
    Resource,
)
from runbook.plan.plan import Plan, plan_from_json, plan_json
from runbook.plan.stored import digest, plan_digest

__all__ = [
    "SYMBOL",
    "Action",
    "Attribute",
    "Change",
    "Difference",
    "Observed",
    "Plan",
    "Presence",
    "Problem",
    "ProblemState",
    "Resource",
    "diff",
    "digest",
    "plan_digest",
    "plan_from_json",
    "plan_json",
    "unread",
]
