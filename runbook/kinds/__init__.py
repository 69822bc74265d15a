"""One file per kind of resource; this is the whole list of them, in the order in which they are applied."""

from __future__ import annotations

from collections.abc import Mapping

from runbook.kinds import (
    connection_filter_policy,
    content_filter_policy,
    email_security_domain,
    global_quarantine_policy,
    inbound_connector,
    organization_config,
    outbound_connector,
    quarantine_policy,
    transport_rule,
)
from runbook.kinds.kind import Kind, Right, Wait

KINDS: tuple[Kind, ...] = (
    organization_config.KIND,
    email_security_domain.KIND,
    quarantine_policy.KIND,
    global_quarantine_policy.KIND,
    content_filter_policy.KIND,
    connection_filter_policy.KIND,
    inbound_connector.KIND,
    outbound_connector.KIND,
    transport_rule.KIND,
)
BY_TYPE: Mapping[str, Kind] = {kind.type: kind for kind in KINDS}
VALUE_TYPES = {kind.type: kind.types for kind in KINDS}

__all__ = ["BY_TYPE", "KINDS", "VALUE_TYPES", "Kind", "Right", "Wait"]
